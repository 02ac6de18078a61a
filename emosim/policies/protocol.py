"""What an agent is: something that reads the chat as it may see it and says the next thing, or hangs up."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from emosim.episode import Episode, agent_view
from emosim.flow import Flow, Message


class View(NamedTuple):
    """All that an agent gets to see before it replies."""

    messages: tuple[Message, ...]
    """The chat so far, the user's opening first; the agent's own replies without their reasoning."""
    turn: int
    """One-based number of the reply to come."""
    seed: int
    """Address of the agent's own dice, the same for every agent that meets this episode."""
    language: str
    """Language the user speaks, which anybody can tell from the messages."""
    privileged: Episode | None = None
    """The whole episode, hidden fields included; only for policies that say they are privileged."""


class Policy(Protocol):
    """An agent. Stateless between calls: what it needs to remember is in the view."""

    @property
    def name(self) -> str:
        """Spec string that makes this agent again, such as `baseline:template`."""
        ...

    @property
    def privileged(self) -> bool:
        """Whether it reads hidden fields; runs and reports say so."""
        ...

    def reply(self, view: View) -> Flow[str | None]:
        """Return the reply, reasoning blocks included, or None to hang up.

        Raises:
            BackendError: The agent's model could not be asked; the turn did not happen.
        """
        ...


def see(episode: Episode, policy: Policy, before: View | None = None) -> View:
    """Return what a policy gets to see of an episode.

    Args:
        episode: The episode.
        policy: Who is to reply.
        before: What it saw of the same episode a turn ago, so that only the last turn has to be added to the chat.
    """
    turns = episode.turns
    if before is None:
        messages = agent_view(episode)
    else:
        last = turns[-1]
        messages = (*before.messages, Message("assistant", last.reply.text), Message("user", last.spoken.text))
    return View(
        messages=messages,
        turn=len(turns) + 1,
        seed=episode.seed,
        language=episode.persona.language,
        privileged=episode if policy.privileged else None,
    )

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


def see(episode: Episode, policy: Policy) -> View:
    """Return what a policy gets to see of an episode."""
    return View(
        messages=agent_view(episode),
        turn=len(episode.turns) + 1,
        seed=episode.seed,
        language=episode.persona.language,
        privileged=episode if policy.privileged else None,
    )

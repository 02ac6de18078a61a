"""The text environment: talk to a simulated user, be paid in mood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import gymnasium as gym

from emosim.engine import advance
from emosim.episode import Episode, Transition, Utterance
from emosim.errors import UsageError
from emosim.flow import Backend, Flow, adrive, drive
from emosim.info import info_of
from emosim.persona import Language
from emosim.playbill import Playbill, checked_options
from emosim.render import MODES, render_ansi, render_mode_of, render_turn, show
from emosim.rewards import reward as reward_named
from emosim.spaces import UtteranceSpace
from emosim.users.protocol import User
from emosim.users.roster import resolve_user

MAX_CHARS = 100_000
"""Longest text of an action or observation, in characters."""


class OneAtATime:
    """Lets one step, or reset, at a time into an environment."""

    def __init__(self) -> None:
        self._taken = False

    def __enter__(self) -> None:
        if self._taken:
            raise UsageError("another step of this environment is still running; await it, or use one env per episode")
        self._taken = True

    def __exit__(self, *_: object) -> None:
        self._taken = False


class EmpathyEnv(gym.Env[str, str]):
    """A simulated user whose mood every reply moves.

    Description:
        A persona in a trouble, with a hidden need, opens the chat. The agent replies in free text; the user perceives
        what the reply did, feels, and answers, until it is helped, walks away, or time is up.

    Action space: `UtteranceSpace(100_000)`, any Unicode text, the empty text included. `<think>…</think>` blocks are
        not shown to the user and never rewritten.

    Observation space: `UtteranceSpace(100_000)`, the user's new message only.

    Info: see `emosim.info`; privileged, deterministic, the same keys at every step. Never show it to the agent.

    Reward: by name from `emosim.rewards`, in units of the whole mood scale (1.0 = 100 points of mood).

    Endings: `satisfied`, `left`, `agent_left` terminate; `out_of_turns` truncates.

    Difficulty: `level` 0..1 sets all six knobs; `knobs` sets single ones.

    Arguments: see `__init__`; all are JSON-able except a ready-made `user` or `backend`.

    Versions: v0, the first.
    """

    metadata: dict[str, Any] = {"render_modes": [*MODES], "render_fps": 1}  # noqa: RUF012

    def __init__(
        self,
        persona: str | Sequence[str] | None = None,
        *,
        pack: str = "core",
        language: Language = "en",
        level: float = 0.0,
        knobs: Mapping[str, float] | None = None,
        user: str | User = "rules",
        backend: str | Backend | None = None,
        reward: str = "delta",
        render_mode: str | None = None,
    ) -> None:
        """Make an environment; no file is read and no model asked that the arguments do not name.

        Args:
            persona: Id of a persona, several ids to draw from by seed, or None for the whole pack.
            pack: Name or folder of the pack.
            language: Language the user speaks, `en` or `zh`.
            level: Difficulty on the reference ray, 0..1.
            knobs: Single knobs, 0..1 each, over the level; see `emosim.difficulty`.
            user: `rules`, `llm:MODEL`, `sage:MODEL`, …, or a user object.
            backend: What answers the user's questions, if `user` does not name it: a spec string or a backend object.
            reward: Name from `emosim.rewards.REWARDS`, or a weighted sum such as `final+0.5*delta`.
            render_mode: `ansi`, `human` or None.

        Raises:
            UsageError: An argument names something unknown or out of range.
            PackError: The pack is wrong.
        """
        self.render_mode = render_mode_of(render_mode)
        self.bill = Playbill.of(persona, pack, language, level, knobs)
        self.user, self.backend = seat_user(user, backend)
        self.reward_name = reward
        self._reward = reward_named(reward)
        self.action_space = UtteranceSpace(MAX_CHARS)
        self.observation_space = UtteranceSpace(MAX_CHARS)
        self._episode: Episode | None = None
        self._alone = OneAtATime()

    @property
    def episode(self) -> Episode:
        """The episode as it stands; hidden fields included.

        Raises:
            UsageError: Before the first reset.
        """
        if self._episode is None:
            raise UsageError("no episode yet: call reset() before step()")
        return self._episode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Open a new episode and return the user's first message.

        Args:
            seed: Fixes everything offline: persona drawn, dice, and the seeds sent to models.
            options: `persona`, `level`, `knobs`, `seed` for this episode, `knobs` alone over the environment's level;
                or `episode`, a stored one of the same user to go on from.

        Raises:
            UsageError: An option is unknown or out of range, or a step of this environment runs.
        """
        with self._alone:
            super().reset(seed=seed)
            address = seed if seed is not None else int(self.np_random.integers(2**31))
            self._episode = self.bill.open(checked_options(options), address, self.user)
        if self.render_mode == "human":
            show(render_ansi(self._episode))
        return self._episode.spoken.text, info_of(self._episode)

    async def areset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Do what `reset` does; opening an episode asks no model."""
        return self.reset(seed=seed, options=options)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Say something to the user.

        Returns:
            The user's new message, reward, terminated, truncated, info.

        Raises:
            UsageError: Before reset, after the end, or while another step of this environment runs.
            SimulationError: The user could not answer; nothing has changed and the step may be tried again.
        """
        with self._alone:
            return self.commit(drive(self.turn(action), self.backend))

    async def astep(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Do what `step` does, awaiting the user's model."""
        with self._alone:
            return self.commit(await adrive(self.turn(action), self.backend))

    def turn(self, action: str) -> Flow[Transition]:
        """Return the flow of one turn, for drivers that answer many at once; `commit` its result."""
        if not isinstance(action, str):
            raise UsageError(f"an action is a text, not {type(action).__name__}")
        plain = type(action) is str and action.isascii()  # what needs no validation, which costs more than the rest
        said = Utterance.model_construct(raw=action) if plain else Utterance(raw=action)
        return advance(self.episode, said, self.user)

    def commit(self, step: Transition) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Make a transition the present state and return it as Gymnasium has it."""
        self._episode = step.after
        if self.render_mode == "human":
            show(render_turn(step.after, len(step.after.turns)))
        ended = step.after.ending
        truncated = ended == "out_of_turns"
        return step.turn.spoken.text, self._reward(step), step.is_last and not truncated, truncated, info_of(step.after)

    def fork(self) -> EmpathyEnv:
        """Return an environment of its own at the same state; both go on independently."""
        twin = object.__new__(type(self))
        own = {name: deepcopy(getattr(self, name)) for name in ("action_space", "observation_space", "_np_random")}
        twin.__dict__.update(self.__getstate__(), **own)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_alone": OneAtATime()}  # no step runs in a copy

    def render(self) -> str | None:
        """Return the chat as text in `ansi` mode; `human` mode prints while playing."""
        return render_ansi(self.episode) if self.render_mode == "ansi" else None


def seat_user(user: str | User, backend: str | Backend | None) -> tuple[User, Backend | None]:
    """Return the user and what answers its questions.

    Raises:
        UsageError: Either is unknown, or a user that needs a model has none.
    """
    named: str | Backend | None = None
    if isinstance(user, str):
        user, named = resolve_user(user)
    elif not hasattr(user, "respond"):
        raise UsageError(f"user must be a spec such as 'rules' or a user object, not {user!r}")
    chosen = backend if backend is not None else named
    if isinstance(chosen, str):
        from emosim.backends import resolve_backend

        return user, resolve_backend(chosen, seat="user")
    return user, chosen

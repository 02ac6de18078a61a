"""The acts environment: answer a simulated user with one of 25 acts, be paid in mood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, SupportsInt

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from emosim.acts import Act
from emosim.cues import ACTS, WIDTH, observe
from emosim.engine import advance
from emosim.episode import Episode, Transition, Utterance
from emosim.errors import UsageError
from emosim.flow import drive
from emosim.info import info_of
from emosim.persona import Language
from emosim.phrasebook import realise
from emosim.playbill import Playbill, checked_options
from emosim.render import MODES, render_ansi, render_mode_of, render_turn, show
from emosim.rewards import reward as reward_named
from emosim.users.acts import ActsUser
from emosim.value import roll

DICE_SUCCESSION = 3003

Stepped = tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]


class EmpathyActsEnv(gym.Env[NDArray[np.float32], "int | np.int64"]):
    """A simulated user whose mood every act moves; for agents that choose what to do and leave the words to emosim.

    Description:
        The game of `EmpathyEnv` with known acts: the user perceives the act, not the words, so that nothing depends on
        reading. The words are realised all the same, about what the user said. What would help is hidden and must be
        inferred over the turns, from cues and from how the user reacts.

    Action space: `Discrete(25)`, in the order of `emosim.acts.Act`: 15 acts of support, then 10 harms.

    Observation space: `Box(0, 1, (50,), float32)`, what a reader of the chat could tell; see `emosim.cues.observe`.

    Info: see `emosim.info`, and `utterance`, the agent's last words, and `said`, the user's. Privileged, deterministic,
        the same keys at every step.

    Reward: by name from `emosim.rewards`, in units of the whole mood scale (1.0 = 100 points of mood).

    Endings: `satisfied`, `left`, `agent_left` terminate; `out_of_turns` truncates.

    Difficulty: `level` 0..1 sets all six knobs; `knobs` sets single ones.

    Arguments: see `__init__`; all are JSON-able.

    Seeds: `reset(seed=s)` plays episode seed s; each reset without a seed plays the next of a series that s fixes.

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
        reward: str = "delta",
        render_mode: str | None = None,
    ) -> None:
        """Make an environment.

        Args:
            persona: Id of a persona, several ids to draw from by seed, or None for the whole pack.
            pack: Name or folder of the pack.
            language: Language the user speaks, `en` or `zh`.
            level: Difficulty on the reference ray, 0..1.
            knobs: Single knobs, 0..1 each, over the level; see `emosim.difficulty`.
            reward: Name from `emosim.rewards.REWARDS`, or a weighted sum such as `final+0.5*delta`.
            render_mode: `ansi`, `human` or None.

        Raises:
            UsageError: An argument names something unknown or out of range.
            PackError: The pack is wrong.
        """
        self.render_mode = render_mode_of(render_mode)
        self.bill = Playbill.of(persona, pack, language, level, knobs)
        self.reward_name, self._reward = reward, reward_named(reward)
        self.action_space = Discrete(len(ACTS))
        self.observation_space = Box(0.0, 1.0, (WIDTH,), np.float32)
        self._episode: Episode | None = None
        self._series: tuple[int, int] | None = None

    @property
    def episode(self) -> Episode:
        """The episode as it stands; hidden fields included.

        Raises:
            UsageError: Before the first reset.
        """
        if self._episode is None:
            raise UsageError("no episode yet: call reset() before step()")
        return self._episode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Open a new episode.

        Args:
            seed: Fixes everything, also the episodes of later resets without a seed.
            options: `persona`, `level`, `knobs`, `seed` for this episode, `knobs` alone over the environment's level;
                or `episode`, a stored one of the same user to go on from.

        Raises:
            UsageError: An option is unknown or out of range.
        """
        super().reset(seed=seed)
        chosen = checked_options(options)
        start = int(self.np_random.integers(2**31)) if seed is None and self._series is None else seed
        series = (start, 0) if start is not None else following(self._series)
        self._episode, self._series = self.bill.open(chosen, succession(*series), _OPENER), series
        if self.render_mode == "human":
            show(render_ansi(self._episode))
        return observe(self._episode), self._info()

    def step(self, action: int | np.int64) -> Stepped:
        """Answer the user with an act.

        Returns:
            Observation, reward, terminated, truncated, info.

        Raises:
            UsageError: Before reset, after the end, or for something that is not an action.
        """
        step = play(self.episode, act_of(action))
        self._episode = step.after
        if self.render_mode == "human":
            show(render_turn(step.after, len(step.after.turns)))
        truncated = step.after.ending == "out_of_turns"
        return observe(step.after), self._reward(step), step.is_last and not truncated, truncated, self._info()

    def fork(self) -> EmpathyActsEnv:
        """Return an environment of its own at the same state; both go on independently."""
        twin = object.__new__(type(self))
        own = {name: deepcopy(getattr(self, name)) for name in ("action_space", "observation_space", "_np_random")}
        twin.__dict__.update(self.__dict__, **own)
        return twin

    def render(self) -> str | None:
        """Return the chat as text in `ansi` mode; `human` mode prints while playing."""
        return render_ansi(self.episode) if self.render_mode == "ansi" else None

    def _info(self) -> dict[str, Any]:
        episode = self.episode
        words = episode.turns[-1].reply.text if episode.turns else ""
        return {**info_of(episode), "utterance": words, "said": episode.spoken.text}


_OPENER: Final = ActsUser(Act.LISTENING)


def play(episode: Episode, act: Act) -> Transition:
    """Return the transition that an act makes, its words realised.

    Raises:
        UsageError: The episode is over.
    """
    words = Utterance(raw=realise(act, episode, len(episode.turns)))
    return drive(advance(episode, words, ActsUser(act)), None)


def act_of(action: SupportsInt) -> Act:
    """Return the act of an action.

    Raises:
        UsageError: It is not a whole number from 0 to 24.
    """
    given = np.asarray(action)
    number = int(given) if given.ndim == 0 and given.dtype.kind in "iu" else -1
    if not 0 <= number < len(ACTS):
        raise UsageError(f"an action is a whole number from 0 to {len(ACTS) - 1}, not {action!r}; see emosim.acts.Act")
    return ACTS[number]


def succession(seed: int, number: int) -> int:
    """Return the seed of the number-th episode (0 the first) of the series that a seed begins."""
    return seed if number == 0 else int(roll(seed, number, DICE_SUCCESSION) * (1 << 53))


def following(series: tuple[int, int] | None) -> tuple[int, int]:
    """Return the place in the series of seeds after this one."""
    seed, number = series or (0, -1)
    return seed, number + 1

"""The vector environment over a crowd of users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from emosim.acts_env import EmpathyActsEnv, act_of, play
from emosim.acts_vector.crowd import RULES, SILENCE, Crowd, Ints, Outcome
from emosim.acts_vector.pay import pay, score
from emosim.acts_vector.series import Series, openings
from emosim.acts_vector.table import Table
from emosim.cues import ACTS
from emosim.difficulty import Difficulty
from emosim.engine import open_episode
from emosim.episode import Episode
from emosim.errors import UsageError
from emosim.playbill import LARGEST_SEED, checked_options, seeds_of
from emosim.render import render_ansi
from emosim.users.acts import ActsUser

Seen = NDArray[np.float32]
Batch = tuple[Seen, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]
_OPENER = ActsUser(ACTS[0])
_ENDINGS = np.array(["left", "agent_left", "satisfied", "out_of_turns"])
KEPT = 8
"""Tables of reset options that are kept, those used last; one weighs 1.3 MB."""
INFO = ("seed", "turn", "max_turns", "mood", "change", "trust", "patience", "score", "ending")


class EmpathyActsVectorEnv(VectorEnv[Seen, Ints, NDArray[Any]]):
    """`num_envs` acts environments in one numpy program, the default of `gymnasium.make_vec`.

    Equal to `SyncVectorEnv` and `AsyncVectorEnv` over `EmpathyActsEnv` in observations, rewards, endings and in all
    numbers of `info`, bit for bit. No text is made while stepping: `episodes()` and `render()` realise it on demand.

    Description, spaces, rewards, endings, difficulty: see `EmpathyActsEnv`. Observations have shape (num_envs, 50),
    actions, rewards, terminations and truncations (num_envs,). An environment that ended is reset by the next step,
    whose action it ignores (Gymnasium's `NEXT_STEP`); its next seed is fixed by its first.

    Info: arrays of shape (num_envs,) with Gymnasium's masks: `seed`, `turn`, `max_turns`, `mood`, `change`, `trust`,
        `patience`, `score`, `ending`. Privileged. Everything else an episode holds: `episode(i)`.

    Versions: v0, the first.
    """

    def __init__(self, num_envs: int = 1, render_mode: str | None = None, **settings: Any) -> None:
        """Make `num_envs` environments.

        Args:
            num_envs: How many, 1 or more.
            render_mode: `ansi` or None.
            **settings: Arguments of `EmpathyActsEnv`.

        Raises:
            UsageError: An argument names something unknown or out of range.
        """
        if num_envs < 1:
            raise UsageError(f"num_envs must be 1 or more, not {num_envs}")
        if render_mode not in (None, "ansi"):
            raise UsageError(f"many environments render as 'ansi' or not at all, not '{render_mode}'")
        self.metadata = {"render_modes": ["ansi"], "render_fps": 1, "autoreset_mode": AutoresetMode.NEXT_STEP}
        self.single = EmpathyActsEnv(**settings)
        self.num_envs, self.render_mode = num_envs, render_mode
        self.single_action_space, self.single_observation_space = (
            self.single.action_space,
            self.single.observation_space,
        )
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._drawn = self._cast(self.single.bill.personas, self.single.bill.difficulty)
        self.crowd = Crowd(num_envs, Table(self._drawn))
        self._tables: dict[tuple[str | None, Difficulty], Table] = {}
        self.series = Series(num_envs, self.crowd.table.salts)
        self._each, self._ended = np.arange(num_envs), np.arange(0)
        self._masks: dict[str, Any] = {f"_{key}": np.ones(num_envs, dtype=np.bool_) for key in INFO}

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, dict[str, Any]]:
        """Open an episode in every environment; an int seed gives environment i the seed `seed + i`.

        Args:
            seed: One for all, or one for each, None where the series goes on.
            options: `persona`, `level`, `knobs`, `seed`, for the first episode of every environment.

        Raises:
            UsageError: An option or the number of seeds is wrong.
        """
        chosen = checked_options(options)
        if "episode" in chosen:
            raise UsageError("a stored episode goes on in a single environment: use gymnasium.make")
        guests = self._guests(chosen) if set(chosen) & {"persona", "level", "knobs"} else None
        self._begin(seed)
        opened = self.series.draw(self._each)
        if "seed" in chosen:
            opened = openings(np.full(self.num_envs, int(chosen["seed"]), dtype=np.int64), self.series.salts)
        if guests is not None:
            self.crowd.sit(guests)
            rows = len(self._drawn) + opened.rows % (guests.rows - len(self._drawn))
            opened = openings(opened.seeds, guests.salts, rows)
        self.crowd.open(self._each, opened)
        self._ended = np.arange(0)
        return self.crowd.observe(), self._info(np.zeros(self.num_envs, dtype=_ENDINGS.dtype))

    def step(self, actions: Ints) -> Batch:
        """Answer every user with an act.

        Args:
            actions: Integers 0..24, shape (num_envs,).

        Raises:
            UsageError: Before reset, or for something that is not an array of actions.
        """
        crowd, who = self.crowd, self._ended
        if self.series.first[0] < 0:
            raise UsageError("no episode yet: call reset() before step()")
        step = crowd.answer(self._checked(actions))
        rewards = pay(self.single.reward_name, crowd, step)
        if who.size:
            crowd.open(who, self.series.draw(who))
            rewards[who] = 0.0
            step.over[who] = step.timed_out[who] = False
        self._ended = np.flatnonzero(step.over | step.timed_out)
        return crowd.observe(), rewards, step.over, step.timed_out, self._info(self._endings(step))

    def episodes(self) -> tuple[Episode, ...]:
        """Return every episode as it stands, words included, replayed from the acts so far."""
        return tuple(self.episode(i) for i in range(self.num_envs))

    def episode(self, which: int) -> Episode:
        """Return one episode as it stands, words included, replayed from the acts so far."""
        crowd = self.crowd
        drawn = crowd.table.episodes[crowd.row[which]]
        casting = self.single.bill.casting(drawn.persona.ref)
        episode = open_episode(
            casting.persona, casting.scenario, drawn.difficulty, int(crowd.seed[which]), ActsUser(ACTS[0])
        )
        for act in crowd.history[which, : crowd.turn[which]]:
            episode = play(episode, act_of(act)).after
        return episode

    def render(self) -> tuple[str, ...] | None:
        """Return every chat as text in `ansi` mode."""
        return tuple(render_ansi(episode) for episode in self.episodes()) if self.render_mode == "ansi" else None

    def _cast(self, names: Sequence[str], harder: Difficulty) -> tuple[Episode, ...]:
        castings = [self.single.bill.casting(name) for name in names]
        return tuple(open_episode(c.persona, c.scenario, harder, 0, _OPENER) for c in castings)

    def _begin(self, seed: int | Sequence[int | None] | None) -> None:
        """Start new series of seeds where a seed is given, and go on in the others."""
        seeds = seeds_of(seed, self.num_envs)
        if not all(s is None or 0 <= s <= LARGEST_SEED for s in seeds):
            raise UsageError("a seed must be a whole number from 0 to 2**63 - 1")
        self.series.begin(seeds, self.np_random.integers(2**31, size=self.num_envs).tolist())

    def _guests(self, chosen: dict[str, Any]) -> Table:
        """Return a table of the personas of later episodes, and behind them those of these reset options."""
        name, harder = chosen.get("persona"), self.single.bill.harder(chosen)
        table = self._tables.pop((name, harder), None)
        if table is None:
            guests = self._cast((str(name),) if name else self.single.bill.personas, harder)
            table = Table((*self._drawn, *guests))
        self._tables[name, harder] = table
        if len(self._tables) > KEPT:
            del self._tables[next(iter(self._tables))]
        return table

    def _checked(self, actions: Ints) -> Ints:
        acts = np.asarray(actions)
        if acts.shape != (self.num_envs,) or acts.dtype.kind not in "iu":
            raise UsageError(f"actions must be {self.num_envs} whole numbers, not {acts.dtype} of shape {acts.shape}")
        numbers = acts.astype(np.int64)
        if numbers.view(np.uint64).max() >= len(ACTS):
            raise UsageError(f"actions must be from 0 to {len(ACTS) - 1}; see emosim.acts.Act")
        return numbers

    def _info(self, endings: NDArray[Any]) -> dict[str, Any]:
        crowd, now = self.crowd, self.crowd.now
        numbers = (
            crowd.seed.copy(),
            crowd.turn.copy(),
            crowd.max_turns.copy(),
            now.mood.copy(),
            now.last_change.copy(),
            now.trust.copy(),
            now.patience.copy(),
            score(crowd),
        )
        return dict(zip(INFO, (*numbers, endings), strict=True)) | self._masks

    def _endings(self, step: Outcome) -> NDArray[Any]:
        who, crowd, names = self._ended, self.crowd, np.zeros(self.num_envs, dtype=_ENDINGS.dtype)
        gone = np.where(crowd.now.mood[who] >= RULES.satisfied_at, 2, crowd.acts[who] == SILENCE)
        names[who] = _ENDINGS[np.where(step.over[who], gone, 3)]
        return names

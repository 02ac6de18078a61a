"""Many simulated users in one process: every round's questions go to the model in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from emosim.engine import invalidate
from emosim.env import EmpathyEnv, OneAtATime, seat_user
from emosim.episode import Transition
from emosim.errors import EmosimError, UsageError, raise_if_common
from emosim.flow import Flow, adrive, drive, together
from emosim.info import info_of
from emosim.playbill import seeds_of
from emosim.render import render_ansi

Stepped = tuple[str, float, bool, bool, dict[str, Any]]
Batch = tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]


class EmpathyVectorEnv(VectorEnv[tuple[str, ...], Sequence[str], np.ndarray]):
    """`num_envs` text environments stepped together, the default of `gymnasium.make_vec`.

    Agrees with `SyncVectorEnv` and `AsyncVectorEnv` over `EmpathyEnv` step for step. One difference, on purpose: where
    a user's model fails, that environment alone ends, truncated, with reward NaN and `info["valid"]` False, and the
    others go on; a single environment raises instead, so that the step can be tried again. What every environment would
    meet again and again, such as a refused key or no budget, is raised here too, and then nothing has changed.

    Observations: tuple of `num_envs` texts. Rewards, terminations, truncations: arrays of shape (num_envs,). An
    environment that ended is reset by the next step, whose action it ignores (Gymnasium's `NEXT_STEP`).
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["ansi"],
        "render_fps": 1,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(self, num_envs: int = 1, render_mode: str | None = None, **settings: Any) -> None:
        """Make `num_envs` environments that share one user and one backend.

        Args:
            num_envs: How many, 1 or more.
            render_mode: `ansi` or None.
            **settings: Arguments of `EmpathyEnv`.
        """
        if num_envs < 1:
            raise UsageError(f"num_envs must be 1 or more, not {num_envs}")
        user, backend = seat_user(settings.pop("user", "rules"), settings.pop("backend", None))
        self.envs = [
            EmpathyEnv(user=user, backend=backend, render_mode=render_mode, **settings) for _ in range(num_envs)
        ]
        self.num_envs, self.render_mode, self.backend = num_envs, render_mode, backend
        self.single_action_space = self.envs[0].action_space
        self.single_observation_space = self.envs[0].observation_space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._ended = [False] * num_envs
        self._alone = OneAtATime()

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Open an episode in every environment; an int seed gives environment i the seed `seed + i`.

        Raises:
            UsageError: The number of seeds or an option is wrong, or a step runs.
        """
        seeds = seeds_of(seed, self.num_envs)
        with self._alone:
            opened = [env.reset(seed=s, options=options) for env, s in zip(self.envs, seeds, strict=True)]
            self._ended = [False] * self.num_envs
        return tuple(text for text, _ in opened), self._merge([info for _, info in opened])

    def step(self, actions: Sequence[str]) -> Batch:
        """Say something to every user; all their questions go out in one batch.

        Raises:
            UsageError: Before reset, the number of actions is wrong, or another step runs.
            EmosimError: What all would meet: a refused key, an unknown model, no budget; nothing has changed.
        """
        with self._alone:
            return self._commit(drive(self._turns(actions), self.backend))

    async def astep(self, actions: Sequence[str]) -> Batch:
        """Do what `step` does, awaiting the users' model."""
        with self._alone:
            return self._commit(await adrive(self._turns(actions), self.backend))

    def render(self) -> tuple[str, ...] | None:
        """Return every chat as text in `ansi` mode."""
        return tuple(render_ansi(env.episode) for env in self.envs) if self.render_mode else None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_alone": OneAtATime()}  # no step runs in a copy

    def _turns(self, actions: Sequence[str]) -> Flow[list[Transition | EmosimError]]:
        if len(actions) != self.num_envs:
            raise UsageError(f"{len(actions)} actions were given for {self.num_envs} environments")
        playing = zip(self.envs, actions, self._ended, strict=True)
        return together([env.turn(action) for env, action, ended in playing if not ended])

    def _commit(self, results: list[Transition | EmosimError]) -> Batch:
        for result in results:
            raise_if_common(result)
        coming = iter(results)
        stepped = [
            (*_reopen(env),) if ended else _settle(env, next(coming))
            for env, ended in zip(self.envs, self._ended, strict=True)
        ]
        self._ended = [terminated or truncated for _, _, terminated, truncated, _ in stepped]
        return (
            tuple(text for text, *_ in stepped),
            np.array([reward for _, reward, *_ in stepped], dtype=np.float64),
            np.array([terminated for _, _, terminated, _, _ in stepped], dtype=np.bool_),
            np.array([truncated for _, _, _, truncated, _ in stepped], dtype=np.bool_),
            self._merge([info for *_, info in stepped]),
        )

    def _merge(self, infos: list[dict[str, Any]]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for i, info in enumerate(infos):
            merged = self._add_info(merged, info, i)
        return merged


def _reopen(env: EmpathyEnv) -> Stepped:
    text, info = env.reset()
    return text, 0.0, False, False, info


def _settle(env: EmpathyEnv, result: Transition | EmosimError) -> Stepped:
    if isinstance(result, Transition):
        return env.commit(result)
    failed = invalidate(env.episode)
    env.reset(options={"episode": failed})
    return failed.spoken.text, float("nan"), False, True, {**info_of(failed), "thought": str(result)}

"""Budget 6: the offline user and the discrete-act vector environment, on one core.

The budgets are absolute, and the machine is shared: the tenth percentile of many short pieces counts.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict

import gymnasium as gym
import numpy as np
from measuring import report
from talks import SENTENCES

import emosim  # noqa: F401 (registers the environments)
from emosim.env import EmpathyEnv
from emosim.value import pick


def reply(seed: int, turn: int) -> str:
    """Return about 400 characters that nobody said before."""
    picked = [SENTENCES[pick(len(SENTENCES), seed, turn, number)] for number in range(6)]
    return " ".join([*picked, f"{seed}-{turn}", SENTENCES[0]])[:400]


def test_text_steps_are_fast_and_flat_in_the_turn() -> None:
    env = EmpathyEnv()
    used: dict[int, list[float]] = defaultdict(list)

    def play(first: int) -> None:
        for seed in range(first, first + 100):
            env.reset(seed=seed % 100)
            over = False
            while not over:
                turn = len(env.episode.turns) + 1
                text = reply(seed, turn)
                begun = time.perf_counter()
                _, _, terminated, truncated, _ = env.step(text)
                used[turn].append((time.perf_counter() - begun) * 1e6)
                over = terminated or truncated

    play(0)
    used.clear()
    for first in range(100, 600, 100):
        play(first)
    cost_us = {turn: undisturbed(times) for turn, times in sorted(used.items()) if len(times) >= 50}
    early, late = (statistics.fmean(list(cost_us.values())[part]) for part in (slice(3), slice(-3, None)))
    per_s = 1e6 / statistics.fmean(cost_us.values())
    report("budget 6, text", steps_per_s=per_s, early_us=early, late_us=late, growth=late / early, turns=len(cost_us))
    assert per_s >= 5000
    assert late <= 1.3 * early


def test_vector_steps_are_very_fast() -> None:
    count = 1024
    envs = gym.make_vec("emosim/EmpathyActs-v0", num_envs=count)
    envs.reset(seed=1)
    dice = np.random.default_rng(0)
    actions = dice.integers(0, envs.single_action_space.n, size=(64, count))  # type: ignore[attr-defined]

    times = []
    for row in [*actions] * 20:
        begun = time.perf_counter()
        envs.step(row)
        times.append(time.perf_counter() - begun)
    per_s = count / undisturbed(times)
    report("budget 6, acts", env_steps_per_s=per_s)
    assert per_s >= 2_000_000


def undisturbed(times: list[float]) -> float:
    """Return the tenth percentile: what something takes when nothing else on the machine gets in its way."""
    return statistics.quantiles(times, n=10)[0]

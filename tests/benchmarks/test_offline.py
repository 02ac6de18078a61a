"""Budget 6: the offline user and the discrete-act vector environment, on one core.

The budgets are absolute; figures are set right by how slow the machine is at the time, see `measuring.slowness`.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter

import gymnasium as gym
import numpy as np
from measuring import cpu_ms, report, slowness
from talks import SENTENCES

import emosim  # noqa: F401 (registers the environments)
from emosim.env import EmpathyEnv
from emosim.value import pick


def reply(seed: int, turn: int) -> str:
    """Return about 400 characters that nobody said before."""
    picked = [SENTENCES[pick(len(SENTENCES), seed, turn, number)] for number in range(6)]
    return " ".join([*picked, f"{seed}-{turn}", SENTENCES[0]])[:400]


def test_text_steps_are_fast_and_flat_in_the_turn() -> None:
    env = EmpathyEnv(knobs={"impatience": 0.0})
    used: Counter[int] = Counter()
    steps: Counter[int] = Counter()

    def play() -> None:
        for seed in range(100):
            env.reset(seed=seed)
            over = False
            while not over:
                turn = len(env.episode.turns) + 1
                text = reply(seed, turn)
                begun = time.thread_time_ns()
                _, _, terminated, truncated, _ = env.step(text)
                used[turn] += time.thread_time_ns() - begun
                steps[turn] += 1
                over = terminated or truncated

    play()
    used.clear()
    steps.clear()
    slow = []
    for _ in range(5):
        slow.append(slowness())
        play()
    mean_us = {turn: used[turn] / steps[turn] / 1000 for turn in sorted(steps) if steps[turn] >= 50}
    early, late = (statistics.fmean(list(mean_us.values())[part]) for part in (slice(3), slice(-3, None)))
    here, factor = steps.total() * 1e9 / used.total(), statistics.median(slow)
    report("budget 6, text", steps_per_s=here * factor, here=here, slowness=factor, early_us=early, late_us=late)
    assert here * factor >= 5000
    assert late <= 1.3 * early


def test_vector_steps_are_very_fast() -> None:
    count = 1024
    envs = gym.make_vec("emosim/EmpathyActs-v0", num_envs=count)
    envs.reset(seed=1)
    dice = np.random.default_rng(0)
    actions = dice.integers(0, envs.single_action_space.n, size=(64, count))  # type: ignore[attr-defined]

    def play() -> int:
        for row in actions:
            envs.step(row)
        return len(actions) * count

    play()
    rounds = [(slowness(), 1000 / cpu_ms(play)) for _ in range(5)]
    factor, here = (statistics.median(column) for column in zip(*rounds, strict=True))
    report("budget 6, acts", env_steps_per_s=here * factor, here=here, slowness=factor)
    assert here * factor >= 2_000_000

"""Budget 6: the acts vector environment, in environment steps a second on one core.

    python tests/benchmarks/bench_acts_vector.py
    pytest -m bench -s tests/benchmarks/bench_acts_vector.py

CPU time, so that other work on the machine counts little; best and median of windows of 10 vector steps. The last line
is the floor: what one multiplication of 1,024 numbers costs in numpy here, and how many of them a vector step takes.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import pytest

from emosim.acts_vector import EmpathyActsVectorEnv

N, WINDOWS, STEPS = 1024, 300, 10
BUDGET = 2_000_000


def windows(**settings: Any) -> list[float]:
    """Return environment steps a second in each window, automatic resets included."""
    envs = EmpathyActsVectorEnv(N, **settings)
    envs.reset(seed=0)
    acts = np.random.default_rng(0).integers(0, 15, (64, N))
    rates = []
    for window in range(WINDOWS):
        start = time.process_time()
        for step in range(STEPS):
            envs.step(acts[(window * STEPS + step) % 64])
        rates.append(N * STEPS / (time.process_time() - start))
    return sorted(rates)


def multiplication() -> float:
    """Return the seconds that numpy needs to multiply 1,024 numbers, at best."""
    a, times = np.random.default_rng(0).random(N), []
    for _ in range(200):
        start = time.perf_counter()
        for _ in range(100):
            a * a
        times.append((time.perf_counter() - start) / 100)
    return min(times)


@pytest.mark.bench
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_steps_a_second(level: float) -> None:
    """Hold the median of the windows against the budget."""
    rates, floor = windows(level=level), multiplication()
    best, median = rates[-1], statistics.median(rates)
    print(f"\nlevel {level}: best {best:,.0f} steps/s, median {median:,.0f}, budget {BUDGET:,}")
    print(f"floor: numpy multiplies {N} numbers in {floor * 1e6:.2f} us; a step of all costs {N / best / floor:.0f}")
    assert median >= BUDGET


if __name__ == "__main__":
    for one in (0.0, 0.5):
        test_steps_a_second(one)

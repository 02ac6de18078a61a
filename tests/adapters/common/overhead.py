"""CPU that an adapter adds to a turn: it and the bare environment play the same replies to the same user, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from emosim.env import EmpathyEnv
from emosim.rollouts import Row, rows
from emosim.suite import Suite

REPLY = "What does the letter ask of you, and by when? That sounds like a lot to carry on your own."
(ROW,) = rows(Suite(personas=("dolores",), levels=(0.3,)))
ENV = EmpathyEnv("dolores", level=0.3)


def bare() -> int:
    """Play an episode in the bare environment; return its turns."""
    ENV.reset(seed=0)
    turns, over = 0, False
    while not over:
        *_, terminated, truncated, _ = ENV.step(REPLY)
        turns, over = turns + 1, terminated or truncated
    return turns


def overhead(name: str, adapted: Callable[[Row], int], episodes: int = 20, rounds: int = 5) -> float:
    """Print and return the CPU that a turn costs beyond the bare environment's, microseconds.

    Args:
        name: The trainer.
        adapted: Plays the row to its end with `REPLY` and returns the number of turns.
        episodes: Episodes a round.
        rounds: Rounds; the median counts.
    """
    pairs = [(_us(bare, episodes), _us(lambda: adapted(ROW), episodes)) for _ in range(rounds + 1)][1:]
    without, within = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"\noverhead {name}: {within - without:.0f} us CPU a turn over the bare {without:.0f}")
    return within - without


def _us(job: Callable[[], int], episodes: int) -> float:
    begun = time.process_time()
    turns = sum(job() for _ in range(episodes))
    return (time.process_time() - begun) / turns * 1e6

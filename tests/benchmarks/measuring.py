"""How the benchmarks measure: CPU of this process, in alternating rounds, so that a busy machine moves both sides."""

from __future__ import annotations

import gc
import resource
import statistics
from collections.abc import Callable
from dataclasses import dataclass

Job = Callable[[], int]
"""Does something and returns how many units it did."""


@dataclass(frozen=True)
class Compared:
    """What alternating rounds of two jobs found."""

    own_ms: float
    """Median CPU of one unit of the first job, milliseconds."""
    floor_ms: float
    """Median CPU of one unit of the second job."""
    ratio: float
    """Median of the rounds' ratios."""


def cpu_s() -> float:
    """Return the seconds of CPU that this process has used, in all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_ms(job: Job) -> float:
    """Return the milliseconds of CPU of one unit."""
    gc.collect()
    begun = cpu_s()
    units = job()
    return (cpu_s() - begun) * 1000 / units


def compare(own: Job, floor: Job, rounds: int = 5) -> Compared:
    """Run both jobs once to warm up, then in turns."""
    own(), floor()
    pairs = [(cpu_ms(own), cpu_ms(floor)) for _ in range(rounds)]
    owns, floors = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    return Compared(statistics.median(owns), statistics.median(floors), ratio)


def report(name: str, **figures: float) -> None:
    """Print one line of figures."""
    print(f"\n{name}: " + ", ".join(f"{what.replace('_', ' ')} {value:,.4g}" for what, value in figures.items()))

"""Means with 95 % intervals, with nothing but the standard library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Final, Literal

from emosim.value import Value

_T975: Final = (
    12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139, 2.200985,
    2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024, 2.085963,
)  # fmt: skip
_Z975: Final = 1.959963984540054
_SERIES: Final = tuple(
    sum(factor * _Z975**power for factor, power in zip(factors, (7, 5, 3, 1), strict=True)) / divisor
    for factors, divisor in (((0, 0, 1, 1), 4), ((0, 5, 16, 3), 96), ((3, 19, 17, -15), 384))
)


class Mean(Value):
    """A mean and where it may lie."""

    mean: float
    """The mean."""
    low: float | None
    """Lower end of the 95 % interval; None with a single unit, or where the units are no sample of anything."""
    high: float | None
    """Upper end."""
    n: int
    """Number of independent units behind the interval."""
    unit: Literal["persona", "episode"]
    """What the units are: episodes of one persona resemble each other, so personas count if there are several."""


def t975(df: int) -> float:
    """Return the .975 quantile of Student's t: a table up to 20 degrees of freedom, then Cornish and Fisher's series.

    The series is within 1e-5 of the truth from 21 degrees on. Source: Abramowitz & Stegun 26.7.5.
    """
    if df <= len(_T975):
        return _T975[df - 1]
    return _Z975 + sum(term / float(df) ** power for power, term in enumerate(_SERIES, 1))


def mean_of(groups: Mapping[str, Sequence[float]], within: tuple[float, float] | None = None) -> Mean | None:
    """Return the mean over personas, each persona's mean counting once, or over the episodes of a single persona.

    Args:
        groups: Values by persona.
        within: Range that the values cannot leave. The interval is cut to it, and is wide enough for what so few units
            may all have missed: a share of 1 - .05^(1/n) of others, at either end of the range. A t-interval alone
            covers .55 to .9 of truths near an end with 3 to 24 personas, and has no width where values are equal.

    Returns:
        None when there is nothing to average.
    """
    several = [fmean(values) for values in groups.values() if values]
    if not several:
        return None
    if len(several) > 1:
        return _interval(several, "persona", within)
    return _interval([value for values in groups.values() for value in values], "episode", within)


def _interval(values: Sequence[float], unit: Literal["persona", "episode"], within: tuple[float, float] | None) -> Mean:
    mean, n = fmean(values), len(values)
    if n == 1:
        return Mean(mean=mean, low=None, high=None, n=1, unit=unit)
    half = t975(n - 1) * stdev(values) / math.sqrt(n)
    if within is None:
        return Mean(mean=mean, low=mean - half, high=mean + half, n=n, unit=unit)
    least, most = within
    missed = 1.0 - 0.05 ** (1.0 / n)
    low = min(mean - half, mean - missed * (mean - least))
    high = max(mean + half, mean + missed * (most - mean))
    return Mean(mean=mean, low=max(low, least), high=min(high, most), n=n, unit=unit)

"""Intervals over personas: Student t, Wilson, persona bootstrap and simultaneous bands.

Personas are the sampling unit everywhere: rollouts of one persona are not independent evidence (SCIENCE.md 1). For a
bounded quantity the t interval is Wilson's, with as many trials as would give a share the mean's standard error, and a
skewed sample is given a light tail on its long side: near the ceiling most personas stand at 1, and a few personas may
well hold none of the rare ones that fail. With 16 personas there the plain t interval covers .81, Wilson's .84, the one
with the tail .97. Where the data hold no variance (all failures, all successes), an interval of width zero would mean
nothing; a bounded quantity then gets a distribution-free interval instead, an unbounded one a refusal.
Source: trials of equal standard error, Korn & Graubard 1998; Wilson's form for them, Dean & Pagano 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emosim.errors import UsageError
from emosim.value import Value

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bounds: TypeAlias = tuple[float, float]

UNIT: Final[Bounds] = (0.0, 1.0)
TAIL: Final = 0.5
"""Weight in personas of the tail of a bounded sample, half-way from its extreme to the bound, on the side of its skew.
Source: own choice among .1 to 1.5 at the extreme to the bound, on 63 planted cells with seeds of 5000: coverage .935 to
.976 with 16, 24 or 64 personas; without it .70 to .97, with tails on both sides of intervals in logits .94 to .99."""
SKEWED: Final = 2.0
"""Skewness from which on the tail has its whole weight; in proportion below. Source: chosen with it, among .5 to 4."""
_TINY: Final = 1e-12


class Interval(Value):
    """An estimate with its interval."""

    estimate: float
    """The point estimate."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""
    level: float = 0.95
    """Nominal coverage, 0..1."""
    n: int
    """Independent units behind it, personas unless said otherwise."""
    method: str
    """How it was made: `t`, `wilson-t`, `wilson`, `bootstrap`, `constant`, `jackknife`."""

    @property
    def half_width(self) -> float:
        """Half the width."""
        return (self.high - self.low) / 2.0

    def __str__(self) -> str:
        return f"{self.estimate:.3g} [{self.low:.3g}, {self.high:.3g}]"


class Band(Value):
    """A curve with pointwise intervals and a simultaneous band."""

    at: tuple[float, ...]
    """Where the curve is read, such as k."""
    mean: tuple[float, ...]
    """The curve."""
    low: tuple[float, ...]
    """Pointwise t interval, lower end."""
    high: tuple[float, ...]
    """Pointwise t interval, upper end."""
    band_low: tuple[float, ...]
    """Max-T band, lower end: the whole curve is inside with the nominal coverage."""
    band_high: tuple[float, ...]
    """Max-T band, upper end."""
    level: float = 0.95
    """Nominal coverage."""
    n: int
    """Personas."""


def mean_interval(values: ArrayLike, *, level: float = 0.95, bounds: Bounds | None = None) -> Interval:
    """Return the t interval of a mean over independent units: personas, or seeds, or whatever was drawn afresh.

    Args:
        values: One number a unit, shape [P], P >= 2.
        level: Nominal coverage, 0..1.
        bounds: Range of the quantity, if it has one; the interval stays inside, and constant data get one too.

    Raises:
        UsageError: Fewer than 2 values, one that is not finite, or constant data without bounds.
    """
    rows = _rows(values)[:, None]
    mean, low, high = t_bounds(rows, level=level, bounds=bounds)
    method = "constant" if np.ptp(rows) <= _TINY else "t" if bounds is None else "wilson-t"
    return Interval(
        estimate=float(mean[0]), low=float(low[0]), high=float(high[0]), level=level, n=len(rows), method=method
    )


def t_bounds(rows: Floats, *, level: float = 0.95, bounds: Bounds | None = None) -> tuple[Floats, Floats, Floats]:
    """Return means and t intervals of columns.

    Args:
        rows: One row a unit, shape [P, K].
        level: Nominal coverage, 0..1.
        bounds: Range of the quantity.

    Returns:
        Mean, lower and upper ends, each of shape [K].

    Raises:
        UsageError: Fewer than 2 rows, or a constant column without bounds.
    """
    count = len(rows)
    if count < 2:
        raise UsageError(f"{count} independent values give no interval; at least 2 are needed, better 64")
    mean = rows.mean(axis=0)
    half = t_quantile(0.5 + level / 2.0, count - 1) * rows.std(axis=0, ddof=1) / math.sqrt(count)
    constant = half <= _TINY
    if constant.any() and bounds is None:
        raise UsageError(
            f"all {count} units give the same value, {rows[0, int(constant.argmax())]:.3g}: an interval needs some "
            "variance, or bounds; gather more"
        )
    if bounds is None:
        return mean, mean - half, mean + half
    low, high = _inside(rows, t_quantile(0.5 + level / 2.0, count - 1), bounds)
    share = (1.0 - level) ** (1.0 / count)
    low = np.where(constant, bounds[0] + share * (mean - bounds[0]), low)
    high = np.where(constant, bounds[1] - share * (bounds[1] - mean), high)
    return mean, low, high


def _inside(rows: Floats, reach: float, bounds: Bounds, tail: float = TAIL) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's intervals `reach` standard errors wide on either side, which never leave the bounds.

    Mean and error are those of the personas with a light tail on the side of their skew. A range with both signs is
    that of a difference between two agents, which is hardly ever at its ends: it gets none.
    """
    shares = (rows - bounds[0]) / (bounds[1] - bounds[0])
    mean = shares.mean(axis=0)
    centre, error = _tailed(shares, tail if bounds[0] >= 0.0 else 0.0)
    spread = np.clip(centre * (1.0 - centre), _TINY, None)
    excess = (reach * error) ** 2 / spread
    middle = (centre + excess / 2.0) / (1.0 + excess)
    half = np.sqrt(spread * excess + excess**2 / 4.0) / (1.0 + excess)
    low, high = np.minimum(middle - half, mean), np.maximum(middle + half, mean)
    return bounds[0] + (bounds[1] - bounds[0]) * low, bounds[0] + (bounds[1] - bounds[0]) * high


def _tailed(shares: Floats, tail: float) -> tuple[Floats, Floats]:
    """Return mean and standard error of columns of shares, each with a tail of that weight on the side of its skew."""
    count, away = len(shares), shares - shares.mean(axis=0)
    skew = (away**3).mean(axis=0) / np.maximum((away**2).mean(axis=0), _TINY) ** 1.5
    at = np.where(skew < 0, shares.min(axis=0) / 2.0, (1.0 + shares.max(axis=0)) / 2.0)
    weight = tail * np.minimum(np.abs(skew) / SKEWED, 1.0)
    whole = count + weight
    centre = (shares.sum(axis=0) + weight * at) / whole
    squares = ((shares - centre) ** 2).sum(axis=0) + weight * (at - centre) ** 2
    return centre, np.sqrt(squares / (whole - 1.0) / whole)


def wilson(successes: int, trials: float, *, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of a proportion.

    Args:
        successes: Count, 0..trials.
        trials: Independent trials, > 0; an effective sample size may be fractional.
        level: Nominal coverage.

    Raises:
        UsageError: No trials, or more successes than trials.

    >>> print(wilson(0, 10))
    0 [0, 0.278]
    """
    if trials <= 0 or not 0 <= successes <= trials:
        raise UsageError(f"{successes} successes in {trials} trials is no proportion; at least 1 trial is needed")
    low, high = wilson_bounds(np.float64(successes / trials), np.float64(trials), level=level)
    return Interval(
        estimate=successes / trials, low=float(low), high=float(high), level=level, n=int(trials), method="wilson"
    )


def wilson_bounds(share: ArrayLike, trials: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return Wilson bounds of many proportions at once; arguments broadcast, `trials` > 0."""
    p, n = np.asarray(share, float), np.asarray(trials, float)
    z = normal_quantile(0.5 + level / 2.0)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return np.where(p <= 0, 0.0, middle - half), np.where(p >= 1, 1.0, middle + half)


def resampled_means(rows: Floats, *, draws: int = 1000, seed: int = 0) -> Floats:
    """Return means over personas drawn with replacement, shape [draws, K], for rows of shape [P, K]."""
    return resampling(len(rows), draws=draws, seed=seed) @ rows


def resampling(count: int, *, draws: int = 1000, seed: int = 0) -> Floats:
    """Return bootstrap weights of `count` units, shape [draws, count]; each row sums to 1."""
    picks = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=draws)
    return picks / count


def persona_bootstrap(
    statistic: Callable[[Ints], float], personas: int, *, level: float = 0.95, draws: int = 400, seed: int = 0
) -> Interval:
    """Return the percentile interval of any statistic under resampling of personas.

    Args:
        statistic: Takes persona indices, shape [P], returns a finite number.
        personas: How many there are, >= 2.
        level: Nominal coverage.
        draws: Resamples.
        seed: Of the dice.

    Raises:
        UsageError: Fewer than 2 personas.
    """
    if personas < 2:
        raise UsageError(f"{personas} persona cannot be resampled; play at least 2, better 64")
    rng = np.random.default_rng(seed)
    found = np.array([statistic(rng.integers(personas, size=personas)) for _ in range(draws)])
    low, high = np.quantile(found, [0.5 - level / 2.0, 0.5 + level / 2.0])
    whole = statistic(np.arange(personas))
    return Interval(estimate=whole, low=float(low), high=float(high), level=level, n=personas, method="bootstrap")


def band(
    rows: Floats, at: ArrayLike, *, level: float = 0.95, bounds: Bounds | None = UNIT, draws: int = 999, seed: int = 0
) -> Band:
    """Return a curve with pointwise t intervals and a max-T persona-bootstrap band.

    The bootstrap's critical value sees the skew by itself, so that the band gets no tails beyond the intervals inside.

    Args:
        rows: One curve a persona, shape [P, K].
        at: Where the curve is read, shape [K].
        level: Nominal coverage.
        bounds: Range of the quantity; None if it has none.
        draws: Resamples.
        seed: Of the dice.
    """
    mean, low, high = t_bounds(rows, level=level, bounds=bounds)
    reach = _max_t(rows, level, draws, seed)
    half = reach * rows.std(axis=0, ddof=1) / math.sqrt(len(rows))
    wide = (mean - half, mean + half) if bounds is None else _inside(rows, reach, bounds, tail=0.0)
    outer = np.minimum(wide[0], low), np.maximum(wide[1], high)
    lines = (np.atleast_1d(np.asarray(at, float)), mean, low, high, *outer)
    points = [tuple(float(x) for x in line) for line in lines]
    names = ("at", "mean", "low", "high", "band_low", "band_high")
    return Band(**dict(zip(names, points, strict=True)), level=level, n=len(rows))


def _max_t(rows: Floats, level: float, draws: int, seed: int) -> float:
    """Return the critical value of the largest studentised deviation over the columns that vary."""
    moving = rows[:, rows.std(axis=0) > _TINY]
    if not moving.shape[1]:
        return 0.0
    weights = resampling(len(rows), draws=draws, seed=seed)
    means = weights @ moving
    variances = np.maximum(weights @ moving**2 - means**2, _TINY) / (len(rows) - 1)
    return float(np.quantile((np.abs(means - moving.mean(axis=0)) / np.sqrt(variances)).max(axis=1), level))


def normal_quantile(p: float) -> float:
    """Return the standard normal quantile at p, 0 < p < 1."""
    return NormalDist().inv_cdf(p)


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: int) -> float:
    """Return Student's t quantile at p (0.5 < p < 1) with df >= 1 degrees of freedom.

    >>> round(t_quantile(0.975, 10), 4)
    2.2281
    """
    return inverted(lambda t: t_cdf(t, df), p)


def inverted(cdf: Callable[[float], float], p: float) -> float:
    """Return the x >= 0 at which an increasing function reaches p, by bisection."""
    low, high = 0.0, 1.0
    while cdf(high) < p:
        high *= 2.0
    for _ in range(80):
        middle = (low + high) / 2.0
        low, high = (middle, high) if cdf(middle) < p else (low, middle)
    return (low + high) / 2.0


def t_cdf(t: float, df: int) -> float:
    """Return P(T <= t) for integer df, by the finite series of Abramowitz & Stegun 26.7.3-4."""
    angle = math.atan2(t, math.sqrt(df))
    cos2 = df / (df + t * t)
    term, total = 1.0, 0.0
    for step in range(df // 2 if df % 2 == 0 else (df - 1) // 2):
        total += term
        term *= cos2 * ((2 * step + 1) / (2 * step + 2) if df % 2 == 0 else (2 * step + 2) / (2 * step + 3))
    if df % 2 == 0:
        return 0.5 + 0.5 * math.sin(angle) * total
    return 0.5 + (angle + math.sin(angle) * math.cos(angle) * total) / math.pi


def _rows(values: ArrayLike) -> Floats:
    rows = np.asarray(values, dtype=float).ravel()
    if not np.isfinite(rows).all():
        raise UsageError("a value is not a finite number; leave unscorable episodes out")
    return rows

"""Does a group of rollouts hold anything to learn from? Reach, contrast U_G, learnable contrast, noise share.

Three nested criteria at one difficulty (SCIENCE.md 2.1): A, the best of G rollouts reaches the goal; B, a group of G
carries usable contrast (the gate); C, the contrast can be put down to what the agent did. All are computed a persona
at a time and then averaged: the pooled success rate overstates the contrast wherever personas differ.
Source: U_G from DAPO 2503.14476 (all-0 and all-1 groups teach nothing) and SFL 2408.15099; estimators SCIENCE.md 2.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.ceiling import fewest, max_at_k, pass_at_k
from emosim.analysis.intervals import UNIT, Floats, Interval, Ints, inverted, mean_interval, normal_quantile
from emosim.errors import UsageError
from emosim.value import Value

SUCCESS: Final = 0.7
"""A return from here on is a success, 'high emotion'. Source: SCIENCE.md 13."""
LEAST_SPREAD: Final = 0.05
"""Standard deviation below which a group counts as equal, in returns 0..1. Source: SCIENCE.md 2.1."""
INSIDE: Final = 0.5
"""Contrast from here on is inside the explorable space. Source: SCIENCE.md 13."""
EDGE: Final = 0.2
"""Contrast from here on, and below INSIDE, is the edge. Source: SCIENCE.md 13, median of 9 planted training runs."""
_SUBSETS: Final = 2000

HALF: Final = 0.5
"""Success rate that parts the easy side from the hard one: contrast is greatest there."""

Zone: TypeAlias = Literal["inside", "edge", "outside", "beneath", "undetermined"]


class Placing(Value):
    """In which zone a difficulty lies for an agent, with its reasons."""

    zone: Zone
    """`beneath` is too easy, `edge` and `outside` lie on the hard side; `undetermined` where the intervals allow
    several."""
    likely: Zone
    """The zone of the point estimates, whatever the interval."""
    group_size: int
    """G: bigger groups enlarge the explorable space."""
    contrast: Interval
    """U_G."""
    reasons: tuple[str, ...] = ()
    """Why it is undetermined, one line each."""
    detectable: float
    """Smallest distance of U_G from a limit that this design sees with 80 % power."""


def boundary_rate(contrast: float, group_size: int) -> float:
    """Return p*(G, u) = 1 - (1-u)^(1/G), the success rate at which the hard side of U_G falls to u.

    Args:
        contrast: u, 0 < u < 1.
        group_size: G, 2 or more.

    >>> [round(boundary_rate(u, G), 4) for G in (4, 8, 16) for u in (0.5, 0.2)]
    [0.1591, 0.0543, 0.083, 0.0275, 0.0424, 0.0138]
    """
    if not 0 < contrast < 1 or group_size < 2:
        raise UsageError(f"u = {contrast} must lie between 0 and 1, and G = {group_size} be 2 or more")
    return 1.0 - math.exp(math.log1p(-contrast) / group_size)


def reach(returns: ArrayLike, group_size: int = 8, *, level: float = 0.95) -> Interval:
    """Return C_G, the expected best of G rollouts, over personas; criterion A asks whether it reaches the goal.

    Args:
        returns: Shape [P, N], 0..1, NaN for missing, N >= G.
        group_size: G.
        level: Nominal coverage.
    """
    return mean_interval(max_at_k(returns, [group_size])[:, 0], level=level, bounds=UNIT)


def contrast(returns: ArrayLike, group_size: int = 8, *, success: float = SUCCESS, level: float = 0.95) -> Interval:
    """Return U_G for success or failure, with a t interval over personas.

    Args:
        returns: Shape [P, N], 0..1, NaN for missing, N >= G.
        group_size: G.
        success: r*; a return from here on is a success.
        level: Nominal coverage.

    Raises:
        UsageError: Fewer than 2 personas, or a persona with fewer than G rollouts.
    """
    rows = np.atleast_2d(np.asarray(returns, float))
    counts = np.isfinite(rows).sum(axis=1)
    won = (np.where(np.isfinite(rows), rows, -1.0) >= success).sum(axis=1)
    return mean_interval(contrasts(won, counts, group_size), level=level, bounds=UNIT)


def contrasts(successes: ArrayLike, rollouts: ArrayLike, group_size: int) -> Floats:
    """Return the unbiased U_G of each persona, 1 - [C(c,G) + C(n-c,G)] / C(n,G).

    Args:
        successes: Counts c, shape [P].
        rollouts: Counts n, shape [P] or a number, n >= G.
        group_size: G, 2 or more.
    """
    c, n = np.broadcast_arrays(np.asarray(successes, np.int64), np.asarray(rollouts, np.int64))
    _check_group(group_size)
    either = pass_at_k(c, n, [group_size])[:, 0] + pass_at_k(n - c, n, [group_size])[:, 0]
    return np.asarray(either - 1.0, float)


def graded_contrast(
    returns: ArrayLike, group_size: int = 8, *, noise_sd: float = 0.0, level: float = 0.95, seed: int = 0
) -> Interval:
    """Return graded U_G: the share of groups whose variance is above the simulator's noise and whose SD is >= .05.

    Every group of G rollouts of a persona is counted if there are at most 2,000, else 2,000 drawn ones; both unbiased.

    Args:
        returns: Shape [P, N], 0..1, NaN for missing, N >= G.
        group_size: G.
        noise_sd: The simulator's own SD of the return, from replays of identical agent text.
        level: Nominal coverage.
        seed: Of the drawn groups.
    """
    rows = np.atleast_2d(np.asarray(returns, float))
    _check_group(group_size)
    if fewest(rows) < group_size:
        raise UsageError(
            f"groups of {group_size} need as many rollouts of every persona; the fewest are {fewest(rows)}"
        )
    bar = noise_sd**2 * chi2_quantile(0.95, group_size - 1) / (group_size - 1)
    bar = max(bar, LEAST_SPREAD**2 - 1e-12)
    usable = []
    for row in rows:
        row = row[np.isfinite(row)]
        variances = row[_subsets(len(row), group_size, seed)].var(axis=1, ddof=1)
        usable.append(float((variances > bar).mean()))
    return mean_interval(usable, level=level, bounds=UNIT)


def noise_share(
    returns: ArrayLike, replays: ArrayLike, *, level: float = 0.95, draws: int = 999, seed: int = 0
) -> Interval:
    """Return rho, the policy's share of the within-persona variance; the rest is the simulator's noise.

    Args:
        returns: Rollouts of the policy, shape [P, N], NaN for missing.
        replays: Returns of identical agent text replayed, shape [C, R], R >= 2.
        level: Nominal coverage of the bootstrap over personas and contexts.
        draws: Resamples.
        seed: Of the dice.

    Raises:
        UsageError: Too few rows, or the rollouts never vary.
    """
    whole, noise = within(returns), within(replays)
    if min(len(whole), len(noise)) < 2 or whole.mean() <= 0:
        raise UsageError("the noise share needs 2 personas and 2 replayed contexts, and rollouts that vary")
    rng = np.random.default_rng(seed)
    picks = [values[rng.integers(len(values), size=(draws, len(values)))].mean(axis=1) for values in (whole, noise)]
    shares = np.clip(1.0 - picks[1] / np.maximum(picks[0], 1e-12), 0.0, 1.0)
    low, high = np.quantile(shares, [0.5 - level / 2, 0.5 + level / 2])
    best = min(max(1.0 - float(noise.mean() / whole.mean()), 0.0), 1.0)
    return Interval(
        estimate=best, low=float(low), high=float(high), level=level, n=min(len(whole), len(noise)), method="bootstrap"
    )


def within(returns: ArrayLike) -> Floats:
    """Return the unbiased variance of each row of shape [P, N], NaN for missing; rows with one value are left out."""
    rows = np.atleast_2d(np.asarray(returns, float))
    rows = rows[np.isfinite(rows).sum(axis=1) >= 2]
    return np.asarray(np.nanvar(rows, axis=1, ddof=1), float) if len(rows) else np.empty(0)


def zone_of(contrast: float, mean: float, room: float, *, easy: bool) -> Zone:
    """Return the zone of a level: too easy, else by U_G; edge and outside lie on the hard side alone.

    Args:
        contrast: U_G.
        mean: Mean of one try, 0..1.
        room: What best of G adds to it.
        easy: Whether most rollouts succeed, so that contrast is lost to successes.

    >>> [zone_of(u, 0.92, 0.08, easy=True) for u in (0.1, 0.38, 0.6)], zone_of(0.38, 0.06, 0.3, easy=False)
    (['beneath', 'beneath', 'inside'], 'edge')
    """
    if (mean > 0.9 and room < 0.05) or (easy and contrast < INSIDE):
        return "beneath"
    return "inside" if contrast >= INSIDE else "edge" if contrast >= EDGE else "outside"


def place(
    returns: ArrayLike, group_size: int = 8, *, success: float = SUCCESS, noise: Interval | None = None
) -> Placing:
    """Return the zone of one difficulty: inside U >= .5, edge .2 <= U < .5, outside U < .2, beneath on the easy side.

    Args:
        returns: Shape [P, N], 0..1, NaN for missing.
        group_size: G.
        success: r*.
        noise: The noise share rho, if it was measured; `inside` needs rho >= .5.

    Raises:
        UsageError: Fewer than 2 personas, or a persona with fewer than G rollouts.
    """
    rows = np.atleast_2d(np.asarray(returns, float))
    found = contrast(rows, group_size, success=success)
    mean = mean_interval(np.nanmean(rows, axis=1), bounds=UNIT)
    room = reach(rows, group_size).estimate - mean.estimate
    won = mean_interval(np.nanmean(np.where(np.isfinite(rows), rows >= success, np.nan), axis=1), bounds=UNIT)
    likely = zone_of(found.estimate, mean.estimate, room, easy=won.estimate > HALF)
    sure = {
        zone_of(u, m, room, easy=p > HALF)
        for u in (found.low, found.high)
        for m in (mean.low, mean.high)
        for p in (won.low, won.high)
    }
    reasons = [] if len(sure) == 1 else [f"U_{group_size} = {found} spans {' and '.join(sorted(sure))}"]
    if likely == "inside" and noise is not None and noise.low < INSIDE:
        reasons.append(f"the policy's share of the variance is {noise}; inside needs .5 at least")
    power = (normal_quantile(0.975) + normal_quantile(0.8)) / normal_quantile(0.975)
    return Placing(
        zone="undetermined" if reasons else likely,
        likely=likely,
        group_size=group_size,
        contrast=found,
        reasons=tuple(reasons),
        detectable=power * found.half_width,
    )


def chi2_quantile(p: float, df: int) -> float:
    """Return the chi-squared quantile at p (0 < p < 1) with integer df >= 1.

    >>> round(chi2_quantile(0.95, 3), 3)
    7.815
    """
    return inverted(lambda x: _chi2_cdf(x, df), p)


def _chi2_cdf(x: float, df: int) -> float:
    """Return P(X <= x), by the recursion in df of Abramowitz & Stegun 26.4.8."""
    upper = math.exp(-x / 2) if df % 2 == 0 else math.erfc(math.sqrt(x / 2))
    for k in range(2 if df % 2 == 0 else 1, df, 2):
        upper += math.exp(k / 2 * math.log(x / 2) - x / 2 - math.lgamma(k / 2 + 1)) if x > 0 else 0.0
    return 1.0 - upper


@lru_cache(maxsize=64)
def _subsets(count: int, size: int, seed: int) -> Ints:
    """Return groups of `size` out of `count`, shape [S, size]: all, or 2,000 drawn ones."""
    if math.comb(count, size) <= _SUBSETS:
        return np.array(list(combinations(range(count), size)), np.int64)
    rng = np.random.default_rng(seed)
    return np.argsort(rng.random((_SUBSETS, count)), axis=1)[:, :size].astype(np.int64)


def _check_group(group_size: int) -> None:
    if group_size < 2:
        raise UsageError(f"a group of {group_size} has no contrast; G must be 2 or more")

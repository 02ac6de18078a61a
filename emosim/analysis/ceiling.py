"""The ceiling: what a policy reaches when the best of k rollouts counts, and how training compares with it.

C(k) is the mean over personas of the expected best of k returns; for outcomes 0 or 1 it is pass@k. Estimators are
unbiased for every k up to the number of rollouts: resampling the maximum with replacement is not (-.03 at n = 16,
k = 8, SCIENCE.md 1).
Source: pass@k Chen et al. 2107.03374; max@k PKPO 2505.15201, theorem 3; crossover and gap Yue et al. 2504.13837.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.intervals import (
    UNIT,
    Band,
    Bounds,
    Floats,
    Interval,
    Ints,
    band,
    mean_interval,
    resampling,
)
from emosim.errors import UsageError
from emosim.value import Value


class Crossing(Value):
    """The smallest k at which one curve reaches another, with its interval; beyond what was played it is censored."""

    estimate: float | None
    """The k, interpolated between whole numbers; None: not reached with `largest` rollouts."""
    low: float | None
    """Lower end; None: beyond `largest`."""
    high: float | None
    """Upper end; None: beyond `largest`."""
    largest: int
    """The largest k that the rollouts allow."""
    reached: float
    """Share of persona resamples in which it is reached, 0..1."""
    level: float = 0.95
    """Nominal coverage."""

    def __str__(self) -> str:
        ends = [f"> {self.largest}" if x is None else f"{x:.3g}" for x in (self.estimate, self.low, self.high)]
        return f"{ends[0]} [{ends[1]}, {ends[2]}]"


def pass_at_k(successes: ArrayLike, rollouts: ArrayLike, ks: Iterable[int]) -> Floats:
    """Return the unbiased chance that at least one of k rollouts succeeds, 1 - C(n-c, k) / C(n, k).

    Args:
        successes: Counts c a persona, shape [P].
        rollouts: Counts n a persona, shape [P] or a number.
        ks: Values of k, 1..n.

    Returns:
        Shape [P, K], 0..1.

    Raises:
        UsageError: Some k is larger than some n (no unbiased estimator exists), or c is not in 0..n.
    """
    c, n = np.broadcast_arrays(np.asarray(successes, np.int64), np.asarray(rollouts, np.int64))
    grid = _grid(ks, int(n.min()))
    if (c < 0).any() or (c > n).any():
        raise UsageError("successes must lie between 0 and the number of rollouts")
    table = log_factorials(int(n.max()))
    failures, whole = (n - c)[:, None], n[:, None]
    left = np.maximum(failures - grid, 0)
    logs = table[failures] - table[left] - table[whole] + table[whole - grid]
    return np.where(failures < grid, 1.0, 1.0 - np.exp(logs))


def max_at_k(returns: ArrayLike, ks: Iterable[int]) -> Floats:
    """Return the unbiased expected best of k returns.

    Args:
        returns: Shape [P, N]; NaN where a persona has fewer than N rollouts.
        ks: Values of k, 1..the fewest rollouts of a persona.

    Returns:
        Shape [P, K].

    Raises:
        UsageError: A persona has fewer than k rollouts.
    """
    rows = np.sort(np.atleast_2d(np.asarray(returns, float)), axis=1)
    counts = np.isfinite(rows).sum(axis=1)
    grid = _grid(ks, int(counts.min(initial=rows.shape[1])))
    best = np.empty((len(rows), len(grid)))
    for n in np.unique(counts):
        best[counts == n] = rows[counts == n, :n] @ _order_weights(int(n), grid)
    return best


def ceiling(
    returns: ArrayLike, ks: Iterable[int] | None = None, *, level: float = 0.95, bounds: Bounds | None = UNIT
) -> Band:
    """Return the ceiling curve C(k) with pointwise t intervals and a max-T band over personas.

    Args:
        returns: Shape [P, N], NaN for missing rollouts; outcomes 0 or 1 give pass@k.
        ks: Values of k; by default 1, 2, 4, ... up to the fewest rollouts of a persona.
        level: Nominal coverage.
        bounds: Range of the return.

    Raises:
        UsageError: Fewer than 2 personas, or k beyond the rollouts.
    """
    grid = tuple(ks) if ks is not None else doubling(fewest(returns))
    return band(max_at_k(returns, grid), grid, level=level, bounds=bounds)


def ceiling_by_turns(
    moods: ArrayLike, caps: Sequence[int], ks: Iterable[int] | None = None, *, level: float = 0.95
) -> dict[int, Band]:
    """Return C(k, T) for turn caps T: episodes are prefixes of themselves, so it costs nothing (2604.14877).

    Args:
        moods: Moods 0..100, shape [P, N, T+1], the last mood carried to the end of the row; NaN rows for missing.
        caps: Turn caps, 1..T.
        ks: Values of k.
        level: Nominal coverage.
    """
    paths = np.asarray(moods, float) / 100.0
    last = paths.shape[2] - 1
    if not caps or min(caps) < 1 or max(caps) > last:
        raise UsageError(f"turn caps must lie between 1 and {last}, the turns that were played")
    grid = None if ks is None else tuple(ks)
    return {cap: ceiling(paths[:, :, cap], grid, level=level) for cap in caps}


def elicitation_multiple(
    base: ArrayLike, trained: ArrayLike, *, level: float = 0.95, draws: int = 999, seed: int = 0
) -> Crossing:
    """Return k_eq, the smallest k with C_base(k) >= C_trained(1): training was worth best-of-k_eq of the base.

    Args:
        base: Returns of the base, shape [P, N]; row s is the same persona as row s of `trained`.
        trained: Returns of the trained agent, shape [P, M].
        level: Nominal coverage of the persona bootstrap.
        draws: Resamples.
        seed: Of the dice.
    """
    once, curves = _paired(base, trained)
    return _first(curves - once[:, :1], level, draws, seed)


def crossover(base: ArrayLike, trained: ArrayLike, *, level: float = 0.95, draws: int = 999, seed: int = 0) -> Crossing:
    """Return the smallest k with C_base(k) >= C_trained(k); 1 means that training gained nothing at all.

    Args:
        base: Returns of the base, shape [P, N].
        trained: Returns of the trained agent, shape [P, M], rows paired with `base`.
        level: Nominal coverage of the persona bootstrap.
        draws: Resamples.
        seed: Of the dice.
    """
    after, before = _paired(base, trained)
    shared = min(after.shape[1], before.shape[1])
    return _first(before[:, :shared] - after[:, :shared], level, draws, seed)


def sampling_gap(base: ArrayLike, trained: ArrayLike, k: int | None = None, *, level: float = 0.95) -> Interval:
    """Return C_base(K) - C_trained(1), what best-of-K of the base still has over one rollout of the trained agent.

    Args:
        base: Returns of the base, shape [P, N].
        trained: Returns of the trained agent, shape [P, M], rows paired with `base`.
        k: K, by default the fewest rollouts of a persona.
        level: Nominal coverage of the paired t interval.
    """
    best = max_at_k(base, [k or fewest(base)])[:, 0]
    return mean_interval(best - max_at_k(trained, [1])[:, 0], level=level, bounds=(-1.0, 1.0))


def fewest(returns: ArrayLike) -> int:
    """Return the fewest rollouts of a persona, for returns of shape [P, N] with NaN for missing ones."""
    return int(np.isfinite(np.atleast_2d(np.asarray(returns, float))).sum(axis=1).min())


def doubling(largest: int) -> tuple[int, ...]:
    """Return 1, 2, 4, ... and the largest k itself.

    >>> doubling(12)
    (1, 2, 4, 8, 12)
    """
    powers = [2**e for e in range(max(largest, 1).bit_length()) if 2**e <= largest]
    return tuple(sorted({*powers, largest}))


def log_factorials(largest: int) -> Floats:
    """Return log 0!, log 1!, ..., log largest!."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, largest + 1)))])


def _order_weights(n: int, grid: Ints) -> Floats:
    """Return C(i-1, k-1) / C(n, k), the chance that the i-th smallest of n is the best of k; shape [n, K]."""
    table = log_factorials(n)
    rank = np.arange(n)[:, None]
    logs = table[rank] - table[grid - 1] - table[np.maximum(rank - grid + 1, 0)]
    logs = logs - (table[n] - table[grid] - table[n - grid])
    return np.where(rank < grid - 1, 0.0, np.exp(logs))


def _grid(ks: Iterable[int], largest: int) -> Ints:
    grid = np.array(list(ks), np.int64)
    if not len(grid) or grid.min() < 1:
        raise UsageError("k must be 1 or more")
    if grid.max() > largest:
        raise UsageError(f"k = {grid.max()} needs as many rollouts of every persona; the fewest are {largest}")
    return grid


def _paired(base: ArrayLike, trained: ArrayLike) -> tuple[Floats, Floats]:
    """Return the full curves of the trained agent and of the base, a row a persona."""
    curves = [max_at_k(rows, range(1, fewest(rows) + 1)) for rows in (trained, base)]
    if len(curves[0]) != len(curves[1]):
        raise UsageError(f"base has {len(curves[1])} personas and trained {len(curves[0])}; they must be the same ones")
    return curves[0], curves[1]


def _first(excess: Floats, level: float, draws: int, seed: int) -> Crossing:
    """Return where the mean excess over personas first reaches 0, with a percentile interval; censored is largest."""
    if len(excess) < 2:
        raise UsageError(f"{len(excess)} persona gives no interval; play at least 2, better 64")
    found = np.array([_root(row) for row in resampling(len(excess), draws=draws, seed=seed) @ excess])
    low, high = np.quantile(found, [0.5 - level / 2.0, 0.5 + level / 2.0], method="inverted_cdf")
    ends = [float(x) if np.isfinite(x) else None for x in (_root(excess.mean(axis=0)), low, high)]
    return Crossing(
        estimate=ends[0],
        low=ends[1],
        high=ends[2],
        largest=excess.shape[1],
        reached=float(np.isfinite(found).mean()),
        level=level,
    )


def _root(excess: Floats) -> float:
    """Return the first k, linear between whole numbers, with excess >= 0; infinite if there is none."""
    above = np.flatnonzero(excess >= -1e-12)
    if not len(above):
        return float("inf")
    i = int(above[0])
    return 1.0 if i == 0 else i + 1.0 - float(excess[i] / (excess[i] - excess[i - 1]))

"""Entropy and effective numbers of acts from few observations, four estimators side by side.

The plug-in entropy is biased downward by about (acts - 1) / 2n and more where rare acts are unseen; Chao, Wang and Jost
(2013) is the default, Chao-Shen (2003) and Miller-Madow (1955) are columns for comparison. All functions take counts of
any leading shape, acts on the last axis, so that thousands of permutations are one call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.intervals import Floats, Ints
from emosim.errors import UsageError, did_you_mean

Estimator: TypeAlias = Literal["chao", "chao_shen", "miller_madow", "plug_in"]


def entropy(counts: ArrayLike, estimator: Estimator = "chao") -> Floats:
    """Return Shannon entropies in nats.

    Args:
        counts: Non-negative integers, shape [..., acts].
        estimator: `chao` (Chao, Wang & Jost 2013), `chao_shen`, `miller_madow` or `plug_in`.

    Returns:
        Shape [...]; 0 where nothing was counted.

    Raises:
        UsageError: Unknown estimator, or counts that are negative.

    >>> entropy([5, 5], "plug_in").round(3).item()
    0.693
    """
    if estimator not in ESTIMATORS:
        raise UsageError(f"no estimator '{estimator}'{did_you_mean(estimator, ESTIMATORS)}")
    table = np.asarray(counts, np.int64)
    if (table < 0).any():
        raise UsageError("counts of acts cannot be negative")
    return np.asarray(ESTIMATORS[estimator](table.reshape(-1, table.shape[-1])).reshape(table.shape[:-1]))


def hill(counts: ArrayLike, order: Literal[0, 1, 2], estimator: Estimator = "chao") -> Floats:
    """Return Hill numbers, effective numbers of acts.

    Order 0 is Chao1 richness, order 1 exp(entropy), order 2 the inverse of the unbiased chance that two acts are equal.

    Args:
        counts: Non-negative integers, shape [..., acts].
        order: 0, 1 or 2.
        estimator: For order 1; `plug_in` also makes order 0 the observed and order 2 the plug-in number.

    Returns:
        Shape [...]; order 2 is infinite where no act occurred twice.
    """
    if order == 1:
        return np.asarray(np.exp(entropy(counts, estimator)))
    table = np.asarray(counts, np.int64)
    total = table.sum(axis=-1).astype(float)
    if order == 0:
        return _richness(table, total, estimator)
    with np.errstate(divide="ignore", invalid="ignore"):
        if estimator == "plug_in":
            return np.asarray(total**2 / (table.astype(float) ** 2).sum(axis=-1))
        return np.asarray(total * (total - 1) / (table * (table - 1)).sum(axis=-1))


def conditional_entropy(counts: ArrayLike, estimator: Estimator = "chao") -> Floats:
    """Return H(strategy | need), needs weighted by their acts, for counts of shape [..., needs, acts]."""
    table = np.asarray(counts, np.int64)
    total = table.sum(axis=-1)
    weights = total / np.maximum(total.sum(axis=-1, keepdims=True), 1)
    return np.asarray((weights * entropy(table, estimator)).sum(axis=-1))


def mutual_information(counts: ArrayLike, estimator: Estimator = "chao") -> Floats:
    """Return I(strategy; need) = H(strategy) - H(strategy | need) in nats, for counts of shape [..., needs, acts].

    It may come out slightly negative where there is none, as any nearly unbiased estimator must.
    """
    table = np.asarray(counts, np.int64)
    return np.asarray(entropy(table.sum(axis=-2), estimator) - conditional_entropy(table, estimator))


def _plug_in(table: Ints) -> Floats:
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    return np.asarray(-(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1))


def _miller_madow(table: Ints) -> Floats:
    seen = np.maximum((table > 0).sum(axis=1) - 1, 0)
    return np.asarray(_plug_in(table) + seen / (2.0 * np.maximum(table.sum(axis=1), 1)))


def _chao_shen(table: Ints) -> Floats:
    total = np.maximum(table.sum(axis=1, keepdims=True), 1)
    singles = (table == 1).sum(axis=1, keepdims=True)
    coverage = 1.0 - np.minimum(singles, total - 1) / total
    shares = coverage * table / total
    present = np.where(shares > 0, shares, 1.0)
    seen = 1.0 - (1.0 - np.where(table > 0, shares, 0.5)) ** total
    return np.asarray(-(shares * np.log(present) / seen).sum(axis=1))


def _chao(table: Ints) -> Floats:
    total = table.sum(axis=1)
    sums = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, max(int(total.max(initial=1)), 1) + 1))])
    gap = sums[np.maximum(total - 1, 0)][:, None] - sums[np.maximum(table - 1, 0)]
    seen = np.where(table > 0, table / np.maximum(total, 1)[:, None] * gap, 0.0).sum(axis=1)
    keys = np.stack([(table == 1).sum(axis=1), (table == 2).sum(axis=1), total])
    unique, place = np.unique(keys, axis=1, return_inverse=True)
    tails = np.array([_unseen(*(int(x) for x in key)) for key in unique.T])
    return np.asarray(seen + tails[place.ravel()])


@lru_cache(maxsize=65536)
def _unseen(singles: int, doubles: int, total: int) -> float:
    """Return the entropy of acts not seen, from how many were seen once and twice (Chao, Wang & Jost 2013, eq. 7)."""
    if singles == 0 or total < 2:
        return 0.0
    if doubles:
        rate = 2.0 * doubles / ((total - 1) * singles + 2.0 * doubles)
    else:
        rate = 2.0 / ((total - 1) * (singles - 1) + 2.0)
    if rate >= 1.0:
        return 0.0
    rest = 1.0 - rate
    if rate * total < 10.0:
        head = (rest ** np.arange(1, total) / np.arange(1, total)).sum()
        tail = rest ** (1 - total) * (-math.log(rate) - head)
    else:
        steps = np.arange(math.ceil(40.0 / rate))
        tail = (rest ** (steps + 1) / (total + steps)).sum()
    return float(singles / total * tail)


def _richness(table: Ints, total: Floats, estimator: Estimator) -> Floats:
    seen = (table > 0).sum(axis=-1).astype(float)
    if estimator == "plug_in":
        return np.asarray(seen)
    singles, doubles = (table == 1).sum(axis=-1), (table == 2).sum(axis=-1)
    extra = np.where(doubles > 0, singles**2 / (2.0 * np.maximum(doubles, 1)), singles * (singles - 1) / 2.0)
    return np.asarray(seen + np.maximum(total - 1, 0) / np.maximum(total, 1) * extra)


ESTIMATORS: Final[dict[Estimator, Callable[[Ints], Floats]]] = {
    "chao": _chao,
    "chao_shen": _chao_shen,
    "miller_madow": _miller_madow,
    "plug_in": _plug_in,
}
"""Entropy estimators by name, over counts of shape [B, acts]."""

"""Criterion C: how far the mean update of a group-relative learner stands above its own noise.

The black-box stand-in for the gradient of a rollout is its count of strategies, less what all rollouts that face the
same hidden need do on average. Multiplied by the group's normalised advantages it gives one vector a group; the signal
to noise of their mean is the learnable contrast. It is read off training logs or planted agents: 256 groups a level put
the best level within .08 to .17, 512 within .07 to .11 (SCIENCE.md 2.1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.contrast import LEAST_SPREAD
from emosim.analysis.intervals import Floats, Interval, t_quantile
from emosim.errors import UsageError
from emosim.value import Value

FOLDS = 20
"""Folds of the jackknife."""


class Learnable(Value):
    """The learnable contrast at one difficulty."""

    snr: Interval
    """Signal to noise of the mean update for one group, never below 0; the interval is a jackknife over groups."""
    groups_needed: float | None
    """n_sig = 1 / SNR: groups until the mean update exceeds its noise; None: no signal was found."""
    group_size: int
    """G."""
    groups: int
    """Groups behind it."""


class SweetSpot(Value):
    """The difficulty with the most to learn."""

    level: float
    """Level of the highest SNR."""
    low: float
    """Lower end of the 95 % set of levels that may be the best."""
    high: float
    """Upper end."""
    undetermined: bool
    """True where no level has a signal, or the set covers every level played."""


def advantages(returns: ArrayLike, *, least_spread: float = LEAST_SPREAD) -> Floats:
    """Return group-normalised advantages, 0 in groups whose spread is below the floor.

    Args:
        returns: Shape [n, G], 0..1.
        least_spread: SD below which a group counts as equal.
    """
    rows = np.asarray(returns, float)
    spread = rows.std(axis=1, keepdims=True)
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.where(spread >= least_spread - 1e-12, centred / np.maximum(spread, 1e-12), 0.0)


def group_signals(returns: ArrayLike, counts: ArrayLike, needs: ArrayLike) -> Floats:
    """Return g_i = sum_j A_ij (c_ij - T_ij p_need), one vector a group.

    Args:
        returns: Shape [n, G], 0..1.
        counts: Strategy counts of every rollout, shape [n, G, S].
        needs: Hidden need of each group, any labels, shape [n].

    Returns:
        Shape [n, S].
    """
    acts, labels = np.asarray(counts, float), np.asarray(needs)
    if acts.ndim != 3 or acts.shape[:2] != np.shape(returns) or labels.shape != acts.shape[:1]:
        raise UsageError("returns [n, G], strategy counts [n, G, S] and needs [n] must have matching shapes")
    weights = advantages(returns)
    signals = np.empty((acts.shape[0], acts.shape[2]))
    for need in np.unique(labels):
        mine = labels == need
        pooled = acts[mine].sum(axis=(0, 1))
        share = pooled / max(pooled.sum(), 1.0)
        surprise = acts[mine] - acts[mine].sum(axis=2, keepdims=True) * share
        signals[mine] = np.einsum("ng,ngs->ns", weights[mine], surprise)
    return signals


def learnable_contrast(returns: ArrayLike, counts: ArrayLike, needs: ArrayLike, *, level: float = 0.95) -> Learnable:
    """Return SNR_G = (|g|^2 - tr V / n)+ / tr V, pooled a need and then weighted by its groups.

    Args:
        returns: Shape [n, G], 0..1.
        counts: Strategy counts of every rollout, shape [n, G, S]; not centred within the group.
        needs: Hidden need of each group, shape [n].
        level: Nominal coverage of the interval.

    Raises:
        UsageError: Fewer than 20 groups, shapes that do not match, or no need with 2 groups.
    """
    signals, labels = group_signals(returns, counts, needs), np.asarray(needs)
    count = len(signals)
    if count < FOLDS:
        raise UsageError(f"{count} groups are too few for an interval; at least {FOLDS}, better 256 a level")
    folds = np.argsort(np.random.default_rng(0).permutation(count)) % FOLDS
    whole = _ratio(signals, labels)
    parts = np.array([_ratio(signals[folds != f], labels[folds != f]) for f in range(FOLDS)])
    error = float(np.sqrt((FOLDS - 1) / FOLDS * ((parts - parts.mean()) ** 2).sum()))
    half = t_quantile(0.5 + level / 2, FOLDS - 1) * error
    snr, low, high = (max(x, 0.0) for x in (whole, whole - half, whole + half))
    return Learnable(
        snr=Interval(estimate=snr, low=low, high=high, level=level, n=count, method="jackknife"),
        groups_needed=1.0 / snr if snr > 0 else None,
        group_size=np.shape(returns)[1],
        groups=count,
    )


def sweet_spot(levels: ArrayLike, found: Sequence[Learnable], *, draws: int = 2000, seed: int = 0) -> SweetSpot:
    """Return the level of the highest SNR, with the levels that may be the best given every level's interval.

    Args:
        levels: Difficulty levels, shape [L].
        found: Learnable contrast at each.
        draws: Normal draws from the intervals.
        seed: Of the dice.
    """
    at = np.asarray(levels, float)
    if len(at) != len(found) or not len(at):
        raise UsageError("one learnable contrast is needed for every level")
    best = np.array([one.snr.estimate for one in found])
    error = np.array([(one.snr.high - one.snr.estimate) / 2.0 for one in found])
    noisy = best + error * np.random.default_rng(seed).standard_normal((draws, len(at)))
    low, high = np.quantile(at[noisy.argmax(axis=1)], [0.025, 0.975], method="inverted_cdf")
    nothing = not any(one.snr.low > 0 for one in found)
    wide = len(at) > 1 and low <= at.min() and high >= at.max()
    return SweetSpot(level=float(at[best.argmax()]), low=float(low), high=float(high), undetermined=nothing or wide)


def _ratio(signals: Floats, labels: Floats) -> float:
    """Return the signed signal over the noise, needs weighted by their groups."""
    signal = noise = 0.0
    for need in np.unique(labels):
        mine = signals[labels == need]
        if len(mine) > 1:
            spread = float(mine.var(axis=0, ddof=1).sum())
            signal += len(mine) * (float((mine.mean(axis=0) ** 2).sum()) - spread / len(mine))
            noise += len(mine) * spread
    return signal / noise if noise > 0 else 0.0

"""Pass@k beyond the rollouts that were played: a model, not a measurement, and labelled so.

Abilities are taken to be beta-distributed over personas, once plainly and once with a share of personas that are
impossible. The plain model is biased upward where some are (+.04 at k = 128, 10 % impossible), the other is unstable
with few personas; both are printed, at most to four times the rollouts (SCIENCE.md 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.ceiling import log_factorials
from emosim.analysis.intervals import Floats, Ints
from emosim.errors import UsageError
from emosim.value import Value

REACH: Final = 4
"""Extrapolate at most to this many times the fewest rollouts. Source: SCIENCE.md 1."""
_ZOOMS: Final = 9


class Extrapolation(Value):
    """Predicted pass@k; model-based."""

    label: Literal["model-based"] = "model-based"
    """What it is."""
    at: tuple[int, ...]
    """Values of k."""
    beta: tuple[float, ...]
    """Beta-binomial prediction of pass@k."""
    inflated: tuple[float, ...]
    """Prediction with a share of impossible personas."""
    impossible: float
    """That share, 0..1."""


@dataclass(frozen=True)
class BetaFit:
    """Beta-distributed success rates, with a share of personas that never succeed."""

    alpha: float
    """First shape, > 0."""
    beta: float
    """Second shape, > 0."""
    impossible: float
    """Share with rate 0."""
    log_likelihood: float
    """Of the counts."""

    def pass_at(self, k: int) -> float:
        """Return the predicted pass@k, (1 - impossible) (1 - B(α, β+k) / B(α, β))."""
        steps = np.arange(k)
        misses = np.exp(np.log((self.beta + steps) / (self.alpha + self.beta + steps)).sum())
        return float((1.0 - self.impossible) * (1.0 - misses))


def fit_beta(successes: ArrayLike, rollouts: ArrayLike, *, inflated: bool = False) -> BetaFit:
    """Return the maximum-likelihood beta-binomial of counts over personas.

    Args:
        successes: Counts, shape [P].
        rollouts: Counts, shape [P] or a number.
        inflated: Whether a share of personas may be impossible.

    Raises:
        UsageError: All personas always fail or always succeed: no shape can be fitted.
    """
    c, n = np.broadcast_arrays(np.asarray(successes, np.int64), np.asarray(rollouts, np.int64))
    if not 0 < int(c.sum()) < int(n.sum()):
        raise UsageError("all rollouts fail or all succeed; an extrapolation needs some of both")
    pairs, times = np.unique(np.stack([c, n]), axis=1, return_counts=True)
    low, high = np.array([-7.0, -4.0, 0.0]), np.array([7.0, 6.0, 0.98 if inflated else 0.0])
    sizes = (15, 15, 11 if inflated else 1)
    best = np.zeros(3)
    for _ in range(_ZOOMS):
        axes = [np.linspace(a, b, size) for a, b, size in zip(low, high, sizes, strict=True)]
        logs = _log_likelihood(pairs, times, axes)
        place = np.unravel_index(int(logs.argmax()), logs.shape)
        best = np.array([axis[i] for axis, i in zip(axes, place, strict=True)])
        reach = (high - low) / 4.0
        low, high = best - reach, best + reach
        low[2], high[2] = max(low[2], 0.0), min(high[2], 0.98)
    mean, weight = 1.0 / (1.0 + np.exp(-best[0])), np.exp(best[1])
    return BetaFit(float(mean * weight), float((1.0 - mean) * weight), float(best[2]), float(logs.max()))


def extrapolate(successes: ArrayLike, rollouts: ArrayLike, ks: Iterable[int]) -> Extrapolation:
    """Return pass@k from both models.

    Args:
        successes: Counts, shape [P].
        rollouts: Counts, shape [P] or a number.
        ks: Values of k, at most 4 times the fewest rollouts.

    Raises:
        UsageError: A k is out of reach, or nothing can be fitted.
    """
    grid, least = tuple(ks), int(np.min(np.asarray(rollouts)))
    if not grid or min(grid) < 1 or max(grid) > REACH * least:
        raise UsageError(f"k must lie between 1 and {REACH * least}, {REACH} times the fewest rollouts; play more")
    plain = fit_beta(successes, rollouts)
    inflated = fit_beta(successes, rollouts, inflated=True)
    return Extrapolation(
        at=grid,
        beta=tuple(plain.pass_at(k) for k in grid),
        inflated=tuple(inflated.pass_at(k) for k in grid),
        impossible=inflated.impossible,
    )


def _log_likelihood(pairs: Ints, times: Ints, axes: list[Floats]) -> Floats:
    """Return the log-likelihood on a grid of logit mean, log weight and share of impossible, shape [A, B, C]."""
    c, n = pairs
    mean = (1.0 / (1.0 + np.exp(-axes[0])))[:, None, None]
    weight = np.exp(axes[1])[None, :, None]
    steps = np.arange(int(n.max()))
    rises = [_cumulative(np.log(x + steps)) for x in (mean * weight, (1.0 - mean) * weight, weight)]
    table = log_factorials(int(n.max()))
    logs = rises[0][..., c] + rises[1][..., n - c] - rises[2][..., n] + table[n] - table[c] - table[n - c]
    share = axes[2][:, None]
    chances = (1.0 - share) * np.exp(logs)[:, :, None, :] + share * (c == 0)
    return np.asarray((np.log(np.maximum(chances, 1e-300)) * times).sum(axis=-1))


def _cumulative(logs: Floats) -> Floats:
    return np.concatenate([np.zeros((*logs.shape[:-1], 1)), np.cumsum(logs, axis=-1)], axis=-1)

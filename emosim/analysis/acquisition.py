"""What to play next: along one axis the levels that tell most about the boundary, over several knobs the straddle."""

from __future__ import annotations

from typing import Final

import numpy as np

from emosim.analysis.intervals import Floats
from emosim.analysis.logistic import Component, features, limits, mean_success
from emosim.analysis.posterior import Posterior
from emosim.analysis.psychometric import LEVELS, Target

BEST: Final = 4
"""Levels over which a batch is spread. Source: SCIENCE.md 2.2."""
ANCHORS: Final = 0.1
"""Share of episodes at the easiest and the hardest level, which guard against a wrong curve. Source: SCIENCE.md 2.2."""


def next_levels(posterior: Posterior, played: int, batch: int) -> list[float]:
    """Return the levels of the next batch.

    Args:
        posterior: Beliefs so far.
        played: Episodes proposed before.
        batch: Episodes wanted.
    """
    before, after = int(ANCHORS * played), int(ANCHORS * (played + batch))
    anchors = [float(i % 2) for i in range(before, after)]
    entropy = posterior.expected_entropy()
    best = np.argsort(entropy, kind="stable")[:BEST]
    spread = [LEVELS[int(best[i % BEST])] for i in range(batch - len(anchors))]
    return anchors + spread


def straddle(component: Component, candidates: Floats, target: Target, count: int) -> Floats:
    """Return the points nearest to the boundary and least sure, each chosen as if the earlier ones were played.

    Args:
        component: Normal posterior of the coefficients.
        candidates: Points, shape [n, knobs].
        target: The boundary.
        count: Points wanted.
    """
    phi = features(candidates)
    away = np.abs(phi @ component.mean - limits(component, target)[0])
    rates = mean_success(phi @ component.mean, component)
    covariance, chosen = component.covariance.copy(), []
    for _ in range(count):
        spread = np.einsum("ni,ij,nj->n", phi, covariance, phi)
        best = int((1.96 * np.sqrt(np.maximum(spread, 0.0)) - away).argmax())
        chosen.append(best)
        told = float(rates[best] * (1 - rates[best]))
        gain = covariance @ phi[best]
        covariance = covariance - np.outer(gain, gain) * told / (1.0 + told * spread[best])
    return np.asarray(candidates[chosen], float)


def lattice(count: int, knobs: int) -> Floats:
    """Return points spread evenly over the unit cube, shape [count, knobs]: the additive recurrence of Roberts 2018."""
    root = 2.0
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (knobs + 1))
    steps = root ** -np.arange(1.0, knobs + 1)
    return np.asarray((0.5 + np.arange(1, count + 1)[:, None] * steps) % 1.0, float)

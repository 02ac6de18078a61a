"""Posterior-predictive check: could this model have produced these outcomes? If not, its boundary means nothing."""

from __future__ import annotations

from typing import Final

import numpy as np

from emosim.analysis.intervals import Floats, Ints
from emosim.analysis.posterior import Posterior

BANDS: Final = 3
"""Bands of levels in which categories are counted."""
_DRAWS: Final = 400


def predictive_p(posterior: Posterior, levels: Floats, categories: Ints, *, seed: int = 0) -> float:
    """Return the posterior-predictive p of the counts of categories in bands of levels.

    The discrepancy is chi-squared against each draw's own expectation, compared with data replayed from that draw.

    Args:
        posterior: Beliefs after these outcomes.
        levels: Difficulties, shape [n].
        categories: Categories, shape [n].
        seed: Of the replayed data.

    Returns:
        Share of replays that fit no better than the data, 0..1; small means misfit.
        Source: Gelman, Meng & Stern 1996.
    """
    cells = posterior.sample(_DRAWS)
    places, where = np.unique(levels, return_inverse=True)
    chances = np.stack([posterior.predict(float(level), cells) for level in places]).transpose(2, 0, 1)
    chances = chances / chances.sum(axis=2, keepdims=True)
    plays = np.bincount(where)
    band = _bands(plays)
    kinds = chances.shape[2]
    seen = np.bincount(where * kinds + categories, minlength=len(places) * kinds).reshape(1, len(places), kinds)
    replayed = np.random.default_rng(seed).multinomial(plays, chances)
    expected = _gather(chances * plays[:, None], band)
    gaps = [
        ((_gather(counts, band) - expected) ** 2 / (expected + 0.5)).sum(axis=(1, 2)) for counts in (seen, replayed)
    ]
    return float((gaps[1] >= gaps[0]).mean())


def _bands(plays: Ints) -> Ints:
    """Return the band of every level, so that bands hold about as many episodes."""
    middle = np.cumsum(plays) - plays / 2.0
    return np.asarray(np.minimum(BANDS * middle / plays.sum(), BANDS - 1), np.int64)


def _gather(counts: Floats | Ints, band: Ints) -> Floats:
    return np.stack([counts[:, band == b].sum(axis=1) for b in range(BANDS)], axis=1).astype(float)

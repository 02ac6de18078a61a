"""Extrapolation beyond the rollouts: biases as SCIENCE.md 1 has them."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.analysis.extrapolate import BetaFit, extrapolate, fit_beta
from emosim.errors import UsageError


def test_a_known_beta_is_found() -> None:
    rng = np.random.default_rng(0)
    fit = fit_beta(rng.binomial(16, rng.beta(2, 3, 5000)), 16)
    assert (fit.alpha, fit.beta) == pytest.approx((2, 3), rel=0.1)
    assert BetaFit(2, 3, 0, 0).pass_at(1) == pytest.approx(0.4)


@pytest.mark.parametrize("seeds", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_biases_are_as_tabled(seeds: int) -> None:
    rng, truth = np.random.default_rng(1), 0.9 * BetaFit(0.6, 2.0, 0, 0).pass_at(128)
    errors = []
    for _ in range(seeds):
        chances = rng.beta(0.6, 2.0, 128) * (rng.random(128) > 0.1)
        found = extrapolate(rng.binomial(32, chances), 32, [128])
        errors.append((found.beta[0] - truth, found.inflated[0] - truth))
    plain, inflated = np.mean(errors, axis=0)
    assert 0.015 < plain < 0.06
    assert abs(inflated) < 0.02
    assert found.label == "model-based"


def test_it_reaches_no_further_than_four_times_the_rollouts() -> None:
    with pytest.raises(UsageError, match="between 1 and 32"):
        extrapolate([1, 2, 3], 8, [33])


@pytest.mark.parametrize("wins", [[0, 0, 0], [8, 8, 8]])
def test_all_failures_or_all_successes_are_refused(wins: list[int]) -> None:
    with pytest.raises(UsageError, match="some of both"):
        extrapolate(wins, 8, [16])

"""Contrast and learnable contrast against enumeration, planted noise, and the zones."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from emosim.analysis.contrast import (
    boundary_rate,
    chi2_quantile,
    contrast,
    contrasts,
    graded_contrast,
    noise_share,
    place,
    reach,
)
from emosim.analysis.intervals import Interval
from emosim.analysis.learnable import advantages, group_signals, learnable_contrast, sweet_spot
from emosim.errors import UsageError


def test_contrast_is_the_share_of_mixed_groups_among_all_subsets() -> None:
    rows = (np.random.default_rng(0).random((4, 9)) < [[0.1], [0.4], [0.8], [0.0]]).astype(float)
    for size in (2, 4):
        mixed = [np.mean([0 < sum(group) < size for group in combinations(row, size)]) for row in rows]
        assert contrasts(rows.sum(axis=1), 9, size) == pytest.approx(mixed)
        assert contrast(rows, size).estimate == pytest.approx(np.mean(mixed))


def test_contrast_has_no_bias_where_the_pooled_rate_has() -> None:
    rng = np.random.default_rng(1)
    p = 1 / (1 + np.exp(-rng.normal(-0.8, 2.5, 4000)))
    truth = float((1 - p**4 - (1 - p) ** 4).mean())
    found = contrast((rng.random((4000, 16)) < p[:, None]).astype(float), 4).estimate
    pooled = 1 - p.mean() ** 4 - (1 - p.mean()) ** 4
    assert found == pytest.approx(truth, abs=0.02)
    assert pooled > truth + 0.3


@pytest.mark.parametrize("seeds", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_contrast_intervals_cover(seeds: int) -> None:
    rng, hits = np.random.default_rng(2), 0
    many = 1 / (1 + np.exp(-rng.normal(-1.0, 1.25, 200_000)))
    truth = float((1 - many**8 - (1 - many) ** 8).mean())
    for _ in range(seeds):
        p = rng.choice(many, 48)
        found = contrast((rng.random((48, 12)) < p[:, None]).astype(float), 8)
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / seeds <= 0.99


def test_the_boundary_rate_is_where_contrast_falls() -> None:
    p = boundary_rate(0.5, 8)
    assert 1 - (1 - p) ** 8 == pytest.approx(0.5)
    with pytest.raises(UsageError):
        boundary_rate(0.5, 1)


def test_graded_contrast_counts_groups_above_the_noise() -> None:
    rows = np.random.default_rng(3).random((3, 7))
    variances = np.array([[np.var(group, ddof=1) for group in combinations(row, 4)] for row in rows])
    bar = 0.2**2 * chi2_quantile(0.95, 3) / 3
    assert graded_contrast(rows, 4, noise_sd=0.2).estimate == pytest.approx((variances > bar).mean())
    assert graded_contrast(rows, 4).estimate == pytest.approx((variances > 0.05**2).mean())


def test_pure_noise_has_little_graded_contrast() -> None:
    noise = np.random.default_rng(4).normal(0.5, 0.1, (200, 16))
    assert graded_contrast(noise, 8, noise_sd=0.1).estimate < 0.1
    assert graded_contrast(np.full((5, 8), 0.4), 8).estimate == 0.0


@pytest.mark.parametrize("df", [1, 2, 3, 7, 15])
def test_chi2_quantiles_hold_in_draws(df: int) -> None:
    draws = np.random.default_rng(df).chisquare(df, 40_000)
    assert (draws <= chi2_quantile(0.95, df)).mean() == pytest.approx(0.95, abs=0.006)


@pytest.mark.parametrize("planted", [0.2, 0.5, 0.8])
def test_the_noise_share_is_recovered(planted: float) -> None:
    rng, hits = np.random.default_rng(int(10 * planted)), 0
    for _ in range(40):
        returns = rng.normal(0, 1, (64, 16))
        found = noise_share(returns, rng.normal(0, np.sqrt(1 - planted), (60, 3)), draws=300)
        hits += found.low <= planted <= found.high
    assert hits >= 34


def test_zones_need_intervals_on_one_side() -> None:
    rng = np.random.default_rng(6)

    def rows(p: float, personas: int = 200) -> np.ndarray:
        return (rng.random((personas, 12)) < p).astype(float)

    assert [place(rows(p), 8).zone for p in (0.3, 0.045, 0.005)] == ["inside", "edge", "outside"]
    assert place(np.ones((50, 12)), 8).zone == "beneath"
    assert [place(1.0 - rows(p), 8).zone for p in (0.3, 0.045, 0.005)] == ["inside", "beneath", "beneath"]
    few = place(rows(0.08, 12), 8)
    assert few.zone == "undetermined"
    assert "spans" in few.reasons[0]
    assert few.detectable > 0.1
    weak = Interval(estimate=0.4, low=0.3, high=0.5, n=60, method="bootstrap")
    assert place(rows(0.3), 8, noise=weak).zone == "undetermined"


@pytest.mark.parametrize("rows", [np.ones((1, 8)), np.ones((5, 3)), np.full((3, 8), np.nan)])
def test_too_little_is_refused(rows: np.ndarray) -> None:
    for measure in (contrast, graded_contrast, reach, place):
        with pytest.raises(UsageError):
            measure(rows, 8)


def test_reach_rises_with_the_group() -> None:
    rows = np.random.default_rng(7).random((30, 16))
    assert reach(rows, 8).estimate > reach(rows, 2).estimate


def _single_turn(shares: np.ndarray, worth: np.ndarray, size: int) -> float:
    """Return the true SNR of groups of one-turn rollouts, by enumeration of what each rollout does."""
    chances, signals = [], []
    for acts in product(range(len(shares)), repeat=size):
        weights = advantages(worth[list(acts)][None])[0]
        signals.append((weights[:, None] * (np.eye(len(shares))[list(acts)] - shares)).sum(axis=0))
        chances.append(np.prod(shares[list(acts)]))
    mean = np.average(signals, axis=0, weights=chances)
    noise = np.average(((np.array(signals) - mean) ** 2).sum(axis=1), weights=chances)
    return float((mean**2).sum() / noise)


def test_learnable_contrast_agrees_with_enumeration() -> None:
    rng, shares, worth = np.random.default_rng(8), np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.5, 1.0])
    truth, size = _single_turn(shares, worth, 3), 3
    acts = rng.choice(3, size=(6000, size), p=shares)
    found = learnable_contrast(worth[acts], np.eye(3)[acts], np.zeros(6000))
    assert found.snr.estimate == pytest.approx(truth, rel=0.07)
    assert found.snr.low <= truth <= found.snr.high
    assert found.groups_needed == pytest.approx(1 / found.snr.estimate)


def test_rewards_that_nobody_earned_teach_nothing() -> None:
    rng, false = np.random.default_rng(9), 0
    for _ in range(60):
        acts = rng.multinomial(6, np.full(5, 0.2), size=(400, 4))
        false += learnable_contrast(rng.random((400, 4)), acts, rng.integers(4, size=400)).snr.low > 0
    assert false <= 6


def test_signals_know_the_need() -> None:
    counts = np.array([[[1, 0], [0, 1]], [[1, 0], [0, 1]]])
    returns = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert group_signals(returns, counts, np.array([0, 1])) == pytest.approx(np.array([[1, -1], [-1, 1]]))
    assert advantages(np.full((2, 4), 0.3)) == pytest.approx(np.zeros((2, 4)))


def test_the_sweet_spot_is_undetermined_without_signal() -> None:
    rng = np.random.default_rng(10)
    flat = [
        learnable_contrast(rng.random((100, 4)), rng.integers(3, size=(100, 4, 5)), np.zeros(100)) for _ in range(4)
    ]
    assert sweet_spot((0.0, 0.3, 0.6, 1.0), flat).undetermined
    acts = rng.choice(3, size=(400, 4))
    sharp = learnable_contrast(np.array([0.0, 0.5, 1.0])[acts], np.eye(3)[acts], np.zeros(400))
    spot = sweet_spot((0.0, 0.3, 0.6), [flat[0], sharp, flat[1]])
    assert (spot.level, spot.low, spot.high, spot.undetermined) == (0.3, 0.3, 0.3, False)
    with pytest.raises(UsageError, match="at least 20"):
        learnable_contrast(np.ones((3, 4)), np.ones((3, 4, 2)), np.zeros(3))

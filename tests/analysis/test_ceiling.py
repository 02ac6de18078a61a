"""Unbiasedness against enumeration and planted truth; the elicitation multiple within a factor 1.5."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from emosim.analysis.ceiling import (
    ceiling,
    ceiling_by_turns,
    crossover,
    doubling,
    elicitation_multiple,
    max_at_k,
    pass_at_k,
    sampling_gap,
)
from emosim.errors import UsageError
from emosim.testing.planted import MOODS, AbilityAgent, MoodWalk, Training, planted_training


def test_max_at_k_is_the_mean_over_all_subsets() -> None:
    rows = np.random.default_rng(0).random((3, 8))
    expected = [[np.mean([max(c) for c in combinations(row, k)]) for k in (1, 3, 8)] for row in rows]
    assert max_at_k(rows, (1, 3, 8)) == pytest.approx(np.array(expected))


def test_pass_at_k_is_max_at_k_of_outcomes() -> None:
    wins = np.array([0, 1, 5, 8])
    outcomes = (np.arange(8) < wins[:, None]).astype(float)
    assert pass_at_k(wins, 8, (1, 2, 8)) == pytest.approx(max_at_k(outcomes, (1, 2, 8)))


def test_max_at_k_has_no_bias_where_resampling_has() -> None:
    rng, draws, n, k = np.random.default_rng(1), 2000, 16, 8
    cumulative = np.cumsum(MoodWalk().ends())
    truth = float((np.diff(np.concatenate([[0.0], cumulative**k])) * MOODS).sum() / 100)
    rows = MoodWalk().play(rng, np.zeros(draws * n))[:, -1].reshape(draws, n) / 100
    assert abs(max_at_k(rows, [k]).mean() - truth) < 0.005
    resampled = np.take_along_axis(rows, rng.integers(n, size=(draws, k)), axis=1).max(axis=1)
    assert resampled.mean() - truth < -0.015


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 4, 8, 16])
@pytest.mark.parametrize("lift", [-0.5, 0.0, 0.5])
def test_max_at_k_has_no_bias_at_any_level(k: int, lift: float) -> None:
    rng, draws = np.random.default_rng(k), 8000
    cumulative = np.cumsum(MoodWalk().ends(lift))
    truth = float((np.diff(np.concatenate([[0.0], cumulative**k])) * MOODS).sum() / 100)
    rows = MoodWalk().play(rng, np.full(draws * 16, lift))[:, -1].reshape(draws, 16) / 100
    error = max_at_k(rows, [k])[:, 0]
    assert abs(error.mean() - truth) < max(0.005, 3 * error.std() / draws**0.5)


def test_missing_rollouts_are_left_out() -> None:
    rows = np.array([[0.1, 0.9, 0.5], [0.2, np.nan, 0.4]])
    assert max_at_k(rows, [1, 2])[1] == pytest.approx([0.3, 0.4])
    with pytest.raises(UsageError, match="fewest are 2"):
        max_at_k(rows, [3])


def test_the_curve_rises_and_its_band_holds_its_intervals() -> None:
    rng = np.random.default_rng(2)
    curve = ceiling(AbilityAgent.spread(rng, 32).outcomes(rng, 16))
    assert curve.at == (1, 2, 4, 8, 16) == doubling(16)
    assert list(curve.mean) == sorted(curve.mean)
    assert all(a <= b for a, b in zip(curve.band_low, curve.low, strict=True))


def test_ceiling_by_turns_reads_prefixes() -> None:
    rng = np.random.default_rng(3)
    moods = MoodWalk().play(rng, np.zeros(20 * 8)).reshape(20, 8, 10)
    found = ceiling_by_turns(moods, (3, 9), (1, 8))
    assert found[9].mean == ceiling(moods[:, :, 9] / 100, (1, 8)).mean
    with pytest.raises(UsageError, match="turn caps"):
        ceiling_by_turns(moods, (12,))


def true_multiple(base: AbilityAgent, after: AbilityAgent, largest: int) -> float:
    excess = base.coverage(range(1, largest + 1)) - after.chances.mean()
    above = np.flatnonzero(excess >= 0)
    i = int(above[0])
    return 1.0 if i == 0 else i + 1 - excess[i] / (excess[i] - excess[i - 1])


@pytest.mark.parametrize("seeds", [20, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("training", ["odds", "sharpen", "create"])
def test_the_elicitation_multiple_is_within_a_factor(seeds: int, training: Training) -> None:
    near, covered = 0, 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        base = AbilityAgent.spread(rng, 64)
        after = base.trained(training)
        truth = true_multiple(base, after, 16)
        found = elicitation_multiple(base.outcomes(rng, 16), after.outcomes(rng, 16), draws=200)
        near += found.estimate is not None and truth / 1.5 <= found.estimate <= truth * 1.5
        covered += (found.low or 1) <= truth <= (found.high or np.inf)
    assert near >= 0.95 * seeds
    assert covered >= 0.9 * seeds


def test_what_is_not_reached_is_censored() -> None:
    base, trained = np.zeros((10, 4)), np.ones((10, 4))
    found = elicitation_multiple(base, trained)
    assert (found.estimate, found.low, found.high, found.reached) == (None, None, None, 0.0)
    assert str(found) == "> 4 [> 4, > 4]"
    assert crossover(trained, base).estimate == 1.0
    assert sampling_gap(base + np.arange(10)[:, None] / 10, trained).high < 0


def test_different_personas_cannot_be_paired() -> None:
    with pytest.raises(UsageError, match="same ones"):
        crossover(np.zeros((3, 4)), np.zeros((4, 4)))
    with pytest.raises(UsageError, match="at least 2"):
        crossover(np.zeros((1, 4)), np.ones((1, 4)))


def test_planted_training_does_what_it_says() -> None:
    before = np.array([0.01, 0.04, 0.5])
    assert planted_training(before, "odds")[2] == pytest.approx(6 / 7)
    assert planted_training(before, "create").tolist() == [0.25, 0.04, 0.5]
    assert planted_training(before, "sharpen")[1] == pytest.approx(0.002)
    with pytest.raises(UsageError, match="did you mean 'odds'"):
        planted_training(before, "odd")  # type: ignore[arg-type]

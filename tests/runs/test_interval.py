"""Means and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.runs.interval import mean_of, t975

TRUTH = {1: 12.7062047, 5: 2.5705818, 20: 2.0859634, 21: 2.0796138, 30: 2.0422725, 60: 2.0002978, 1000: 1.9623391}


@pytest.mark.parametrize(("df", "quantile"), TRUTH.items())
def test_quantiles_are_those_of_the_tables(df: int, quantile: float) -> None:
    assert t975(df) == pytest.approx(quantile, abs=1e-5)


def test_quantiles_fall_without_a_step() -> None:
    quantiles = [t975(df) for df in range(1, 200)]
    assert quantiles == sorted(quantiles, reverse=True)


def test_personas_are_the_units_when_there_are_several() -> None:
    mean = mean_of({"a": [0.0, 0.2], "b": [0.4] * 50})
    assert mean is not None
    assert (mean.mean, mean.n, mean.unit) == (pytest.approx(0.25), 2, "persona")


def test_episodes_are_the_units_of_one_persona() -> None:
    mean = mean_of({"a": [0.1, 0.2, 0.3]})
    assert mean is not None
    assert (mean.mean, mean.n, mean.unit) == (pytest.approx(0.2), 3, "episode")
    assert mean.high == pytest.approx(0.2 + 4.302653 * 0.1 / 3**0.5)


def test_a_single_value_has_no_interval_and_nothing_has_no_mean() -> None:
    mean = mean_of({"a": [0.5]})
    assert mean is not None
    assert (mean.low, mean.high) == (None, None)
    assert mean_of({}) is None
    assert mean_of({"a": []}) is None


def test_an_interval_stays_where_the_truth_can_be() -> None:
    mean = mean_of({"a": [0.0], "b": [1.0]}, within=(0.0, 1.0))
    assert mean is not None
    assert (mean.low, mean.high) == (0.0, 1.0)


def test_the_interval_covers_the_planted_truth() -> None:
    dice = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        mean = mean_of({str(persona): [float(dice.normal(0.4, 0.1))] for persona in range(6)})
        assert mean is not None
        assert mean.low is not None
        assert mean.high is not None
        covered += mean.low <= 0.4 <= mean.high
    assert 0.935 <= covered / 2000 <= 0.965


@pytest.mark.parametrize(("personas", "truth"), [(3, 0.1), (8, 0.1), (24, 0.1), (24, 0.5)])
def test_the_interval_of_few_bounded_values_covers_the_truth_near_an_end(personas: int, truth: float) -> None:
    dice = np.random.default_rng(2)
    covered = 0
    for _ in range(1000):
        scores = dice.beta(0.4 * truth, 0.4 * (1 - truth), personas)
        mean = mean_of({str(place): [float(score)] for place, score in enumerate(scores)}, within=(0.0, 1.0))
        assert mean is not None
        assert mean.low is not None
        assert mean.high is not None
        covered += mean.low <= truth <= mean.high
    assert covered / 1000 >= 0.93


def test_equal_values_of_few_units_leave_room_for_others() -> None:
    mean = mean_of({name: [0.0] for name in "abc"}, within=(0.0, 1.0))
    assert mean is not None
    assert (mean.low, mean.high) == (0.0, pytest.approx(0.632, abs=0.001))

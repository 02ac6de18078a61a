"""The planted truth is true: exact chances against play, mixtures against counts."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.testing.planted import (
    MOODS,
    AbilityAgent,
    MoodWalk,
    StrategyAgent,
    logit,
    planted_grades,
    planted_ratings,
    sigmoid,
)


@pytest.mark.parametrize("lift", [-0.4, 0.0, 0.4])
def test_the_walk_ends_as_its_exact_distribution_says(lift: float) -> None:
    last = MoodWalk().play(np.random.default_rng(0), np.full(60_000, lift))[:, -1]
    exact = MoodWalk().ends(lift)
    assert exact.sum() == pytest.approx(1.0)
    assert [(last == mood).mean() for mood in MOODS] == pytest.approx(exact.tolist(), abs=0.006)


def test_the_walk_has_the_shape_of_sage() -> None:
    rng = np.random.default_rng(1)
    last = MoodWalk().play(rng, rng.normal(0.0, 0.6, 60_000))[:, -1]
    assert (last >= 100).mean() == pytest.approx(0.138, abs=0.04)
    assert (last < 10).mean() == pytest.approx(0.371, abs=0.06)
    assert last.std() == pytest.approx(38.9, abs=1.0)


def test_an_ended_walk_stands_still() -> None:
    moods = MoodWalk().play(np.random.default_rng(2), np.zeros(1000))
    over = MoodWalk().over(moods[:, 5])
    assert over.any()
    assert (moods[over, 6:] == moods[over, 5:6]).all()


def test_coverage_is_the_mean_over_personas() -> None:
    agent = AbilityAgent(np.array([0.0, 0.5, 1.0]))
    assert agent.coverage([1, 2]) == pytest.approx([0.5, 1.75 / 3])
    assert agent.outcomes(np.random.default_rng(0), 4)[[0, 2]].tolist() == [[0.0] * 4, [1.0] * 4]


def test_strategies_are_drawn_from_their_mixtures() -> None:
    agent = StrategyAgent.graded(needs=2, acts=3, decay=1.0)
    assert agent.mixtures[0] == pytest.approx(np.array([6, 3, 2]) / 11)
    counts = agent.counts(np.random.default_rng(0), np.zeros(5000, int), acts=8)
    assert counts.mean(axis=0) / 8 == pytest.approx(agent.mixtures[0], abs=0.01)
    assert agent.sharpened(2.0).mixtures[0] == pytest.approx(np.array([36, 9, 4]) / 49)
    wide = StrategyAgent(agent.mixtures, concentration=2.0).counts(np.random.default_rng(0), np.zeros(5000, int))
    assert wide.var(axis=0)[0] > 2 * counts.var(axis=0)[0]


def test_ratings_and_grades_hold_their_parameters() -> None:
    rng = np.random.default_rng(3)
    scores = planted_ratings(rng, 300, 300, (3.0, 0.0, 1.0), repeats=2)
    assert scores.mean(axis=(1, 2)).std() == pytest.approx(3.0, rel=0.15)
    grades = planted_grades(rng, np.zeros(200), np.zeros(200), (1.0, -1.0))
    assert [(grades >= c).mean() for c in (1, 2)] == pytest.approx(sigmoid([1.0, -1.0]).tolist(), abs=0.01)
    assert logit(sigmoid(1.3)) == pytest.approx(1.3)

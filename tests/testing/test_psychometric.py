"""Planted agents are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.testing.psychometric import (
    PlantedAgent,
    PlantedSurface,
    cast_effects,
    grid_design,
    model_free_boundary,
)


def test_returns_follow_the_curve() -> None:
    agent = PlantedAgent(0.4, 6.0, floor=0.02, lapse=0.05, effects=cast_effects(10, 1.0, 0))
    people = np.arange(40_000) % 10
    returns = agent.play(np.full(40_000, 0.3), people, np.random.default_rng(0))
    for mark, offset in zip((0.1, 0.4, 0.7, 1.0), agent.offsets, strict=True):
        assert (returns >= mark).mean() == pytest.approx(agent.at_least(0.3, np.arange(10), offset).mean(), abs=0.01)


def test_boundaries_are_where_they_should_be() -> None:
    agent = PlantedAgent(0.5, 8.0)
    assert agent.boundary(rate=0.5) == pytest.approx(0.5, abs=0.002)
    assert agent.boundary() == pytest.approx(0.5 + np.log(1 / 0.083 - 1) / 8, abs=0.003)
    assert PlantedAgent(0.5, 8.0, floor=0.2).boundary() == np.inf
    assert PlantedAgent(0.5, 8.0, lapse=0.6).boundary(rate=0.5) == -np.inf


def test_surfaces_have_a_volume() -> None:
    surface = PlantedSurface(2.0, (4.0, 0.0), ((0, 1, 1.0),), cast_effects(12, 0.5, 0))
    points = np.random.default_rng(0).random((2000, 2))
    wins = surface.play(points, np.arange(2000) % 12, np.random.default_rng(1)) > 0.7
    assert wins.mean() == pytest.approx((1 / (1 + np.exp(-surface.logits(points)))).mean(), abs=0.04)
    assert 0 < surface.explorable(points, 0.5, 4) < 1


def test_baselines() -> None:
    levels = grid_design(1100)
    agent = PlantedAgent(0.5, 12.0)
    wins = agent.play(levels, np.zeros(1100, int), np.random.default_rng(2)) >= 0.7
    assert model_free_boundary(levels, wins, 0.5) == pytest.approx(0.5, abs=0.06)
    assert model_free_boundary(levels, np.ones(1100), 0.5) == np.inf
    assert model_free_boundary(levels, np.zeros(1100), 0.5) == -np.inf

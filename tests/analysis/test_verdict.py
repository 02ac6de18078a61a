"""Verdicts on planted trainings: right in 9 of 10, false `creates` in at most 1 of 20; refusals."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from emosim.analysis.verdict import compare, detectable
from emosim.errors import UsageError
from emosim.testing.planted import AbilityAgent, Training

SEEDS = [8, pytest.param(100, marks=pytest.mark.slow)]


def right(seeds: int) -> int:
    """Return how many of the seeds must be right: 9 in 10, in the short run all but one."""
    return seeds - max(1, seeds // 10)


def verdicts(training: Training, seeds: int, personas: int = 64, rollouts: int = 16) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in range(1000, 1000 + seeds):
        rng = np.random.default_rng(seed)
        base = AbilityAgent.spread(rng, personas)
        found[compare(base.outcomes(rng, rollouts), base.trained(training).outcomes(rng, rollouts)).kind] += 1
    return found


@pytest.mark.parametrize("seeds", SEEDS)
def test_elicitation_selects(seeds: int) -> None:
    assert verdicts("odds", seeds)["selects"] >= right(seeds)


@pytest.mark.parametrize("seeds", SEEDS)
def test_new_support_creates(seeds: int) -> None:
    assert verdicts("create", seeds)["creates"] >= right(seeds)


@pytest.mark.parametrize("seeds", SEEDS)
def test_sharpening_selects(seeds: int) -> None:
    assert verdicts("sharpen", seeds)["selects"] >= right(seeds)


@pytest.mark.parametrize("seeds", SEEDS)
def test_nothing_is_undetermined(seeds: int) -> None:
    assert verdicts("null", seeds)["undetermined"] >= right(seeds)


@pytest.mark.slow
@pytest.mark.parametrize("training", ["null", "odds", "sharpen"])
def test_creation_is_hardly_ever_claimed_falsely(training: Training) -> None:
    assert verdicts(training, 300)["creates"] / 300 <= 0.05


@pytest.mark.slow
def test_creation_beside_elicitation_takes_more_rollouts() -> None:
    assert verdicts("create_and_odds", 20, 128, 64)["creates"] >= 18


def test_too_few_personas_cannot_tell_selection_from_creation() -> None:
    assert verdicts("odds", 5, personas=12)["undetermined"] == 5


def test_an_undetermined_verdict_says_what_would_determine_it() -> None:
    rng = np.random.default_rng(1)
    few = AbilityAgent.spread(rng, 12)
    unseen = compare(few.outcomes(rng, 16), few.trained("odds").outcomes(rng, 16))
    assert unseen.kind == "undetermined"
    assert "would be found with 80 % power by 24 personas" in unseen.reasons[-1]
    assert "-n 32" in unseen.reasons[-1]
    base = AbilityAgent.spread(rng, 24)
    small = compare(base.outcomes(rng, 16), AbilityAgent(base.chances * 1.05).outcomes(rng, 16))
    assert "no gain at k = 1 is shown" in small.reasons[0]
    assert "personas" in small.reasons[-1]


@pytest.mark.parametrize(
    ("base", "trained", "words"),
    [
        (np.zeros((1, 16)), np.ones((1, 16)), "at least 8, better 64"),
        (np.zeros((1, 16)), np.ones((1, 16)), "1 persona says nothing"),
        (np.zeros((64, 4)), np.ones((64, 4)), "at least 14"),
        (np.zeros((64, 1)), np.ones((64, 1)), "1 rollout of the base and 1 of the trained agent a persona are too few"),
        (np.zeros((64, 16)), np.zeros((64, 16)), "easier level"),
        (np.ones((64, 16)), np.ones((64, 16)), "harder level"),
        (np.full((64, 16), 0.5), np.full((64, 16), 0.5), "easier level"),
        (np.zeros((64, 16)), np.ones((64, 16)), "do not bound the shift"),
        (np.full((64, 0), np.nan), np.full((64, 0), np.nan), "at least 14"),
    ],
)
def test_what_says_nothing_is_undetermined(base: np.ndarray, trained: np.ndarray, words: str) -> None:
    verdict = compare(base, trained)
    assert verdict.kind == "undetermined"
    assert words in " ".join(verdict.reasons)


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(UsageError, match="same ones"):
        compare(np.zeros((8, 16)), np.zeros((9, 16)))
    with pytest.raises(UsageError, match=r"0\.\.1"):
        compare(np.full((8, 16), 40.0), np.full((8, 16), 50.0))


def test_a_verdict_prints_what_it_could_not_have_seen() -> None:
    rng = np.random.default_rng(1)
    base = AbilityAgent.spread(rng, 64)
    verdict = compare(base.outcomes(rng, 16), base.outcomes(rng, 16))
    assert "80 % power" in verdict.reasons[0]
    assert detectable(np.zeros(5)) is None

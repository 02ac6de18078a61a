"""What a comparison says where training took more than it gave, against planted trainings."""

from __future__ import annotations

import numpy as np

from emosim.analysis.findings.comparison import ceiling_change, gain_of, sentence_of
from emosim.analysis.verdict import Verdict, compare
from emosim.testing.planted import AbilityAgent, Training


def told(before: np.ndarray, after: np.ndarray, seed: int = 0) -> tuple[Verdict, str]:
    """Return the verdict and the sentence on two agents with known rates."""
    rng = np.random.default_rng(seed)
    base, trained = (AbilityAgent(chances).outcomes(rng, 64) for chances in (before, after))
    found = compare(base, trained)
    best = ceiling_change(base, trained, found.evidence.coverage.k) if found.evidence else None
    return found, sentence_of(found, None, best)


def spread() -> np.ndarray:
    """Return rates of 64 personas: 16 that are never helped, 48 that are helped now and then."""
    return np.repeat([0.0, 0.15, 0.5], [16, 32, 16])


def test_created_some_and_lost_more_says_both() -> None:
    before = spread()
    after = np.concatenate([np.full(10, 0.4), np.zeros(6), np.zeros(32), np.full(16, 0.5)])
    found, said = told(before, after)
    assert found.kind == "creates"
    assert said.startswith("training creates some and loses more (")
    assert found.evidence is not None
    assert found.evidence.left is not None
    assert found.evidence.left.count > found.evidence.entered.count > 0
    assert f"{found.evidence.entered.count} personas entered the support" in said
    assert f"{found.evidence.left.count} left it; C(32) -0." in said


def test_a_ceiling_that_fell_is_said_though_fewer_were_lost() -> None:
    before = np.repeat([0.0, 0.04, 0.5], [16, 40, 8])
    after = np.concatenate([np.full(6, 0.4), np.zeros(10), np.full(40, 0.004), np.full(8, 0.5)])
    found, said = told(before, after)
    assert found.kind == "creates"
    assert "C(32) -0." in said
    assert said.startswith(("training creates some and lowers the ceiling (", "training creates some and loses more ("))


def test_plain_creation_and_plain_selection_stay_plain() -> None:
    trainings: dict[str, Training] = {"creates": "create", "selects": "odds"}
    for kind, training in trainings.items():
        base = AbilityAgent.spread(np.random.default_rng(1), 64)
        found, said = told(base.chances, base.trained(training).chances)
        assert found.kind == kind
        assert said.startswith(f"training {kind}: ")


def test_too_little_to_judge_says_no_costs() -> None:
    found, said = told(np.zeros(4), np.ones(4))
    assert found.evidence is None
    assert "the gain is undetermined, as one persona is no sample of personas" in said
    assert "C(" not in said


def test_equal_episodes_are_unchanged_and_equal_scores_are_near_at_most() -> None:
    rows = np.full((24, 2), 0.4)
    same, scores = (gain_of(rows, rows, identical=identical) for identical in (True, False))
    assert same is not None
    assert scores is not None
    assert (same.kind, same.difference.low, same.difference.high) == ("unchanged", 0.0, 0.0)
    assert scores.kind == "undetermined"
    assert scores.difference.low < -0.1 < 0.1 < scores.difference.high
    said = sentence_of(compare(rows, rows), same, None)
    assert said.startswith("unchanged: every pair of episodes is identical, over 24 personas; a change that meets ")
    assert "undetermined" not in said


def test_few_personas_are_no_population_though_their_episodes_are_equal() -> None:
    few = gain_of(np.ones((4, 2)), np.ones((4, 2)), identical=True)
    assert few is not None
    assert (few.kind, few.difference.low < -0.4) == ("undetermined", True)
    assert gain_of(np.ones((1, 9)), np.zeros((1, 9)), identical=False) is None

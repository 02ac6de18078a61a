"""What a comparison says where training took more than it gave, against planted trainings."""

from __future__ import annotations

import numpy as np

from emosim.analysis.findings.comparison import ceiling_change, sentence_of
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
    assert "undetermined" in said
    assert "C(" not in said

"""Variance components, generalizability, pairing and noise, on planted scores and on SAGE's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from emosim.analysis.reliability import (
    components,
    noise_floor,
    paired,
    personas_needed,
    smallest_difference,
)
from emosim.errors import UsageError
from emosim.testing.planted import planted_ratings

MEANS = {
    "claude3.7": 54.8, "claude3.7-think": 61.2, "deepseek-v3-0324": 54.4, "deepseek-v3-1227": 37.6,
    "gemini2.0-flash": 32.9, "gpt-4.1": 68.2, "gpt-4.5": 62.7, "gpt-4o-0808": 31.8, "llama3.3-70b": 33.2,
    "openai-o1": 29.0, "openai-o4mini": 35.8, "qwen2.5-72b": 19.1,
}  # fmt: skip


def test_shares_of_sage(sage) -> None:  # type: ignore[no-untyped-def]
    found = components(sage.finals)
    shares = found.shares
    assert (shares["agent"], shares["persona"], shares["residual"]) == pytest.approx((0.16, 0.22, 0.62), abs=0.006)
    assert found.generalizability(20) == pytest.approx(0.84, abs=0.005)
    assert found.generalizability(100) == pytest.approx(0.96, abs=0.005)
    sizes = [smallest_difference((2 * found.residual) ** 0.5, n) for n in (100, 200, 400)]
    assert sizes == pytest.approx([12.2, 8.6, 6.1], abs=0.15)


def test_agent_means_of_sage(sage) -> None:  # type: ignore[no-untyped-def]
    found = dict(zip(sage.agents, sage.finals.mean(axis=1), strict=True))
    assert found == pytest.approx(MEANS, abs=0.1)


@pytest.mark.parametrize("kind", ["final", "padded_auc"])
def test_twenty_profiles_rank_sage_agents(sage, kind: str) -> None:  # type: ignore[no-untyped-def]
    scores = sage.finals if kind == "final" else sage.moods[:, 1:].mean(axis=1).reshape(12, 100)
    rng = np.random.default_rng(0)
    full = np.argsort(np.argsort(scores.mean(axis=1)))
    picks = [scores[:, rng.choice(100, 20, replace=False)].mean(axis=1) for _ in range(1000)]
    rho = [np.corrcoef(np.argsort(np.argsort(mean)), full)[0, 1] for mean in picks]
    assert np.median(rho) >= 0.90
    assert np.mean(rho) >= (0.90 if kind == "padded_auc" else 0.89)


def test_neighbours_on_the_board_are_not_told_apart(sage) -> None:  # type: ignore[no-untyped-def]
    order = np.argsort(sage.finals.mean(axis=1))
    kinds = [paired(sage.finals[a], sage.finals[b]).kind for a, b in pairwise(order)]
    assert kinds.count("undetermined") == 9
    assert kinds.count("better") == 2


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("seeds", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_components_are_unbiased(seeds: int, repeats: int) -> None:
    rng = np.random.default_rng(repeats)
    found = [components(planted_ratings(rng, 12, 60, (15.6, 18.3, 30.8), repeats=repeats)) for _ in range(seeds)]
    means = [np.mean([getattr(c, name) for c in found]) for name in ("agent", "persona", "residual")]
    assert means == pytest.approx([243, 335, 949], rel=0.15 if seeds < 100 else 0.06)
    if repeats == 3:
        assert abs(np.mean([c.interaction for c in found])) < 12


@pytest.mark.parametrize("seeds", [400, pytest.param(4000, marks=pytest.mark.slow)])
def test_paired_differences_are_covered_and_found(seeds: int) -> None:
    rng, hits, found = np.random.default_rng(0), 0, 0
    for _ in range(seeds):
        first, second = planted_ratings(rng, 2, 100, (0.0, 18.3, 30.8))[:, :, 0]
        result = paired(first, second + 12.2, draws=10)
        hits += result.difference.low <= 12.2 <= result.difference.high
        found += result.kind == "better"
    assert hits / seeds == pytest.approx(0.95, abs=0.02 if seeds > 1000 else 0.035)
    assert found / seeds == pytest.approx(0.80, abs=0.03 if seeds > 1000 else 0.07)


def test_pairing_removes_the_persona() -> None:
    scores = planted_ratings(np.random.default_rng(1), 2, 4000, (0.0, 30.0, 10.0))[:, :, 0]
    assert paired(scores[0], scores[1]).saved == pytest.approx(0.9, abs=0.02)


def test_design_sizes_invert_each_other() -> None:
    n = personas_needed(43.6, 8.6)
    assert smallest_difference(43.6, n) <= 8.6 < smallest_difference(43.6, n - 1)
    assert personas_needed(1.0, 100.0) == 2


@pytest.mark.parametrize("seeds", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_noise_floor_is_found(seeds: int) -> None:
    rng, found = np.random.default_rng(2), []
    for _ in range(seeds):
        replays = rng.normal(0, 2**0.5, (40, 1)) + rng.normal(0, (2 / 3) ** 0.5, (40, 3))
        found.append(noise_floor(replays))
    assert np.mean([floor.sd for floor in found]) == pytest.approx((2 / 3) ** 0.5, rel=0.02)
    assert np.mean([floor.icc.low <= 0.75 <= floor.icc.high for floor in found]) >= 0.9
    assert np.mean([floor.icc.half_width for floor in found]) == pytest.approx(0.11, abs=0.02)


def test_the_policy_share_is_what_noise_leaves() -> None:
    floor = noise_floor([[1.0, 3.0], [2.0, 4.0], [0.0, 2.0]])
    assert floor.policy_share(4.0) == pytest.approx(0.5)
    assert floor.policy_share(1.0) == 0.0
    with pytest.raises(UsageError, match="do not vary"):
        floor.policy_share(0.0)
    assert noise_floor([[0.0, 0.0], [0.0, 0.0]]).sign_agreement is None


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (np.zeros((1, 100)), "at least 2 agents"),
        (np.zeros((5, 1)), "on 2 personas"),
        (np.full((5, 10), 40.0), "the same"),
        (np.array([[1.0, np.nan], [1.0, 2.0]]), "did not finish"),
    ],
)
def test_what_cannot_be_split_is_refused(scores: np.ndarray, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        components(scores)


def test_pairs_that_say_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="same value"):
        paired(np.zeros(10), np.ones(10))
    with pytest.raises(UsageError, match="same keys"):
        paired(np.zeros(10), np.ones(9))
    few, many = (paired(np.full(n, 0.9), np.full(n, 0.5), bounds=(-1.0, 1.0)) for n in (2, 24))
    assert (few.kind, many.kind) == ("undetermined", "worse")
    assert many.difference.low < -0.4 < many.difference.high < 0.0 < many.detectable
    same = paired(np.zeros(24), np.zeros(24), bounds=(-1.0, 1.0))
    assert (same.kind, same.saved) == ("undetermined", 0.0)
    assert same.difference.low < -0.1 < 0.1 < same.difference.high
    with pytest.raises(UsageError, match="40 x 3"):
        noise_floor(np.zeros((1, 3)))

"""Biases of entropy estimators as SCIENCE.md 3 has them, and exact values."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.analysis.entropy import _unseen, conditional_entropy, entropy, hill, mutual_information
from emosim.errors import UsageError

TABLED = [
    (10, 20, {"plug_in": -0.20, "miller_madow": -0.08, "chao_shen": -0.015, "chao": -0.003}),
    (10, 50, {"plug_in": -0.10, "miller_madow": -0.03, "chao_shen": -0.011, "chao": -0.009}),
    (40, 50, {"plug_in": -0.40, "miller_madow": -0.20, "chao_shen": -0.03, "chao": -0.001}),
]


@pytest.mark.parametrize(("acts", "n", "tabled"), TABLED)
def test_biases_are_as_tabled(acts: int, n: int, tabled: dict[str, float]) -> None:
    rng = np.random.default_rng(acts + n)
    worlds = 400 if acts == 10 else 1
    errors: dict[str, list[float]] = {name: [] for name in tabled}
    for _ in range(worlds):
        p = rng.dirichlet(np.full(acts, 0.6)) if worlds > 1 else 1 / np.arange(1.0, acts + 1)
        p /= p.sum()
        truth = -(p * np.log(np.maximum(p, 1e-300))).sum()
        counts = rng.multinomial(n, p, 4000 // worlds)
        for name in tabled:
            errors[name].append(float(entropy(counts, name).mean() - truth))  # type: ignore[arg-type]
    for name, bias in tabled.items():
        assert np.mean(errors[name]) == pytest.approx(bias, abs=0.03 if name == "plug_in" else 0.02), name


def test_the_unseen_tail_does_not_depend_on_how_it_is_summed() -> None:
    for singles, doubles, total in ((3, 1, 500), (8, 0, 20), (20, 0, 20), (2, 5, 40), (1, 1, 10)):
        rate = 2.0 * doubles / ((total - 1) * singles + 2.0 * doubles) if doubles else 0.0
        rate = rate or 2.0 / ((total - 1) * (singles - 1) + 2.0)
        steps = np.arange(int(80 / rate))
        slow = singles / total * ((1 - rate) ** (steps + 1) / (total + steps)).sum()
        assert _unseen(singles, doubles, total) == pytest.approx(slow, rel=1e-6)


def test_hill_numbers_of_equal_acts() -> None:
    counts = np.full(6, 100)
    assert hill(counts, 0) == 6
    assert hill(counts, 1) == pytest.approx(6, rel=0.01)
    assert hill(counts, 2) == pytest.approx(6, rel=0.01)
    assert hill([1, 1, 1], 2) == np.inf
    assert hill([3, 0, 0], 1) == 1


def test_order_2_is_unbiased() -> None:
    p = np.array([0.5, 0.3, 0.2])
    counts = np.random.default_rng(0).multinomial(20, p, 40_000)
    assert (1 / hill(counts, 2)).mean() == pytest.approx((p**2).sum(), abs=0.002)


def test_information_is_none_without_dependence_and_full_with_it() -> None:
    rng = np.random.default_rng(1)
    same = rng.multinomial(200, np.full(8, 1 / 8), (300, 8))
    assert abs(mutual_information(same).mean()) < 0.01
    assert mutual_information(np.eye(8, dtype=int) * 50) == pytest.approx(np.log(8), abs=0.01)
    assert conditional_entropy(np.eye(8, dtype=int) * 50) == 0


def test_wrong_names_and_counts_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'chao'"):
        entropy([1, 2], "chaos")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="negative"):
        entropy([-1, 2])

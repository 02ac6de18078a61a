"""Frozen values and addressed dice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from emosim.acts import Appraisal
from emosim.value import pick, quantise, roll


def test_dice_are_looked_up_not_consumed() -> None:
    first = [roll(7, turn, 3) for turn in range(5)]
    roll(1, 1, 1)
    assert [roll(7, turn, 3) for turn in range(5)] == first


def test_dice_are_uniform_and_independent_across_addresses() -> None:
    rolls = np.array([[roll(seed, turn, 5) for turn in range(10)] for seed in range(2000)])
    counts, _ = np.histogram(rolls, bins=20, range=(0, 1))
    assert abs(counts - 1000).max() < 5 * np.sqrt(1000)
    assert abs(np.corrcoef(rolls.T)[~np.eye(10, dtype=bool)]).max() < 0.1


@given(st.integers(0, 2**70), st.integers(0, 50), st.integers(0, 500), st.integers(1, 40))
def test_dice_stay_in_range(seed: int, turn: int, purpose: int, count: int) -> None:
    assert 0.0 <= roll(seed, turn, purpose) < 1.0
    assert 0 <= pick(count, seed, turn, purpose) < count


@given(st.floats(-1e6, 1e6))
def test_quantise_repeats_in_numpy_to_the_bit(x: float) -> None:
    assert quantise(x) == float(np.floor(np.float64(x) * 100.0 + 0.5) / 100.0)
    assert quantise(quantise(x)) == quantise(x)


def test_values_are_frozen_and_strict() -> None:
    value = Appraisal(evidence=(), fit=0.0, specificity=0.0)
    with pytest.raises(ValidationError):
        value.fit = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Appraisal.model_validate({"evidence": [], "fit": 0, "specificity": 0, "surprise": 1})

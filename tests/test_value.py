"""Frozen values and addressed dice."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from emosim.acts import Act, Appraisal, Evidence
from emosim.emotion import EmotionState
from emosim.episode import Rulebook
from emosim.value import Value, pick, quantise, roll


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
    with pytest.raises(FrozenInstanceError):
        value.fit = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Unexpected keyword"):
        Appraisal.model_validate({"evidence": [], "fit": 0, "specificity": 0, "surprise": 1})


CALM = EmotionState(mood=40.0, trust=0.25, patience=0.5, last_change=-1.5)


class Plain(Value):
    """The same fields as `CALM`, as pydantic keeps them."""

    mood: float
    trust: float
    patience: float
    last_change: float = 0.0


@pytest.mark.parametrize(
    "twin",
    [
        copy.copy(CALM),
        copy.deepcopy(CALM),
        pickle.loads(pickle.dumps(CALM)),
        CALM.model_copy(),
        CALM.model_copy(deep=True),
        CALM.model_copy(update={"mood": 1.0}).model_copy(update={"mood": 40.0}),
        EmotionState.model_validate_json(CALM.model_dump_json()),
        EmotionState.model_validate(CALM.model_dump()),
        EmotionState.model_construct(last_change=-1.5, patience=0.5, trust=0.25, mood=40.0),
    ],
)
def test_a_compact_value_is_the_same_however_it_came_about(twin: EmotionState) -> None:
    assert twin == CALM
    assert hash(twin) == hash(CALM)
    assert repr(twin) == repr(CALM)
    assert twin.model_dump_json() == CALM.model_dump_json() == Plain(**CALM.model_dump()).model_dump_json()
    with pytest.raises(FrozenInstanceError, match="mood"):
        twin.mood = 1.0  # type: ignore[misc]


def test_compact_values_differ_by_content_and_class() -> None:
    assert CALM.model_copy(update={"trust": 0.3}) != CALM
    assert Plain(**CALM.model_dump()) != CALM


def test_a_compact_value_is_validated_unless_constructed() -> None:
    with pytest.raises(ValidationError, match="Field required"):
        EmotionState(mood=1.0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="Unexpected keyword"):
        Evidence(act=Act.ADVICE, quote="", why="so")  # type: ignore[call-arg]
    assert Evidence.model_validate({"act": "advice", "quote": "q"}) == Evidence(act=Act.ADVICE, quote="q")
    with pytest.raises(TypeError, match=r"EmotionState\(\) missing .* 'trust' and 'patience'"):
        EmotionState.model_construct(mood=1.0)
    with pytest.raises(TypeError, match=r"EmotionState\(\) got .* 'joy'"):
        EmotionState.model_construct(**CALM.model_dump(), joy=1.0)


def test_attribute_docstrings_describe_the_fields_of_both_kinds() -> None:
    assert TypeAdapter(EmotionState).json_schema()["properties"]["trust"]["description"].startswith("0 to 1")
    assert Rulebook.model_json_schema()["properties"]["name"]["description"] == "Name of the protocol."


def test_a_compact_value_weighs_a_third_of_a_plain_one() -> None:
    assert 3 * weight(EmotionState) < weight(Plain)
    assert 3 * weight(EmotionState.model_construct) < weight(Plain)


def weight(make: object) -> float:
    """Return the bytes of one value, its numbers aside."""
    kept = [make(mood=40.0, trust=0.25, patience=0.5) for _ in range(100)]  # type: ignore[operator]
    tracemalloc.start()
    kept += [make(mood=40.0, trust=0.25, patience=0.5) for _ in range(1000)]  # type: ignore[operator]
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size / 1000

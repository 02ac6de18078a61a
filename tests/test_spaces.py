"""The space of utterances: any text in, plausible text out, through every kind of vector environment."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from gymnasium.vector.utils import (
    batch_space,
    concatenate,
    create_empty_array,
    create_shared_memory,
    iterate,
    read_from_shared_memory,
    write_to_shared_memory,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from emosim.errors import UsageError
from emosim.spaces import SharedTexts, UtteranceSpace

TEXTS = ["", "Hi there.", "你好，世界", "👩‍👩‍👧 ok\n\r\t\x00", "\ud83d lone \udc00", "\ud83d\ude00", "x" * 50]


class Parrot(gym.Env[str, str]):
    """Says back what it hears, after odd texts at reset."""

    def __init__(self) -> None:
        self.action_space = UtteranceSpace(50)
        self.observation_space = UtteranceSpace(50)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        super().reset(seed=seed)
        return TEXTS[(seed or 0) % len(TEXTS)], {}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        return action, 0.0, False, False, {}


def test_any_short_text_belongs_to_it() -> None:
    space = UtteranceSpace(50)
    assert all(space.contains(text) for text in TEXTS)
    assert not space.contains("x" * 51)
    assert not space.contains(3)
    assert not space.contains(None)


def test_samples_are_plausible_seeded_and_short() -> None:
    space, twin = UtteranceSpace(200, seed=3), UtteranceSpace(200, seed=3)
    said = [space.sample() for _ in range(200)]
    assert said == [twin.sample() for _ in range(200)]
    assert all(space.contains(text) and text.strip() for text in said)
    assert len(set(said)) > 100
    assert any("\u4e00" <= text[0] <= "\u9fff" for text in said)
    assert any(text[0].isascii() for text in said)
    assert all(len(UtteranceSpace(5, seed=i).sample()) <= 5 for i in range(20))


def test_equality_repr_pickle_and_json() -> None:
    space = UtteranceSpace(50)
    assert space == UtteranceSpace(50) != UtteranceSpace(51)
    assert space != gym.spaces.Text(50)
    assert repr(space) == "UtteranceSpace(50)"
    assert not space.is_np_flattenable
    assert pickle.loads(pickle.dumps(space)) == space == copy.deepcopy(space)
    assert space.from_jsonable(space.to_jsonable(TEXTS)) == TEXTS


def test_bad_use_is_named() -> None:
    with pytest.raises(UsageError, match="max_chars"):
        UtteranceSpace(0)
    with pytest.raises(UsageError, match="masked"):
        UtteranceSpace(9).sample(mask=(1, None))


def test_batches() -> None:
    space = UtteranceSpace(50)
    batched = batch_space(space, 3)
    assert batched.contains(("", "a", "你"))
    assert list(iterate(batched, ("a", "b", "c"))) == ["a", "b", "c"]
    assert concatenate(space, ["a", "b"], create_empty_array(space, 2)) == ("a", "b")
    assert create_empty_array(space, 2) == ("", "")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=20), min_size=1, max_size=4))
def test_shared_memory_keeps_every_character(texts: list[str]) -> None:
    space = UtteranceSpace(20)
    memory = create_shared_memory(space, n=len(texts))
    seen = read_from_shared_memory(space, memory, n=len(texts))
    for i, text in enumerate(texts):
        write_to_shared_memory(space, i, text, memory)
    assert isinstance(seen, SharedTexts)
    assert copy.deepcopy(seen) == tuple(texts) == pickle.loads(pickle.dumps(seen))
    assert seen[-1] == texts[-1]
    assert seen[:1] == (texts[0],)


def test_too_long_a_text_does_not_spill() -> None:
    space = UtteranceSpace(3)
    with pytest.raises(UsageError, match="4 characters"):
        write_to_shared_memory(space, 0, "abcd", create_shared_memory(space, n=2))


@pytest.mark.parametrize(
    "make",
    [
        SyncVectorEnv,
        lambda fns: AsyncVectorEnv(fns, shared_memory=True),
        lambda fns: AsyncVectorEnv(fns, shared_memory=False),
    ],
    ids=["sync", "async-shared", "async-piped"],
)
def test_vector_environments_carry_it(make: Callable[[Any], gym.vector.VectorEnv[Any, Any, Any]]) -> None:
    envs = make([Parrot, Parrot, Parrot])
    first, _ = envs.reset(seed=4)
    assert tuple(first) == (TEXTS[4], TEXTS[5], TEXTS[6])
    second, rewards, *_ = envs.step(("", "\udc00你", "b"))
    assert tuple(second) == ("", "\udc00你", "b")
    assert tuple(first) == (TEXTS[4], TEXTS[5], TEXTS[6])
    assert np.array_equal(rewards, np.zeros(3))
    envs.close()

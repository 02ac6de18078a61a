"""Suites: keys, seeds, shards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosim.difficulty import KNOBS
from emosim.errors import UsageError
from emosim.suite import EpisodeKey, Shard, Suite, seed_of

SUITE = Suite(personas=("tom", "dolores"), languages=("zh", "en"), levels=(1, 0, 0.5), repeats=3, seed=7)


def test_keys_are_sorted_and_each_there_once() -> None:
    keys = [str(key) for key in SUITE.episode_keys()]
    assert len(keys) == len(set(keys)) == 2 * 2 * 3 * 3
    assert keys == sorted(keys)
    assert keys[0] == "core/dolores:en:L0.00:s0007"


def test_all_personas_are_the_default() -> None:
    assert len(Suite().episode_keys()) == len(Suite().load().personas)


def test_dice_are_common_to_agents_languages_and_levels_but_not_to_personas_or_repeats() -> None:
    seeds = {(key.persona, key.number): key.seed for key in SUITE.episode_keys()}
    assert all(key.seed == seeds[key.persona, key.number] for key in SUITE.episode_keys())
    assert len(set(seeds.values())) == 6


def test_a_seed_never_changes() -> None:
    assert seed_of("core", "dolores", 7) == 6854964244830997744


@given(
    level=st.floats(0, 1),
    knobs=st.dictionaries(st.sampled_from(KNOBS), st.floats(0, 1)),
    number=st.integers(0, 10**6),
)
def test_a_key_is_what_its_text_says(level: float, knobs: dict[str, float], number: int) -> None:
    key = EpisodeKey("core", "dolores", "en", level, tuple(sorted(knobs.items())), number)
    assert EpisodeKey.parse(str(key)) == key
    assert key.harder.skepticism == knobs.get("skepticism", level)


@pytest.mark.parametrize("text", ["", "core/dolores", "core/dolores:fr:L0.00:s1", "core/dolores:en:Lx:s1"])
def test_what_is_no_key_is_said_so(text: str) -> None:
    with pytest.raises(UsageError, match="is no episode key"):
        EpisodeKey.parse(text)


@given(count=st.integers(1, 9))
def test_shards_are_a_partition(count: int) -> None:
    parts = [Shard(index, count).of(SUITE.episode_keys()) for index in range(count)]
    assert sorted(map(str, (key for part in parts for key in part))) == [str(key) for key in SUITE.episode_keys()]


def test_a_growing_suite_keeps_its_shards() -> None:
    more = SUITE.model_copy(update={"repeats": 5})
    assert set(Shard(1, 3).of(SUITE.episode_keys())) <= set(Shard(1, 3).of(more.episode_keys()))


def test_shards_by_text_and_by_job_array() -> None:
    assert Shard.parse("1/3") == Shard(1, 3)
    array = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "3"}
    assert Shard.parse("slurm", array) == Shard(1, 3)
    assert Shard.parse("slurm", {**array, "SLURM_ARRAY_TASK_MIN": "1"}) == Shard(0, 3)


@pytest.mark.parametrize("text", ["3/3", "-1/3", "1", "a/b", "slurm", "1/0"])
def test_no_such_shard(text: str) -> None:
    with pytest.raises(UsageError, match="no shard"):
        Shard.parse(text)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pack": "coer"}, "no pack 'coer' .did you mean 'core'"),
        ({"personas": ("dolorse",)}, "no persona 'dolorse' in pack 'core' .did you mean 'dolores'"),
        ({"levels": (2.0,)}, "level must be a number from 0 to 1"),
        ({"knobs": {"skeptic": 1.0}}, "unknown knob 'skeptic' .did you mean 'skepticism'"),
        ({"knobs": {"skepticism": -1.0}}, "knob 'skepticism' must be a number from 0 to 1"),
    ],
)
def test_what_is_unknown_is_said_with_the_nearest_name(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _ = Suite.model_validate(wrong).episode_keys()


@pytest.mark.parametrize("empty", ["levels", "languages"])
def test_a_suite_that_plays_nothing_is_refused(empty: str) -> None:
    with pytest.raises(UsageError, match="plays nothing"):
        Suite(**{empty: ()}).episode_keys()  # type: ignore[arg-type]

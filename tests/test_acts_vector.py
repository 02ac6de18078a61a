"""The acts vector environment: the single game to the bit, for any number of users."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import emosim  # noqa: F401
from emosim.acts_env import EmpathyActsEnv, succession
from emosim.acts_vector import EmpathyActsVectorEnv, dice
from emosim.acts_vector import env as vector_env
from emosim.acts_vector.pay import PAYS
from emosim.acts_vector.series import Series
from emosim.acts_vector.speech import SPOKEN
from emosim.cues import ACTS, KINDS
from emosim.emotion import EmotionState, Temperament, temperament
from emosim.errors import UsageError
from emosim.feeling import combine, novelty, response, shift
from emosim.rewards import REWARDS
from emosim.rulebook import replay
from emosim.value import roll

SETTINGS: list[dict[str, Any]] = [
    {},
    {"level": 0.5, "reward": "final+0.5*delta", "language": "zh"},
    {"level": 1.0, "reward": "padded_auc"},
    {"knobs": {"ambiguity": 1.0, "provocation": 1.0}, "reward": "peak_end", "persona": ["tom", "vera", "meiling"]},
]
Fns = Sequence[Callable[[], EmpathyActsEnv]]


class Maker:
    """Makes a single environment, in a worker process too."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments

    def __call__(self) -> EmpathyActsEnv:
        return EmpathyActsEnv(**self.arguments)


def assert_equal(one: Any, two: Any, where: str) -> None:
    for a, b in zip(one, two, strict=True):
        if isinstance(a, dict):
            for key in [key for key in a if not key.startswith("_")]:
                assert np.array_equal(a[key], b[key]), f"{where}: {key}"
        else:
            assert np.array_equal(a, b), where


def compare(arguments: dict[str, Any], seed: int, n: int, steps: int, make: Callable[[Fns], Any], acts: int) -> None:
    ours, theirs = EmpathyActsVectorEnv(n, **arguments), make([Maker(arguments)] * n)
    rng = np.random.default_rng(seed)
    try:
        assert_equal(ours.reset(seed=seed), theirs.reset(seed=seed), "reset")
        for step in range(steps):
            actions = rng.integers(0, acts, n)
            assert_equal(ours.step(actions), theirs.step(actions), f"step {step}")
    finally:
        theirs.close()


@pytest.mark.parametrize("arguments", SETTINGS)
@pytest.mark.parametrize("acts", [15, 25])
def test_equal_to_single_environments(arguments: dict[str, Any], acts: int) -> None:
    compare(arguments, 3, 12, 26, SyncVectorEnv, acts)


@pytest.mark.parametrize("shared", [True, False])
def test_equal_to_worker_processes(shared: bool) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
        compare(SETTINGS[1], 8, 3, 15, lambda fns: AsyncVectorEnv(fns, shared_memory=shared), 25)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(0, 200, 25))
@pytest.mark.parametrize("arguments", SETTINGS)
def test_equal_to_single_environments_for_200_seeds(arguments: dict[str, Any], seed: int) -> None:
    compare(arguments, seed, 25, 60, SyncVectorEnv, 25 if seed % 2 else 15)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=9), st.integers(0, 99), st.integers(0, 9999))
def test_dice_are_the_same_bits(seeds: list[int], turn: int, purpose: int) -> None:
    turns = dice.at_turn(dice.address(np.array(seeds)), np.full(len(seeds), turn))
    assert dice.rolls(turns, dice.purposes(purpose, 1))[0].tolist() == [roll(seed, turn, purpose) for seed in seeds]


unit = st.floats(0, 1)
worths = st.tuples(
    unit, st.floats(-1, 0), unit, st.floats(-2, 2), st.floats(0, 2), st.integers(0, 9), st.integers(0, 9)
)
states = st.builds(
    EmotionState, mood=st.floats(0, 100), trust=unit, patience=st.sampled_from([0.0, 0.4, 1.0]),
    last_change=st.floats(-10, 10),
)  # fmt: skip
tempers = st.builds(
    temperament, st.sampled_from(["negative", "passive", "avoidant"]), drift=unit, acceptance=st.floats(0, 0.9)
)
cases = st.tuples(worths, states, tempers, unit, st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0]))


class Many:
    """Fields of several values as arrays."""

    def __init__(self, values: Sequence[EmotionState | Temperament]) -> None:
        self.values = values

    def __getattr__(self, name: str) -> NDArray[np.float64]:
        return np.array([getattr(value, name) for value in self.values], dtype=np.float64)


@settings(max_examples=150, deadline=None)
@given(st.lists(cases, min_size=1, max_size=8))
def test_the_arithmetic_is_the_same_bits_for_one_and_for_many(many: list[Any]) -> None:
    def column(k: int, j: int | None = None) -> NDArray[np.float64]:
        return np.array([case[k] if j is None else case[k][j] for case in many], dtype=np.float64)

    state: Any = Many([case[1] for case in many])
    nature: Any = Many([case[2] for case in many])
    parts = [column(0, j) for j in range(5)]
    value = combine(*parts, novelty(column(0, 5), column(0, 6)))
    felt = shift(state, response(value, state, nature, column(3), column(4)), nature, column(5))
    for i, (worth, one, temper, told, tested, supported) in enumerate(many):
        alone = combine(*map(float, worth[:5]), novelty(float(worth[5]), float(worth[6])))
        assert alone == value[i]
        push = response(alone, one, temper, told, tested)
        assert shift(one, push, temper, supported) == tuple(float(numbers[i]) for numbers in felt)


def test_lines_that_run_out_run_out_alike() -> None:
    casting = EmpathyActsEnv("tom").bill.casting("tom")
    long = casting.scenario.model_copy(update={"max_turns": 60})
    env, ours = EmpathyActsEnv("tom"), EmpathyActsVectorEnv(1, persona="tom")
    opened = ours.crowd.table.episodes[0].model_copy(update={"scenario": long})
    from emosim.acts_vector.table import Table

    ours.crowd.sit(Table([opened]))
    for seed in range(6):
        first, _ = ours.reset(seed=seed)
        env.reset(seed=seed)
        env._episode = env.episode.model_copy(update={"scenario": long})
        rng = np.random.default_rng(seed)
        for _ in range(60):
            action = int(rng.choice([2, 7, 8, 9, 10, 5, 0, 13]))
            first, reward, *_ = ours.step(np.array([action]))
            seen, single, terminated, truncated, _ = env.step(action)
            assert np.array_equal(first[0], seen)
            assert reward[0] == single
            if terminated or truncated:
                break


def test_series_of_seeds_drawn_ahead() -> None:
    series = Series(3, np.arange(24, dtype=np.uint64))
    series.begin([5, None, 7], [0, 6, 0])
    everyone, some = np.arange(3), np.array([1])
    played: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for step in range(90):
        who = everyone if step % 3 == 0 else some
        for env, seed in zip(who.tolist(), series.draw(who).seeds.tolist(), strict=True):
            played[env].append(seed)
    for env, seeds in played.items():
        assert seeds == [succession(5 + env, k) for k in range(len(seeds))]


def test_make_vec_and_metadata() -> None:
    envs: VectorEnv[Any, Any, Any] = gym.make_vec("emosim/EmpathyActs-v0", num_envs=4, persona="tom", level=0.3)
    assert isinstance(envs.unwrapped, EmpathyActsVectorEnv)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    seen, info = envs.reset(seed=0)
    assert envs.observation_space.contains(seen)
    assert envs.observation_space.shape == (4, 50)
    assert info["mood"].dtype == np.float64
    seen, reward, terminated, truncated, _ = envs.step(envs.action_space.sample())
    assert seen.dtype == np.float32
    assert reward.shape == terminated.shape == truncated.shape == (4,)
    assert terminated.dtype == truncated.dtype == np.bool_


def test_what_was_returned_stays_as_it_was() -> None:
    envs = EmpathyActsVectorEnv(8)
    batch = (*envs.reset(seed=0), *envs.step(np.arange(8)))
    before = pickle.dumps(batch)
    for _ in range(25):
        envs.step(np.arange(8))
    assert pickle.dumps(batch) == before


def test_options_and_seeds_agree_with_single_environments() -> None:
    for options in ({"persona": "vera"}, {"level": 1.0}, {"persona": "tom", "level": 0.4}, {"seed": 12}, {}):
        ours, theirs = EmpathyActsVectorEnv(3), SyncVectorEnv([Maker({})] * 3)
        for seed in (4, None, [9, None, 11]):
            assert_equal(ours.reset(seed=seed, options=options), theirs.reset(seed=seed, options=options), str(options))
            for _ in range(24):
                assert_equal(ours.step(np.array([1, 4, 10])), theirs.step(np.array([1, 4, 10])), str(options))


def test_tables_of_reset_options_are_kept_while_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    table = vector_env.Table
    monkeypatch.setattr(vector_env, "Table", lambda episodes: made.append(len(episodes)) or table(episodes))
    users = EmpathyActsVectorEnv(2, persona="tom")
    for level in range(2 * vector_env.KEPT):
        users.reset(seed=1, options={"level": 0.5})
        users.reset(seed=1, options={"level": level / 100})
    assert made == [1] + [2] * (1 + 2 * vector_env.KEPT)
    assert len(users._tables) == vector_env.KEPT
    users.reset(seed=1, options={"level": 0.0})
    assert len(made) == 3 + 2 * vector_env.KEPT


def test_words_on_demand() -> None:
    envs = EmpathyActsVectorEnv(3, render_mode="ansi", level=0.2)
    env = EmpathyActsEnv(level=0.2)
    envs.reset(seed=20)
    env.reset(seed=21)
    for action in (0, 4, 10):
        envs.step(np.array([1, action, 2]))
        env.step(action)
    assert envs.episode(1) == env.episode
    assert all(list(replay(episode)) == [] for episode in envs.episodes())
    chats = envs.render()
    assert chats is not None
    assert chats[1].count("agent: ") == 3
    assert EmpathyActsVectorEnv(1).render() is None


def test_pickled_it_goes_on_alike() -> None:
    envs = EmpathyActsVectorEnv(5, level=0.5)
    envs.reset(seed=2)
    for _ in range(7):
        envs.step(np.arange(5))
    twin = pickle.loads(pickle.dumps(envs))
    for _ in range(20):
        assert_equal(envs.step(np.arange(5)), twin.step(np.arange(5)), "twin")


@pytest.mark.parametrize("actions", [np.array([0, 25]), np.array([-1, 0]), np.array([0.0, 1.0]), np.array([0]), "ab"])
def test_what_is_not_a_batch_of_actions(actions: Any) -> None:
    envs = EmpathyActsVectorEnv(2)
    envs.reset(seed=0)
    with pytest.raises(UsageError, match="actions must be"):
        envs.step(actions)


def test_bad_use_is_named() -> None:
    with pytest.raises(UsageError, match="num_envs"):
        EmpathyActsVectorEnv(0)
    with pytest.raises(UsageError, match="ansi"):
        EmpathyActsVectorEnv(1, render_mode="human")
    envs = EmpathyActsVectorEnv(2)
    with pytest.raises(UsageError, match="reset"):
        envs.step(np.zeros(2, dtype=int))
    with pytest.raises(UsageError, match="3 seeds"):
        envs.reset(seed=[1, 2, 3])
    with pytest.raises(UsageError, match=r"2\*\*63"):
        envs.reset(seed=[1, -2])
    with pytest.raises(UsageError, match="single"):
        envs.reset(options={"episode": {}})


def test_tables_follow_the_single_game() -> None:
    assert set(PAYS) == set(REWARDS)
    assert KINDS[: len(SPOKEN)] == SPOKEN
    assert len(ACTS) == 25

"""The one-process vector environment agrees with Gymnasium's own, and asks all its questions at once."""

from __future__ import annotations

import asyncio
import copy
import math
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import emosim  # noqa: F401
from emosim.acts_vector import EmpathyActsVectorEnv
from emosim.errors import BackendError, UsageError
from emosim.flow import Answers, ChatRequest, ChatResponse, Requests, ask
from emosim.users.protocol import Heard
from emosim.users.rules import RulesUser
from emosim.vector import EmpathyVectorEnv

REPLIES = ("What happened?", "That sounds hard, nine years is long.", "", "Cheer up!", "你觉得最难受的是什么？")


def trace(env: Any, seed: int, steps: int, asynchronous: bool = False) -> list[Any]:
    observations, infos = env.reset(seed=seed)
    out: list[Any] = [tuple(observations), infos]
    for number in range(steps):
        actions = tuple(REPLIES[(seed + number + i) % len(REPLIES)] for i in range(env.num_envs))
        step = asyncio.run(env.astep(actions)) if asynchronous else env.step(actions)
        out += [tuple(step[0]), *step[1:]]
    env.close()
    return out


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and all(same(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def made(mode: str | None, **settings: Any) -> Any:
    return gym.make_vec("emosim/Empathy-v0", num_envs=4, vectorization_mode=mode, **settings)


def test_the_built_in_one_is_the_default() -> None:
    assert isinstance(gym.make_vec("emosim/Empathy-v0", num_envs=2).unwrapped, EmpathyVectorEnv)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_agrees_with_sync_and_with_itself_awaited(seed: int, language: str) -> None:
    settings = {"level": 0.5, "language": language}
    ours = trace(made(None, **settings), seed, 14)
    assert same(ours, trace(made("sync", **settings), seed, 14))
    assert same(ours, trace(made(None, **settings), seed, 14, asynchronous=True))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_step_astep_and_vector_agree_for_200_seeds(seed: int) -> None:
    ours = trace(made(None, level=seed % 11 / 10), seed, 14)
    assert same(ours, trace(made("sync", level=seed % 11 / 10), seed, 14))
    assert same(ours, trace(made(None, level=seed % 11 / 10), seed, 14, asynchronous=True))


@pytest.mark.parametrize("shared_memory", [True, False])
def test_it_agrees_with_async(shared_memory: bool) -> None:
    ours = trace(made(None, level=0.5), 3, 12)
    theirs = gym.make_vec(
        "emosim/Empathy-v0",
        num_envs=4,
        vectorization_mode="async",
        vector_kwargs={"shared_memory": shared_memory},
        level=0.5,
    )
    assert same(ours, trace(theirs, 3, 12))


class Asking(RulesUser):
    """The offline user that asks a model first."""

    def respond(self, heard: Heard) -> Any:
        yield from ask(ChatRequest(messages=()))
        return (yield from super().respond(heard))


class Line:
    """Remembers its batches; answers every request, or fails one by number."""

    def __init__(self, fail_at: int = 0, cause: str = "server") -> None:
        self.batches: list[int] = []
        self.fail_at, self.cause = fail_at, cause

    def complete(self, requests: Requests) -> Answers:
        start = sum(self.batches)
        self.batches.append(len(requests))
        return [
            BackendError("down", cause=self.cause) if start + i + 1 == self.fail_at else ChatResponse("ok")
            for i in range(len(requests))
        ]

    async def acomplete(self, requests: Requests) -> Answers:
        return self.complete(requests)


class Slow(Line):
    """Takes its time."""

    async def acomplete(self, requests: Requests) -> Answers:
        await asyncio.sleep(0.01)
        return self.complete(requests)


def test_all_questions_of_a_step_go_out_in_one_batch() -> None:
    line = Line()
    env = EmpathyVectorEnv(8, user=Asking(), backend=line)
    env.reset(seed=1)
    for _ in range(3):
        env.step(["What happened then?"] * 8)
    assert line.batches == [8, 8, 8]


def test_a_fault_is_unscorable_and_stays_where_it_is() -> None:
    env = EmpathyVectorEnv(4, user=Asking(), backend=Line(fail_at=2))
    env.reset(seed=1)
    _, rewards, terminated, truncated, infos = env.step(["What happened then?"] * 4)
    assert math.isnan(rewards[1])
    assert not np.isnan(rewards[[0, 2, 3]]).any()
    assert truncated.tolist() == [False, True, False, False]
    assert not terminated.any()
    assert infos["valid"].tolist() == [True, False, True, True]
    assert infos["ending"].tolist() == ["", "invalid", "", ""]
    _, rewards, _, truncated, infos = env.step(["What happened then?"] * 4)
    assert rewards[1] == 0.0
    assert infos["turn"].tolist() == [2, 0, 2, 2]
    assert not truncated[1]


@pytest.mark.parametrize("cause", ["auth", "budget"])
def test_what_every_environment_would_meet_is_raised_and_nothing_has_changed(cause: str) -> None:
    line = Line(fail_at=3, cause=cause)
    env = EmpathyVectorEnv(4, user=Asking(), backend=line)
    env.reset(seed=1)
    with pytest.raises(BackendError, match="down"):
        env.step(["What happened then?"] * 4)
    assert [len(one.episode.turns) for one in env.envs] == [0, 0, 0, 0]
    *_, infos = env.step(["What happened then?"] * 4)
    assert infos["turn"].tolist() == [1, 1, 1, 1]


def test_an_episode_that_is_over_is_raised_before_any_other_goes_on() -> None:
    env = EmpathyVectorEnv(3)
    env.reset(seed=1)
    while env.envs[1].episode.ending is None:
        env.envs[1].step("")
    with pytest.raises(UsageError, match="the episode is over"):
        env.step(["What happened then?"] * 3)
    assert [len(one.episode.turns) for one in (env.envs[0], env.envs[2])] == [0, 0]


async def test_overlapping_steps_and_resets_are_refused_and_the_first_one_counts() -> None:
    line = Slow()
    env = EmpathyVectorEnv(2, user=Asking(), backend=line)
    env.reset(seed=1)
    first = asyncio.create_task(env.astep(["What happened then?"] * 2))
    await asyncio.sleep(0)
    assert copy.deepcopy(env).step(["What happened then?"] * 2)[-1]["turn"].tolist() == [1, 1]
    with pytest.raises(UsageError, match="still running"):
        await env.astep(["Anything else?"] * 2)
    with pytest.raises(UsageError, match="still running"):
        env.reset(seed=9)
    *_, infos = await first
    assert line.batches == [2]
    assert (infos["seed"].tolist(), infos["turn"].tolist()) == ([1, 2], [1, 1])
    await env.astep(["Anything else?"] * 2)
    assert [len(one.episode.turns) for one in env.envs] == [2, 2]


@pytest.mark.parametrize("make", [EmpathyVectorEnv, EmpathyActsVectorEnv])
def test_seeds_are_whole_numbers_of_any_kind(make: Any) -> None:
    env = make(2)
    for seed, seeds in [(0, [0, 1]), (np.int64(0), [0, 1]), (np.int64(5), [5, 6]), (np.uint32(5), [5, 6])]:
        assert env.reset(seed=seed)[1]["seed"].tolist() == seeds
    for several in ([3, 9], (3, 9), np.array([3, 9]), np.array([3, 9], dtype=np.uint8)):
        assert env.reset(seed=several)[1]["seed"].tolist() == [3, 9]
    assert env.reset(seed=[7, None])[1]["seed"][0] == 7
    with pytest.raises(UsageError, match="0 seeds were given for 2"):
        env.reset(seed=[])
    with pytest.raises(UsageError, match=r"a seed must be a whole number or None, not 1\.5"):
        env.reset(seed=[1.5, 2])
    with pytest.raises(UsageError, match=r"a seed must be a whole number or None, not 1\.5"):
        env.reset(seed=1.5)


def test_mistakes_get_one_line() -> None:
    with pytest.raises(UsageError, match="num_envs"):
        EmpathyVectorEnv(0)
    env = EmpathyVectorEnv(2)
    with pytest.raises(UsageError, match="call reset"):
        env.step(["a", "b"])
    env.reset(seed=1)
    with pytest.raises(UsageError, match="1 actions were given for 2"):
        env.step(["a"])
    with pytest.raises(UsageError, match="3 seeds were given for 2"):
        env.reset(seed=[1, 2, 3])

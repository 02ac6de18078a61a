"""Leaving never pays: for every shipped reward and every single user, trying is worth at least as much."""

from __future__ import annotations

import pytest

from emosim.persona import Language
from emosim.rewards import REWARDS
from emosim.rollouts import Rollout, Rollouts
from emosim.suite import Suite
from emosim.testing.conformance.agents import Agent, leaving, only_thinking, saying_nothing, trying

LEVELS = (0.0, 0.3, 0.7, 1.0)


def played(rollout: Rollout, agent: Agent) -> float:
    while not rollout.over:
        reply = agent(rollout.messages)
        rollout.leave() if reply is None else rollout.reply(reply)
    assert rollout.outcome.reward is not None
    return rollout.outcome.reward


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("level", [0.3, *(pytest.param(level, marks=pytest.mark.slow) for level in LEVELS)])
@pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.slow)])
def test_nobody_is_better_left_or_met_with_silence(reward: str, level: float, language: Language) -> None:
    users, better = Rollouts(reward=reward), 0
    for row in users.rows(Suite(levels=(level,), languages=(language,))):
        tried = played(users.open(row), trying)
        for agent in (leaving, saying_nothing, only_thinking):
            assert played(users.open(row), agent) <= tried, f"{row['episode']}: {agent.__name__}"
        better += tried > played(users.open(row), leaving)
    assert better >= 18, "trying helps next to nobody: the agent tries nothing, and the test shows nothing"

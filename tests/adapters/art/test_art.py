"""ART: trajectories from two loopback models; only the agent's calls are captured, faults have no reward."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from overhead import REPLY, overhead

art = pytest.importorskip("art")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

from openai import AsyncOpenAI  # noqa: E402

from emosim.adapters.art import group, rollout  # noqa: E402
from emosim.errors import SimulationError  # noqa: E402
from emosim.rollouts import Rollouts, Row, rows  # noqa: E402
from emosim.suite import Suite  # noqa: E402
from emosim.testing.conformance import Agent, check_adapter, serve  # noqa: E402
from emosim.testing.fake_server import FakeServer  # noqa: E402
from emosim.testing.talking import answer  # noqa: E402

(ROW,) = rows(Suite(personas=("dolores",), levels=(0.3,)))


def client_of(url: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=url, api_key="none", max_retries=0)


@pytest.mark.parametrize("backend", ["openai", "lean"])
async def test_only_the_agents_calls_are_captured(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda _: REPLY) as agent, FakeServer(answer) as model:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("OPENAI_BASE_URL", model.url)
        user = "llm:openai:fake" if backend == "openai" else f"llm:{model.url}#fake"
        made = await rollout(ROW, Rollouts(user), client_of(agent.url), "agent")
        assert model.requests == agent.requests > 0
        assert len(list(made.chat_completions_histories())) == 1
        history = made.chat_completions_history()
        assert made.metrics["turns"] == agent.requests
    said = [m for m in history.messages if m["role"] == "assistant"]
    assert [message["content"] for message in said] == [REPLY] * len(said)


async def test_a_group_shares_a_user_and_faults_are_exceptions() -> None:
    with serve(lambda _: REPLY) as agent:
        good = await group(ROW, Rollouts(), client_of(agent.url), "agent", size=4)
        assert len({trajectory.reward for trajectory in good.trajectories}) == 1
        assert len(good.trajectories) == 4
        with FakeServer(answer, faults={"server_error": 1.0}) as model:
            users = Rollouts(f"llm:{model.url}#fake", limits={"attempts": 1})
            bad = await group(ROW, users, client_of(agent.url), "agent", size=3)
            with pytest.raises(SimulationError):
                await rollout(ROW, users, client_of(agent.url), "agent")
    assert bad.trajectories == []
    assert bad.exceptions
    assert all("SimulationError" in error.type for error in bad.exceptions)


def test_it_conforms() -> None:
    async def play(given: Sequence[Row], agent: Agent, settings: dict[str, Any]) -> list[float | None]:
        users = Rollouts(**settings)
        with serve(agent) as server:
            async with client_of(server.url) as client:
                coming = (rollout(row, users, client, "agent") for row in given)
                made = await asyncio.gather(*coming, return_exceptions=True)
        return [_scored(one) for one in made]

    print(f"\n{check_adapter(play)}")


def _scored(made: Any) -> float | None:
    if isinstance(made, SimulationError):
        return None
    if isinstance(made, BaseException):
        raise made
    return float(made.reward)


def test_overhead() -> None:
    with serve(lambda _: REPLY) as server:
        users = Rollouts()

        def episode(row: Row) -> int:
            async def talk() -> int:
                async with client_of(server.url) as client:
                    made = await rollout(row, users, client, "agent")
                return int(made.metrics["turns"])

            return asyncio.run(talk())

        overhead("ART, the agent's OpenAI client and a loopback server included", episode, episodes=4, rounds=3)

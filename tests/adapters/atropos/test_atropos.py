"""Atropos: groups collected from a loopback model; faults leave the group, scores recompute."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from overhead import REPLY, overhead

os.environ["ATROPOS_ALLOW_DUMMY_MANAGED_SERVER"] = "1"
pytest.importorskip("atroposlib")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

from atroposlib.envs.server_handling.server_baseline import APIServerConfig  # noqa: E402

from emosim.adapters.atropos import EmosimConfig, EmosimEnv  # noqa: E402
from emosim.rollouts import Row, rows  # noqa: E402
from emosim.suite import Suite  # noqa: E402
from emosim.testing.conformance import Agent, check_adapter, serve  # noqa: E402
from emosim.testing.fake_server import FakeServer  # noqa: E402
from emosim.testing.talking import answer  # noqa: E402
from emosim.testing.tiny_model import tiny_model  # noqa: E402

SUITE = {"personas": ["dolores", "feng"], "levels": [0.3]}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tokenizer on disk, as Atropos wants to load it by name."""
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny_model((REPLY,), texts=[str(row["prompt"]) for row in rows(Suite())])[1].save_pretrained(folder)
    return str(folder)


async def env_of(url: str, tokenizer: str, **settings: Any) -> EmosimEnv:
    config = EmosimConfig(
        tokenizer_name=tokenizer, use_wandb=False, max_token_length=100_000, **{"suite": SUITE, **settings}
    )
    server = APIServerConfig(model_name="agent", base_url=url, api_key="none", health_check=False)
    env = EmosimEnv(config, [server])
    await env.setup()
    return env


async def test_a_group_meets_one_user(tokenizer: str) -> None:
    with serve(lambda _: REPLY) as agent:
        env = await env_of(agent.url, tokenizer, group_size=4)
        first, second = await env.get_next_item(), await env.get_next_item()
        group, backlog = await env.collect_trajectories(first)
        assert (await env.get_next_item(), backlog) == (first, [])
    assert first["episode"] != second["episode"]
    assert len(set(group["scores"])) == 1
    assert len(group["tokens"]) == len(group["masks"]) == len(group["messages"]) == 4
    assert [len(ids) for ids in group["tokens"]] == [len(mask) for mask in group["masks"]]
    assert group["messages"][0][-1] == {"role": "assistant", "content": REPLY}


async def test_a_group_that_cannot_be_scored_is_not_sent(tokenizer: str) -> None:
    with serve(lambda _: REPLY) as agent, FakeServer(answer, faults={"server_error": 1.0}) as model:
        users = {"user": f"llm:{model.url}#fake", "limits": {"attempts": 1}}
        env = await env_of(agent.url, tokenizer, users=users)
        assert await env.collect_trajectories(await env.get_next_item()) == (None, [])


async def test_evaluation_writes_means(tokenizer: str, tmp_path: Path) -> None:
    with serve(lambda _: REPLY) as agent:
        env = await env_of(agent.url, tokenizer, eval_suite=SUITE, data_dir_to_save_evals=str(tmp_path))
        await env.evaluate()
    assert any("eval/mood" in path.read_text() for path in tmp_path.rglob("*.json"))


def test_it_conforms(tokenizer: str) -> None:
    async def play(given: Sequence[Row], agent: Agent, settings: dict[str, Any]) -> list[float | None]:
        with serve(agent) as server:
            env = await env_of(server.url, tokenizer, users=settings)
            made = await asyncio.gather(*[env.collect_trajectory(row) for row in given])
        return [scored and float(scored["scores"]) for scored, _ in made]

    print(f"\n{check_adapter(play)}")


def test_overhead(tokenizer: str) -> None:
    def episode(row: Row) -> int:
        async def talk() -> int:
            env = await env_of(server.url, tokenizer)
            scored, _ = await env.collect_trajectory(row)
            return sum(message["role"] == "assistant" for message in scored["messages"])

        return asyncio.run(talk())

    with serve(lambda _: REPLY) as server:
        overhead("Atropos, its OpenAI client and a loopback server included", episode, episodes=2, rounds=2)

"""SkyRL-Gym: made by its registry, called from its threads, conforming."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from overhead import REPLY, overhead

skyrl_gym = pytest.importorskip("skyrl_gym")
pytestmark = pytest.mark.filterwarnings("ignore")

from emosim.adapters.skyrl import ENV_ID, dataset, register  # noqa: E402
from emosim.errors import EmosimError, SimulationError, UsageError  # noqa: E402
from emosim.rollouts import Row  # noqa: E402
from emosim.rollouts.log import close_logs  # noqa: E402
from emosim.runs import read_failures, read_run  # noqa: E402
from emosim.suite import Suite  # noqa: E402
from emosim.testing.conformance import Agent, check_adapter  # noqa: E402
from emosim.testing.fake_server import FakeServer  # noqa: E402
from emosim.testing.talking import answer  # noqa: E402

SUITE = Suite(personas=("dolores",), levels=(0.3,))


def play_one(row: Row, agent: Agent, settings: dict[str, Any]) -> float | None:
    """Do what SkyRL's generator does with one row: make, init, step until done or cut off, close.

    An agent that hangs up has ended its reply with its first token; what SkyRL hands over is an empty one.
    """
    extras = {"extra_info": {"episode": row["episode"]}, "max_turns": 20}
    env = skyrl_gym.make(ENV_ID, env_config=settings, extras=extras)
    chat, _ = env.init(list(row["prompt"]))
    earned, going = 0.0, True
    try:
        while going:
            reply = agent(chat)
            output = env.step(reply or "")
            earned += output["reward"]
            chat = [*chat, {"role": "assistant", "content": reply or ""}, *output["observations"]]
            going = reply is not None and not output["done"]
        return earned
    except SimulationError:
        return None
    finally:
        env.close()


def play(rows: Sequence[Row], agent: Agent, settings: dict[str, Any]) -> list[float | None]:
    """Play all rows in threads, as SkyRL does."""
    register()
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(lambda row: play_one(row, agent, settings), rows))


def test_it_conforms() -> None:
    print(f"\n{check_adapter(play)}")


def test_a_turn_limit_of_the_trainer_is_the_agent_leaving() -> None:
    register()
    (row,) = dataset(SUITE)
    env = skyrl_gym.make(ENV_ID, env_config={}, extras={**row, "max_turns": 2})
    env.init(row["prompt"])
    assert env.step(REPLY)["done"] is False
    last = env.step(REPLY)
    assert last["done"]
    assert last["reward"] == 0.0
    assert last["observations"] == []
    assert env.get_metrics()["agent_left"] == 1.0


def test_what_every_rollout_would_meet_is_no_leaving(tmp_path: Path) -> None:
    register()
    (row,) = dataset(SUITE)
    with FakeServer(answer, api_key="right") as server:
        settings = {"user": f"llm:{server.url}#fake", "log": str(tmp_path / "log")}
        env = skyrl_gym.make(ENV_ID, env_config=settings, extras=row)
        env.init(row["prompt"])
        with pytest.raises(EmosimError, match="401"):
            env.step(REPLY)
        env.close()
    close_logs(tmp_path)
    assert list(read_run(tmp_path / "log")) == []
    assert [failure.cause for failure in read_failures(tmp_path / "log")] == ["outside"]


def test_rows_and_registration() -> None:
    register()
    register()
    (row,) = dataset(SUITE)
    assert row["env_class"] == ENV_ID
    assert row["prompt"][-1]["role"] == "user"
    with pytest.raises(UsageError, match="column 'episode'"):
        skyrl_gym.make(ENV_ID, env_config={}, extras={"extra_info": {"index": 1}})
    with pytest.raises(UsageError, match="unknown settings of the users: levle"):
        skyrl_gym.make(ENV_ID, env_config={"levle": 0.3}, extras=row)


def test_overhead() -> None:
    register()

    def episode(row: Row) -> int:
        env = skyrl_gym.make(ENV_ID, env_config={}, extras={"extra_info": row})
        env.init(row["prompt"])
        turns, done = 0, False
        while not done:
            turns, done = turns + 1, env.step(REPLY)["done"]
        return turns

    assert overhead("SkyRL-Gym", episode) < 1000

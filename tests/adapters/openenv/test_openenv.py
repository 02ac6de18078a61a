"""OpenEnv 0.10: sessions over real WebSockets, many at once; capacity, idleness and faults are said plainly."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openenv.core")

import httpx
import uvicorn
from openenv import GenericEnvClient
from overhead import REPLY, overhead

from emosim.adapters.openenv import EmosimEnvironment, app
from emosim.adapters.openenv_client import EmosimClient, Reply
from emosim.rollouts import Rollouts, Row
from emosim.rollouts.log import close_logs
from emosim.runs import read_failures, read_run, verify
from emosim.suite import Suite
from emosim.testing.conformance import Agent, check_adapter
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import answer

KEY = "core/dolores:en:L0.30:s0001"
SUITE = Suite(personas=("dolores", "feng"), levels=(0.3,))


@contextmanager
def serving(made: Any) -> Iterator[str]:
    """Serve an application on a free port of the loopback interface."""
    server = uvicorn.Server(uvicorn.Config(made, log_level="error", ws_ping_interval=None))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


async def play(url: str, episode: str, agent: Agent) -> float | None:
    """Play an episode; return the sum of its rewards, None if one is missing."""
    async with EmosimClient(url) as env:
        heard = await env.reset(episode=episode)
        chat, rewards = list(heard.observation.prompt), []
        while not heard.done:
            said = agent(chat)
            heard = await env.step(Reply(message="", leave=True) if said is None else said)
            rewards.append(heard.reward)
            chat += [
                {"role": "assistant", "content": said or ""},
                {"role": "user", "content": heard.observation.message},
            ]
        state = await env.state()
    assert state.reward == (None if None in rewards else pytest.approx(sum(rewards)))
    assert (state.ending == "invalid") == bool(heard.observation.fault) == (None in rewards)
    return state.reward


async def conform(given: list[Row], agent: Agent, settings: dict[str, Any]) -> list[float | None]:
    """Play rows over WebSockets, all at once."""
    with serving(app(Rollouts(**settings), SUITE)) as url:
        return list(await asyncio.gather(*(play(url, row["episode"], agent) for row in given)))


def test_it_conforms() -> None:
    print(check_adapter(conform))


def test_eight_sessions_at_once_take_no_longer_than_one(capsys: pytest.CaptureFixture[str]) -> None:
    replies = iter(range(10_000))

    def agent(chat: list[dict[str, str]]) -> str | None:
        return f"What is it like, and since when? {next(replies)}" if len(chat) < 8 else None

    async def both(url: str) -> tuple[float, float]:
        await play(url, KEY, agent)
        begun = time.monotonic()
        for _ in range(8):
            await play(url, KEY, agent)
        serial = time.monotonic() - begun
        begun = time.monotonic()
        await asyncio.gather(*(play(url, KEY, agent) for _ in range(8)))
        return serial, time.monotonic() - begun

    with FakeServer(answer, latency_s=0.2) as model, serving(app(Rollouts(f"llm:{model.url}#fake"))) as url:
        serial, together = asyncio.run(both(url))
        assert model.max_in_flight == 8
    with capsys.disabled():
        print(f"\nOpenEnv: 8 episodes {serial:.2f} s in turn, {together:.2f} s at once, {serial / together:.1f}x")
    assert serial >= 4 * together


def test_one_more_than_fit_is_told_so() -> None:
    with serving(app(suite=SUITE, sessions=2)) as url, EmosimClient(url).sync() as one, EmosimClient(url).sync() as two:
        one.reset(seed=0)
        two.reset(seed=0)
        with (
            pytest.raises(RuntimeError, match=r"2/2 sessions active.*CAPACITY_REACHED"),
            EmosimClient(url).sync() as env,
        ):
            env.reset(seed=0)
        one.close()
        deadline = time.monotonic() + 5
        while True:
            try:
                with EmosimClient(url).sync() as env:
                    env.reset(seed=0)
                break
            except RuntimeError:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def test_an_idle_session_ends_and_gives_its_place_away(tmp_path: Path) -> None:
    users = Rollouts(log=str(tmp_path / "log"))
    made = app(users, SUITE, sessions=1, idle_s=0.3)
    with serving(made) as url, EmosimClient(url).sync() as idle:
        idle.reset(seed=0)
        time.sleep(6)
        with EmosimClient(url).sync() as env:
            assert env.reset(seed=0).observation.message
        for go_on in (lambda: idle.step("Are you there?"), lambda: idle.reset(seed=0)):
            with pytest.raises(RuntimeError, match="idle for too long; connect again"):
                go_on()
    close_logs(tmp_path)
    assert list(read_run(tmp_path / "log")) == []
    failures = list(read_failures(tmp_path / "log"))
    assert {failure.cause for failure in failures} == {"outside"}


def test_the_same_seed_index_or_key_is_the_same_user() -> None:
    with serving(app(suite=SUITE)) as url, EmosimClient(url).sync() as env:
        first = env.reset(seed=1).observation
        assert first == env.reset(seed=3).observation == env.reset(index=1, split="train").observation
        state = env.state()
        assert first == env.reset(episode=state.key, episode_id="mine").observation
        assert env.state().episode_id == "mine"
        assert [message["role"] for message in first.prompt] == ["system", "user"]
        assert first.message == first.prompt[1]["content"]
        assert first.message != env.reset(seed=0).observation.message
        assert env.reset().observation.message
        assert env.step("<think>hm</think>What does it ask of you?").observation.prompt == []
        state = env.state()
        assert state.step_count == 1
        assert len(state.moods) == 2
        assert state.ending == ""


def test_any_client_can_use_it() -> None:
    with serving(app(suite=SUITE)) as url:
        with GenericEnvClient(base_url=url).sync() as env:
            assert env.reset(seed=0).observation["message"]
            heard = env.step({"message": "What does the letter ask of you?"})
            assert isinstance(heard.reward, float)
        schema = httpx.get(f"{url}/schema").json()
        assert schema["action"]["required"] == ["message"]
        assert "moods" in schema["state"]["properties"]
        assert httpx.get(f"{url}/emosim/splits").json() == [{"name": "train", "type": "train"}]
        assert httpx.post(f"{url}/emosim/num_tasks", json={"split": "train"}).json() == {"num_tasks": 2}
        task = httpx.post(f"{url}/emosim/task", json={"split": "train", "index": 1}).json()["task"]
        assert task["episode"].startswith("core/feng")
        assert httpx.post(f"{url}/emosim/task", json={"split": "train", "index": 2}).status_code == 400


def test_mistakes_are_named() -> None:
    with serving(app(suite=SUITE)) as url, EmosimClient(url).sync() as env:
        with pytest.raises(RuntimeError, match="no episode: reset first"):
            env.step("Hello?")
        for wrong, message in (
            ({"episode": "dolores"}, "no episode key"),
            ({"personna": "dolores"}, "not personna"),
            ({"index": 2}, "no task 2, only 0 to 1"),
            ({"split": "test"}, "no split 'test'"),
            ({"seed": "seven"}, "whole numbers"),
        ):
            with pytest.raises(RuntimeError, match=message):
                env.reset(**wrong)
        env.reset(seed=0)
        heard = env.step(Reply(message="", leave=True))
        assert heard.done
        assert heard.observation.ending == "agent_left"
        for late in ("Hello?", Reply(message="", leave=True)):
            with pytest.raises(RuntimeError, match="the episode is over"):
                env.step(late)
        with GenericEnvClient(base_url=url).sync() as plain, pytest.raises(RuntimeError, match="VALIDATION_ERROR"):
            plain.step({"text": "Hello?"})
        alone = httpx.post(f"{url}/step", json={"action": {"message": "Hello?"}})
        assert alone.status_code == 400
        assert "plain HTTP keeps no session" in alone.json()["detail"]


def test_clients_that_take_none_for_nothing_can_have_an_error() -> None:
    with FakeServer(answer, faults={"bad_json": 1.0}) as model:
        users = Rollouts(f"llm:{model.url}#fake")
        with serving(app(users, SUITE, faults="error")) as url, EmosimClient(url).sync() as env:
            env.reset(seed=0)
            with pytest.raises(RuntimeError, match="bad_json"):
                env.step("What does it ask of you?")
            assert env.state().reward is None
        with serving(app(users, SUITE)) as url, EmosimClient(url).sync() as env:
            env.reset(seed=0)
            heard = env.step("What does it ask of you?")
            assert heard.done
            assert heard.reward is None
            assert heard.observation.fault.startswith("bad_json")


def test_the_command_serves_and_its_log_recomputes(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    users = json.dumps({"log": str(tmp_path / "log"), "reward": "delta"})
    command = [sys.executable, "-m", "emosim.adapters.openenv", "--port", str(port), "--users", users]
    with subprocess.Popen([*command, "--suite", '{"personas": ["dolores"], "repeats": 2}']) as served:
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(600):
                try:
                    assert httpx.get(f"{url}/health").json() == {"status": "healthy"}
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            rewards = []
            with EmosimClient(url).sync() as env:
                for seed in range(3):
                    env.reset(seed=seed)
                    while not env.step("What does the letter ask of you, and by when?").done:
                        pass
                    rewards.append(env.state().reward)
            served.send_signal(signal.SIGTERM)
            served.wait(20)
        finally:
            served.kill()
    assert rewards[0] == rewards[2]
    assert verify(tmp_path / "log").is_good
    assert [record.return_ for record in read_run(tmp_path / "log")] == rewards
    assert json.loads((tmp_path / "log" / "summary.json").read_text(encoding="utf-8"))


def test_cost_of_a_turn(capsys: pytest.CaptureFixture[str]) -> None:
    users = Rollouts()
    env = EmosimEnvironment(users, users.rows(SUITE))

    def alone(row: Row) -> int:
        env.reset(episode=row["episode"])
        turns = 1
        while not env.step(Reply(message=REPLY)).done:
            turns += 1
        return turns

    with serving(app(users, SUITE)) as url, EmosimClient(url).sync() as client, capsys.disabled():

        def wired(row: Row) -> int:
            client.reset(episode=row["episode"])
            turns = 1
            while not client.step(REPLY).done:
                turns += 1
            return turns

        assert overhead("OpenEnv, environment alone", alone) < 1000
        overhead("OpenEnv, client, WebSocket and server", wired, rounds=3)

"""NeMo Gym's own server class behind a test client: sessions, rewards, faults, conformance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from overhead import REPLY, overhead

pytest.importorskip("nemo_gym")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

from fastapi.testclient import TestClient  # noqa: E402
from nemo_gym.server_utils import ServerClient  # noqa: E402

from emosim.adapters import nemo_gym  # noqa: E402
from emosim.adapters.nemo_gym import EmosimServer, EmosimServerConfig, dataset  # noqa: E402
from emosim.rollouts import Row  # noqa: E402
from emosim.rollouts.log import close_logs  # noqa: E402
from emosim.runs import read_failures, read_run  # noqa: E402
from emosim.suite import Suite  # noqa: E402
from emosim.testing.conformance import Agent, check_adapter  # noqa: E402
from emosim.testing.fake_server import FakeServer  # noqa: E402
from emosim.testing.talking import answer  # noqa: E402

SUITE = Suite(personas=("dolores",), levels=(0.3,))


def server_of(users: dict[str, Any]) -> EmosimServer:
    """Return a server that asks none of the others."""
    config = EmosimServerConfig(host="", port=0, entrypoint="", name="emosim", users=users)
    return EmosimServer(config=config, server_client=ServerClient.model_construct())


def said(text: str) -> dict[str, Any]:
    """Return a reply as the Responses API has it."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": content}
    return {
        "id": "r",
        "object": "response",
        "created_at": 0,
        "model": "agent",
        "output": [message],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
    }


def play_one(app: Any, row: dict[str, Any], agent: Agent) -> float | None:
    """Do what `gymnasium_agent` does with one row; an agent that hangs up stops after an empty reply."""
    chat, earned = list(row["responses_create_params"]["input"]), 0.0
    with TestClient(app, raise_server_exceptions=False) as client:
        client.post("/reset", json=row).raise_for_status()
        while True:
            reply = agent(chat)
            answer = client.post("/step", json={**row, "response": said(reply or "")})
            if answer.status_code == 503:
                return None
            step = answer.raise_for_status().json()
            earned += step["reward"]
            if reply is None or step["terminated"] or step["truncated"]:
                return earned
            chat = [*chat, {"role": "assistant", "content": reply}, {"role": "user", "content": step["observation"]}]


def test_it_conforms() -> None:
    def play(given: Sequence[Row], agent: Agent, settings: dict[str, Any]) -> list[float | None]:
        server = server_of(settings)
        app = server.setup_webserver()
        made = [{"responses_create_params": {"input": row["prompt"]}, "episode": row["episode"]} for row in given]
        try:
            return [play_one(app, row, agent) for row in made]
        finally:
            for one in list(server.session_state.values()):
                one.rollout.leave()

    print(f"\n{check_adapter(play)}")


def test_sessions() -> None:
    server = server_of({})
    (row,) = dataset(SUITE)
    with TestClient(server.setup_webserver(), raise_server_exceptions=False) as client:
        assert client.post("/step", json={**row, "response": said("Hello?")}).status_code == 409
        client.post("/reset", json=row).raise_for_status()
        (first,) = server.session_state.values()
        client.post("/reset", json=row).raise_for_status()
        (second,) = server.session_state.values()
    assert first.rollout.outcome.ending == "agent_left"
    assert not second.rollout.over


def test_a_refused_key_is_no_leaving(tmp_path: Path) -> None:
    with FakeServer(answer, api_key="right") as model:
        server = server_of({"user": f"llm:{model.url}#fake", "log": str(tmp_path / "log")})
        (row,) = dataset(SUITE)
        with TestClient(server.setup_webserver(), raise_server_exceptions=False) as client:
            client.post("/reset", json=row).raise_for_status()
            refused = client.post("/step", json={**row, "response": said(REPLY)})
    close_logs(tmp_path)
    assert refused.status_code == 503
    assert [record.key for record in read_run(tmp_path / "log")] == []
    assert len(list(read_failures(tmp_path / "log"))) == 1


def test_idle_rollouts_have_been_left(monkeypatch: pytest.MonkeyPatch) -> None:
    server = server_of({})
    (row,) = dataset(SUITE)
    app = server.setup_webserver()
    with TestClient(app) as one:
        one.post("/reset", json=row)
    (forgotten,) = server.session_state.values()
    monkeypatch.setattr(nemo_gym, "IDLE_S", -1.0)
    with TestClient(app) as another:
        another.post("/reset", json=row)
    assert forgotten.rollout.over
    assert len(server.session_state) == 1


def test_overhead() -> None:
    app = server_of({}).setup_webserver()

    def episode(row: Row) -> int:
        turns, over = 0, False
        given = {"responses_create_params": {"input": row["prompt"]}, "episode": row["episode"]}
        client.post("/reset", json=given).raise_for_status()
        while not over:
            step = client.post("/step", json={**given, "response": said(REPLY)}).json()
            turns, over = turns + 1, step["terminated"] or step["truncated"]
        return turns

    with TestClient(app) as client:
        begun = time.process_time()
        overhead("NeMo Gym, its server and a test client included", episode, episodes=3, rounds=3)
        assert time.process_time() - begun < 120

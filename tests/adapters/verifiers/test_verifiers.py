"""verifiers 0.4: `vf-eval` for real, one user for a group, faults without a reward, budgets without an escape."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

pytest.importorskip("verifiers.v1")

from overhead import REPLY, overhead
from verifiers.v1.agent import Segment
from verifiers.v1.clients import EvalClientConfig, ModelContext
from verifiers.v1.episode import Episode
from verifiers.v1.trace import Trace
from verifiers.v1.types import AssistantMessage, SamplingConfig
from verifiers.v1.utils.loaders import load_environment, resolve_env_config

from emosim.adapters.verifiers import task_of
from emosim.rewards import REWARDS
from emosim.rollouts import Row
from emosim.rollouts.log import close_logs
from emosim.runs import read_failures, read_run, verify
from emosim.testing.conformance import Agent, check_adapter, serve
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import answer

LINES = (
    "What does the letter ask of you?",
    "That sounds exhausting, and you carried it alone.",
    "Which part is worst?",
)
TASKSET = {"personas": ["dolores", "feng"], "repeats": 2}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KEY", "none")


def thinking(body: dict[str, object], number: int) -> str:
    """Return a reply with reasoning in it, of the same words in the same turn."""
    said = body["messages"]
    assert isinstance(said, list)
    return f"<think>\n they need {number} \n</think>\n\n{LINES[len(said) // 2 % 3]}\n"


async def talk(
    url: str, taskset: dict[str, object], *, rollouts: int = 2, retries: int = 0, **agent: object
) -> list[Episode]:
    settings = {"taskset": {"id": "emosim_vf", **TASKSET, **taskset}, **({"agent": agent} if agent else {})}
    env = load_environment(resolve_env_config({**settings, "retries": {"max_retries": retries}}))
    async with env.serving():
        slots = [slot for task in env.taskset for slot in env.slots(task, rollouts)]
        return list(await asyncio.gather(*(env.run_slot(slot, context(url)) for slot in slots)))


def context(url: str) -> ModelContext:
    client = EvalClientConfig(base_url=url, api_key_var="FAKE_KEY")
    return ModelContext(model="fake", client=client, sampling=SamplingConfig())


def traces(episodes: list[Episode]) -> list[Trace]:
    return [trace for episode in episodes for trace in episode.traces]


def test_vf_eval_plays_a_group_with_one_user_and_every_reward_recomputes(tmp_path: Path) -> None:
    with FakeServer(thinking) as server:
        command = [str(Path(sys.executable).with_name("vf-eval")), "emosim_vf", "-m", "fake", "-n", "4", "-r", "2"]
        command += ["--no-rich", "--no-push", "--client.base-url", server.url, "--client.api-key-var", "FAKE_KEY"]
        command += ["--env.taskset.log", str(tmp_path / "log"), "--env.taskset.levels", "[0.3]"]
        ran = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr[-2000:]
        bodies = [body["messages"] for body in server.bodies]
        assert server.requests == sum(1 for body in bodies if body[-1]["role"] == "user")  # type: ignore[index]
    (lines,) = tmp_path.glob("outputs/*/traces.jsonl")
    played = [json.loads(line)["traces"][0] for line in lines.read_text(encoding="utf-8").splitlines()]
    assert len(played) == 8
    told: dict[str, list[str]] = {}
    for trace in played:
        heard = [node["message"]["content"] for node in trace["nodes"] if node["message"]["role"] == "user"]
        told.setdefault(trace["task"]["data"]["episode"], []).append(" ".join(heard))
        assert not any("<think>" in text for text in heard)
        said = [node["message"]["content"] for node in trace["nodes"] if node["sampled"]]
        assert all(text.startswith("<think>\n they") and text.endswith("\n") for text in said)
    assert len(told) == 4
    assert all(len(both) == 2 and both[0] == both[1] for both in told.values())
    assert verify(tmp_path / "log").is_good
    kept = sorted(record.return_ for record in read_run(tmp_path / "log"))
    assert sorted(trace["rewards"]["final"]["score"] for trace in played) == kept
    assert sorted(trace["info"]["emosim"]["moods"][-1] / 100 for trace in played) == pytest.approx(kept)


async def conform(given: list[Row], agent: Agent, settings: dict[str, object]) -> list[float | None]:
    """Play rows as `vf-eval` does, with the kit's agent behind a server."""
    with serve(agent) as server:
        told = {name: value for name, value in settings.items() if value is not None}
        env = load_environment(resolve_env_config({"taskset": {"id": "emosim_vf", **told}}))
        async with env.serving():
            slots = [slot for row in given for slot in env.slots(task_of(row))]
            played = await asyncio.gather(*(env.run_slot(slot, context(server.url)) for slot in slots))
    return [trace.reward if trace.ok else None for trace in traces(list(played))]


def test_it_conforms() -> None:
    print(check_adapter(conform))


def test_a_fault_of_the_agents_model_is_unscorable(tmp_path: Path) -> None:
    with FakeServer(thinking, faults=[*[""] * 2, *["bad_body"] * 500]) as server:
        taskset = {"personas": ["dolores"], "repeats": 1, "log": str(tmp_path / "log")}
        (trace,) = traces(asyncio.run(talk(server.url, taskset, rollouts=1)))
    close_logs(tmp_path)
    assert not trace.ok
    assert trace.rewards == {}
    (failure,) = read_failures(tmp_path / "log")
    assert failure.seat == "environment"
    assert failure.turn == 3


def test_a_failed_rollout_can_be_played_again_and_the_users_calls_are_not_captured(tmp_path: Path) -> None:
    with FakeServer(answer) as agent, FakeServer(answer, faults=["bad_json"]) as user:
        limits = {"attempts": 1, "timeout_s": 5}
        taskset = {"user": f"llm:{user.url}#fake", "personas": ["dolores"], "repeats": 1, "limits": limits}
        (asked_again,) = traces(asyncio.run(talk(agent.url, taskset, rollouts=1)))
        assert asked_again.ok
        assert user.requests == asked_again.num_turns + 1
    with FakeServer(answer) as agent, FakeServer(answer, faults=["server_error"]) as user:
        again = {**taskset, "user": f"llm:{user.url}#fake", "log": str(tmp_path / "log")}
        (episode,) = asyncio.run(talk(agent.url, again, rollouts=1, retries=2))
        (trace,) = episode.traces
        assert trace.ok
        assert trace.rewards
        assert len(trace.calls) == trace.num_turns == agent.requests - 1
        assert all("You say" in str(message.content) for message in trace.assistant_messages)
    close_logs(tmp_path)
    assert len(list(read_failures(tmp_path / "log"))) == 1
    assert [record.return_ for record in read_run(tmp_path / "log")] == [trace.reward]


def test_a_user_that_is_too_slow_is_unscorable() -> None:
    with FakeServer(answer) as agent, FakeServer(answer, faults={"hang": 1.0}) as user:
        taskset = {"user": f"llm:{user.url}#fake", "personas": ["dolores"], "repeats": 1, "deadline_s": 0.2}
        (trace,) = traces(asyncio.run(talk(agent.url, taskset, rollouts=1)))
    assert not trace.ok
    assert trace.rewards == {}
    assert trace.info["emosim"]["fault"].startswith("deadline")


@pytest.mark.parametrize("reward", [*REWARDS, "final+0.5*delta"])
def test_silence_and_a_used_up_budget_never_beat_trying(reward: str) -> None:
    taskset = {"personas": ["dolores"], "repeats": 1, "reward": reward}
    with FakeServer(thinking) as tries, FakeServer("<think>nothing to say</think>") as silent:
        (tried,) = traces(asyncio.run(talk(tries.url, taskset, rollouts=1)))
        (said_nothing,) = traces(asyncio.run(talk(silent.url, taskset, rollouts=1)))
        (cut,) = traces(asyncio.run(talk(tries.url, taskset, rollouts=1, max_turns=2)))
    assert cut.info["emosim"]["ending"] == "agent_left"
    assert cut.ok
    assert tried.reward > max(said_nothing.reward, cut.reward)


def test_what_every_rollout_would_meet_stops_it_with_its_own_words() -> None:
    with FakeServer(answer) as agent, FakeServer(answer, api_key="secret") as user:
        taskset = {"user": f"llm:{user.url}#fake", "personas": ["dolores"], "repeats": 1}
        (trace,) = traces(asyncio.run(talk(agent.url, taskset, rollouts=1)))
    assert not trace.ok
    assert trace.rewards == {}
    assert "401" in str(trace.last_error) or "key" in str(trace.last_error)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"levels": [1.5]}, "1.5"), ({"personas": ["nobody"]}, "nobody"), ({"user": "robot"}, "robot")],
)
def test_mistakes_in_the_settings_are_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(Exception, match=message):
        asyncio.run(talk("http://127.0.0.1:9/v1", wrong))


def test_tasks_are_known_by_their_keys() -> None:
    env = load_environment(resolve_env_config({"taskset": {"id": "emosim-vf", **TASKSET, "languages": ["en", "zh"]}}))
    tasks = list(env.taskset)
    assert [task.key for task in tasks] == sorted({task.data.episode for task in tasks})
    assert len(tasks) == 8
    assert all(task.data.prompt is None and task.data.system_prompt for task in tasks)
    assert type(env.taskset).task_type()(tasks[0].data).key == tasks[0].key
    json.dumps([task.data.model_dump(mode="json") for task in tasks])


@pytest.mark.parametrize("whole", [False, True])
def test_cost_of_a_turn(whole: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Once the adapter alone, with an agent that answers at once, and once with all that verifiers does."""
    config = resolve_env_config({"taskset": {"id": "emosim_vf"}})
    env = load_environment(config)

    def alone(row: Row) -> int:
        agents = Scripted()
        runner.run(env.run(task_of(row), agents))
        return agents.turns

    with FakeServer(REPLY) as server, asyncio.Runner() as runner, capsys.disabled():

        def real(row: Row) -> int:
            async def play() -> int:
                (slot,) = env.slots(task_of(row))
                episode = await env.run_slot(slot, context(server.url))
                return episode.traces[0].num_turns

            return runner.run(play())

        if not whole:
            assert overhead("verifiers, adapter alone", alone) < 1000
            return
        serving = env.serving()
        runner.run(serving.__aenter__())
        overhead("verifiers, with interception, SDK and the model's loopback server", real, episodes=4, rounds=3)
        runner.run(serving.__aexit__(None, None, None))


class Scripted:
    """An agent of verifiers that says `REPLY`, without a model: what the adapter needs of one."""

    trace = Trace.model_construct()

    def __init__(self) -> None:
        self.agent, self.turns = self, 0

    @asynccontextmanager
    async def interaction(self, task: object) -> AsyncIterator[Scripted]:
        yield self

    async def turn(self, heard: str) -> Segment:
        self.turns += 1
        return Segment(messages=[AssistantMessage(content=REPLY)])

"""Inspect AI: evaluations of a loopback model, through the registry and the command line; unscored is no zero."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from inspect_ai import Task, eval_async
from inspect_ai.dataset import Sample
from inspect_ai.event import InfoEvent, StoreEvent
from inspect_ai.log import EvalLog, EvalSample, read_eval_log
from inspect_ai.model import ModelName, ModelOutput, get_model
from inspect_ai.solver import TaskState, generate
from overhead import REPLY, overhead

from emosim.adapters.inspect import Course, empathy, mood, sample_of, talk
from emosim.rewards import REWARDS
from emosim.rollouts import Row
from emosim.rollouts.log import close_logs
from emosim.runs import read_failures, read_run, verify
from emosim.testing.conformance import Agent, check_adapter, serve
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import answer

pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
LINES = ("What does the letter ask of you?", "That sounds exhausting, and you bore it alone.", "Which part is worst?")
DOLORES: dict[str, Any] = {"personas": ["dolores"], "levels": [0.3]}


def thinking(body: dict[str, object], number: int) -> str:
    """Return a reply with reasoning in it, of the same words in the same turn."""
    said = body["messages"]
    assert isinstance(said, list)
    return f"<think>\n they need {number} \n</think>\n\n{LINES[len(said) // 2 % 3]}"


def evaluate(url: str, tasks: Task, **limits: Any) -> EvalLog:
    """Do what `eval` does, and close the model's client in the loop that it was used in, which `eval` leaves open."""
    told = {"max_retries": 0, "max_connections": 32, "log_dir": os.environ["INSPECT_LOG_DIR"], **limits}

    async def run() -> list[EvalLog]:
        async with get_model("openai-api/emo/fake", base_url=url, api_key="none", memoize=False) as model:
            return await eval_async(tasks, model=model, **told)

    (log,) = asyncio.run(run())
    return log


def samples(log: EvalLog) -> list[EvalSample]:
    assert log.samples is not None
    return log.samples


def value(sample: EvalSample) -> Any:
    assert sample.scores is not None
    return sample.scores["mood"].value


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_LOG_DIR", str(tmp_path / "inspect"))


def conform(given: list[Row], agent: Agent, settings: dict[str, Any]) -> list[float]:
    """Play rows as `eval` does, with the kit's agent behind a server."""
    rows = [sample_of(row) for row in given]
    numbered = [Sample(id=n, input=sample.input, metadata=sample.metadata) for n, sample in enumerate(rows, 1)]

    def shown(messages: list[dict[str, str]]) -> str | None:
        """Inspect puts a newline before an earlier reply that it took reasoning out of."""
        return agent([{**m, "content": m["content"].removeprefix("\n")} for m in messages])

    with serve(shown) as server:
        task = Task(dataset=numbered, solver=talk(**settings), scorer=mood())
        log = evaluate(server.url, task, reasoning_history="none")  # else Inspect shows it in tags of its own
    assert log.status == "success"
    values = {sample.id: value(sample) for sample in samples(log)}
    return [got["return"] if isinstance(got := values[n], dict) else got for n in range(1, len(given) + 1)]


def test_it_conforms() -> None:
    print(check_adapter(conform))


def test_eight_at_once_of_one_user_in_all_epochs(tmp_path: Path) -> None:
    with FakeServer(thinking, latency_s=0.05) as server:
        task = empathy(personas=["dolores", "feng", "tom"], levels=[0.3], log=str(tmp_path / "log"))
        log = evaluate(server.url, task, epochs=8, max_samples=8, max_connections=8)
        assert server.max_in_flight == 8
        assert server.requests >= 24
    close_logs(tmp_path)
    assert log.status == "success"
    assert log.results is not None
    assert log.results.completed_samples == 24
    told: dict[object, set[str]] = {}
    for sample in samples(log):
        told.setdefault(sample.id, set()).add(" ".join(m.text for m in sample.messages if m.role == "user"))
        assert not any("they need" in message.text for message in sample.messages)
        assert "they need" in str(sample.messages)
    assert all(len(heard) == 1 for heard in told.values())
    assert verify(tmp_path / "log").is_good
    kept = sorted(record.return_ for record in read_run(tmp_path / "log"))
    assert sorted(value(sample)["return"] for sample in samples(log)) == kept
    assert all(record.episode.turns[0].reply.reasoning for record in read_run(tmp_path / "log"))


def test_the_log_shows_how_the_mood_moved() -> None:
    with FakeServer(thinking) as server:
        (sample,) = samples(evaluate(server.url, empathy(**DOLORES)))
    course = sample.store_as(Course)
    assert len(course.moods) > 2
    assert course.mood == course.moods[-1] == value(sample)["mood"]
    noted = [event.data for event in sample.events if isinstance(event, InfoEvent) and event.source == "emosim"]
    assert [data["mood"] for data in noted] == course.moods  # type: ignore[index, call-overload]
    assert sum(isinstance(event, StoreEvent) for event in sample.events) >= 1


def test_a_sample_whose_user_fails_is_unscored_and_counts_for_nothing(tmp_path: Path) -> None:
    with FakeServer(thinking) as agent, FakeServer(answer, faults={"bad_json": 0.2}, seed=5) as user:
        settings = {"user": f"llm:{user.url}#fake", "limits": {"attempts": 1}, "log": str(tmp_path / "log")}
        log = evaluate(agent.url, empathy(personas=["dolores", "feng"], levels=[0.3], repeats=4, **settings))
    close_logs(tmp_path)
    good = [value(s)["return"] for s in samples(log) if isinstance(value(s), dict)]
    bad = [s for s in samples(log) if not isinstance(value(s), dict)]
    assert log.status == "success"
    assert len(bad) == len(list(read_failures(tmp_path / "log")))
    assert sorted(good) == sorted(record.return_ for record in read_run(tmp_path / "log"))
    assert log.results is not None
    assert {score.unscored_samples for score in log.results.scores} == {len(bad)}
    assert {score.scored_samples for score in log.results.scores} == {len(good)}
    if good:
        (mean,) = (score.metrics["mean"].value for score in log.results.scores if score.name == "return")
        assert mean == pytest.approx(sum(good) / len(good))


def test_all_samples_unscored_are_not_zero() -> None:
    with FakeServer(thinking) as agent, FakeServer(answer, faults={"bad_json": 1.0}) as user:
        settings = {"user": f"llm:{user.url}#fake", "limits": {"attempts": 1}}
        (sample,) = samples(evaluate(agent.url, empathy(**DOLORES, **settings)))
    assert math.isnan(value(sample))
    assert sample.scores is not None
    assert "bad_json" in str(sample.scores["mood"].explanation)


@pytest.mark.parametrize("reward", [*REWARDS, "final+0.5*delta"])
def test_a_used_up_budget_never_beats_trying(reward: str) -> None:
    with FakeServer(thinking) as server:
        task = empathy(**DOLORES, reward=reward)
        (tried,) = samples(evaluate(server.url, task))
        (cut,) = samples(evaluate(server.url, task, message_limit=5))
    assert cut.limit is not None
    assert cut.store_as(Course).ending == "agent_left"
    assert value(tried)["return"] > value(cut)["return"]


def test_a_limit_of_time_is_unscored() -> None:
    with FakeServer(thinking, latency_s=0.4) as server:
        (sample,) = samples(evaluate(server.url, empathy(**DOLORES), time_limit=1))
    assert sample.limit is not None
    assert math.isnan(value(sample))


def test_a_fault_of_the_agents_model_is_an_error_of_the_sample(tmp_path: Path) -> None:
    with FakeServer(thinking, faults=["", "", *["bad_body"] * 50]) as server:
        task = empathy(**DOLORES, log=str(tmp_path / "log"))
        (sample,) = samples(evaluate(server.url, task, fail_on_error=False))
    close_logs(tmp_path)
    assert sample.error is not None
    assert not sample.scores
    (failure,) = read_failures(tmp_path / "log")
    assert failure.seat == "environment"


def test_another_solver_is_unscored() -> None:
    with FakeServer(thinking) as server:
        task = empathy(**DOLORES)
        task.solver = generate()
        (sample,) = samples(evaluate(server.url, task))
    assert math.isnan(value(sample))
    assert sample.scores is not None
    assert "another solver" in str(sample.scores["mood"].explanation)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": 1.5}, "1.5"),
        ({"personas": "nobody"}, "nobody"),
        ({"usr": "rules"}, "usr"),
        ({"user": "x"}, "no user"),
    ],
)
def test_mistakes_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(Exception, match=message):
        empathy(**wrong)


def test_inspect_eval_finds_it_by_name(tmp_path: Path) -> None:
    with FakeServer(thinking) as server:
        command = [str(Path(sys.executable).with_name("inspect")), "eval", "emosim/empathy", "--model"]
        command += ["openai-api/emo/fake", "--display", "none", "--epochs", "2", "-T", "personas=dolores,feng"]
        command += ["-T", "levels=[0.3, 0.6]", "-T", f"log={tmp_path / 'log'}", "--log-format", "json"]
        environment = {**os.environ, "EMO_BASE_URL": server.url, "EMO_API_KEY": "none"}
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:] + ran.stdout[-2000:]
    (path,) = (tmp_path / "inspect").glob("*.json")
    log = read_eval_log(str(path))
    assert log.status == "success"
    assert len(samples(log)) == 8
    assert verify(tmp_path / "log").is_good
    stored = sorted(record.return_ for record in read_run(tmp_path / "log"))
    assert sorted(value(sample)["return"] for sample in samples(log)) == stored
    json.loads(path.read_text(encoding="utf-8"))


def test_cost_of_a_turn(capsys: pytest.CaptureFixture[str]) -> None:
    """Once the solver alone, with an agent that answers at once, and once with all that `eval` does."""
    solve, said = talk(), ModelOutput.from_content("scripted", REPLY)

    async def at_once(state: TaskState) -> TaskState:
        state.output = said
        return state

    with FakeServer(REPLY) as server, asyncio.Runner() as runner, capsys.disabled():

        def alone(row: Row) -> int:
            state = TaskState(ModelName("emo/scripted"), 1, 1, "", [], metadata={"episode": row["episode"]})
            runner.run(solve(state, at_once))  # type: ignore[arg-type]
            return len(state.store_as(Course).moods) - 1

        def real(row: Row) -> int:
            task = Task(dataset=[sample_of(row)], solver=talk(), scorer=mood(), epochs=10)
            return sum(len(s.store_as(Course).moods) - 1 for s in samples(evaluate(server.url, task)))

        overhead("Inspect, solver alone", alone)
        overhead("Inspect, eval of 10 samples, its model client and log, and the model's server", real, 1, 3)

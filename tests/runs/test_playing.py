"""Playing suites: everything once, nothing lost, failures apart, clean stops."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path

import pytest
from stage import LINES, OFFLINE, SUITE, Asker, Counting, Listener, Talker, answered, keys, read, run

from emosim.acts import Appraisal
from emosim.errors import BackendError, BudgetExceeded, EmosimError, RunError, SimulationError
from emosim.flow import ChatRequest, ChatResponse, Flow, Requests
from emosim.policies.protocol import View
from emosim.runs import ChangedSettings, Pace, Players, Record, aplay, config_of, read_failures, read_run, verify
from emosim.runs.playing import seldom_collected
from emosim.suite import Shard, Suite
from emosim.users.protocol import Heard, Speech

ALL = [str(key) for key in SUITE.episode_keys()]


def test_every_episode_is_there_once_and_verifies(tmp_path: Path) -> None:
    summary = run(tmp_path / "run")
    assert keys(tmp_path / "run") == ALL
    assert (summary.status, summary.finished, summary.failed, summary.missing) == ("complete", 16, 0, 0)
    assert verify(tmp_path / "run", Listener()).is_good


def test_the_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    for name, concurrency in (("a", 1), ("b", 64)):
        run(tmp_path / name, concurrency=concurrency)
    for file in ("episodes.jsonl", "summary.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_agents_meet_the_same_dice(tmp_path: Path) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", players=Players(Talker("test:other", say=lambda view: "Go on?"), Listener()))
    seeds = [[r.episode.seed for r in read_run(tmp_path / name)] for name in ("a", "b")]
    openings = [[r.episode.opening for r in read_run(tmp_path / name)] for name in ("a", "b")]
    assert seeds[0] == seeds[1]
    assert openings[0] == openings[1]


def test_going_on_costs_nothing_for_what_is_done(tmp_path: Path) -> None:
    first = Counting(_until(40))
    summary = run(tmp_path / "run", players=Players(Asker(), Listener(), first), concurrency=3)
    done = keys(tmp_path / "run")
    assert summary.status == "budget"
    assert 0 < len(done) < len(ALL)
    second = Counting(lambda request: answered())
    summary = run(tmp_path / "run", players=Players(Asker(), Listener(), second))
    records = {record.key: record for record in read_run(tmp_path / "run")}
    assert sorted(keys(tmp_path / "run")) == ALL
    assert keys(tmp_path / "run")[: len(done)] == done
    assert second.calls == sum(len(record.episode.turns) for key, record in records.items() if key not in done)
    turns = sum(len(record.episode.turns) for record in records.values())
    assert summary.usage.agent.calls == turns + summary.cut.usage.calls == 40 + second.calls
    assert 0 < summary.cut.attempts <= 3
    third = Counting(lambda request: answered())
    assert run(tmp_path / "run", players=Players(Asker(), Listener(), third)).status == "complete"
    assert third.calls == 0
    assert verify(tmp_path / "run").is_good


def test_usage_and_models_are_kept_by_seat(tmp_path: Path) -> None:
    run(tmp_path / "run", players=Players(Asker(), Listener(), Counting(lambda request: answered())))
    for record in read_run(tmp_path / "run"):
        turns = len(record.episode.turns)
        assert (record.usage.agent.calls, record.usage.agent.input_tokens) == (turns, 100 * turns)
        assert record.usage.user.calls == 0
        assert record.models.agent == ("fake-1",)


def test_an_unknown_price_stays_unknown(tmp_path: Path) -> None:
    def unpriced(request: ChatRequest) -> ChatResponse:
        answer = answered()
        return ChatResponse(answer.text, usage=answer.usage.__class__(1, 10, 1, 0, None))

    summary = run(tmp_path / "run", players=Players(Asker(), Listener(), Counting(unpriced)))
    assert summary.usage.agent.cost is None


class Moody(Listener):
    """Cannot answer in some episodes."""

    def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
        if heard.turn == 3 and heard.episode.persona.id == "tom":
            raise SimulationError("the model wrote\nno \x1b[31mJSON", cause="bad_json")
        return super().respond(heard)


def test_failures_are_typed_kept_apart_and_tried_again(tmp_path: Path) -> None:
    summary = run(tmp_path / "run", players=Players(Talker(), Moody()))
    failures = list(read_failures(tmp_path / "run"))
    assert (summary.status, summary.finished, summary.failed) == ("incomplete", 8, 8)
    assert list(summary.by_persona) == ["core/dolores"]
    assert summary.faults.by_cause == {"user:bad_json": 8}
    assert summary.faults.rate == 0.5
    failure = failures[0]
    assert (failure.seat, failure.cause, failure.turn, len(failure.moods)) == ("user", "bad_json", 3, 3)
    assert failure.message == "the model wrote no �[31mJSON"
    again = run(tmp_path / "run")
    assert (again.status, again.finished, again.failed, again.faults.attempts) == ("complete", 16, 0, 8)
    assert verify(tmp_path / "run").is_good


def _raise(view: View) -> str:
    if view.messages[0].content.startswith("The landlord"):
        raise ZeroDivisionError("division by zero")
    return LINES[0]


@pytest.mark.parametrize(
    ("say", "cause"), [(_raise, "exception"), (lambda view: 7, "bad_reply"), (lambda view: b"bytes", "bad_reply")]
)
def test_a_broken_agent_costs_its_episodes_only(tmp_path: Path, say: object, cause: str) -> None:
    summary = run(tmp_path / "run", players=Players(Talker(say=say), Listener()))  # type: ignore[arg-type]
    assert summary.failed > 0
    assert {(failure.seat, failure.cause) for failure in read_failures(tmp_path / "run")} == {("agent", cause)}


def test_hanging_up_is_an_outcome_not_an_error(tmp_path: Path) -> None:
    quitter = Talker(say=lambda view: None if view.turn == 2 else "Tell me more?")
    summary = run(tmp_path / "run", players=Players(quitter, Listener()))
    assert set(summary.endings) == {"agent_left"}
    assert summary.score is not None
    assert summary.score.mean == 0.0
    assert verify(tmp_path / "run", Listener()).is_good


@pytest.mark.parametrize("reply", ["", "\x00\x1b[2J\x07", "lone \ud800 surrogate", "好" * 100_000, "\n\n", "﷽🙂" * 10])
def test_whatever_an_agent_says_can_be_stored(tmp_path: Path, reply: str) -> None:
    one = Suite(personas=("tom",))
    summary = run(tmp_path / "run", one, Players(Talker(say=lambda view: reply), Listener()))
    assert (summary.finished, summary.failed) == (1, 0)
    assert verify(tmp_path / "run").is_good


def test_nothing_hangs_longer_than_the_deadline(tmp_path: Path) -> None:
    class Hanging(Counting):
        async def acomplete(self, requests: Requests) -> list[ChatResponse]:
            if "landlord" in requests[0].messages[0].content:
                await asyncio.sleep(600)
            return [answered() for _ in requests]

    one = SUITE.model_copy(update={"languages": ("en",), "levels": (0.0,)})
    players = Players(Asker(), Listener(), Hanging(lambda request: answered()))
    summary = run(tmp_path / "run", one, players, deadline_s=0.2)
    assert summary.faults.by_cause == {"environment:deadline": 2}
    assert "waiting for the agent" in next(read_failures(tmp_path / "run")).message


def test_a_timeout_inside_an_agent_is_not_the_deadline(tmp_path: Path) -> None:
    def slow(view: View) -> str:
        raise TimeoutError("mine")

    run(tmp_path / "run", Suite(personas=("tom",)), Players(Talker(say=slow), Listener()))
    assert next(read_failures(tmp_path / "run")).cause == "exception"


def _until(calls: int, error: EmosimError | None = None):
    left = iter(range(calls))

    def answer(request: ChatRequest) -> ChatResponse | EmosimError:
        return answered() if next(left, None) is not None else error or BudgetExceeded("budget reached: max_calls=40")

    return answer


def test_the_budget_stops_a_run_cleanly(tmp_path: Path) -> None:
    players = Players(Asker(), Listener(), Counting(_until(30)))
    summary = run(tmp_path / "run", players=players, concurrency=4)
    assert summary.status == "budget"
    assert summary.finished == len(keys(tmp_path / "run")) > 0
    assert summary.failed == 0
    assert not (tmp_path / "run" / "run.lock").exists()


@pytest.mark.parametrize("cause", ["auth", "not_found", "quota", "no_backend"])
def test_what_every_episode_would_meet_ends_the_run(tmp_path: Path, cause: str) -> None:
    backend = Counting(_until(20, BackendError("the key was refused", cause=cause)))
    with pytest.raises(BackendError, match="the key was refused"):
        run(tmp_path / "run", players=Players(Asker(), Listener(), backend), concurrency=2)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "interrupted"
    assert backend.calls <= 22


def test_a_run_that_finishes_nothing_gives_up(tmp_path: Path) -> None:
    many = SUITE.model_copy(update={"repeats": 10})
    backend = Counting(lambda request: BackendError("connection refused", cause="unreachable"))
    with pytest.raises(RunError, match=r"the first 20 episodes all failed \(agent: unreachable: connection refused\)"):
        run(tmp_path / "run", many, Players(Asker(), Listener(), backend), concurrency=4)
    assert backend.calls < 30


def test_an_agent_without_a_backend_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no backend was given"):
        run(tmp_path / "run", players=Players(Asker(), Listener()))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"suite": SUITE.model_copy(update={"levels": (0.0, 1.0)})}, "suite.levels: 0.0,0.5 -> 0.0,1.0"),
        ({"suite": SUITE.model_copy(update={"knobs": {"skepticism": 1.0}})}, "suite.knobs.skepticism: None -> 1.0"),
        ({"players": Players(Talker("test:other"), Listener())}, "agent: test:talker -> test:other"),
        ({"reward": "final"}, "reward: delta -> final"),
        ({"shard": "0/2"}, "shard: None -> 0/2"),
    ],
)
def test_other_settings_are_refused_with_the_difference(
    tmp_path: Path, change: dict[str, object], difference: str
) -> None:
    run(tmp_path / "run")
    before = (tmp_path / "run" / "episodes.jsonl").read_bytes()
    with pytest.raises(ChangedSettings) as error:
        run(tmp_path / "run", **change)  # type: ignore[arg-type]
    assert difference in str(error.value)
    assert (tmp_path / "run" / "episodes.jsonl").read_bytes() == before


def test_concurrency_is_reached_and_not_passed(tmp_path: Path) -> None:
    class Gauge(Counting):
        now = most = 0

        async def acomplete(self, requests: Requests) -> list[ChatResponse]:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.005)
            self.now -= 1
            return [answered() for _ in requests]

    gauge = Gauge(lambda request: answered())
    run(tmp_path / "run", players=Players(Asker(), Listener(), gauge), concurrency=5)
    assert gauge.most == 5


def test_no_more_episodes_ask_than_a_backend_can_take_soon(tmp_path: Path) -> None:
    class Narrow(Counting):
        places = 2
        now = most = 0

        async def acomplete(self, requests: Requests) -> list[ChatResponse]:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.001)
            self.now -= 1
            return [answered() for _ in requests]

    narrow = Narrow(lambda request: answered())
    summary = run(tmp_path / "run", players=Players(Asker(), Listener(), narrow), concurrency=16)
    assert (summary.finished, narrow.most) == (16, 4)


def test_a_cancelled_run_keeps_what_is_done_and_lets_go(tmp_path: Path) -> None:
    backend = Counting(lambda request: answered(), wait_s=0.01)
    config = config_of(SUITE, Players(Asker(), Listener(), backend))

    async def cancel_soon() -> None:
        task = asyncio.create_task(aplay(config, Players(Asker(), Listener(), backend), tmp_path / "run", Pace(2)))
        await asyncio.sleep(0.4)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_soon())
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    assert summary["finished"] == len(keys(tmp_path / "run"))
    assert run(tmp_path / "run", players=Players(Asker(), Listener(), backend)).status == "complete"


def test_shards_merge_into_the_whole(tmp_path: Path) -> None:
    sizes = [run(tmp_path / str(index), shard=f"{index}/3").finished for index in range(3)]
    assert sizes == [len(Shard(index, 3).of(SUITE.episode_keys())) for index in range(3)]
    assert sorted(key for index in range(3) for key in keys(tmp_path / str(index))) == ALL


def test_watchers_see_the_end(tmp_path: Path) -> None:
    seen: list[int] = []
    run(tmp_path / "run", watch=lambda tally: seen.append(len(tally.rows)))
    assert seen[-1] == 16


def test_a_bug_in_the_user_is_a_failure_of_the_user(tmp_path: Path) -> None:
    class Buggy(Listener):
        def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
            if heard.turn == 2:
                raise KeyError("oops")
            return super().respond(heard)

    run(tmp_path / "run", Suite(personas=("tom",)), Players(Talker(), Buggy()))
    failure = next(read_failures(tmp_path / "run"))
    assert (failure.seat, failure.cause, failure.message) == ("user", "exception", "KeyError: 'oops'")


def test_records_say_what_they_are(tmp_path: Path) -> None:
    run(tmp_path / "run")
    record: Record = next(read_run(tmp_path / "run"))
    assert (record.agent, record.user, record.reward) == ("test:talker", "test@1", "delta")
    assert record.versions.pack.startswith("core@")
    assert record.sha256 == record.hashed()
    assert record.return_ == pytest.approx((record.episode.moods[-1] - record.episode.moods[0]) / 100)
    assert record.episode.turns[0].appraisal == read(
        Heard(record.episode.model_copy(update={"turns": ()}), record.episode.turns[0].reply)
    )
    assert OFFLINE.agent.name == record.agent


def test_garbage_is_collected_as_before_when_a_run_is_over() -> None:
    before = gc.get_threshold()
    with seldom_collected():
        assert gc.get_threshold()[0] >= 50_000
    assert gc.get_threshold() == before


def test_the_last_of_several_runs_puts_the_collector_back() -> None:
    before, one, other = gc.get_threshold(), seldom_collected(), seldom_collected()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert gc.get_threshold()[0] >= 50_000
    other.__exit__(None, None, None)
    assert gc.get_threshold() == before

"""Rollouts: the same row is the same user, a fault is never a reward, and every rollout can be verified."""

from __future__ import annotations

import asyncio
import json
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

import pytest

from emosim.errors import BackendError, RunError, SimulationError, UsageError
from emosim.flow import Answers, Requests
from emosim.rewards import REWARDS
from emosim.rollouts import Rollouts, key_of, rows, shared
from emosim.rollouts.log import close_logs
from emosim.runs import ChangedSettings, merge, read_failures, read_run, verify
from emosim.suite import EpisodeKey, Suite
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import answer
from emosim.users.llm import LlmUser

SUITE = Suite(personas=("dolores", "feng"), levels=(0.3,), repeats=2)
KEY = "core/dolores:en:L0.30:s0001"
REPLIES = (
    "What does the letter ask of you?",
    "That sounds exhausting, and you carried it alone.",
    "Which part is worst?",
)


class Failing:
    """A backend that cannot answer, with a cause."""

    def __init__(self, cause: str) -> None:
        self.cause, self.asked = cause, 0

    def complete(self, requests: Requests) -> Answers:
        self.asked += 1
        return [BackendError("no answer today", cause=self.cause) for _ in requests]

    async def acomplete(self, requests: Requests) -> Answers:
        return self.complete(requests)


class Hanging(Failing):
    """A backend that never answers."""

    async def acomplete(self, requests: Requests) -> Answers:
        await asyncio.sleep(3600)
        return self.complete(requests)


def talked(users: Rollouts, row: object = KEY) -> list[str]:
    rollout = users.open(row)  # type: ignore[arg-type]
    return [rollout.opening, *(rollout.reply(text).text for text in REPLIES)]


def test_rows_are_json_and_the_same_every_time() -> None:
    made = rows(SUITE)
    assert made == rows(SUITE) == json.loads(json.dumps(made))
    assert [row["episode"] for row in made] == [str(key) for key in SUITE.episode_keys()]
    assert [message["role"] for message in made[0]["prompt"]] == ["system", "user"]
    assert [m["role"] for m in rows(SUITE, system="")[0]["prompt"]] == ["user"]
    assert made[0]["prompt"][1]["content"] == Rollouts().open(made[0]).opening
    assert "<think>" in rows(SUITE, think=True)[0]["prompt"][0]["content"]


def test_the_same_row_is_the_same_user() -> None:
    users = Rollouts()
    assert talked(users) == talked(users) == talked(Rollouts()) == talked(users, {"episode": KEY, "other": 1})


def test_reasoning_changes_nothing() -> None:
    plain, thinking = Rollouts().open(KEY), Rollouts().open(KEY)
    for text in REPLIES:
        assert plain.reply(text) == thinking.reply(f"<think>they like {text}</think>\n{text}")
    assert thinking.episode.turns[0].reply.raw.startswith("<think>")


def test_all_ways_to_reply_agree() -> None:
    users = Rollouts()
    one, many, awaited = (users.open(KEY) for _ in range(3))
    for text in REPLIES:
        single = one.reply(text)
        assert users.reply_all([many], [text]) == [single]
        assert asyncio.run(users.areply_all([awaited], [text])) == [single]


@pytest.mark.parametrize("reward", [*REWARDS, "final+0.5*delta"])
def test_leaving_or_saying_nothing_never_beats_trying(reward: str) -> None:
    users = Rollouts(reward=reward)
    tried, silent = users.open(KEY), users.open(KEY)
    while not tried.over:
        tried.reply(REPLIES[len(tried.episode.turns) % 3])
    while not silent.over:
        silent.reply("<think>nothing to say</think>")
    left = users.open(KEY).leave()
    assert left.ending == "agent_left"
    assert left.reward is not None
    assert tried.outcome.reward is not None
    assert silent.outcome.reward is not None
    assert tried.outcome.reward > max(left.reward, silent.outcome.reward)


def test_every_rollout_is_kept_and_recomputes(tmp_path: Path) -> None:
    out = str(tmp_path / "log")
    for _ in range(2):
        users = Rollouts(reward="padded_auc", log=out)
        outcomes = []
        for _ in range(3):
            rollout = users.open(KEY)
            rollout.reply(REPLIES[0])
            outcomes.append(rollout.leave())
        users.close()
    assert verify(out).is_good
    assert verify(out).episodes == 6
    records = list(read_run(out))
    assert [record.return_ for record in records[3:]] == [outcome.reward for outcome in outcomes]
    assert [EpisodeKey.parse(record.key).attempt for record in records] == [0, 1, 2, 3, 4, 5]


def test_a_log_is_written_from_many_threads(tmp_path: Path) -> None:
    users = Rollouts(log=str(tmp_path / "log"))
    alone = Rollouts().open(KEY)
    alone.reply(REPLIES[0])
    expected = alone.leave()

    def play(_: int) -> object:
        rollout = users.open(KEY)
        rollout.reply(REPLIES[0])
        return rollout.leave()

    with ThreadPoolExecutor(32) as pool:
        assert all(outcome == expected for outcome in pool.map(play, range(96)))
    users.close()
    assert verify(tmp_path / "log").episodes == 96


def test_merged_logs_of_processes_hold_every_rollout(tmp_path: Path) -> None:
    parts = [tmp_path / "0", tmp_path / "1"]
    for part in parts:
        users = Rollouts(log=part)
        users.open(KEY).leave()
        if part is parts[0]:
            users.open(KEY).invalidate("the trainer's server failed")
        users.close()
    summary = merge(parts, tmp_path / "all")
    assert summary.planned == 3
    assert verify(tmp_path / "all").is_good
    assert len(list(read_run(tmp_path / "all"))) == 2
    assert len(list(read_failures(tmp_path / "all"))) == 1
    with pytest.raises(RunError, match="choose another --out"):
        merge(parts, tmp_path / "all")


def test_a_log_that_another_holds_says_what_to_do(tmp_path: Path) -> None:
    users, others = (Rollouts(log=tmp_path / "log", agent=agent) for agent in ("one", "two"))
    users.open(KEY).leave()
    with pytest.raises(RunError, match=r"another run writes here.*log='runs/NAME-\{pid\}'"):
        others.open(KEY).leave()
    users.close()
    with pytest.raises(ChangedSettings, match=r"other settings.*log='runs/NAME-\{pid\}'"):
        others.open(KEY).leave()


@pytest.mark.parametrize("cause", ["server", "timeout", "rate_limit"])
def test_a_fault_is_never_a_reward(cause: str, tmp_path: Path) -> None:
    users = Rollouts(LlmUser(), backend=Failing(cause), log=str(tmp_path / "log"))
    rollout = users.open(KEY)
    step = rollout.reply("Hello there.")
    assert step.over
    assert step.reward is None
    assert step.text == ""
    assert not step.info["valid"]
    assert rollout.outcome.reward is None
    assert not rollout.outcome.valid
    assert math.isnan(rollout.outcome.metrics["mood"])
    assert rollout.outcome.metrics["fault"] == 1.0
    users.close()
    assert list(read_run(tmp_path / "log")) == []
    (failure,) = read_failures(tmp_path / "log")
    assert failure.cause == cause
    assert failure.seat == "user"


def test_one_fault_leaves_the_others_alone() -> None:
    users = Rollouts()
    good, bad = users.open(KEY), users.open(KEY)
    bad.invalidate("the inference server is gone")
    assert bad.outcome.reward is None
    assert bad.fault == "outside: the inference server is gone"
    assert good.reply(REPLIES[0]).reward is not None


def test_what_every_rollout_would_meet_is_raised() -> None:
    users = Rollouts(LlmUser(), backend=Failing("auth"))
    rollout = users.open(KEY)
    with pytest.raises((BackendError, SimulationError), match="no answer"):
        rollout.reply("Hello there.")
    with pytest.raises((BackendError, SimulationError), match="no answer"):
        users.reply_all([rollout], ["Hello there."])
    assert not rollout.over


def test_nothing_hangs_and_a_cancelled_reply_was_never_said() -> None:
    users = Rollouts(LlmUser(), backend=Hanging("server"), deadline_s=0.05)
    late = users.open(KEY)
    assert asyncio.run(late.areply("Hello there.")).reward is None
    assert late.fault.startswith("deadline: ")

    async def cancelled() -> None:
        rollout = Rollouts(LlmUser(), backend=Hanging("server")).open(KEY)
        task = asyncio.create_task(rollout.areply("Hello there."))
        await asyncio.sleep(0.01)
        with pytest.raises(UsageError, match="still being answered"):
            await rollout.areply("Again.")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not rollout.over
        assert rollout.episode.turns == ()

    asyncio.run(cancelled())


def test_state_goes_through_json_and_goes_on_identically() -> None:
    users = Rollouts(reward="delta")
    here = users.open(KEY)
    here.reply(REPLIES[0])
    there = users.restore(json.loads(json.dumps(users.state_of(here))))
    assert there.reply(REPLIES[1]) == here.reply(REPLIES[1])
    assert there.leave() == here.leave()


@pytest.mark.parametrize("reward", REWARDS)
def test_state_holds_what_was_collected_and_spent(reward: str) -> None:
    with FakeServer(answer) as server:
        users = Rollouts(f"llm:{server.url}#fake", reward=reward)
        here = users.open(KEY)
        here.reply(REPLIES[0])
        assert (here.collect() == 0.0) == (reward == "final")
        there = users.restore(json.loads(json.dumps(users.state_of(here))))
        assert there.collect() == here.collect() == 0.0
        assert (there.spent, there.models) == (here.spent, here.models)
        assert here.spent.calls > 0
        here.invalidate("the inference server is gone")
        assert users.restore(users.state_of(here)).outcome == here.outcome


@pytest.mark.parametrize("reward", REWARDS)
def test_what_is_collected_is_what_leaving_now_earns(reward: str) -> None:
    users, collected = Rollouts(reward=reward), 0.0
    rollout = users.open(KEY)
    while not rollout.over:
        rollout.reply(REPLIES[len(rollout.episode.turns) % 3])
        collected += rollout.collect()
        left = users.restore(users.state_of(rollout)).leave()
        assert collected == pytest.approx(left.reward, abs=1e-12)
    assert collected == pytest.approx(rollout.outcome.reward, abs=1e-12)
    broken = users.open(KEY)
    broken.invalidate("the inference server is gone")
    with pytest.raises(SimulationError, match=r"dolores.*outside: the inference server is gone"):
        broken.collect()


def test_settings_are_json_and_shared_in_a_process() -> None:
    settings = {"reward": "final", "agent": "x"}
    assert shared(settings) is shared(dict(reversed(settings.items())))
    assert talked(pickle.loads(pickle.dumps(shared(settings)))) == talked(shared(settings))


def test_calls_of_the_users_model_are_limited_by_settings(tmp_path: Path) -> None:
    with FakeServer(answer, faults=["hang"]) as server:
        settings = {"user": f"llm:{server.url}#fake", "limits": {"timeout_s": 0.2, "attempts": 1}}
        users = pickle.loads(pickle.dumps(shared(settings)))
        late, good = users.open(KEY), users.open(KEY)
        assert late.reply(REPLIES[0]).reward is None
        assert late.fault.startswith("timeout: ")
        assert good.reply(REPLIES[0]).reward is not None
    with pytest.raises(UsageError, match="timeout"):
        Rollouts("llm:http://127.0.0.1:1/v1#fake", limits={"timeout": 1})
    with pytest.raises(UsageError, match="a ready-made backend has limits of its own"):
        Rollouts(LlmUser(), backend=Failing("server"), limits={"attempts": 1})


def test_logs_under_a_directory_are_closed(tmp_path: Path) -> None:
    inside, outside = (Rollouts(log=str(tmp_path / name)) for name in ("a/{pid}", "b"))
    for users in (inside, outside):
        users.open(KEY).leave()
    close_logs(tmp_path / "a")
    assert list(tmp_path.glob("a/*/summary.json"))
    assert not list(tmp_path.glob("b/summary.json"))
    outside.close()


def test_a_reply_that_is_no_text_is_a_mistake_and_changes_nothing() -> None:
    users = Rollouts()
    rollout, other = users.open(KEY), users.open(KEY)
    with pytest.raises(UsageError, match="a reply is a text, not NoneType"):
        rollout.reply(None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a reply is a text, not int"):
        asyncio.run(rollout.areply(3))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a reply is a text, not NoneType"):
        users.reply_all([other, rollout], ["Hello.", None])  # type: ignore[list-item]
    assert rollout.reply(REPLIES[0]) == other.reply(REPLIES[0])


@pytest.mark.parametrize("awaited", [False, True])
def test_of_many_replies_all_are_said_or_none(awaited: bool) -> None:
    def say(*texts: object) -> object:
        args = rollouts, texts
        return asyncio.run(users.areply_all(*args)) if awaited else users.reply_all(*args)  # type: ignore[arg-type]

    backend = Failing("auth")
    users = Rollouts(LlmUser(), backend=backend)
    rollouts = [users.open(KEY), users.open(KEY)]
    with pytest.raises(UsageError, match="a reply is a text, not NoneType"):
        say(REPLIES[0], None)
    with pytest.raises(BackendError, match="no answer"):
        say("", REPLIES[0])
    rollouts[1].leave()
    with pytest.raises(UsageError, match=r"the rollout is over \(agent_left\): open another"):
        say(REPLIES[0], REPLIES[0])
    rollouts[1] = rollouts[0]
    with pytest.raises(UsageError, match="still being answered"):
        say(REPLIES[0], REPLIES[0])
    assert (backend.asked, rollouts[0].episode.turns) == (1, ())
    rollouts = [users.open(KEY)]
    assert say("") == [users.open(KEY).reply("")]


def test_a_defect_in_a_backend_is_raised_once_nothing_runs_any_more() -> None:
    class Defective(Hanging):
        async def acomplete(self, requests: Requests) -> Answers:
            if self.asked:
                await asyncio.sleep(0.05)
            self.asked += 1
            raise ZeroDivisionError(f"answer {self.asked}")

    backend = Defective("server")
    users = Rollouts(LlmUser(), backend=backend)
    rollouts = [users.open(KEY), users.open(KEY)]

    async def say() -> None:
        with pytest.raises(ZeroDivisionError, match="answer 1"):
            await users.areply_all(rollouts, REPLIES[:2])
        assert backend.asked == 2

    asyncio.run(say())
    assert [rollout.episode.turns for rollout in rollouts] == [(), ()]


@pytest.mark.parametrize("wrong", [0, -1, "600", None, True, float("nan")])
def test_numbers_among_settings_are_checked(wrong: object) -> None:
    with pytest.raises(UsageError, match="deadline_s is a number above 0"):
        Rollouts(deadline_s=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"limits\.attempts is a number above 0"):
        Rollouts(limits={"attempts": wrong})  # type: ignore[dict-item]


def test_settings_from_configuration_files_are_shared_too(tmp_path: Path) -> None:
    given = {"log": tmp_path / "log", "limits": MappingProxyType({"attempts": 2})}
    assert shared(given) is shared({"log": str(tmp_path / "log"), "limits": {"attempts": 2}})
    with pytest.raises(UsageError, match="the users' settings are JSON"):
        shared({"user": LlmUser()})


def test_mistakes_are_named(tmp_path: Path) -> None:
    users = Rollouts()
    with pytest.raises(UsageError, match="column 'episode'"):
        users.open({"prompt": "hello"})
    with pytest.raises(UsageError, match="NoneType"):
        users.open(None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no episode key"):
        users.open("dolores")
    with pytest.raises(UsageError, match="another pack"):
        users.open("elsewhere/dolores:en:L0.00:s0001")
    with pytest.raises(UsageError, match="unknown settings of the users: levle"):
        shared({"levle": 1})
    with pytest.raises(UsageError, match="no state of a rollout"):
        users.restore({"key": KEY})
    rollout = users.open(KEY)
    with pytest.raises(UsageError, match="not over"):
        _ = rollout.outcome
    with pytest.raises(UsageError, match="2 replies were given for 1 rollouts"):
        users.reply_all([rollout], ["a", "b"])
    rollout.leave()
    assert rollout.leave().ending == rollout.invalidate("late").ending == "agent_left"
    with pytest.raises(UsageError, match="over"):
        rollout.reply("Hello?")
    assert key_of(KEY).attempt == 0
    assert key_of(f"{KEY}:a0003").attempt == 3

"""Cassettes: recorded once, replayed without a model."""

from __future__ import annotations

import asyncio
import os
import pickle

import pytest

from emosim.backends import ReplayBackend, ScriptedBackend
from emosim.errors import BackendError, RunError, UsageError
from emosim.flow import ChatResponse
from emosim.usage import Usage


def test_record_then_replay(tmp_path, ask):
    path = tmp_path / "deep" / "tape.jsonl"
    recorded = ReplayBackend(path, ScriptedBackend(["one", "two"]), mode="record").complete([ask("a"), ask("b")])
    replay = ReplayBackend(path)
    assert replay.complete([ask("b"), ask("a")]) == [recorded[1], recorded[0]]
    assert asyncio.run(replay.acomplete([ask("a")])) == [recorded[0]]


def test_a_key_asked_twice_replays_both_answers_in_order(tmp_path, ask):
    path = tmp_path / "tape.jsonl"
    ReplayBackend(path, ScriptedBackend(["one", "two"]), mode="record").complete([ask(), ask()])
    assert [answer.text for answer in ReplayBackend(path).complete([ask(), ask(), ask()])] == ["one", "two", "two"]


def test_missing_answer_names_the_key(tmp_path, ask):
    path = tmp_path / "tape.jsonl"
    path.touch()
    answer = ReplayBackend(path).complete([ask("never recorded")])[0]
    assert isinstance(answer, BackendError)
    assert answer.cause == "cassette"
    assert ask("never recorded").key in str(answer)
    assert "never recorded" in str(answer)


def test_auto_asks_only_for_what_is_missing(tmp_path, ask):
    path = tmp_path / "tape.jsonl"
    first = ScriptedBackend(["one"])
    ReplayBackend(path, first, mode="auto").complete([ask("a")])
    second = ScriptedBackend(["two", "one again"])
    auto = ReplayBackend(path, second, mode="auto")
    assert [answer.text for answer in auto.complete([ask("a"), ask("b")])] == ["one", "two"]
    assert [request.messages[-1].content for request in second.requests] == ["b"]
    assert asyncio.run(auto.acomplete([ask("a")]))[0].text == "one again"
    assert len(path.read_text().splitlines()) == 3


def test_errors_are_not_recorded(tmp_path, ask):
    path = tmp_path / "tape.jsonl"
    answers = ReplayBackend(path, ScriptedBackend([BackendError("no")]), mode="record").complete([ask()])
    assert isinstance(answers[0], BackendError)
    assert path.read_bytes() == b""


def test_unfinished_last_line_is_dropped_and_auto_goes_on(tmp_path, ask):
    path = tmp_path / "tape.jsonl"
    ReplayBackend(path, ScriptedBackend(["one", "two"]), mode="record").complete([ask("a"), ask("b")])
    path.write_bytes(path.read_bytes()[:-20])
    auto = ReplayBackend(path, ScriptedBackend(["new"]), mode="auto")
    assert [answer.text for answer in auto.complete([ask("a"), ask("b")])] == ["one", "new"]
    assert [answer.text for answer in ReplayBackend(path).complete([ask("a"), ask("b")])] == ["one", "new"]


def test_mistakes_are_told(tmp_path):
    path = tmp_path / "tape.jsonl"
    path.write_text('{"no": "tape"}\n')
    with pytest.raises(UsageError, match=r"tape\.jsonl:1: no cassette line"):
        ReplayBackend(path)
    with pytest.raises(UsageError, match="needs a backend to record from"):
        ReplayBackend(path, mode="record")
    with pytest.raises(UsageError, match="no cassette mode 'play'"):
        ReplayBackend(path, mode="play")


def test_pickled_cassette_replays(tmp_path, ask):
    path = tmp_path / "tape.jsonl"
    ReplayBackend(path, ScriptedBackend(["one"]), mode="record").complete([ask()])
    assert pickle.loads(pickle.dumps(ReplayBackend(path))).complete([ask()])[0].text == "one"


def test_answers_belong_to_their_questions_whichever_came_first(tmp_path, ask):
    class Late:
        """Answers the first of two equal questions after the second."""

        asked = 0

        async def acomplete(self, requests):
            self.asked += 1
            number = self.asked
            await asyncio.sleep(0.05 if number == 1 else 0.0)
            return [ChatResponse(f"answer {number}", usage=Usage(1))]

    async def twice(backend):
        both = await asyncio.gather(backend.acomplete([ask()]), backend.acomplete([ask()]))
        return [answers[0].text for answers in both]

    path = tmp_path / "tape.jsonl"
    assert asyncio.run(twice(ReplayBackend(path, Late(), mode="record"))) == ["answer 1", "answer 2"]
    assert asyncio.run(twice(ReplayBackend(path))) == ["answer 1", "answer 2"]


def test_a_question_that_failed_is_asked_again_under_its_number(tmp_path, ask):
    path = tmp_path / "tape.jsonl"
    auto = ReplayBackend(path, ScriptedBackend([BackendError("no"), "one", "two"]), mode="auto")
    for _ in range(3):
        auto.complete([ask()])
    assert [answer.text for answer in ReplayBackend(path).complete([ask(), ask()])] == ["one", "two"]


def test_a_lone_surrogate_is_kept(tmp_path, ask):
    path = tmp_path / "tape.jsonl"
    ReplayBackend(path, ScriptedBackend(["a \ud83d b"]), mode="record").complete([ask()])
    assert ReplayBackend(path).complete([ask()])[0].text == "a \ud83d b"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk to be had here")
def test_a_full_disk_is_one_line(tmp_path, ask):
    path = tmp_path / "tape.jsonl"
    tape = ReplayBackend(path, ScriptedBackend(["one"]), mode="auto")
    path.symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"cannot write .*tape\.jsonl: No space left on device; make room"):
        tape.complete([ask()])

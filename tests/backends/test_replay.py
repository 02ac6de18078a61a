"""Cassettes: recorded once, replayed without a model."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from emosim.backends import ReplayBackend, ScriptedBackend
from emosim.errors import BackendError, UsageError


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

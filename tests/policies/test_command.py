"""Commands as agents."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emosim.errors import BackendError, UsageError
from emosim.flow import ChatRequest, ChatResponse, Message, drive
from emosim.policies.chat import ChatPolicy
from emosim.policies.command import CommandBackend
from emosim.policies.protocol import View

AGENT = """
import json, os, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    said = asked["messages"][-1]["content"]
    if said == "die": sys.exit("first\\nfell over")
    if said == "hang": time.sleep(60)
    if said == "garbage": print("hello", flush=True); continue
    if said == "wrong": print(json.dumps({"answer": 1}), flush=True); continue
    if said == "leave": print(json.dumps({"reply": None}), flush=True); continue
    if said == "number": print(json.dumps({"reply": 3}), flush=True); continue
    print(json.dumps({"reply": f"{os.getpid()} {asked['turn']} {asked['seed']} {len(said)}"}), flush=True)
"""


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[CommandBackend]:
    (tmp_path / "agent.py").write_text(AGENT)
    made = CommandBackend(f"{sys.executable} '{tmp_path / 'agent.py'}'", timeout_s=20)
    yield made
    made.close()


def ask(backend: CommandBackend, said: str) -> ChatResponse | BackendError:
    return backend.complete([ChatRequest((Message("user", said),), seat="agent", seed=9)])[0]


def text(backend: CommandBackend, said: str) -> str:
    answer = ask(backend, said)
    assert isinstance(answer, ChatResponse), answer
    return answer.text


def test_one_process_answers_many_turns_blocking_and_awaiting(backend: CommandBackend) -> None:
    first, second = text(backend, "你好\u2028 and more"), text(backend, "x" * 200_000)
    (third,) = asyncio.run(backend.acomplete([ChatRequest((Message("user", "hi"),), seed=9)]))
    assert isinstance(third, ChatResponse)
    assert len({answer.split()[0] for answer in (first, second, third.text)}) == 1
    assert second.split()[1:] == ["1", "9", "200000"]


def test_a_policy_sends_turn_and_seed_and_may_leave(backend: CommandBackend) -> None:
    chat = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    policy = ChatPolicy("cmd:x", system="")
    said = drive(policy.reply(View(chat, 2, 77, "en")), backend)
    assert said is not None
    assert said.split()[1:] == ["2", "77", "1"]
    assert drive(policy.reply(View((Message("user", "leave"),), 1, 0, "en")), backend) is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("die", "ended (exit code 1): fell over"),
        ("garbage", "wrote something that is not JSON: 'hello'"),
        ("wrong", "wrote a line without 'reply': '{\"answer\": 1}'"),
        ("number", "replied with int, not text"),
    ],
)
def test_faults_are_the_agents_and_the_next_question_finds_it_alive(
    backend: CommandBackend, said: str, message: str
) -> None:
    answer = ask(backend, said)
    assert isinstance(answer, BackendError)
    assert str(answer).endswith(message)
    assert answer.cause == "agent"
    assert text(backend, "hi")


def test_a_hanging_command_is_stopped_in_time(backend: CommandBackend) -> None:
    pid = int(text(backend, "hi").split()[0])
    backend.timeout_s = 0.3
    began = time.monotonic()
    answer = ask(backend, "hang")
    assert time.monotonic() - began < 5
    assert isinstance(answer, BackendError)
    assert "gave no reply within 0.3 s" in str(answer)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_question_that_is_given_up_ends_the_command_and_the_next_starts_it_again(backend: CommandBackend) -> None:
    pid = int(text(backend, "hi").split()[0])
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(backend.acomplete([ChatRequest((Message("user", "hang"),))]), 0.2))
    assert time.monotonic() - began < 5
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert int(text(backend, "hi").split()[0]) != pid


def test_a_question_given_up_while_the_command_starts_is_not_waited_for(
    backend: CommandBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts, start = [], CommandBackend._running

    def slowly(self: CommandBackend) -> object:
        starts.append(1)
        if len(starts) == 1:
            time.sleep(0.6)
        return start(self)

    monkeypatch.setattr(CommandBackend, "_running", slowly)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(backend.acomplete([ChatRequest((Message("user", "hang"),))]), 0.2))
    assert text(backend, "hi")
    assert time.monotonic() - began < 5


def test_a_copy_starts_a_process_of_its_own(backend: CommandBackend) -> None:
    copy: CommandBackend = pickle.loads(pickle.dumps(backend))
    try:
        assert text(copy, "hi").split()[0] != text(backend, "hi").split()[0]
    finally:
        copy.close()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "agent 'cmd:' names no command; write cmd:'python my_agent.py'"),
        ("no-such-program --x", "agent cmd:no-such-program --x: no program 'no-such-program' on the path"),
        ("python 'open", "agent cmd:python 'open: No closing quotation; quote it as for a shell"),
    ],
)
def test_mistakes_are_one_line(command: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        CommandBackend(command)
    assert str(error.value) == message

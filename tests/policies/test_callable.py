"""Python functions as agents."""

from __future__ import annotations

import asyncio
import inspect
import os
import pickle
import sys
import types
from collections.abc import Callable, Iterator

import pytest

from emosim.errors import BackendError, UsageError
from emosim.flow import ChatRequest, ChatResponse, Message
from emosim.policies.callable import CallableBackend
from emosim.policies.chat import HANG_UP


class Agents:
    """Stands in a module of its own."""

    calls = 0

    @classmethod
    def count(cls, messages: list[dict[str, str]]) -> str:
        cls.calls += 1
        return f"{len(messages)} {messages[-1]['role']} {messages[-1]['content']}"


def crash(messages: list[dict[str, str]]) -> str:
    raise ValueError("first line\nsecond line")


def leave(messages: list[dict[str, str]]) -> str:
    sys.exit(3)


async def later(messages: list[dict[str, str]]) -> str:
    return "Later."


@pytest.fixture(autouse=True)
def module() -> Iterator[None]:
    place = types.ModuleType("my_agents")
    vars(place).update(
        Agents=Agents,
        crash=crash,
        quiet=lambda _: None,
        number=lambda _: 7,
        leave=leave,
        later=later,
        text="no function",
    )
    sys.modules["my_agents"] = place
    yield
    del sys.modules["my_agents"]


def request(text: str = "Hi") -> ChatRequest:
    return ChatRequest((Message("user", text),), seat="agent")


def test_a_function_is_called_with_messages_blocking_or_awaiting() -> None:
    backend = CallableBackend("my_agents:Agents.count")
    expected = [ChatResponse("1 user a", model="py:my_agents:Agents.count")]
    assert backend.complete([request("a")]) == expected
    assert asyncio.run(backend.acomplete([request("a")])) == expected
    assert pickle.loads(pickle.dumps(backend)).complete([request("a")]) == expected


def test_none_hangs_up() -> None:
    (answer,) = CallableBackend("my_agents:quiet").complete([request()])
    assert isinstance(answer, ChatResponse)
    assert answer.finish_reason == HANG_UP


ASYNC = "is async; give a plain function (it may call asyncio.run)"
PLACE = __file__.removeprefix(os.getcwd() + os.sep)


def line_of(function: Callable[..., object]) -> int:
    return inspect.getsourcelines(function)[1]


@pytest.mark.parametrize(
    ("attr", "message"),
    [
        ("crash", f"agent py:my_agents:crash raised ValueError: first line ({PLACE}:{line_of(crash) + 1})"),
        ("leave", f"agent py:my_agents:leave raised SystemExit: 3 ({PLACE}:{line_of(leave) + 1})"),
        ("number", "agent py:my_agents:number replied with int, not text"),
    ],
)
def test_faults_are_the_agents_and_one_line(attr: str, message: str) -> None:
    (answer,) = CallableBackend(f"my_agents:{attr}").complete([request()])
    assert isinstance(answer, BackendError)
    assert (str(answer), answer.cause) == (message, "agent")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("", "agent 'py:' names no function; write py:module:function"),
        ("my_agents", "agent 'py:my_agents' names no function; write py:module:function"),
        ("no_such_place:f", "agent py:no_such_place:f: cannot import 'no_such_place': No module named 'no_such_place'"),
        ("my_agents:crush", "agent py:my_agents:crush: 'my_agents' has no 'crush' (did you mean 'crash'?)"),
        ("my_agents:later", f"agent py:my_agents:later: 'later' {ASYNC}"),
        ("my_agents:text", "agent py:my_agents:text: 'text' cannot be called; give a function (messages) -> str"),
    ],
)
def test_mistakes_are_one_line(target: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        CallableBackend(target)
    assert str(error.value) == message

"""Scripted answers."""

from __future__ import annotations

import asyncio

from emosim.backends import ScriptedBackend
from emosim.errors import BackendError
from emosim.flow import ChatResponse


def test_list_in_turn_then_an_error(ask):
    backend = ScriptedBackend(["one", ChatResponse("cut", finish_reason="length"), BackendError("down")])
    one, cut, down, none = backend.complete([ask() for _ in range(4)])
    assert (one.text, one.usage.calls, one.usage.estimated) == ("one", 1, True)
    assert cut.finish_reason == "length"
    assert str(down) == "down"
    assert none.cause == "script"
    assert len(backend.requests) == 4


def test_function_of_the_request(ask):
    backend = ScriptedBackend(lambda request: request.messages[-1].content.upper())
    assert asyncio.run(backend.acomplete([ask("hi")]))[0].text == "HI"

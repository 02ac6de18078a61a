"""A Python function as an agent: `py:module:attr`, called with the messages so far."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias

from emosim.errors import BackendError, UsageError, did_you_mean
from emosim.flow import Answer, Answers, ChatRequest, ChatResponse, Requests
from emosim.policies.chat import HANG_UP

Speaker: TypeAlias = Callable[[list[dict[str, str]]], "str | None"]
"""Maps messages (`{"role": …, "content": …}`, the user's opening first) to the next reply, or None to hang up."""


class CallableBackend:
    """Answers an agent's questions by calling a function.

    One batch is answered in order, in one thread. What the function raises is a `BackendError` with cause `agent`: the
    turn did not happen.

    Args:
        target: Where the function is, `module:attr`; `attr` may be dotted. Picklable by this text.

    Raises:
        UsageError: No such module or attribute, or it cannot be called.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        _ = self._speaker

    def __reduce__(self) -> tuple[type[CallableBackend], tuple[str]]:
        return CallableBackend, (self.target,)

    def __repr__(self) -> str:
        return f"CallableBackend({self.target!r})"

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests, one after another."""
        return [self._answer(request) for request in requests]

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests in a worker thread, so that a slow function holds up nobody else."""
        return await asyncio.to_thread(self.complete, requests)

    @cached_property
    def _speaker(self) -> Speaker:
        return find_callable(self.target)

    def _answer(self, request: ChatRequest) -> Answer:
        try:
            reply: object = self._speaker([{"role": m.role, "content": m.content} for m in request.messages])
        except Exception as error:
            return BackendError(f"agent py:{self.target} raised {type(error).__name__}: {_first(error)}", cause="agent")
        return response(reply, f"py:{self.target}")


def find_callable(target: str) -> Speaker:
    """Return the function at `module:attr`.

    Raises:
        UsageError: It is not there, or cannot be called.
    """
    place, _, attr = target.partition(":")
    if not place or not attr:
        raise UsageError(f"agent 'py:{target}' names no function; write py:module:function")
    try:
        found: object = importlib.import_module(place)
    except Exception as error:
        raise UsageError(f"agent py:{target}: cannot import '{place}': {_first(error)}") from error
    for part in attr.split("."):
        if not hasattr(found, part):
            raise UsageError(f"agent py:{target}: '{place}' has no '{part}'{did_you_mean(part, _public(found))}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"agent py:{target}: '{attr}' cannot be called; give a function (messages) -> str")
    return found


def response(reply: object, whose: str) -> Answer:
    """Return a reply as a backend's answer; None hangs up, anything but text is the agent's fault."""
    if reply is None:
        return ChatResponse("", finish_reason=HANG_UP, model=whose)
    if not isinstance(reply, str):
        return BackendError(f"agent {whose} replied with {type(reply).__name__}, not text", cause="agent")
    return ChatResponse(reply, model=whose)


def _public(found: object) -> list[str]:
    return [name for name in dir(found) if not name.startswith("_")]


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]

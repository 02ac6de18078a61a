"""A Python function as an agent: `py:module:attr`, called with the messages so far."""

from __future__ import annotations

import importlib
import inspect
import os
import sysconfig
import traceback
from collections.abc import Callable
from functools import cached_property
from typing import Final, TypeAlias

from emosim.backends.loops import Gate
from emosim.errors import BackendError, UsageError, did_you_mean
from emosim.flow import Answer, Answers, ChatRequest, ChatResponse, Requests
from emosim.policies.aside import run_aside
from emosim.policies.chat import HANG_UP

Speaker: TypeAlias = Callable[[list[dict[str, str]]], "str | None"]
"""Maps messages (`{"role": …, "content": …}`, the user's opening first) to the next reply, or None to hang up."""

PLACES: Final = 32
"""Calls of a function at once. Source: what `asyncio.to_thread` allows at most."""
_LIBRARIES: Final = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib"))


class CallableBackend:
    """Answers an agent's questions by calling a function.

    One batch is answered in order, in one thread. What the function raises, `SystemExit` included, is a `BackendError`
    with cause `agent`: the turn did not happen. Nothing can stop a function that does not return.

    Args:
        target: Where the function is, `module:attr`; `attr` may be dotted. Picklable by this text.

    Raises:
        UsageError: No such module or attribute, or it cannot be called.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self._gate = Gate(PLACES)
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
        await self._gate.enter()
        try:
            return await run_aside(lambda: self.complete(requests), f"py:{self.target}")
        finally:
            self._gate.leave()

    @cached_property
    def _speaker(self) -> Speaker:
        return find_callable(self.target)

    def _answer(self, request: ChatRequest) -> Answer:
        try:
            reply: object = self._speaker([{"role": m.role, "content": m.content} for m in request.messages])
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raised = f"{type(error).__name__}: {_first(error)}{_place(error)}"
            return BackendError(f"agent py:{self.target} raised {raised}", cause="agent")
        return response(reply, f"py:{self.target}")


def find_callable(target: str) -> Speaker:
    """Return the function at `module:attr`.

    Raises:
        UsageError: It is not there, cannot be called, or is `async`.
    """
    place, _, attr = target.partition(":")
    if not place or not attr:
        raise UsageError(f"agent 'py:{target}' names no function; write py:module:function")
    try:
        found: object = importlib.import_module(place)
    except (Exception, SystemExit) as error:
        raise UsageError(f"agent py:{target}: cannot import '{place}': {_first(error)}{_place(error)}") from error
    for part in attr.split("."):
        if not hasattr(found, part):
            raise UsageError(f"agent py:{target}: '{place}' has no '{part}'{did_you_mean(part, _public(found))}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"agent py:{target}: '{attr}' cannot be called; give a function (messages) -> str")
    if inspect.iscoroutinefunction(found) or inspect.iscoroutinefunction(type(found).__call__):
        raise UsageError(f"agent py:{target}: '{attr}' is async; give a plain function (it may call asyncio.run)")
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


def _place(error: BaseException) -> str:
    """Return ` (FILE:LINE)`, the innermost place in the user's own code, or nothing where none is involved."""
    outside = (*_LIBRARIES, __file__, "<frozen ")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(outside)]
    if not frames:
        return ""
    return f" ({frames[-1].filename.removeprefix(os.getcwd() + os.sep)}:{frames[-1].lineno})"


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]

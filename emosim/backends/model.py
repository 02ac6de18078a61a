"""`ModelBackend`: bounded retries, time-outs, limits and accounting around any transport."""

from __future__ import annotations

import asyncio
import time
import weakref
from dataclasses import dataclass, fields
from typing import NamedTuple, TypeAlias

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from emosim.backends.loops import Gate, LoopPool, PerLoop
from emosim.backends.meter import Meter, Price, estimate_input, estimate_tokens
from emosim.backends.protocol import WEAKER_FORMAT, Body, ResponseFormat, Transport, Wire, chat_body, read_reply
from emosim.errors import BackendError, TransientBackendError, UsageError
from emosim.flow import Answer, Answers, ChatRequest, ChatResponse, Requests
from emosim.usage import Usage

_READ_BY_SERVER = ("timeout", "truncated", "bad_body")
"""Faults after which the server has probably worked, so that the input is charged, as an estimate."""

_NOTHING = Usage()
_Tries: TypeAlias = list[Usage]
"""What each try of a call used, so far."""


@dataclass(frozen=True)
class Limits:
    """How long to wait, how often to try, how many at once."""

    concurrency: int = 64
    """Calls in flight: of all blocking callers together, and of each awaiting event loop."""
    timeout_s: float = 60.0
    """Longest wait for one try."""
    attempts: int = 4
    """Most tries for one call."""
    deadline_s: float = 180.0
    """Longest time for all tries of one call, waits included."""
    first_wait_s: float = 0.5
    """First back-off; doubles at each try, plus as much again in jitter."""
    longest_wait_s: float = 20.0
    """Longest back-off. A longer `Retry-After` is honoured, if the deadline allows."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise UsageError(f"{field.name} must be above 0, not {getattr(self, field.name)}")


class _Line(NamedTuple):
    """What a backend has in one event loop."""

    wire: Wire
    gate: Gate
    """Places of those who await in this loop."""


class ModelBackend:
    """A `Backend` that asks a model over a transport.

    Transient faults (429, 5xx, time-outs, lost connections, damaged bodies) are tried again with exponential
    back-off and jitter, no sooner than `Retry-After`; other faults are final. What is left is returned as the
    answer, never raised. What a server says it does not take, a response format or the seed, is left out from then on.

    It can be pickled, forked, called from many threads and event loops, and blocks safely inside a running loop.

    Args:
        transport: How to reach the model.
        limits: Waiting and concurrency.
        meter: Accounting and budget; share one between backends to share the budget.
        price: What the model costs, if not the meter's price for it.
        limit_key: Name of the output limit in the body, `max_tokens` or `max_completion_tokens`.

    Raises:
        UsageError: The meter has `max_cost` and the model's price is unknown.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        limits: Limits | None = None,
        meter: Meter | None = None,
        price: Price | None = None,
        limit_key: str = "max_tokens",
    ) -> None:
        self.transport, self.limits, self.meter = transport, limits or Limits(), meter or Meter()
        self.limit_key = limit_key
        self._price = price or self.meter.price_of(transport.model)
        self._format: ResponseFormat = "json_schema"
        self._seeded = True
        self._prepare()

    def __repr__(self) -> str:
        return f"<ModelBackend {self.transport.name}>"

    def __getstate__(self) -> dict[str, object]:
        live = ("_loops", "_gate", "_lines")
        return {name: value for name, value in self.__dict__.items() if name not in live}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._prepare()

    def _prepare(self) -> None:
        transport, concurrency = self.transport, self.limits.concurrency
        self._name = transport.name
        self._loops, self._gate = LoopPool(), Gate(concurrency)
        self._lines = PerLoop(lambda: _Line(transport.open(concurrency), Gate(concurrency)), _close)
        weakref.finalize(self, _let_go, self._loops, self._lines)

    @property
    def places(self) -> int:
        """Calls in flight at most."""
        return self.limits.concurrency

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests at once, blocking, on a private event loop."""
        return self._loops.run(lambda: self._answer(requests, self._gate)) if requests else []

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests at once on the running event loop."""
        return await self._answer(requests)

    def close(self) -> None:
        """Close what blocking calls opened; the backend stays usable."""
        self._loops.close()

    async def aclose(self) -> None:
        """Close what the running event loop opened; the backend stays usable."""
        await self._lines.close()

    async def _answer(self, requests: Requests, gate: Gate | None = None) -> Answers:
        """Answer all requests; the gate is the running loop's own unless another is given."""
        wire, own = self._lines.kept() or await self._lines.get()
        gate = gate or own
        tries: list[_Tries] = [[] for _ in requests]
        try:
            if len(requests) == 1:
                return [await self._ask(wire, requests[0], gate, tries[0])]
            asking = zip(requests, tries, strict=True)
            return await asyncio.gather(*[self._ask(wire, request, gate, made) for request, made in asking])
        except asyncio.CancelledError as cancelled:
            used = sum([_used(made) for made in tries], _NOTHING)
            raise cancelled from BackendError(f"{self._name} was cut off", cause="cancelled", usage=used)

    async def _ask(self, wire: Wire, request: ChatRequest, gate: Gate, tries: _Tries) -> Answer:
        if not gate.enter_at_once():
            await gate.enter()
        begun = time.monotonic()
        try:
            return await self._try(wire, request, begun, tries)
        except TransientBackendError as first:
            return await self._try_again(wire, request, begun, tries, first)
        except BackendError as error:
            return _told(error, tries)
        finally:
            gate.leave()

    async def _try_again(
        self, wire: Wire, request: ChatRequest, begun: float, tries: _Tries, first: BackendError
    ) -> Answer:
        """Retry after a first try that failed; tenacity is made only now, as most calls never need it."""
        failed = [first]

        async def attempt() -> ChatResponse:
            if failed:
                raise failed.pop()
            return await self._try(wire, request, begun, tries)

        limits = self.limits
        left_s = limits.deadline_s - (time.monotonic() - begun)
        retrying = AsyncRetrying(
            stop=stop_after_attempt(limits.attempts) | stop_before_delay(left_s),
            wait=self._wait_s,
            retry=retry_if_exception_type(TransientBackendError),
            sleep=asyncio.sleep,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except BackendError as error:
            return _told(error, tries)

    def _wait_s(self, state: RetryCallState) -> float:
        limits, error = self.limits, state.outcome.exception() if state.outcome else None
        backoff = wait_exponential(limits.first_wait_s, limits.longest_wait_s) + wait_random(0, limits.first_wait_s)
        asked_s = error.retry_after_s if isinstance(error, TransientBackendError) else None
        return max(backoff(state), asked_s or 0.0)

    async def _try(self, wire: Wire, request: ChatRequest, begun: float, tries: _Tries) -> ChatResponse:
        """Send once; once more for the seed, and for each response format, that the server turns out not to take."""
        seeded = self._seeded
        while True:
            form = self._format
            try:
                body = chat_body(request, self.transport.model, form, self.limit_key, seeded)
                response = await self._send(wire, request, body, begun, tries)
            except BackendError as error:
                if error.cause == "seed" and "seed" in body:
                    seeded = False
                elif error.cause == "response_format" and request.schema_json and form in WEAKER_FORMAT:
                    if self._format == form:
                        self._format = WEAKER_FORMAT[form]
                else:
                    raise
            else:
                self._seeded &= seeded
                return response

    async def _send(self, wire: Wire, request: ChatRequest, body: Body, begun: float, tries: _Tries) -> ChatResponse:
        hold = self.meter.reserve(request, self._price)
        used = _NOTHING
        try:
            left_s = self.limits.deadline_s - (time.monotonic() - begun)
            reply = await wire.post(body, min(self.limits.timeout_s, max(left_s, 0.001)))
            response = read_reply(reply, self._name)
            used = response.usage if response.usage.tokens else _estimate(request, response)
        except BackendError as error:
            used = _charge(request, error)
            raise
        except asyncio.CancelledError:
            used = Usage(0, estimate_input(request), estimated=True)
            raise
        finally:
            tries.append(self.meter.settle(hold, used))
        return ChatResponse(response.text, response.reasoning, response.finish_reason, response.model, _used(tries))


def _let_go(loops: LoopPool, lines: PerLoop[_Line]) -> None:
    """Close what a backend that is gone has open.

    `lines` is held until now because a backend in a reference cycle dies together with them: then their loops would no
    longer know that they are to be closed.
    """
    loops.close()


async def _close(line: _Line) -> None:
    """Close a line; a module function, so that closing holds no backend alive."""
    await line.wire.close()


def _used(tries: _Tries) -> Usage:
    return tries[0] if len(tries) == 1 else sum(tries, _NOTHING)


def _told(error: BackendError, tries: _Tries) -> BackendError:
    error.usage = _used(tries)
    return error


def _estimate(request: ChatRequest, response: ChatResponse) -> Usage:
    output = estimate_tokens(response.text) + estimate_tokens(response.reasoning)
    return Usage(0, estimate_input(request), output, estimated=True)


def _charge(request: ChatRequest, error: BackendError) -> Usage:
    return Usage(0, estimate_input(request), estimated=True) if error.cause in _READ_BY_SERVER else _NOTHING

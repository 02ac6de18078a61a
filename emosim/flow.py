"""Questions as values, turns as generators, and the two drivers that answer them.

A `Flow` does no I/O. It yields a batch of `ChatRequest`, is sent one answer for each, and returns its result:

    answer = yield from ask(request)

`drive` (blocking) and `adrive` (awaiting) are the only places where a backend is touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

from emosim.errors import BackendError, EmosimError
from emosim.usage import Usage

T = TypeVar("T")
Role: TypeAlias = Literal["system", "user", "assistant"]
Seat: TypeAlias = Literal["agent", "user"]


class Message(NamedTuple):
    """One chat message, as the OpenAI protocol has it."""

    role: Role
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """One question to a chat model: a frozen value whose `key` serves cache, cassette and log alike."""

    messages: tuple[Message, ...]
    seat: Seat = "user"
    """Whose question it is: the agent's or the simulated user's. Decides accounting, not content."""
    schema_name: str = ""
    schema_json: str = ""
    """JSON schema (canonical text) that the answer must follow; empty for free text."""
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None

    @cached_property
    def key(self) -> str:
        """Hex sha256 over everything that can influence the answer, except which model is asked."""
        content = [
            [(m.role, m.content) for m in self.messages],
            self.schema_name,
            self.schema_json,
            self.temperature,
            self.max_tokens,
            self.seed,
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class ChatResponse:
    """What a chat model answered."""

    text: str
    reasoning: str = ""
    """Reasoning that the server returned apart from the text."""
    finish_reason: str = "stop"
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    """What it took to get the answer, tries that failed before it included."""


Answer: TypeAlias = ChatResponse | BackendError
Requests: TypeAlias = Sequence[ChatRequest]
Answers: TypeAlias = Sequence[Answer]
Flow: TypeAlias = Generator[Requests, Answers, T]


class Backend(Protocol):
    """Something that answers chat requests.

    Both methods return one answer for each request, in order: a `ChatResponse`, or the `BackendError` that is left
    after bounded retries; either holds the usage of all tries. They raise only for mistakes of the caller, and where
    they are cancelled: `used_by` tells what of.
    """

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests, blocking."""
        ...

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests, awaiting."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """What a backend has that keeps a bounded number of calls in flight and lets the others wait."""

    @property
    def places(self) -> int:
        """Calls in flight at most."""
        ...


def ask(request: ChatRequest) -> Flow[ChatResponse]:
    """Ask one question; raise the backend's error if it could not be answered."""
    answers = yield (request,)
    answer = answers[0]
    if isinstance(answer, BackendError):
        raise answer
    return answer


def used_by(cancelled: BaseException) -> Usage:
    """Return what calls used that were cancelled: a backend that knows it makes it the cause of the cancellation."""
    return cancelled.__cause__.usage if isinstance(cancelled.__cause__, BackendError) else Usage()


def settled(value: T) -> Flow[T]:
    """Return a value without asking anything."""
    return value
    yield ()


def drive(flow: Flow[T], backend: Backend | None) -> T:
    """Run a flow to its end, blocking; `backend` may be None for flows that ask nothing."""
    try:
        requests = next(flow)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    while True:
        answers = _need(backend).complete(requests)
        try:
            requests = flow.send(answers)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


async def adrive(flow: Flow[T], backend: Backend | None) -> T:
    """Run a flow to its end, awaiting; `backend` may be None for flows that ask nothing."""
    try:
        requests = next(flow)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    while True:
        answers = await _need(backend).acomplete(requests)
        try:
            requests = flow.send(answers)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def together(flows: Iterable[Flow[T]]) -> Flow[list[T | EmosimError]]:
    """Run several flows in lock step, merging each round's questions into one batch.

    Returns:
        One entry for each flow: its value, or the `EmosimError` that ended it. One failure leaves the others alone.
    """
    running = list(flows)
    steps = [_send_guarded(flow, None) for flow in running]
    while pending := [(i, step) for i, step in enumerate(steps) if not isinstance(step, (_Done, EmosimError))]:
        answers = iter((yield [request for _, requests in pending for request in requests]))
        for i, requests in pending:
            steps[i] = _send_guarded(running[i], [next(answers) for _ in requests])
    return [step.value if isinstance(step, _Done) else step for step in steps if isinstance(step, (_Done, EmosimError))]


@dataclass(frozen=True)
class _Done(Generic[T]):
    value: T


def _send_guarded(flow: Flow[T], answers: Answers | None) -> Requests | _Done[T] | EmosimError:
    try:
        return next(flow) if answers is None else flow.send(answers)
    except StopIteration as done:
        return _Done(done.value)
    except EmosimError as error:
        return error


def _need(backend: Backend | None) -> Backend:
    if backend is None:
        raise BackendError("a model was asked but no backend was given: pass backend=…", cause="no_backend")
    return backend

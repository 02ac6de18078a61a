"""A backend that says what it was given: for tests, examples and dry runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from emosim.backends.loops import ProcessLock
from emosim.backends.meter import estimate_input, estimate_tokens
from emosim.errors import BackendError
from emosim.flow import Answer, Answers, ChatRequest, ChatResponse, Requests
from emosim.usage import Usage

Line: TypeAlias = str | ChatResponse | BackendError


class ScriptedBackend:
    """Answers from a list, one entry for each request in turn, or from a function of the request.

    Args:
        answers: Texts, responses or errors; or a function that makes one from a request. When a list has run out,
            the answer is a `BackendError` with cause `script`.

    Attributes:
        requests: Every request so far.

    >>> from emosim.flow import ChatRequest, Message
    >>> ScriptedBackend(["Hello."]).complete([ChatRequest((Message("user", "Hi"),))])[0].text
    'Hello.'
    """

    def __init__(self, answers: Sequence[Line] | Callable[[ChatRequest], Line]) -> None:
        self._answers = answers
        self._lock = ProcessLock()
        self.requests: list[ChatRequest] = []

    def __repr__(self) -> str:
        return "<ScriptedBackend>"

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests."""
        return [self._answer(request) for request in requests]

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests."""
        return self.complete(requests)

    def _answer(self, request: ChatRequest) -> Answer:
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
        line = self._answers(request) if callable(self._answers) else self._line(number)
        return _spoken(request, line) if isinstance(line, str) else line

    def _line(self, number: int) -> Line:
        assert not callable(self._answers)
        if number < len(self._answers):
            return self._answers[number]
        return BackendError(f"the script has only {len(self._answers)} answers", cause="script")


def _spoken(request: ChatRequest, text: str) -> ChatResponse:
    usage = Usage(1, estimate_input(request), estimate_tokens(text), cost=0.0, estimated=True)
    return ChatResponse(text, model="scripted", usage=usage)

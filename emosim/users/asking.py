"""Asking a model until its answer can be used: bounded, append-only, each time with one line on what was wrong.

Transport failures are the backend's matter. Unusable meaning is asked again at most twice, then the turn fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from string import Template
from typing import Final, Generic, NamedTuple, TypeVar

from emosim.errors import SimulationError
from emosim.flow import ChatRequest, ChatResponse, Flow, Message, ask
from emosim.persona import Language
from emosim.users.answers import Unusable
from emosim.users.briefing import entries, sections

T = TypeVar("T")
RE_ASKS: Final = 2
"""How often one question is asked again because of what was answered."""
_KEPT: Final = 1500


class Usable(NamedTuple, Generic[T]):
    """An answer that was understood, and where asking stands."""

    value: T
    """What it means."""
    question: ChatRequest
    """The question that it answers."""
    response: ChatResponse
    """The answer itself."""
    left: int
    """How often may still be asked again."""


def ask_until_usable(
    question: ChatRequest,
    read: Callable[[ChatResponse], T],
    language: Language,
    left: int = RE_ASKS,
    read_last: Callable[[ChatResponse], T] | None = None,
) -> Flow[Usable[T]]:
    """Ask, and ask again while the answer cannot be used and asking again is left.

    Args:
        question: What to ask.
        read: Returns what an answer means, or raises `Unusable`.
        language: For the line on what was wrong.
        left: How often may be asked again.
        read_last: Reads the answer after which nothing is asked again, if not as `read` does.

    Raises:
        SimulationError: No usable answer; its cause is that of the last one.
    """
    while True:
        response = yield from ask(question)
        try:
            value = (read_last or read)(response) if left <= 0 else read(response)
            return Usable(value, question, response, left)
        except Unusable as error:
            fault = error
        question = again(question, response, fault, language, left)
        left -= 1


def again(
    question: ChatRequest, response: ChatResponse, fault: Unusable, language: Language, left: int = RE_ASKS
) -> ChatRequest:
    """Return the question with the unusable answer and one line on why; earlier messages are never touched.

    Raises:
        SimulationError: Nothing is left.
    """
    if left <= 0:
        what = f"{fault.cause}: {fault.detail}" if fault.detail else fault.cause
        raise SimulationError(
            f"the user's model gave no usable answer in {RE_ASKS + 1} tries ({what})", cause=fault.cause
        )
    reason = Template(entries("llm", language, "reasons")[fault.cause]).safe_substitute(detail=fault.detail)
    line = Template(sections("llm", language)["again"]).substitute(reason=reason)
    said = Message("assistant", response.text[:_KEPT].strip() or "…")
    return replace(question, messages=(*question.messages, said, Message("user", line)))

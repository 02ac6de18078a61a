"""Flows of model users, stepped by hand: what is asked, and what each answer leads to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from emosim.difficulty import at_level
from emosim.engine import advance, open_episode
from emosim.episode import Episode, Transition, Utterance
from emosim.flow import ChatRequest, ChatResponse
from emosim.packs import cast
from emosim.users.protocol import User


@dataclass(frozen=True)
class Stepped:
    """A finished turn and what was asked for it."""

    moved: Transition
    asked: tuple[ChatRequest, ...]


@pytest.fixture
def opened() -> Callable[..., Episode]:
    def open_one(
        user: User, persona: str = "big_mike", language: str = "en", level: float = 0.0, seed: int = 1
    ) -> Episode:
        casting = cast(persona, language)  # type: ignore[arg-type]
        return open_episode(casting.persona, casting.scenario, at_level(level), seed, user)

    return open_one


@pytest.fixture
def turn() -> Callable[..., Stepped]:
    """Play one turn with the given answers; an answer is a text, a response, or a function of the request."""

    def play(episode: Episode, user: User, reply: str, *answers: object) -> Stepped:
        flow = advance(episode, Utterance(raw=reply), user)
        left, asked = list(answers), []
        try:
            requests = next(flow)
            while True:
                asked.extend(requests)
                answer = left.pop(0)
                answer = answer(requests[0]) if callable(answer) else answer
                requests = flow.send([answer if isinstance(answer, ChatResponse) else ChatResponse(str(answer))])
        except StopIteration as done:
            assert not left, f"{len(left)} answers were not asked for"
            return Stepped(done.value, tuple(asked))

    return play


@pytest.fixture
def fused() -> Callable[..., str]:
    """Write a fused answer; the quote is taken from the reply, `say` is the message for every outcome."""

    def write(quote: str, say: str = "Mm. Go on then, I got miles.", act: str = "open_question", **more: object) -> str:
        answer: dict[str, object] = {
            "thought": "They ask at least.",
            "evidence": [{"act": act, "quote": quote}],
            "fit": 1,
            "specificity": 1,
            "told": [],
            "better": say,
            "same": say,
            "worse": say,
        }
        return json.dumps(answer | more, ensure_ascii=False)

    return write


def prompt(request: ChatRequest) -> str:
    return "\n".join(message.content for message in request.messages)

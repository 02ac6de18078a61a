"""Flows stepped by hand, driven, and merged."""

from __future__ import annotations

import pytest

from emosim.errors import BackendError, SimulationError
from emosim.flow import (
    Answers,
    ChatRequest,
    ChatResponse,
    Flow,
    Message,
    Requests,
    adrive,
    ask,
    drive,
    settled,
    together,
)


def question(text: str) -> ChatRequest:
    return ChatRequest(messages=(Message("user", text),))


def echo_twice(text: str) -> Flow[str]:
    first = yield from ask(question(text))
    second = yield from ask(question(first.text))
    return second.text


class Shouting:
    """Answers with capitals and remembers the size of each batch."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def complete(self, requests: Requests) -> Answers:
        self.batches.append(len(requests))
        return [self._answer(request) for request in requests]

    async def acomplete(self, requests: Requests) -> Answers:
        return self.complete(requests)

    def _answer(self, request: ChatRequest) -> ChatResponse | BackendError:
        text = request.messages[-1].content
        return BackendError("down", cause="server") if "fail" in text else ChatResponse(text.upper() + "!")


def test_a_flow_yields_questions_and_is_sent_answers() -> None:
    flow = echo_twice("hi")
    assert next(flow)[0].messages[-1].content == "hi"
    assert flow.send([ChatResponse("x")])[0].messages[-1].content == "x"
    with pytest.raises(StopIteration) as done:
        flow.send([ChatResponse("y")])
    assert done.value.value == "y"


def test_settled_asks_nothing() -> None:
    assert drive(settled(3), None) == 3


def test_a_flow_that_asks_without_a_backend_says_so() -> None:
    with pytest.raises(BackendError, match="pass backend="):
        drive(echo_twice("hi"), None)


async def test_both_drivers_agree() -> None:
    assert drive(echo_twice("hi"), Shouting()) == await adrive(echo_twice("hi"), Shouting()) == "HI!!"


def test_together_merges_each_round_into_one_batch_and_isolates_failures() -> None:
    backend = Shouting()
    result = drive(together([echo_twice("a"), echo_twice("fail"), settled("b"), echo_twice("c")]), backend)
    assert result[0] == "A!!"
    assert isinstance(result[1], BackendError)
    assert result[2:] == ["b", "C!!"]
    assert backend.batches == [3, 2]


def test_together_of_nothing_asks_nothing() -> None:
    assert drive(together([]), None) == []


def test_together_lets_bugs_through() -> None:
    def buggy() -> Flow[str]:
        yield from ask(question("x"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(together([buggy()]), Shouting())


def test_a_simulation_error_inside_together_is_returned() -> None:
    def broken() -> Flow[str]:
        yield from ask(question("x"))
        raise SimulationError("no", cause="bad_json")

    [error] = drive(together([broken()]), Shouting())
    assert isinstance(error, SimulationError)
    assert error.cause == "bad_json"


def test_the_key_is_the_content() -> None:
    same = question("a").key
    assert question("a").key == same
    assert question("b").key != same
    assert ChatRequest(messages=question("a").messages, seed=1).key != same
    assert ChatRequest(messages=question("a").messages, seat="agent").key == same, "accounting is not content"
    assert len(question("\ud800").key) == 64

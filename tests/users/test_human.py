"""The keyboard user, typed by a list of lines."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import pytest

from emosim.acts import HARMS
from emosim.errors import SimulationError
from emosim.users.human import HumanUser


def typing(*lines: str) -> tuple[Callable[[str], str], list[str]]:
    left, shown = list(lines), []

    def ask(text: str) -> str:
        shown.append(text)
        if not left:
            raise EOFError
        return left.pop(0)

    return ask, shown


def test_the_person_rates_and_answers(opened: Any, turn: Any) -> None:
    ask, shown = typing("2", "Well, you asked.")
    user = HumanUser(ask)
    done = turn(opened(user), user, "I'm listening. What happened in Amarillo?")
    assert done.asked == ()
    assert done.moved.turn.appraisal.fit == 2
    assert done.moved.turn.emotion.last_change > 0
    assert done.moved.turn.spoken.text == "Well, you asked."
    assert "Michael" in shown[0]
    assert "What happened in Amarillo?" in shown[0]
    assert "better" in shown[1]


def test_a_bad_rating_never_helps(opened: Any, turn: Any) -> None:
    user = HumanUser(typing("-2", "No.")[0])
    done = turn(opened(user), user, "I'm listening. What happened in Amarillo?")
    assert done.moved.turn.emotion.last_change < 0
    assert HARMS.intersection(done.moved.turn.appraisal.acts)


def test_ratings_are_asked_again(opened: Any, turn: Any) -> None:
    ask, shown = typing("lots", "+1", "", "Right.")
    user = HumanUser(ask)
    assert turn(opened(user), user, "I see.").moved.turn.appraisal.fit == 1
    assert len(shown) == 4
    bad = HumanUser(typing("a", "b", "c")[0])
    with pytest.raises(SimulationError):
        turn(opened(bad), bad, "I see.")


def test_the_end_of_input_is_no_bad_reply(opened: Any, turn: Any) -> None:
    user = HumanUser(typing("1")[0])
    with pytest.raises(SimulationError, match="has left"):
        turn(opened(user), user, "I see.")


def test_silence_is_not_rated(opened: Any, turn: Any) -> None:
    ask, shown = typing("Hello?")
    user = HumanUser(ask)
    assert turn(opened(user), user, " ").moved.turn.spoken.text == "Hello?"
    assert "said nothing" in shown[0]


def test_input_is_the_default() -> None:
    assert HumanUser().ask_person is builtins.input

"""Knobs and levels."""

from __future__ import annotations

import pytest

from emosim.difficulty import KNOBS, Difficulty, apply, at_level, difficulty
from emosim.errors import UsageError
from emosim.packs import cast


def test_zero_changes_nothing() -> None:
    casting = cast("dolores")
    assert apply(casting.persona, casting.scenario, Difficulty()) == (casting.persona, casting.scenario)


@pytest.mark.parametrize("knob", KNOBS)
def test_every_knob_changes_something_and_only_in_steps_of_its_own(knob: str) -> None:
    casting = cast("dolores")
    low, high = (apply(casting.persona, casting.scenario, difficulty({knob: x})) for x in (0.4, 0.9))
    assert low != high != (casting.persona, casting.scenario)


def test_the_level_is_known_on_the_ray_only() -> None:
    assert at_level(0.3).level == 0.3
    assert difficulty({"skepticism": 0.5}).level is None
    assert difficulty({"skepticism": 0.5}, level=0.2).ambiguity == 0.2


@pytest.mark.parametrize(
    ("knobs", "level", "message"),
    [
        ({"scepticism": 0.5}, 0.0, "unknown knob 'scepticism' (did you mean 'skepticism'?)"),
        ({"skepticism": 1.5}, 0.0, "knob 'skepticism' must be a number from 0 to 1, not 1.5"),
        ({}, 1.1, "level must be a number from 0 to 1, not 1.1"),
        ({}, "hard", "level must be a number from 0 to 1, not 'hard'"),
    ],
)
def test_mistakes_are_named(knobs: dict[str, float], level: float, message: str) -> None:
    with pytest.raises(UsageError) as error:
        difficulty(knobs, level)
    assert str(error.value) == message

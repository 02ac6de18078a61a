"""Six knobs that make a user harder, and the reference ray through them.

A difficulty transforms persona and scenario once, when the episode opens; nothing later asks how hard it is. The sizes
of the steps are our own choice; that each knob is live and monotone is shown by `tests/contracts/test_knobs.py`.
Impatience takes two turns at most and works through patience: a shorter episode alone would spare an agent that hurts.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field, ValidationError

from emosim.emotion import Temperament
from emosim.errors import UsageError, did_you_mean
from emosim.persona import Fact, Persona, Scenario
from emosim.value import Value


class Difficulty(Value):
    """A point in knob space; every knob runs from 0 to 1 and is named for what gets harder."""

    guardedness: float = Field(default=0.0, ge=0, le=1)
    """Facts come later, the opening is vaguer, help waits longer for the whole story."""
    skepticism: float = Field(default=0.0, ge=0, le=1)
    """Generic support stops working."""
    volatility: float = Field(default=0.0, ge=0, le=1)
    """Losses loom larger and linger."""
    impatience: float = Field(default=0.0, ge=0, le=1)
    """Fewer turns, leaves early."""
    ambiguity: float = Field(default=0.0, ge=0, le=1)
    """The stated request conflicts with the need, hints become rare."""
    provocation: float = Field(default=0.0, ge=0, le=1)
    """Tests and attacks the agent, and minds how that is taken."""

    @property
    def level(self) -> float | None:
        """The level on the reference ray, or None off the ray."""
        values = set(self.values)
        return values.pop() if len(values) == 1 else None

    @property
    def values(self) -> tuple[float, ...]:
        """The knobs' values, in the order of `KNOBS`."""
        return tuple(self.__dict__.values())


KNOBS: Final[tuple[str, ...]] = tuple(Difficulty.model_fields)
"""The knobs' names, in order."""


def at_level(level: float) -> Difficulty:
    """Return the difficulty at a level of the reference ray, on which all knobs are equal.

    Args:
        level: 0 (easiest) to 1 (hardest).

    Raises:
        UsageError: The level is out of range.
    """
    return difficulty({knob: level for knob in KNOBS})


def difficulty(knobs: dict[str, float], level: float = 0.0) -> Difficulty:
    """Return a difficulty with single knobs set and all others at a level.

    Raises:
        UsageError: A knob is unknown or out of range.
    """
    for knob in knobs:
        if knob not in KNOBS:
            raise UsageError(f"unknown knob '{knob}'{did_you_mean(knob, KNOBS)}")
    for name, given in {"level": level, **knobs}.items():
        if isinstance(given, (bool, str)):
            raise UsageError(f"{name} must be a number from 0 to 1, not {given!r}")
    try:
        return Difficulty.model_validate({knob: level for knob in KNOBS} | knobs)
    except ValidationError as error:
        place = error.errors()[0]
        name = "level" if len(error.errors()) == len(KNOBS) else f"knob '{place['loc'][0]}'"
        raise UsageError(f"{name} must be a number from 0 to 1, not {place['input']!r}") from None


def apply(persona: Persona, scenario: Scenario, harder: Difficulty) -> tuple[Persona, Scenario]:
    """Return the harder persona and scenario; at zero they are what they were."""
    temper = _temper(persona.temperament, harder)
    return (
        persona.model_copy(update={"temperament": temper}),
        scenario.model_copy(
            update={
                "facts": tuple(_fact(fact, harder.guardedness) for fact in scenario.facts),
                "vagueness": max(scenario.vagueness, min(2, int(3 * harder.guardedness))),
                "max_turns": max(1, scenario.max_turns - round(2 * harder.impatience)),
                "hint_rate": scenario.hint_rate * (1 - harder.ambiguity),
                "counter_rate": _towards(scenario.counter_rate, 0.8, harder.ambiguity),
                "test_rate": _towards(scenario.test_rate, 0.7, harder.provocation),
            }
        ),
    )


def _temper(temper: Temperament, harder: Difficulty) -> Temperament:
    return temper.model_copy(
        update={
            "guard": _towards(temper.guard, 0.85, harder.guardedness),
            "openness": _towards(temper.openness, 0.05, harder.guardedness),
            "acceptance": _towards(temper.acceptance, 0.5, harder.skepticism),
            "loss_aversion": _towards(temper.loss_aversion, 2.5, harder.volatility),
            "inertia": _towards(temper.inertia, 0.6, harder.volatility),
            "impatience": _towards(temper.impatience, 0.5, harder.impatience),
            "patience": temper.patience * (1.0 - 0.5 * harder.impatience),
        }
    )


def _fact(fact: Fact, guardedness: float) -> Fact:
    if fact.reveal == "if_trusted":
        return fact.model_copy(update={"trust": _towards(fact.trust, 0.95, 0.6 * guardedness)})
    if guardedness >= 0.5 and fact.reveal == "volunteer":
        return fact.model_copy(update={"reveal": "if_asked"})
    return fact


def _towards(value: float, end: float, share: float) -> float:
    return value + (end - value) * share

"""The user's first message: from the persona's file, verbatim, for every kind of user."""

from __future__ import annotations

from emosim.episode import Spoken
from emosim.persona import Persona, Scenario
from emosim.users.shuffle import shuffled
from emosim.value import roll

DICE_COUNTER = 1


def first_message(persona: Persona, scenario: Scenario, seed: int) -> Spoken:
    """Return the opening: as vague as the scenario says, with a misleading request now and then."""
    text = scenario.openings[scenario.vagueness]
    kinds: tuple[str, ...] = ("opening",)
    if roll(seed, 0, DICE_COUNTER, persona.salt) < scenario.counter_rate:
        lines = persona.lines.counter
        text = f"{text}{_gap(persona)}{lines[shuffled(persona, seed, 'counter', 0)]}"
        kinds = ("opening", "counter")
    return Spoken(text=text, kinds=kinds)


def _gap(persona: Persona) -> str:
    return "" if persona.language == "zh" else " "

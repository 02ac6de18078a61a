"""A person at the keyboard plays the persona: reads each reply, rates how far it helps, and types the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from emosim.acts import HARMS, Act, Appraisal, Evidence
from emosim.episode import Episode, Rulebook, Spoken
from emosim.errors import SimulationError
from emosim.flow import Flow, settled
from emosim.rulebook import is_blank
from emosim.users.perception import perceive
from emosim.users.protocol import Felt, Heard, Speech
from emosim.users.rules import context

AskPerson: TypeAlias = Callable[[str], str]
"""Shows a text and returns the line typed in answer, as the built-in `input` does."""

TRIES: Final = 3
"""How often a rating or an empty answer is asked for again."""
QUOTED: Final = 300
"""Characters of a reply that stand for its words where only the rating is known."""
_MOOD: Final = {"better": "You feel better.", "same": "It left you as you were.", "worse": "You feel worse."}


@dataclass(frozen=True)
class HumanUser:
    """A simulated user played by a person.

    The only flow that does input and output, through `ask_person` alone: it blocks, and asks no backend.

    Args:
        ask_person: How to show a text and read a line.
    """

    ask_person: AskPerson = field(default=input)

    @property
    def name(self) -> str:
        """`human@1`."""
        return "human@1"

    @property
    def rules(self) -> Rulebook:
        """emosim's own protocol."""
        return Rulebook()

    def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
        """Show the reply and let the person rate it; plain reading finds the acts.

        Raises:
            SimulationError: No usable answer, or the input has ended.
        """
        return settled((rated(perceive(heard.text, context(heard)), self._rate(heard), heard.text), self.speak))

    def speak(self, felt: Felt) -> Flow[Spoken]:
        """Tell the person what the reply did, and let them type the answer.

        Raises:
            SimulationError: Nothing was typed, or the input has ended.
        """
        shown = f"\nThey said nothing.\n{_MOOD[felt.outcome]}" if is_blank(felt.heard.reply) else _MOOD[felt.outcome]
        last = " These are your last words." if felt.ending else ""
        for _ in range(TRIES):
            if text := self._ask(f"{shown}{last} You: "):
                return settled(Spoken(text=text, kinds=("typed",)))
        raise SimulationError("the person at the keyboard said nothing; type an answer", cause="empty")

    def _rate(self, heard: Heard) -> int:
        shown = f"\n{heard.text}\n\nDoes it help, -2 (hurts) to 2 (just what you need)? "
        if heard.turn == 1:
            shown = sheet(heard.episode) + shown
        for _ in range(TRIES):
            typed = self._ask(shown)
            if typed in ("-2", "-1", "0", "1", "2", "+1", "+2"):
                return int(typed)
            shown = "A whole number from -2 to 2, please: "
        raise SimulationError("the person at the keyboard gave no rating from -2 to 2", cause="bad_schema")

    def _ask(self, shown: str) -> str:
        try:
            return self.ask_person(shown).strip()
        except EOFError:
            raise SimulationError("the person at the keyboard has left (end of input)", cause="empty") from None


def rated(seen: Appraisal, rating: int, text: str) -> Appraisal:
    """Return what plain reading found, under the person's rating, which decides.

    Args:
        seen: What plain reading found.
        rating: -2 to 2.
        text: The visible reply; a good rating quotes it where plain reading found no support.
    """
    evidence = seen.evidence
    if rating > 0:
        evidence = tuple(item for item in evidence if item.act not in HARMS)
        evidence = evidence or (Evidence(act=Act.VALIDATING, quote=text[:QUOTED]),)
    elif rating < 0 and not any(item.act in HARMS for item in evidence):
        evidence = (*evidence, Evidence(act=Act.DISMISSAL, quote=text[:QUOTED]))
    return seen.model_copy(update={"fit": float(rating), "evidence": evidence, "thought": "Rated by a person."})


def sheet(episode: Episode) -> str:
    """Return what the person must know to play the persona."""
    persona, scenario = episode.persona, episode.scenario
    facts = "\n".join(f"  - {fact.text}" for fact in scenario.facts)
    return (
        f"You are {persona.name}, {persona.age}, {persona.job}.\n{persona.profile.strip()}\n\n"
        f"{scenario.situation.strip()}\n\nWhat would really help (secret): {scenario.need_text.strip()}\n"
        f"You can tell:\n{facts}\n\nYou have said: {episode.opening.text}\n"
    )

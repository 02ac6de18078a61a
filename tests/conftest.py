"""Shared by all tests: a user that feels exactly the acts it is told, and casts from the core pack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from emosim.acts import ALIGNMENT, SEVERITY, Act, Appraisal, Evidence
from emosim.difficulty import at_level
from emosim.engine import advance, open_episode
from emosim.episode import Episode, Rulebook, Spoken, Utterance
from emosim.flow import Flow, drive, settled
from emosim.packs import cast
from emosim.users.protocol import Felt, Heard, Speech
from emosim.users.voice import say


@dataclass(frozen=True)
class TellingUser:
    """Reads the act from the reply itself, which names it: `advice: any words`. Speaks the persona's own lines."""

    rules: Rulebook = field(default_factory=Rulebook)
    name: str = "telling@1"

    def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
        act = Act(heard.text.partition(":")[0])
        align = ALIGNMENT[heard.episode.scenario.need].get(act)
        fit = 2 * align if align is not None else -2 * SEVERITY[act]
        evidence = (Evidence(act=act, quote=heard.text),)
        return settled((Appraisal(evidence=evidence, fit=round(fit, 2), specificity=1.5), self.speak))

    def speak(self, felt: Felt) -> Flow[Spoken]:
        return settled(say(felt))


def best_act(episode: Episode) -> Act:
    """Return the act that meets the need."""
    table = ALIGNMENT[episode.scenario.need]
    return max(table, key=lambda act: table[act])


@pytest.fixture
def telling() -> TellingUser:
    return TellingUser()


@pytest.fixture
def begin() -> Callable[..., Episode]:
    def open_one(persona: str = "dolores", level: float = 0.0, seed: int = 1, language: str = "en") -> Episode:
        casting = cast(persona, language)  # type: ignore[arg-type]
        return open_episode(casting.persona, casting.scenario, at_level(level), seed, TellingUser())

    return open_one


@pytest.fixture
def play() -> Callable[..., Episode]:
    """Play acts in turn, the last one for ever, until the episode ends; `need` stands for the act that meets it."""

    def until_over(episode: Episode, *acts: str, turns: int = 99, user: TellingUser | None = None) -> Episode:
        number = 0
        while episode.ending is None and number < turns:
            act = acts[min(number, len(acts) - 1)]
            number += 1
            name = best_act(episode).value if act == "need" else act
            raw = "" if act == "silent" else f"{name}: words {number}"
            episode = drive(advance(episode, Utterance(raw=raw), user or TellingUser()), None).after
        return episode

    return until_over

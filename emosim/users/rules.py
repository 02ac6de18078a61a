"""The offline user, the default: perceives by rules and learned weights, speaks the persona's lines, asks no model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from emosim.acts import Appraisal
from emosim.emotion import SAGE_LIKE
from emosim.episode import Rulebook, Spoken
from emosim.flow import Flow, settled
from emosim.users.perception import Context, perceive
from emosim.users.protocol import Felt, Heard, Speech
from emosim.users.voice import say

Perception = Callable[[str, Context], Appraisal]
"""Reads a reply as evidence."""


@dataclass(frozen=True)
class RulesUser:
    """A simulated user without a model: deterministic, fast, and able to judge only what `README.md` says it can.

    Args:
        perception: `lexical` (default) or `semantic`, which needs the extra of that name.
        dynamics: `emosim` (default), or `sage`, under which moods move as in the released SAGE dialogues.
    """

    perception: Literal["lexical", "semantic"] = "lexical"
    dynamics: Literal["emosim", "sage"] = "emosim"

    @property
    def name(self) -> str:
        """`rules@4`, `rules-semantic@4` or `rules-sage@4`."""
        parts = ["rules", "semantic" * (self.perception == "semantic"), "sage" * (self.dynamics == "sage")]
        return "-".join(filter(None, parts)) + "@4"

    @property
    def rules(self) -> Rulebook:
        """The protocol: emosim's own, or with the constants fitted to SAGE."""
        return Rulebook() if self.dynamics == "emosim" else Rulebook(name="sage-like", temper=SAGE_LIKE)

    def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
        """Perceive the reply and settle how to speak."""
        read = perceive if self.perception == "lexical" else _semantic()
        return settled((read(heard.text, context(heard)), self.speak))

    def speak(self, felt: Felt) -> Flow[Spoken]:
        """Say the persona's own words."""
        return settled(say(felt))


def context(heard: Heard) -> Context:
    """Return what the user has in mind when the reply arrives."""
    episode = heard.episode
    turns = episode.turns
    known = (episode.opening.text, *[turn.spoken.text for turn in turns])
    return Context(
        language=episode.persona.language,
        need=episode.scenario.need,
        user_said=known[-1],
        known=known,
        own_replies=tuple([turn.reply.text for turn in turns]),
    )


def _semantic() -> Perception:
    from emosim.users.perception.semantic import perceive_semantically

    return perceive_semantically

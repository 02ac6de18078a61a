"""A user that is told which act a reply is: no reading, for agents that choose acts instead of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emosim.acts import ALIGNMENT, HARMS, SEVERITY, Act, Appraisal, Evidence
from emosim.episode import Episode, Rulebook, Spoken, Utterance
from emosim.flow import Flow, settled
from emosim.rulebook import is_blank
from emosim.users.protocol import Felt, Heard, Speech
from emosim.users.voice import say

WORDLESS: Final = Utterance(raw="…")
"""Stands for a reply whose words must not matter, only its act."""


@dataclass(frozen=True)
class ActsUser:
    """A simulated user without a model and without a reader: the act is known, the words are decoration.

    Args:
        act: What the next reply does.
    """

    act: Act

    @property
    def name(self) -> str:
        """`acts@2`."""
        return "acts@2"

    @property
    def rules(self) -> Rulebook:
        """emosim's own protocol."""
        return Rulebook()

    def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
        """Take the reply for the act that it is."""
        return settled((canonical(self.act, heard.episode, heard.text), self.speak))

    def speak(self, felt: Felt) -> Flow[Spoken]:
        """Say the persona's own words, whatever the words of the reply."""
        if is_blank(felt.heard.reply):
            return settled(say(felt))
        return settled(say(felt._replace(heard=felt.heard._replace(reply=WORDLESS))))


def canonical(act: Act, episode: Episode, quote: str) -> Appraisal:
    """Return what an act, carried out competently, means to the user of an episode.

    Args:
        act: The act.
        episode: The episode before the reply; need and share of facts told are read.
        quote: The words of the reply.
    """
    fit = act_fit(act, episode)
    specificity = 0.0 if act in HARMS else 1.0 + told_share(episode)
    return Appraisal(evidence=(Evidence(act=act, quote=quote),), fit=fit, specificity=specificity)


def act_fit(act: Act, episode: Episode) -> float:
    """Return how well an act fits the hidden need, -2 to 2."""
    return -2.0 * SEVERITY[act] if act in HARMS else 2.0 * ALIGNMENT[episode.scenario.need][act]


def told_share(episode: Episode) -> float:
    """Return the share of the facts told so far, 0 to 1."""
    facts = episode.scenario.facts
    return len(episode.revealed) / len(facts) if facts else 1.0

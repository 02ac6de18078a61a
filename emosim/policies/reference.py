"""Measuring rods: an oracle that sees everything, a ladder of agents with graded skill, and a staller.

None of them is an achievable score. They read hidden fields (`privileged`), say lines that are realised from a known
act, and exist so that difficulty, rewards and users can be measured against agents whose order is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emosim.acts import ALIGNMENT, SUPPORTS, Act
from emosim.emotion import MAX_CHANGE
from emosim.episode import Episode
from emosim.flow import Flow, settled
from emosim.phrasebook import realise
from emosim.policies.insight import DECOYS, episode_of, foresee, prospect
from emosim.policies.protocol import Policy, View
from emosim.value import pick, roll

DICE_SKILL, DICE_DECOY, DICE_BLAND, DICE_WORDS = 211, 212, 213, 214

SKILLS: Final = (0.25, 0.4, 0.55, 0.75, 0.9)
"""Skill of the five rungs. Source: own choice; spread so that neighbours differ by more than noise at every level."""

BLAND: Final = (Act.PLATITUDE, Act.REASSURING, Act.INFORMATION)
"""What a mediocre agent says when nothing in particular is asked of it."""
DEFENSIVE: Final = Act.LECTURING
"""How a mediocre agent takes a provocation."""
STALL_BELOW: Final = 0.6
"""Alignment with the need from which an act could end the matter; the staller keeps under it."""


@dataclass(frozen=True)
class Oracle:
    """A measuring rod, no achievable score: plays the act that the emotional model itself pays best.

    It knows the need, the facts told, reactions, trust and acceptance, looks one step ahead, and asks or listens while
    untold facts hold the user back.
    """

    name: str = "baseline:oracle"
    privileged: bool = True

    def reply(self, view: View) -> Flow[str | None]:
        """Say the best act and what goes best with it."""
        episode = episode_of(view)
        return settled(say(best_acts(episode), episode))


@dataclass(frozen=True)
class Rung:
    """A measuring rod, no achievable score: does what the oracle does with a chance that grows with its number.

    Otherwise it does what a mediocre agent would: falls for a misleading request, gets defensive when provoked, or says
    something bland. The dice are the same for all rungs, so that a higher rung sees whatever a lower one does.

    Args:
        number: 1 (lowest) to 5.
    """

    number: int
    privileged: bool = True

    @property
    def name(self) -> str:
        """`baseline:rung1` to `baseline:rung5`."""
        return f"baseline:rung{self.number}"

    @property
    def skill(self) -> float:
        """Chance of a good turn."""
        return SKILLS[self.number - 1]

    def reply(self, view: View) -> Flow[str | None]:
        """Say what the oracle would, or something mediocre."""
        episode = episode_of(view)
        skilled = roll(view.seed, view.turn, DICE_SKILL) < insight(self.skill, episode)
        return settled(say(best_acts(episode) if skilled else (mediocre_act(episode),), episode))


@dataclass(frozen=True)
class Staller:
    """Keeps the user mildly pleased and never meets the need: what a reward must not prefer to an agent that helps.

    It reads hidden fields to do the most harm to a reward that pays for a good mood alone: it plays the most pleasing
    act that is not what is needed, and falls silent before the user could be satisfied.
    """

    name: str = "baseline:stall"
    privileged: bool = True

    def reply(self, view: View) -> Flow[str | None]:
        """Say something pleasant beside the point."""
        episode = episode_of(view)
        return settled(say((stalling_act(episode),), episode))


def best_acts(episode: Episode) -> tuple[Act, Act]:
    """Return the support act with the best prospect, and the one that then adds most."""
    lead = max(SUPPORTS, key=lambda act: prospect(episode, act))
    return lead, max((act for act in SUPPORTS if act != lead), key=lambda act: prospect(episode, lead, act))


def insight(skill: float, episode: Episode) -> float:
    """Return the chance to see what is needed now: a hint helps, a misleading request blinds."""
    kinds = episode.spoken.kinds
    if "counter" in kinds:
        return skill * skill
    return skill**0.5 if "hint" in kinds else skill


def mediocre_act(episode: Episode) -> Act:
    """Return what an agent without insight does after the user's last message."""
    turn, kinds = len(episode.turns) + 1, episode.spoken.kinds
    if "test" in kinds:
        return DEFENSIVE
    if "counter" in kinds:
        decoys = DECOYS[episode.scenario.need]
        return decoys[pick(len(decoys), episode.seed, turn, DICE_DECOY)]
    return BLAND[pick(len(BLAND), episode.seed, turn, DICE_BLAND)]


def stalling_act(episode: Episode) -> Act:
    """Return the most pleasing act beside the need, or silence where one happy turn more could satisfy."""
    if episode.emotion.mood >= episode.rules.satisfied_at - MAX_CHANGE:
        return Act.EMPTY
    worths = ALIGNMENT[episode.scenario.need]
    beside = [act for act in SUPPORTS if worths[act] < STALL_BELOW]
    return max(beside, key=lambda act: foresee(episode, act).mood)


def say(acts: tuple[Act, ...], episode: Episode) -> str:
    """Return words for acts that were not used in the episode, the first about what the user has said."""
    variant = len(episode.turns)
    parts = (realise(act, episode, variant, plain=place > 0) for place, act in enumerate(acts))
    return ("" if episode.persona.language == "zh" else " ").join(parts)


REFERENCES: Final[tuple[Policy, ...]] = (Oracle(), Staller(), *(Rung(number) for number in range(1, len(SKILLS) + 1)))
"""All reference agents."""

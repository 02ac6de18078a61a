"""How sure a reading is: a harm is asserted only well below the quality of a reply that changes nothing.

The limits were set by hand while looking at the training and development rows of `tests/judging/corpus`; no script
derives them. A reply above its limit is only read as unhelpful.
"""

from __future__ import annotations

from typing import Final

from emosim.persona import Language
from emosim.users.perception.cues import FAMILIES
from emosim.users.perception.features import Reading
from emosim.users.perception.heads import Scores, alone
from emosim.users.perception.lexicon import YOU
from emosim.users.perception.wordlists import word_list

CUED, UNCUED = -0.6, -0.85
"""Quality below which a reply is a harm, with and without a phrase that hurts. Source: set by hand."""
SHORT: Final[dict[Language, int]] = {"en": 6, "zh": 8}
"""Content words (characters) below which a reply is too short to be sure of without a hurting phrase."""
SHRINK, PRIOR = 0.6, 0.25
"""Short replies: how much of the predicted quality is kept, and what is added to it. Source: set by hand."""
LOWEST: Final = -0.45
"""Quality of a reply that may well hurt, but not surely."""
POISON: Final = -0.28
"""Quality of one sentence with a hurting phrase below which it decides about the reply. Source: set by hand."""
_HURTING: Final = frozenset(
    FAMILIES.index(name) for name in ("dismiss", "blame", "lecture", "insult", "threat", "sarcasm", "manip")
)
_HURTS: Final = tuple(
    FAMILIES.index(name) for name in ("dismiss", "blame", "lecture", "insult", "threat", "sarcasm", "manip")
)
_HELPS: Final = tuple(FAMILIES.index(name) for name in ("praise", "valid", "nofault", "deep", "feel"))
_INSULT: Final = FAMILIES.index("insult")
_ORDERS: Final = word_list("orders")
_ORDINALS: Final = word_list("ordinals")


def weigh(reading: Reading, scores: Scores) -> tuple[float, bool]:
    """Return the quality of a reply as far as it can be trusted, and whether it is surely a harm."""
    quality = scores.quality
    short, cued = brief(reading), hurting(reading)
    if short and cued - helping(reading) < 1.0:
        return max(SHRINK * quality + PRIOR, LOWEST), False
    if cued and len(reading.segments) > 1:
        worst = poison(reading, scores)
        if worst < POISON:
            quality = min(quality, CUED + worst)
    return quality, quality < (CUED if cued else UNCUED)


def hurting(reading: Reading) -> float:
    """Return how many hurting phrases stand in a reply; an insult that is not said to "you" does not count."""
    found = sum([reading.cues[family] for family in _HURTS])
    aimed = reading.language == "zh" or reading.tally[YOU] > 0.0
    return found if aimed else found - reading.cues[_INSULT]


def helping(reading: Reading) -> float:
    """Return how many phrases of praise and support stand in a reply: "well done you" is rarely sarcasm."""
    return sum([reading.cues[family] for family in _HELPS])


def brief(reading: Reading) -> bool:
    """Return whether a reply holds too few content words to be sure of it."""
    limit = SHORT[reading.language]
    return reading.size < 4 * limit and len(reading.content) - 1 < limit


def poison(reading: Reading, scores: Scores) -> float:
    """Return the quality of the worst sentence that holds a hurting phrase, 9 if none does."""
    places = [place for place, family in reading.hits if family in _HURTING]
    worst = 9.0
    if places:
        for part, quality in zip(reading.segments, alone(reading, scores.parts[:, 0].tolist()), strict=True):
            if quality < worst and any(part.first <= place < part.last for place in places):
                worst = quality
    return worst


def ordering(reading: Reading, overlap: int) -> bool:
    """Return whether a reply is a list of orders that has nothing to do with what the person told.

    Without examples in the corpora: a rule, not learned.
    """
    if len(reading.segments) < 3 or overlap > 0:
        return False
    openings = [reading.tokens[part.first] for part in reading.segments]
    listed = sum([opening in _ORDINALS or opening in _ORDERS for opening in openings])
    return listed >= 3 and listed > 0.7 * len(openings)

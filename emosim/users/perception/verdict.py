"""From what was read to what it meant: evidence with quotes, fit, specificity, one private thought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from emosim.acts import ALIGNMENT, HARMS, SUPPORTS, Act, Appraisal, Evidence, Need
from emosim.persona import Language
from emosim.users.perception.attacks import findings
from emosim.users.perception.context import Context
from emosim.users.perception.cues import FAMILIES
from emosim.users.perception.features import HELP, Reading, read, shared
from emosim.users.perception.heads import ACTS, Scores, score
from emosim.users.perception.quotes import clip_quote
from emosim.users.perception.thoughts import think
from emosim.users.perception.wordlists import word_list

Opinion: TypeAlias = Callable[[Scores, str, Need], Scores]
"""Revises the scores of the words, given the text and the need."""
GAIN, LOSS = 1.8, 2.6
"""Fit for each point of predicted quality above and below SHIFT, so that replies labelled 1 or 2 fit about as much.

Source: of a few values tried, the one whose moods agree best with guesses about authors that the heads had not read.
"""
SHIFT: Final = -0.2
"""Predicted quality of a reply that changes nothing: the mean of such guesses over replies labelled 0."""
HARMFUL: Final = -0.6
"""Quality below which a reply is a harm; above it is only unhelpful.

Source: best macro-F1 of the main act on guesses as above.
"""
POISON: Final = -0.28
"""Quality of a sentence that insults or threatens below which it decides about the whole. Source: set by hand."""
SECOND: Final = 0.15
"""Score of an act above which it counts beside the main one. Source: set by hand."""
TRICKY: Final = 0.38
"""Score of manipulation above which a reply counts as a trick: fewer than one in 1,000 helpful replies. Source: as
for HARMFUL."""
BRIEF: Final[dict[Language, int]] = {"en": 14, "zh": 20}
"""Words or characters up to which a reply that only dismisses or only says a platitude is taken at its word.

Source: of 266 such replies in the corpora, 20 were labelled helpful. The heads know too few words of theirs to be sure.
"""
_HOLLOW: Final = {
    FAMILIES.index("dismiss"): ACTS.index(Act.DISMISSAL), FAMILIES.index("platitude"): ACTS.index(Act.PLATITUDE)
}  # fmt: skip
_SUBSTANTIAL: Final = HELP.union(map(FAMILIES.index, ("suggest", "info", "reflect", "self")))
_LIKING: Final = {need: [ALIGNMENT[need][act] for act in SUPPORTS] for need in Need}
_HARMS: Final = tuple(
    i for i, act in enumerate(ACTS) if act in HARMS and act not in (Act.EMPTY, Act.ECHO, Act.INCOHERENT)
)
_LECTURE: Final = ACTS.index(Act.LECTURING)
_TRICK: Final = ACTS.index(Act.MANIPULATION)
_INSULTING: Final = frozenset((FAMILIES.index("insult"), FAMILIES.index("threat")))
_ORDERS: Final = word_list("orders")
_ORDINALS: Final = word_list("ordinals")


def perceive(text: str, context: Context) -> Appraisal:
    """Return what a reply meant to this user: typed evidence, never a verdict on the mood.

    Args:
        text: The visible reply, any text of any length; only its first 4,000 and last 1,000 characters count.
        context: Language, hidden need and what was said.

    Returns:
        Evidence (most important first, quotes verbatim), fit -2..2, specificity 0..2 and a private thought.
    """
    return appraise(read(text, context), context)


def appraise(reading: Reading, context: Context, second: Opinion | None = None) -> Appraisal:
    """Return the appraisal of a reading; a second opinion may revise the scores."""
    tricks = findings(reading, context)
    if tricks:
        return verdict(tuple(dict.fromkeys(tricks))[:3], -1.0, 0.0, context)
    overlap = shared(reading, context)
    specific = specificity(reading, overlap)
    scores = score(reading, context.need, overlap)
    if second is not None:
        scores = second(scores, reading.text, context.need)
    if scores.acts[_TRICK] > TRICKY:
        return verdict((show(reading, scores, _TRICK),), -1.0, 0.0, context)
    quality = poisoned(reading, scores)
    fit = round(max(-2.0, min(2.0, (GAIN if quality > SHIFT else LOSS) * (quality - SHIFT))), 2)
    plain = _LECTURE if ordering(reading, overlap) else hollow(reading)
    if plain is not None:
        return verdict((show(reading, scores, plain),), min(fit, -0.5), specific, context)
    if quality < HARMFUL:
        harm = max(_HARMS, key=scores.acts.__getitem__)
        return verdict((show(reading, scores, harm),), fit, specific, context)
    return verdict(tuple(evidence(reading, scores, context.need)), fit, specific, context)


def verdict(found: tuple[Evidence, ...], fit: float, specific: float, context: Context) -> Appraisal:
    """Return an appraisal with its thought."""
    thought = think(found[0].act, fit, context.language)
    return Appraisal.model_construct(evidence=found, fit=fit, specificity=specific, thought=thought, stated_change=None)


def poisoned(reading: Reading, scores: Scores) -> float:
    """Return the quality of a reply, lowered to that of a harm if one of its sentences insults or threatens.

    The corpora hold few open insults in otherwise kind replies, and many that are quoted or meant well.
    """
    places = [place for place, family in reading.hits if family in _INSULTING]
    if not places:
        return scores.quality
    worst = min(
        [
            quality
            for part, quality in zip(reading.segments, scores.sentences, strict=True)
            if any(part.first <= place < part.last for place in places)
        ],
        default=0.0,
    )
    return min(scores.quality, HARMFUL + worst) if worst < POISON else scores.quality


def specificity(reading: Reading, overlap: int) -> float:
    """Return 0..2: how many words of the person's own story are in the reply."""
    return min(2.0, 0.4 * overlap + 0.2 * min(len(reading.segments), 3))


def evidence(reading: Reading, scores: Scores, need: Need) -> list[Evidence]:
    """Return the best one or two support acts of a reply that is not surely a harm."""
    lean = 0.1 * max(scores.quality, 0.0)
    worth = [act + lean * liked for act, liked in zip(scores.acts, _LIKING[need], strict=False)]
    best = worth.index(max(worth))
    worth[best] = -9.0
    second = worth.index(max(worth))
    if scores.acts[second] > SECOND and len(reading.segments) > 1:
        return [show(reading, scores, best), show(reading, scores, second)]
    return [show(reading, scores, best)]


def hollow(reading: Reading) -> int | None:
    """Return the place in ACTS of what a brief reply is that only dismisses or says a platitude, else nothing."""
    if reading.size > BRIEF[reading.language]:
        return None
    families = [family for _, family in reading.hits]
    if not _SUBSTANTIAL.isdisjoint(families):
        return None
    return next((_HOLLOW[family] for family in families if family in _HOLLOW), None)


def ordering(reading: Reading, overlap: int) -> bool:
    """Return whether a reply is a list of orders that has nothing to do with what the person told.

    Without examples in the corpora: a rule, not learned.
    """
    if len(reading.segments) < 3 or overlap > 0:
        return False
    openings = [reading.tokens[part.first] for part in reading.segments]
    listed = sum([opening in _ORDINALS or opening in _ORDERS for opening in openings])
    return listed >= 3 and listed > 0.7 * len(openings)


def show(reading: Reading, scores: Scores, place: int) -> Evidence:
    """Return an act with the segment that speaks most for it."""
    column: list[float] = scores.parts[:, place + 1].tolist()
    if place >= len(SUPPORTS):
        column = [value - 0.2 * share for value, share in zip(column, scores.parts[:, 0].tolist(), strict=True)]
    part = reading.segments[column.index(max(column))] if column else reading.segments[0]
    return Evidence.model_construct(act=ACTS[place], quote=clip_quote(reading.text, part.start, part.end))

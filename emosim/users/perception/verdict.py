"""From what was read to what it meant: evidence with quotes, fit, specificity, one private thought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from emosim.acts import ALIGNMENT, HARMS, SEVERITY, SUPPORTS, Act, Appraisal, Evidence, Need
from emosim.users.perception.attacks import findings
from emosim.users.perception.confidence import CUED, ordering, weigh
from emosim.users.perception.context import Context
from emosim.users.perception.cues import FAMILIES
from emosim.users.perception.features import Reading, read, shared
from emosim.users.perception.heads import ACTS, Scores, score
from emosim.users.perception.quotes import clip_quote
from emosim.users.perception.thoughts import think

Opinion: TypeAlias = Callable[[Scores, str, Need], Scores]
"""Revises the scores of the words, given the text and the need."""
GAIN, LOSS = 2.2, 2.6
"""Fit for each point of predicted quality above and below SHIFT.

Source: set by hand while looking at the training and development rows; `examples/train_perception.py` does not fit it.
"""
SHIFT: Final = -0.05
"""Predicted quality of a reply that changes nothing. Source: as above."""
_LIKING: Final = {need: [ALIGNMENT[need][act] for act in SUPPORTS] for need in Need}
_HARMS: Final = tuple(
    i for i, act in enumerate(ACTS) if act in HARMS and act not in (Act.EMPTY, Act.ECHO, Act.INCOHERENT)
)
_SEVERITIES: Final = [SEVERITY.get(act, 0.0) for act in ACTS]
_LECTURE: Final = ACTS.index(Act.LECTURING)
_TRICK: Final = ACTS.index(Act.MANIPULATION)
_SAID: Final = tuple(
    (FAMILIES.index(family), ACTS.index(act))
    for family, act in (
        ("insult", Act.HOSTILITY), ("threat", Act.HOSTILITY), ("blame", Act.BLAME), ("dismiss", Act.DISMISSAL),
        ("lecture", Act.LECTURING),
    )
)  # fmt: skip
"""Hurting phrases that name the harm."""
PHRASE: Final = 0.3
"""What such a phrase adds to the score of its harm. Source: as above."""
SECOND: Final = 0.15
"""Score of an act above which it counts beside the main one."""
TRICKY: Final = 0.38
"""Score of manipulation above which a reply counts as a trick. Source: as above."""


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
    quality, harmful = weigh(reading, scores)
    fit = round(max(-2.0, min(2.0, (GAIN if quality > SHIFT else LOSS) * (quality - SHIFT))), 2)
    if ordering(reading, overlap):
        return verdict((show(reading, scores, _LECTURE),), min(fit, -0.5), specific, context)
    if harmful:
        return verdict((show(reading, scores, pick_harm(reading, scores, quality)),), fit, specific, context)
    return verdict(tuple(evidence(reading, scores, context.need)), fit, specific, context)


def verdict(found: tuple[Evidence, ...], fit: float, specific: float, context: Context) -> Appraisal:
    """Return an appraisal with its thought."""
    thought = think(found[0].act, fit, context.language)
    return Appraisal.model_construct(evidence=found, fit=fit, specificity=specific, thought=thought, stated_change=None)


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


def pick_harm(reading: Reading, scores: Scores, quality: float) -> int:
    """Return the harm whose words, hurting phrases and severity agree best with how bad the reply is."""
    wanted = min(1.0, 0.35 - 0.5 * (quality - CUED))
    worth = {i: scores.acts[i] - 0.5 * abs(_SEVERITIES[i] - wanted) for i in _HARMS}
    for family, harm in _SAID:
        if reading.cues[family]:
            worth[harm] += PHRASE
    return max(worth, key=worth.__getitem__)


def show(reading: Reading, scores: Scores, place: int) -> Evidence:
    """Return an act with the segment that speaks most for it."""
    column: list[float] = scores.parts[:, place + 1].tolist()
    if place >= len(SUPPORTS):
        column = [value - 0.2 * share for value, share in zip(column, scores.parts[:, 0].tolist(), strict=True)]
    part = reading.segments[column.index(max(column))] if column else reading.segments[0]
    return Evidence.model_construct(act=ACTS[place], quote=clip_quote(reading.text, part.start, part.end))

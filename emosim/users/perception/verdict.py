"""From what was read to what it meant: evidence with quotes, fit, specificity, one private thought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from emosim.acts import ALIGNMENT, HARMS, SEVERITY, Act, Appraisal, Evidence, Need
from emosim.users.perception.attacks import findings
from emosim.users.perception.context import Context
from emosim.users.perception.features import Reading, read
from emosim.users.perception.heads import ACTS, Scores, score
from emosim.users.perception.quotes import clip_quote
from emosim.users.perception.thoughts import think

Opinion: TypeAlias = Callable[[Scores, str, Need], Scores]
"""Revises the scores of the words, given the text and the need."""
HARMFUL: Final = -0.4
"""Quality below which a reply counts as a harm. Source: cross-validation on the training corpora."""
GAIN: Final = 1.8
"""Fit for each point of predicted quality: predictions are shrunk. Source: as above."""
SHIFT: Final = -0.05
"""Predicted quality of a reply that changes nothing."""
_SUPPORTS: Final = tuple(i for i, act in enumerate(ACTS) if act not in HARMS)
_HARMS: Final = tuple(
    i for i, act in enumerate(ACTS) if act in HARMS and act not in (Act.EMPTY, Act.ECHO, Act.INCOHERENT, Act.MANIPULATION)
)


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
    specific = specificity(reading)
    if tricks:
        return verdict(tuple(dict.fromkeys(tricks))[:3], -1.0, 0.0, context)
    scores = score(reading, context.need)
    if second is not None:
        scores = second(scores, reading.text, context.need)
    fit = max(-2.0, min(2.0, GAIN * (scores.quality - SHIFT)))
    return verdict(tuple(evidence(reading, scores, context.need)), round(fit, 2), specific, context)


def verdict(found: tuple[Evidence, ...], fit: float, specific: float, context: Context) -> Appraisal:
    """Return an appraisal with its thought."""
    return Appraisal(
        evidence=found, fit=fit, specificity=specific, thought=think(found[0].act, fit, context.language)
    )


def specificity(reading: Reading) -> float:
    """Return 0..2: how many words of the person's own story are in the reply."""
    return min(2.0, 0.4 * reading.overlap + 0.2 * min(len(reading.segments), 3))


def evidence(reading: Reading, scores: Scores, need: Need) -> list[Evidence]:
    """Return the acts of a reply: a harm first where it hurts, else its best one or two support acts."""
    if scores.quality < HARMFUL:
        return [show(reading, scores, pick_harm(scores))]
    ranked = sorted(_SUPPORTS, key=lambda i: -scores.acts[i] - 0.1 * ALIGNMENT[need][ACTS[i]] * scores.quality)
    second = ranked[1:2] if scores.acts[ranked[1]] > 0.15 and len(reading.segments) > 1 else []
    return [show(reading, scores, i) for i in (ranked[0], *second)]


def pick_harm(scores: Scores) -> int:
    """Return the harm whose words and severity agree best with how bad the reply is."""
    wanted = min(1.0, 0.35 - 0.5 * (scores.quality - HARMFUL))
    return max(_HARMS, key=lambda i: scores.acts[i] - 0.5 * abs(SEVERITY[ACTS[i]] - wanted))


def show(reading: Reading, scores: Scores, place: int) -> Evidence:
    """Return an act with the segment that speaks most for it."""
    parts = scores.parts or [[0.0] * (len(ACTS) + 1)] * len(reading.segments)
    best = max(range(len(parts)), key=lambda i: parts[i][place + 1] if place in _SUPPORTS else parts[i][place + 1] - 0.2 * parts[i][0])
    part = reading.segments[best]
    return Evidence(act=ACTS[place], quote=clip_quote(reading.text, part.start, part.end))

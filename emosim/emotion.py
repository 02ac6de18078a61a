"""The emotional model: typed evidence in, one bounded, deterministic change out.

`feel` reads top to bottom: what the reply was worth, how much of it this person lets in, what mood, trust and patience
become. No randomness, no text, no model. Numbers are kept in hundredths so that a stored episode recomputes to the bit.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from emosim.acts import ALIGNMENT, HARMS, SEVERITY, Act, Appraisal, Need
from emosim.value import Value, quantise

MAX_CHANGE: Final = 10.0
"""Largest change of mood in one turn. Source: SAGE (arXiv 2505.02847), released code."""

TemperamentKind = Literal["negative", "passive", "avoidant"]


class EmotionState(Value):
    """How the user feels after a turn."""

    mood: float
    """0 (worst) to 100 (best), SAGE's emotion score."""
    trust: float
    """0 to 1: how much this user dares to tell."""
    patience: float
    """0 to 1: at 0 every reply that does not help costs as much as a reply can, until the user leaves."""
    last_change: float = 0.0
    """Change of mood in the last turn, -10 to 10."""


class Temperament(Value):
    """How strongly a person reacts, and to what."""

    kind: TemperamentKind
    """SAGE's persona family."""
    mood: float = Field(ge=0, le=100)
    """Mood at the opening. Source: 40 in SAGE."""
    trust: float = Field(ge=0, le=1)
    """Trust at the opening."""
    patience: float = Field(gt=0, le=1)
    """Patience at the opening."""
    acceptance: float = Field(ge=0, le=0.9)
    """Bar that a reply's worth (-1..1) must pass before it helps."""
    openness: float = Field(gt=0, le=1)
    """Trust gained by a perfect reply."""
    guard: float = Field(ge=0, le=0.9)
    """Share of a reply's good that waits until the facts have been told."""
    inertia: float = Field(ge=0, le=0.9)
    """How much slower the mood warms than it cools, and how long a loss lingers."""
    loss_aversion: float = Field(ge=1, le=3)
    """How much more a loss weighs than a gain."""
    impatience: float = Field(ge=0, le=1)
    """Patience lost in a turn that does not help."""
    drift: float = Field(default=0.0, ge=0, le=1)
    """Pull away from a mood of 40, in worth per 10 points: makes good moods better and bad ones worse."""


_KINDS: Final[dict[TemperamentKind, dict[str, float]]] = {
    "negative": dict(trust=0.20, patience=0.85, acceptance=0.20, openness=0.22, guard=0.25, inertia=0.20,
                     loss_aversion=1.40, impatience=0.10),
    "passive": dict(trust=0.35, patience=1.00, acceptance=0.14, openness=0.26, guard=0.30, inertia=0.25,
                    loss_aversion=1.10, impatience=0.05),
    "avoidant": dict(trust=0.25, patience=0.95, acceptance=0.12, openness=0.20, guard=0.45, inertia=0.15,
                     loss_aversion=1.15, impatience=0.08),
}  # fmt: skip


def temperament(kind: TemperamentKind, **overrides: float) -> Temperament:
    """Return the temperament of a kind, with single values replaced.

    Source: emosim's own judgement; only the start mood (40) and the kinds are SAGE's. Negative persons end lowest, as
    in the released SAGE dialogues (mean final mood 29.6; passive 52.7, avoidant 53.4).
    """
    return Temperament.model_validate({"kind": kind, "mood": 40.0, **_KINDS[kind], **overrides})


class Reaction(Value):
    """What this person in particular is touchy or soft about."""

    id: str
    """Slug, unique in the persona."""
    acts: tuple[Act, ...]
    """Any of these acts sets it off."""
    change: float = Field(ge=-5, le=5)
    """Extra points of mood, before the bound of a turn."""
    once: bool = False
    """Only the first time in an episode."""
    note: str = ""
    """Why, for authors; hidden."""


class Memory(Value):
    """What the episode so far has to do with how the next reply is felt."""

    repeats: int = 0
    """Earlier replies that made the same point in the same words."""
    uses: int = 0
    """Earlier replies that led with the same act."""
    fired: frozenset[str] = frozenset()
    """Reactions that have been set off."""
    told: float = 0.0
    """Share of the facts told, 0 to 1."""
    tested: bool = False
    """The user's last message was a provocation, and this reply is the answer to it."""


START: Final = Memory()


def feel(
    state: EmotionState,
    appraisal: Appraisal,
    temper: Temperament,
    need: Need,
    reactions: tuple[Reaction, ...] = (),
    memory: Memory = START,
) -> EmotionState:
    """Return how the user feels after a reply.

    Bounded (mood 0..100, change within 10 points, trust and patience 0..1), monotone in `appraisal.fit`, and never
    upward without quoted evidence of a support act.
    """
    touched = touch(appraisal, reactions, memory)
    push = response(worth(appraisal, need, memory), state, temper, memory) + touched
    change = settle(push, state, temper.inertia)
    if change > 0 and not supported(appraisal):
        change = 0.0
    mood = quantise(clip(state.mood + clip(change, -MAX_CHANGE, MAX_CHANGE), 0.0, 100.0))
    return EmotionState(
        mood=mood,
        trust=next_trust(state, push, temper),
        patience=next_patience(state, push, temper),
        last_change=quantise(mood - state.mood),
    )


def worth(appraisal: Appraisal, need: Need, memory: Memory = START) -> float:
    """Return what a reply is worth to somebody with this need, -1 to 1.

    Half is what its acts do for the need (the best act counts whole, the second a fifth, scaled by specificity), half
    is the appraiser's fit; harms count at once and in full. Saying the same again earns less.
    """
    acts = appraisal.acts
    gains = sorted((ALIGNMENT[need][act] for act in acts if act not in HARMS), reverse=True)
    best = max(gains[0], 0.0) + (0.2 * max(gains[1], 0.0) if len(gains) > 1 else 0.0) if gains else 0.0
    wrong = min(gains[-1], 0.0) if gains else 0.0
    harm = max((SEVERITY[act] for act in acts if act in HARMS), default=0.0)
    return combine(min(best, 1.0), wrong, harm, appraisal.fit, appraisal.specificity, novelty(memory))


def novelty(memory: Memory) -> float:
    """Return how fresh a reply is: 1 the first time, less for each repetition in words or in kind."""
    return 1.0 / (1.0 + memory.repeats + 0.08 * memory.uses)


def combine(best: float, wrong: float, harm: float, fit: float, specificity: float, fresh: float) -> float:
    """Return worth (-1..1) from its parts; pure arithmetic, written so that numpy can repeat it."""
    good = 0.5 * best * (0.5 + 0.25 * specificity) + 0.25 * max(fit, 0.0)
    bad = 0.25 * min(fit, 0.0) + 0.4 * wrong - harm
    if harm > 0.0:
        good = good * (1.0 - harm) * 0.5
    return clip(good * fresh + bad, -1.0, 1.0)


def response(value: float, state: EmotionState, temper: Temperament, memory: Memory) -> float:
    """Return the points (-10..10 before bounds) that a worth brings: gains above the bar, losses below it.

    The bar falls with trust and rises after a provocation; a part of every gain waits until the facts are told.
    """
    pulled = value + temper.drift * (state.mood - 40.0) / 10.0
    bar = temper.acceptance * (1.0 - 0.5 * state.trust) + (0.15 if memory.tested else 0.0)
    if pulled >= bar:
        reach = 1.0 - temper.guard * (1.0 - memory.told)
        return MAX_CHANGE * GAIN * reach * (pulled - bar) / (1.0 - bar)
    weight = temper.loss_aversion * (1.3 if memory.tested else 1.0)
    return MAX_CHANGE * weight * (pulled - bar) / (1.0 + bar)


GAIN: Final = 1.4
"""Points per unit of worth above the bar, in tenths: a good reply, not only a perfect one, can earn the full 10."""


def settle(push: float, state: EmotionState, inertia: float) -> float:
    """Return the change after inertia: warming is held back, a loss lingers, and lost patience forgives nothing."""
    if push > 0.0:
        return push - inertia * max(push - max(state.last_change, 0.0), 0.0)
    if state.patience <= 0.0:
        return -MAX_CHANGE
    return push + 0.5 * inertia * min(state.last_change, 0.0)


def touch(appraisal: Appraisal, reactions: tuple[Reaction, ...], memory: Memory) -> float:
    """Return the extra points of the persona's own reactions."""
    return sum(reaction.change for reaction in fired_by(appraisal, reactions, memory))


def fired_by(appraisal: Appraisal, reactions: tuple[Reaction, ...], memory: Memory) -> tuple[Reaction, ...]:
    """Return the reactions that this appraisal sets off."""
    acts = set(appraisal.acts)
    return tuple(r for r in reactions if acts.intersection(r.acts) and not (r.once and r.id in memory.fired))


def supported(appraisal: Appraisal) -> bool:
    """Return whether any support act is shown by words of the reply."""
    return any(item.act not in HARMS and item.quote.strip() for item in appraisal.evidence)


def next_trust(state: EmotionState, push: float, temper: Temperament) -> float:
    """Return trust after a turn: slowly won, quickly lost."""
    step = (
        temper.openness * min(push, MAX_CHANGE) / MAX_CHANGE
        if push > 0.0
        else 0.25 * max(push, -MAX_CHANGE) / MAX_CHANGE
    )
    return quantise(clip(state.trust + step, 0.0, 1.0))


def next_patience(state: EmotionState, push: float, temper: Temperament) -> float:
    """Return patience after a turn: what does not help wears it down, what helps restores a little."""
    step = 0.03 if push > 0.0 else -temper.impatience - 0.1 * min(-push, MAX_CHANGE) / MAX_CHANGE
    return quantise(clip(state.patience + step, 0.0, 1.0))


def clip(x: float, low: float, high: float) -> float:
    """Return x bounded to low..high."""
    return low if x < low else high if x > high else x

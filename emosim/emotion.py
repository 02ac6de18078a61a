"""The emotional model: typed evidence in, one bounded, deterministic change out.

`feel` reads top to bottom: what the reply was worth, how much of it this person lets in, what mood, trust and patience
become. No randomness, no text, no model. Numbers are kept in hundredths so that a stored episode recomputes to the bit.
The arithmetic itself is `emosim.feeling`, which also feels for many users at once.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from emosim.acts import ALIGNMENT, HARMS, SEVERITY, Act, Appraisal, Need
from emosim.feeling import GAIN as GAIN
from emosim.feeling import MAX_CHANGE as MAX_CHANGE
from emosim.feeling import clip as clip
from emosim.feeling import combine, novelty, response, shift
from emosim.value import Compact, Value

TemperamentKind = Literal["negative", "passive", "avoidant"]


class EmotionState(Compact):
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


SAGE_LIKE: Final[dict[str, float]] = dict(drift=0.052, acceptance=0.326, inertia=0.335, loss_aversion=1.0, guard=0.0)
"""Constants under which moods move as in the released SAGE dialogues: momentum, basins, where they end.

Source: fitted by `examples/fit_sage_dynamics.py` to 1,200 dialogues with DeepSeek-V3 as the user (Tencent/digitalhuman,
MIT). They describe that simulator, not people.
"""


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


class Memory(Compact):
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
    value = worth(appraisal, need, memory)
    push = response(value, state, temper, memory.told, float(memory.tested)) + touch(appraisal, reactions, memory)
    mood, trust, patience, change = shift(state, push, temper, float(supported(appraisal)))
    return EmotionState.model_construct(mood=mood, trust=trust, patience=patience, last_change=change)


def worth(appraisal: Appraisal, need: Need, memory: Memory = START) -> float:
    """Return what a reply is worth to somebody with this need, -1 to 1.

    Half is what its acts do for the need (the best act counts whole, the second a fifth, scaled by specificity), half
    is the appraiser's fit; harms count at once and in full. Saying the same again earns less.
    """
    best, wrong, harm = parts(appraisal.acts, need)
    fresh = novelty(float(memory.repeats), float(memory.uses))
    return combine(best, wrong, harm, appraisal.fit, appraisal.specificity, fresh)


def parts(acts: tuple[Act, ...], need: Need) -> tuple[float, float, float]:
    """Return what acts do for a need: the good (0..1), what goes against it (-1..0), the harm (0..1)."""
    liked = ALIGNMENT[need]
    gains = [liked[act] for act in acts if act not in HARMS]
    best = wrong = harm = 0.0
    if gains:
        gains.sort(reverse=True)
        best, wrong = max(gains[0], 0.0), min(gains[-1], 0.0)
        if len(gains) > 1:
            best += 0.2 * max(gains[1], 0.0)
    if len(gains) < len(acts):
        harm = max([SEVERITY[act] for act in acts if act in HARMS])
    return min(best, 1.0), wrong, harm


def touch(appraisal: Appraisal, reactions: tuple[Reaction, ...], memory: Memory) -> float:
    """Return the extra points of the persona's own reactions."""
    return sum([reaction.change for reaction in fired_by(appraisal, reactions, memory)]) if reactions else 0.0


def fired_by(appraisal: Appraisal, reactions: tuple[Reaction, ...], memory: Memory) -> tuple[Reaction, ...]:
    """Return the reactions that this appraisal sets off."""
    acts = {item.act for item in appraisal.evidence}
    return tuple([r for r in reactions if not acts.isdisjoint(r.acts) and not (r.once and r.id in memory.fired)])


def supported(appraisal: Appraisal) -> bool:
    """Return whether any support act is shown by words of the reply."""
    return any([item.act not in HARMS and bool(item.quote.strip()) for item in appraisal.evidence])

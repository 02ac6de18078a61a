"""What the offline user says: the persona's own lines and facts, chosen by what it feels, never the same twice.

A message is a reaction to the reply, then at most one thing more: a fact that may be told now, a nudge, a question
back, a provocation, a misleading request. What would not go with the reaction is said without it. Nobody provokes
twice running, and whoever is nearly well neither provokes nor misleads any more. All choices are addressed dice; the
k-th use of a kind of line in an episode takes the k-th place of a shuffle, so nothing repeats.
"""

from __future__ import annotations

from typing import Final

from emosim.acts import Act
from emosim.emotion import EmotionState
from emosim.episode import Episode, Spoken
from emosim.persona import Fact, Language, LineKind
from emosim.rulebook import again, is_blank
from emosim.users.protocol import Felt
from emosim.users.shuffle import shuffled
from emosim.value import roll

DICE_TEST, DICE_COUNTER, DICE_HINT, DICE_ASK = 11, 12, 13, 14
ASK_RATE: Final = 0.35
"""Chance that the user asks something back when it has nothing else to say."""
CURT_BELOW: Final = 22.0
"""Mood under which the user has few words left."""
CALM_FROM: Final = 80.0
"""Mood from which the user has nothing to provoke, mislead or nudge for."""
MOVED_FROM: Final = 6.0
"""Change of mood from which the user is moved."""
STUNG_FROM: Final = -4.0
"""Change of mood down to which a reply has not hurt, only missed."""

_ASKING: Final = frozenset({Act.OPEN_QUESTION, Act.GUIDING_REFLECTION, Act.LISTENING})
_CONFUSING: Final = frozenset({Act.OFF_TOPIC, Act.INCOHERENT, Act.ECHO})
CLASHES: Final[dict[LineKind, frozenset[str]]] = {
    "flat": frozenset({"fact"}), "moved": frozenset({"test", "counter", "hint"}),
}  # fmt: skip
"""By reaction: what it does not go with, so that only the other is said."""
MUTE_AFTER: Final[frozenset[LineKind]] = frozenset({"confused", "suspicious"})
"""Reactions that nothing follows but a provocation."""
NEXT_BEST: Final[dict[LineKind, LineKind]] = {
    "moved": "better", "better": "moved", "flat": "curt", "worse": "curt", "curt": "worse", "confused": "flat",
    "suspicious": "worse", "repeat": "flat", "silence": "curt",
}  # fmt: skip
_BORROWERS: Final = {best: [other for other in NEXT_BEST if NEXT_BEST[other] == best] for best in NEXT_BEST.values()}
"""Kinds whose next best a kind is."""
_END_MARKS: Final = frozenset(".!?…。！？~～)）\"”'’:：—")
_LAST_WORDS: Final = {
    "en": ("Hm.", "Well.", "Mm.", "So.", "Right.", "…"),
    "zh": ("嗯。", "唉。", "哦。", "好吧。", "……"),
}


def say(felt: Felt) -> Spoken:
    """Return the user's message after a reply."""
    episode = felt.heard.episode
    if felt.ending in ("satisfied", "left", "agent_left"):
        return _message(episode, ["satisfied" if felt.ending == "satisfied" else "leave"], None)
    first = reaction(felt)
    if felt.ending is not None:
        return _message(episode, [first, "pause"], None)
    fact, more = following(felt, first)
    clashing = ("fact" if fact else more) in CLASHES.get(first, ())
    kinds = [] if clashing else [first]
    return _message(episode, kinds if more is None else [*kinds, more], fact)


def following(felt: Felt, first: LineKind) -> tuple[Fact | None, LineKind | None]:
    """Return what follows the reaction: a fact, or a kind of line, or neither."""
    mood = felt.emotion.mood
    calm = mood >= CALM_FROM
    mute = felt.outcome == "worse" or mood < CURT_BELOW or first in MUTE_AFTER
    named = None if mute else next_fact(felt, named=True)
    more = None if calm or named else addition(felt)
    if mute:
        return None, more if more == "test" else None
    if more is not None:
        return None, more
    fact = named or next_fact(felt)
    return fact, None if fact else nudge(felt, hints=not calm)


def reaction(felt: Felt) -> LineKind:
    """Return the kind of line that reacts to the reply."""
    appraisal = felt.appraisal
    if is_blank(felt.heard.reply):
        return "silence"
    if appraisal is None:
        return "flat"
    acts = {item.act for item in appraisal.evidence}
    if Act.MANIPULATION in acts:
        return "suspicious"
    if acts & _CONFUSING and felt.outcome != "better":
        return "confused"
    if felt.outcome != "better" and again(felt.heard.episode, appraisal)[0]:
        return "repeat"
    return _by_mood(felt)


def _by_mood(felt: Felt) -> LineKind:
    if felt.outcome == "better":
        return "moved" if felt.emotion.last_change >= MOVED_FROM else "better"
    if felt.emotion.mood < CURT_BELOW:
        return "curt"
    return "worse" if felt.emotion.last_change <= STUNG_FROM else "flat"


def addition(felt: Felt) -> LineKind | None:
    """Return a provocation, no two running, or a misleading request, as often as the scenario has it."""
    episode, turn = felt.heard.episode, felt.heard.turn
    seed, salt, scenario = episode.seed, episode.persona.salt, episode.scenario
    free = scenario.test_rate and "test" not in episode.spoken.kinds
    if free and roll(seed, turn, DICE_TEST, salt) < scenario.test_rate:
        return "test"
    if scenario.counter_rate and roll(seed, turn, DICE_COUNTER, salt) < scenario.counter_rate:
        return "counter"
    return None


def nudge(felt: Felt, hints: bool = True) -> LineKind | None:
    """Return a hint, unless none is wanted, or a question back, or nothing."""
    episode, turn = felt.heard.episode, felt.heard.turn
    rate, salt = episode.scenario.hint_rate, episode.persona.salt
    if hints and rate and roll(episode.seed, turn, DICE_HINT, salt) < rate:
        return "hint"
    return "ask" if roll(episode.seed, turn, DICE_ASK, salt) < ASK_RATE else None


def next_fact(felt: Felt, named: bool = False) -> Fact | None:
    """Return the fact to tell now: the one asked about if it may be told, else the first in order.

    Args:
        felt: The reply and what it did.
        named: Only a fact that the reply asks about by one of its words.
    """
    episode = felt.heard.episode
    told, emotion = episode.revealed, felt.emotion
    asked = is_asking(felt)
    words, first = "", None
    for fact in episode.scenario.facts:
        if fact.id in told or not may_tell(fact, emotion, asked):
            continue
        if not asked:
            return None if named else fact
        words = words or felt.heard.text[:2000].lower()
        if any(map(words.__contains__, fact.about)):
            return fact
        first = first or fact
    return None if named else first


def may_tell(fact: Fact, emotion: EmotionState, asked: bool) -> bool:
    """Return whether a fact may be told: volunteered, asked for, or trusted with."""
    if fact.reveal == "volunteer":
        return True
    return asked if fact.reveal == "if_asked" else emotion.trust >= fact.trust


def is_asking(felt: Felt) -> bool:
    """Return whether the reply invites the user to tell more."""
    if felt.appraisal is not None and not _ASKING.isdisjoint([item.act for item in felt.appraisal.evidence]):
        return True
    text = felt.heard.text
    return "?" in text or "？" in text


def _message(episode: Episode, kinds: list[LineKind], fact: Fact | None) -> Spoken:
    parts = [(kind, line) for kind in kinds if (line := _line(episode, kind))]
    texts = [line for _, line in parts] + ([fact.text] if fact else [])
    if not texts:
        texts = [_last_word(episode)]
    return Spoken.model_construct(
        text=_joined(texts, episode.persona.language),
        kinds=(*[kind for kind, _ in parts], "fact") if fact else tuple([kind for kind, _ in parts]),
        revealed=(fact.id,) if fact else (),
        goodbye=False,
    )


def _joined(texts: list[str], language: Language) -> str:
    """Return parts as one message; a part that its author left without an end mark gets one before the next."""
    mark, gap = (" ", "") if language == "zh" else (". ", " ")
    ended = [text + (gap if text[-1] in _END_MARKS else mark) for text in texts[:-1]]
    return "".join([*ended, texts[-1]])


def _line(episode: Episode, kind: LineKind) -> str:
    """Return the next unused line of a kind, or of the next best kind, or nothing."""
    for choice in (kind, NEXT_BEST.get(kind)):
        if choice is None:
            continue
        lines = episode.persona.lines.of(choice)
        used = _uses(episode, choice)
        if used < len(lines):
            return lines[used if choice == "hint" else shuffled(episode.persona, episode.seed, choice, used)]
    return ""


def _uses(episode: Episode, kind: LineKind) -> int:
    kinds = [turn.spoken.kinds for turn in episode.turns]
    said = sum([kind in each for each in kinds]) + (kind in episode.opening.kinds)
    for other in _BORROWERS.get(kind, ()):
        said += max(0, sum([other in each for each in kinds]) - len(episode.persona.lines.of(other)))
    return said


def _last_word(episode: Episode) -> str:
    words = _LAST_WORDS[episode.persona.language]
    said = {turn.spoken.text for turn in episode.turns}
    return next((word for word in words if word not in said), words[-1] * (1 + len(episode.turns)))

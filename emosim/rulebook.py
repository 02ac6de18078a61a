"""How a reply changes an episode, as arithmetic: what is remembered, felt, how it ends, and the replay of it all.

Pure functions of the episode and the evidence. The engine plays with them, `replay` checks stored episodes with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from emosim.acts import HARMS, Act, Appraisal, Evidence
from emosim.emotion import EmotionState, Memory, clip, feel
from emosim.episode import Ending, Episode, Turn, Utterance
from emosim.errors import UsageError

BLANK: Final = Appraisal(
    evidence=(Evidence(act=Act.EMPTY, quote=""),), fit=-2.0, specificity=0.0, stated_change=-10, thought="Silence."
)
"""What an empty reply means, to every user: the worst that a turn can bring. Never asked of a model."""

QUOTES: Final = 4096
"""Quotes of earlier replies that are kept as they are compared with later ones."""

GOODBYE: Final = BLANK.model_copy(update={"thought": "They hung up."})
"""What the agent's leaving means."""


def remember(episode: Episode, appraisal: Appraisal) -> Memory:
    """Return what the episode so far has to do with how this appraisal is felt."""
    repeats, uses = again(episode, appraisal)
    facts = episode.scenario.facts
    return Memory(
        repeats=repeats,
        uses=uses,
        fired=_fired(episode, appraisal),
        told=len(episode.revealed) / len(facts) if facts else 1.0,
        tested="test" in episode.spoken.kinds,
    )


def again(episode: Episode, appraisal: Appraisal) -> tuple[int, int]:
    """Return how many earlier replies made this one's first point in the same words, and with the same act at all."""
    for item in appraisal.evidence:
        if item.act not in HARMS:
            return _again(episode, item)
    return 0, 0


def react(episode: Episode, appraisal: Appraisal) -> EmotionState:
    """Return how the user feels after the reply that was appraised."""
    if episode.rules.dynamics == "stated":
        return _stated(episode, appraisal)
    return weigh(episode, appraisal)


def weigh(episode: Episode, appraisal: Appraisal) -> EmotionState:
    """Return how the persona feels by emosim's own dynamics, also where a published protocol's user states it."""
    memory = remember(episode, appraisal)
    persona = episode.persona
    return feel(episode.emotion, appraisal, persona.temperament, episode.scenario.need, persona.reactions, memory)


def walked_out(episode: Episode) -> EmotionState:
    """Return how the user feels when the agent hangs up: mood 0, the one change that is not bounded by a turn."""
    now = episode.emotion
    return EmotionState(mood=0.0, trust=0.0, patience=now.patience, last_change=-now.mood)


def after(episode: Episode, reply: Utterance, appraisal: Appraisal | None) -> EmotionState:
    """Return how the user feels after a reply; whoever falls silent until the user goes has hung up.

    Args:
        episode: The episode before the reply.
        reply: What the agent said.
        appraisal: What it meant; None where it is not judged.
    """
    if appraisal is None:
        return unscored(episode)
    emotion = react(episode, appraisal)
    silent = emotion.mood < episode.rules.left_below and is_blank(reply)
    return walked_out(episode) if silent else emotion


def ending(episode: Episode, emotion: EmotionState, *, blank: bool = False, goodbye: bool = False) -> Ending | None:
    """Return how the episode ends with this reply, or None.

    Args:
        episode: The episode before the reply.
        emotion: How the user feels after it.
        blank: The reply was empty: giving up on it is the agent's leaving.
        goodbye: The user model said that it leaves.
    """
    if emotion.mood >= episode.rules.satisfied_at:
        return "satisfied"
    if emotion.mood < episode.rules.left_below:
        return "agent_left" if blank else "left"
    if goodbye and episode.rules.heeds_goodbye:
        return "left"
    return "out_of_turns" if len(episode.turns) + 1 >= episode.max_turns else None


def is_scored(episode: Episode) -> bool:
    """Return whether the next reply is judged; SAGE's last one is not."""
    return episode.rules.scores_last_reply or len(episode.turns) + 1 < episode.max_turns


@dataclass(frozen=True)
class Mismatch:
    """A stored number that does not recompute."""

    turn: int
    """One-based turn, 0 for the opening."""
    field: str
    """Dotted name of the number."""
    stored: object
    recomputed: object

    def __str__(self) -> str:
        return f"turn {self.turn}: {self.field} is stored as {self.stored}, recomputes to {self.recomputed}"


def replay(episode: Episode) -> Iterator[Mismatch]:
    """Recompute every mood, change, trust, patience and ending from the stored evidence, and yield what differs.

    Each turn is recomputed from the stored turns before it, so that the first mismatch is the first wrong number.
    """
    now = episode.model_copy(update={"turns": (), "ending": None})
    yield from _compare(0, episode.start, opening_emotion(episode))
    for number, turn in enumerate(episode.turns, 1):
        if now.ending is not None:
            yield Mismatch(number, "ending", now.ending, None)
        emotion, ended = outcome(now, turn)
        if episode.ending == "agent_left" and number == len(episode.turns) and turn.appraisal == GOODBYE:
            emotion, ended = walked_out(now), "agent_left"
        yield from _compare(number, turn.emotion, emotion)
        last = number == len(episode.turns)
        if (episode.ending if last else None) not in (ended, "invalid"):
            yield Mismatch(number, "ending", episode.ending if last else None, ended)
        now = now.and_then(turn, now.ending)


def outcome(before: Episode, turn: Turn) -> tuple[EmotionState, Ending | None]:
    """Return the emotion and ending that a stored turn should have."""
    emotion = after(before, turn.reply, turn.appraisal)
    return emotion, ending(before, emotion, blank=is_blank(turn.reply), goodbye=turn.spoken.goodbye)


def opening_emotion(episode: Episode) -> EmotionState:
    """Return how the user feels before the first reply."""
    temper = episode.persona.temperament
    start = episode.rules.start_mood
    return EmotionState(mood=temper.mood if start is None else start, trust=temper.trust, patience=temper.patience)


def unscored(episode: Episode) -> EmotionState:
    """Return the emotion after a reply that is not judged."""
    return episode.emotion.model_copy(update={"last_change": 0.0})


def is_blank(reply: Utterance) -> bool:
    """Return whether the user sees nothing to read: no letter, digit or symbol, only spaces, controls or joiners."""
    text = reply.text
    return not text[:1].isalnum() and not any(not c.isspace() and c.isprintable() for c in text)


def _stated(episode: Episode, appraisal: Appraisal) -> EmotionState:
    if appraisal.stated_change is None:
        raise UsageError(f"the '{episode.rules.name}' protocol needs a user that states the change; use --user sage")
    now, bound = episode.emotion, episode.rules.max_change
    change = clip(float(appraisal.stated_change), -bound, bound)
    mood = min(now.mood + change, 100.0)
    return EmotionState(mood=mood, trust=now.trust, patience=now.patience, last_change=change)


def _again(episode: Episode, lead: Evidence) -> tuple[int, int]:
    """Return how many earlier replies made a point with the same act and words, and with the same act at all."""
    repeats = uses = 0
    act, quote = lead.act, lead.quote
    for turn in episode.turns:
        old = turn.appraisal
        same = [item.quote for item in old.evidence if item.act is act] if old is not None else None
        if same:
            uses += 1
            repeats += _squeezed(quote) in map(_squeezed, same)
    return repeats, uses


def _fired(episode: Episode, appraisal: Appraisal) -> frozenset[str]:
    """Return the ids of the reactions that fire only once, would now, and have."""
    reactions = episode.persona.reactions
    if not reactions:
        return frozenset()
    acts = {item.act for item in appraisal.evidence}
    once = [reaction for reaction in reactions if reaction.once and not acts.isdisjoint(reaction.acts)]
    if not once:
        return frozenset()
    seen = {item.act for turn in episode.turns if turn.appraisal for item in turn.appraisal.evidence}
    return frozenset([reaction.id for reaction in once if not seen.isdisjoint(reaction.acts)])


@lru_cache(maxsize=QUOTES)
def _squeezed(text: str) -> str:
    """Return a quote without case and spaces; kept, as every later turn is compared with it."""
    return "".join(text.lower().split())


def _compare(turn: int, stored: EmotionState, computed: EmotionState) -> Iterator[Mismatch]:
    for field, kept in stored.model_dump().items():
        if kept != getattr(computed, field):
            yield Mismatch(turn, f"emotion.{field}", kept, getattr(computed, field))

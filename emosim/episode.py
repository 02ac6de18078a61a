"""The episode: live state, log line, replay fixture and analysis row in one frozen value.

Every step makes a new `Episode`; whoever holds an older one can go on from there (to fork is just to keep it). What
follows from the stored evidence, moods and endings, is recomputed by `emosim.rulebook.replay`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from pydantic import Field

from emosim.acts import Appraisal
from emosim.difficulty import Difficulty
from emosim.emotion import MAX_CHANGE, EmotionState
from emosim.flow import Message
from emosim.persona import Persona, Scenario
from emosim.value import Compact, Value

SCHEMA_VERSION: Final = 2
"""Version of the stored form; a change of dynamics, rules or prompts raises it or the user's own version."""

Ending: TypeAlias = Literal["satisfied", "left", "out_of_turns", "agent_left", "invalid"]
"""How an episode ended: helped; the user walked away; time was up; the agent said nothing or hung up; the environment
failed and nothing may be concluded."""

UNBACKED: Final = "unbacked:"
"""Prefix of the kind that counts what a user's model claimed to find in a reply and could not quote from it."""

PARTED: Final = 512
"""Replies with marks of reasoning whose parts are kept."""
_TAG: Final = re.compile(r"<(/?)(think|thinking)>", re.IGNORECASE)
_OPENING: Final = re.compile(r"<(?:think|thinking)>", re.IGNORECASE)
_CLOSING: Final = re.compile(r"</(?:think|thinking)>", re.IGNORECASE)


class Utterance(Compact):
    """What the agent said, exactly as it came."""

    raw: str
    """The reply, reasoning blocks included; never rewritten."""

    @property
    def text(self) -> str:
        """What the user sees: without `<think>` blocks, an unclosed one hides the rest."""
        raw = self.raw
        return _parted(raw)[0] if "<" in raw else raw.strip()

    @property
    def reasoning(self) -> str:
        """What the user does not see."""
        return _parted(self.raw)[1] if "<" in self.raw else ""


class Spoken(Compact):
    """What the user said."""

    text: str
    """The message, verbatim."""
    kinds: tuple[str, ...] = ()
    """What the parts of the message do (see `emosim.persona.Lines`, and `fact`), and `unbacked:N`; privileged."""
    revealed: tuple[str, ...] = ()
    """Facts told in it."""
    goodbye: bool = False
    """The user model said that it leaves; only protocol presets heed it."""


class Turn(Compact):
    """One reply of the agent, answered by the user."""

    reply: Utterance
    """What the agent said."""
    appraisal: Appraisal | None
    """What it meant to the user; None only where a protocol leaves the last reply unscored."""
    emotion: EmotionState
    """How the user feels after it."""
    spoken: Spoken
    """What the user said then."""


class Rulebook(Value):
    """The constants of a protocol. The default is emosim's own; presets hold the published ones."""

    name: str = "emosim"
    """Name of the protocol."""
    dynamics: Literal["felt", "stated"] = "felt"
    """`felt`: code computes the change from evidence; `stated`: the model states it and code bounds it."""
    temper: dict[str, float] = Field(default_factory=dict)
    """Values of the temperament that the protocol sets for everybody, before difficulty."""
    start_mood: float | None = None
    """Mood at the opening; None takes the persona's."""
    max_change: float = Field(default=MAX_CHANGE, gt=0)
    """Bound of a stated change."""
    satisfied_at: float = 100.0
    """The user is helped at this mood or above."""
    left_below: float = 10.0
    """The user leaves below this mood."""
    max_turns: int | None = None
    """Replies until time is up; None takes the scenario's."""
    scores_last_reply: bool = True
    """False where the protocol ends before the last reply is judged (SAGE)."""
    heeds_goodbye: bool = False
    """True where the user model's goodbye ends the episode."""


class Episode(Compact):
    """Everything that happened, and everything needed to recompute it."""

    schema_version: int = SCHEMA_VERSION
    """Version of the stored form."""
    persona: Persona
    """Who talks, made harder already."""
    scenario: Scenario
    """The trouble, made harder already."""
    difficulty: Difficulty
    """How much harder."""
    rules: Rulebook = Rulebook()
    """The protocol."""
    user: str
    """Name and version of the user that plays the persona, `rules@4`."""
    seed: int = Field(ge=0)
    """Address of all dice of this episode."""
    opening: Spoken
    """The user's first message."""
    start: EmotionState
    """How the user felt then."""
    turns: tuple[Turn, ...] = ()
    """What has happened since."""
    ending: Ending | None = None
    """How it ended, None while it goes on."""

    @property
    def emotion(self) -> EmotionState:
        """How the user feels now."""
        turns = self.turns
        return turns[-1].emotion if turns else self.start

    @property
    def spoken(self) -> Spoken:
        """The user's latest message."""
        turns = self.turns
        return turns[-1].spoken if turns else self.opening

    @property
    def moods(self) -> tuple[float, ...]:
        """Moods from the opening to now, 0..100."""
        return (self.start.mood, *(turn.emotion.mood for turn in self.turns))

    @property
    def revealed(self) -> frozenset[str]:
        """Ids of the facts told so far."""
        told = [fact for turn in self.turns for fact in turn.spoken.revealed]
        return frozenset([*self.opening.revealed, *told])

    @property
    def max_turns(self) -> int:
        """Replies of the agent until time is up."""
        return self.rules.max_turns or self.scenario.max_turns

    @property
    def score(self) -> float:
        """Final mood over 100, the SAGE and RLVER score, 0..1."""
        return min(max(self.emotion.mood, 0.0), 100.0) / 100.0

    def and_then(self, turn: Turn, ending: Ending | None) -> Episode:
        """Return the episode with one turn more."""
        return Episode.model_construct(
            schema_version=self.schema_version,
            persona=self.persona,
            scenario=self.scenario,
            difficulty=self.difficulty,
            rules=self.rules,
            user=self.user,
            seed=self.seed,
            opening=self.opening,
            start=self.start,
            turns=(*self.turns, turn),
            ending=ending,
        )

    @property
    def sha256(self) -> str:
        """Content hash."""
        return content_hash(self.model_dump(mode="json"))


@dataclass(frozen=True)
class Transition:
    """One step: the episode before the agent's reply and after the user's answer."""

    before: Episode
    after: Episode

    @property
    def turn(self) -> Turn:
        """The turn that was added."""
        return self.after.turns[-1]

    @property
    def is_last(self) -> bool:
        """Whether the episode ended."""
        return self.after.ending is not None


def unbacked(kinds: Iterable[str]) -> int:
    """Return how many findings a user's model could not quote, by the kinds of the message that followed.

    >>> unbacked(("reply", "unbacked:2"))
    2
    """
    return sum([int(kind[len(UNBACKED) :]) for kind in kinds if kind.startswith(UNBACKED)])


def agent_view(episode: Episode) -> tuple[Message, ...]:
    """Return the chat as the agent may see it: the user's messages and its own visible replies, nothing else."""
    messages = [Message("user", episode.opening.text)]
    for turn in episode.turns:
        messages += [Message("assistant", turn.reply.text), Message("user", turn.spoken.text)]
    return tuple(messages)


def content_hash(content: object) -> str:
    """Return the hex sha256 of canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=PARTED)
def _parted(raw: str) -> tuple[str, str]:
    """Return what the user sees of a reply and what it does not; kept, as both are asked for all the time."""
    seen, hidden = without_blocks(raw)
    unopened, tag, after = _last(seen, _CLOSING)
    if tag:
        hidden, seen = [*hidden, unopened], after
    seen, _, unclosed = _first(seen, _OPENING)
    return seen.strip(), "\n".join(part.strip() for part in [*hidden, unclosed] if part.strip())


def without_blocks(raw: str) -> tuple[str, list[str]]:
    """Return text without its closed blocks, and what these hold; in one pass, however many tags there are."""
    closings: dict[str, re.Match[str]] = {}
    blocks = []
    for tag in reversed(list(_TAG.finditer(raw))):
        name = tag[2].replace("\u0130", "i").lower()  # as a regular expression folds it, letter by letter
        if tag[1]:
            closings[name] = tag
        elif name in closings:
            blocks.append((tag, closings[name]))
    seen, hidden, end = [], [], 0
    for opening, closing in reversed(blocks):
        if opening.start() >= end:
            seen.append(raw[end : opening.start()])
            hidden.append(raw[opening.end() : closing.start()])
            end = closing.end()
    return "".join([*seen, raw[end:]]), hidden


def _first(text: str, tag: re.Pattern[str]) -> tuple[str, str, str]:
    found = tag.search(text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")


def _last(text: str, tag: re.Pattern[str]) -> tuple[str, str, str]:
    found = list(tag.finditer(text))
    return (text[: found[-1].start()], found[-1][0], text[found[-1].end() :]) if found else ("", "", text)

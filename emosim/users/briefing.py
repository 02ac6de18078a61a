"""What a model that plays the user is told: a static block, the chat so far, and a short changing note.

Nothing that changes stands before something that does not: the block is the same for a whole episode, the chat only
grows, and the notes of earlier turns are rebuilt from the stored episode, so that each prompt starts with the one
before. The agent's words are data between marks that it cannot know.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Final, NamedTuple

from emosim.acts import HARMS, SUPPORTS, Act, Appraisal
from emosim.emotion import MAX_CHANGE, EmotionState
from emosim.episode import Episode, Turn
from emosim.flow import ChatRequest, Message
from emosim.persona import Fact, Language, LineKind, Persona, Scenario
from emosim.rulebook import is_blank
from emosim.users.protocol import SAME_WITHIN, Felt, Heard, Outcome
from emosim.users.voice import addition, next_fact, nudge
from emosim.value import roll

MAX_READ: Final = 4000
"""Characters of one reply that the user reads; the rest is mentioned."""
DICE_SEED: Final = 15
OFFER: Final = "offer:"
"""Prefix of the kind that records which fact was open to the model at a turn."""
_MOODS: Final = (15.0, 30.0, 50.0, 70.0)

KEPT_BLOCKS: Final = 512
_BLOCKS: dict[tuple[str, str, int, int], tuple[Persona, Scenario, str]] = {}
"""Static blocks, with what they were made from."""


@lru_cache(maxsize=32)
def sections(name: str, language: Language) -> dict[str, str]:
    """Return the sections of a prompt file, `prompts/<name>.<language>.md`, by their headings."""
    text = (files("emosim.users") / "prompts" / f"{name}.{language}.md").read_text(encoding="utf-8")
    parts = ("\n" + text).split("\n# ")[1:]
    return {head: body.strip() for head, _, body in (part.partition("\n") for part in parts)}


@lru_cache(maxsize=256)
def entries(name: str, language: Language, section: str) -> dict[str, str]:
    """Return a section of `key = value` lines."""
    pairs = (line.partition(" =") for line in sections(name, language)[section].splitlines())
    return {key: value.removeprefix(" ") for key, _, value in pairs}


def static_block(episode: Episode, name: str, kind: str, **more: str) -> str:
    """Return the part of the prompt that never changes in an episode; kept while persona and scenario are the same.

    Args:
        episode: Whose persona and scenario to show.
        name: Prompt file; its `static` section is filled in.
        kind: What `more` depends on besides the language.
        more: Further values for the section.
    """
    persona, scenario = episode.persona, episode.scenario
    place = name, kind, id(persona), id(scenario)
    kept = _BLOCKS.get(place)
    if kept is not None and kept[0] is persona and kept[1] is scenario:
        return kept[2]
    block = _filled(name, persona, scenario, more)
    if len(_BLOCKS) >= KEPT_BLOCKS:
        _BLOCKS.clear()
    _BLOCKS[place] = persona, scenario, block
    return block


def _filled(name: str, persona: Persona, scenario: Scenario, more: Mapping[str, str]) -> str:
    language = persona.language
    values = {
        "name": persona.name,
        "age": str(persona.age),
        "job": persona.job,
        "pronouns": persona.pronouns,
        "traits": ", ".join(persona.traits).capitalize(),
        "profile": persona.profile.strip(),
        "situation": scenario.situation.strip(),
        "need": scenario.need_text.strip(),
        "facts": "\n".join(f"- {fact.id}: {fact.text}" for fact in scenario.facts),
        "notes": persona.style.notes,
        "examples": "\n".join(f"- {example}" for example in persona.style.examples),
        "supports": ", ".join(SUPPORTS),
        "harms": ", ".join(act for act in Act if act in HARMS),
        "language": entries(name, language, "words")["language"],
    }
    return Template(sections(name, language)["static"]).substitute(values | dict(more))


def marked(text: str, seed: int, turn: int, words: dict[str, str]) -> str:
    """Return a reply as data, between marks that the agent cannot know."""
    code = nonce(seed, turn, text)
    if len(text) > MAX_READ:
        text = text[:MAX_READ] + Template(words["cut"]).substitute(count=len(text) - MAX_READ)
    return f"<<{code}\n{text or words['nothing']}\n{code}>>"


def nonce(seed: int, turn: int, text: str = "") -> str:
    """Return the code around a reply: it follows from episode and turn, and does not occur in the reply."""
    tries = 0
    while (code := _code(seed, turn, tries)) in text:
        tries += 1
    return code


@lru_cache(maxsize=4096)
def _code(seed: int, turn: int, tries: int) -> str:
    return hashlib.sha256(f"{seed}:{turn}:{tries}".encode()).hexdigest()[:6]


class Plan(NamedTuple):
    """What code has decided about the user's next message before the model is asked."""

    fact: Fact | None = None
    """The one fact that may be told."""
    more: LineKind | None = None
    """A provocation, a misleading request, a hint or a question back."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The plan as it is stored with the message."""
        more = () if self.more is None else (str(self.more),)
        return (*more, *(() if self.fact is None else (f"{OFFER}{self.fact.id}",)))


def plan(heard: Heard, seen: Appraisal | None) -> Plan:
    """Return the plan by the offline user's own rules and dice, from the state before the reply.

    Args:
        heard: The reply.
        seen: What plain reading finds in it, to tell whether it asks for something.
    """
    before = Felt(heard, seen, heard.episode.emotion, None)
    if more := addition(before):
        return Plan(more=more)
    fact = next_fact(before)
    return Plan(fact=fact, more=None if fact else nudge(before))


def note(episode: Episode, number: int, before: EmotionState, kinds: tuple[str, ...]) -> str:
    """Return the short changing line after a reply: mood in a word, what may be told or done, which words may be last.

    Args:
        episode: The episode.
        number: One-based turn.
        before: Emotion before the reply.
        kinds: The plan's, or those stored with the message of an earlier turn.
    """
    mood = bisect_right(_MOODS, before.mood)
    return _note(episode.persona.language, mood, kinds, possible_ends(episode, number, before))


@lru_cache(maxsize=1024)
def _note(language: Language, mood: int, kinds: tuple[str, ...], last: tuple[Outcome, ...]) -> str:
    """Write a note; kept, as every note is shown again in the prompt of the turn after."""
    words = entries("llm", language, "words")  # the mood in a word: a model that reads a number starts to speak of it
    parts = [words["now"], " " if words["now"].isascii() else "", _names(words["moods"])[mood]]
    for kind in kinds:
        if kind.startswith(OFFER):
            parts += [words["open"], kind.removeprefix(OFFER)]
        elif kind in ("test", "counter", "hint", "ask"):
            parts.append(words[kind])
    if last:
        parts += [words["last"], "/".join(last)]
    return "".join([*parts, words["stop"]])


@lru_cache(maxsize=32)
def _names(names: str) -> tuple[str, ...]:
    return tuple(names.split(", "))


def possible_ends(episode: Episode, number: int, before: EmotionState) -> tuple[Outcome, ...]:
    """Return the outcomes with which this turn may end the episode."""
    if number >= episode.max_turns:
        return ("better", "same", "worse")
    ends: list[Outcome] = []
    if before.mood + MAX_CHANGE >= episode.rules.satisfied_at:
        ends.append("better")
    if before.mood - MAX_CHANGE < episode.rules.left_below:
        ends.append("worse")
    return tuple(ends)


def felt_line(episode: Episode, emotion: EmotionState) -> str:
    """Return the line that tells a model what a reply did, for speech after the state is known."""
    words = entries("llm", episode.persona.language, "words")
    gap = " " if words["felt"].isascii() else ""
    return f"{words['felt']}{gap}{words[outcome_of(emotion)]}{words['stop']}"


def outcome_of(emotion: EmotionState) -> Outcome:
    """Return what the last change was to the speaker."""
    change = emotion.last_change
    return "better" if change >= SAME_WITHIN else "worse" if change <= -SAME_WITHIN else "same"


def was_asked(turn: Turn) -> bool:
    """Return whether a model was asked at this turn; silence is answered without."""
    return not is_blank(turn.reply)


def request(
    heard: Heard,
    block: str,
    text: str,
    schema: tuple[str, str],
    temperature: float | None,
    max_tokens: int | None,
) -> ChatRequest:
    """Return the question: the static block as system message, chat and note as one growing user message."""
    return ChatRequest(
        messages=(Message("system", block), Message("user", text)),
        schema_name=schema[0],
        schema_json=schema[1],
        temperature=temperature,
        max_tokens=max_tokens,
        seed=int(roll(heard.episode.seed, heard.turn, DICE_SEED) * (1 << 31)),
    )

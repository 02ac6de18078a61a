"""What can be counted in a reply: cue families, form, and how much of it is about this person.

`read` makes a `Reading`, all that the vetoes need; `count` adds up what the heads (`emosim.users.perception.heads`)
look at besides the words themselves.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from math import log1p
from typing import Final

import numpy as np

from emosim.persona import Language
from emosim.users.perception.context import Context
from emosim.users.perception.continuations import Ints
from emosim.users.perception.cues import COUNT, FAMILIES, Mark, scan
from emosim.users.perception.lexicon import ME, YOU, Array, Lexicon, lexicon
from emosim.users.perception.tokens import (
    HEAD,
    STOPS,
    TAIL,
    Cut,
    Segment,
    copied_pairs,
    cut,
    keep_in_mind,
    said,
    topic_keys,
    window,
)
from emosim.users.perception.wordlists import word_list

SHAPES: Final[tuple[str, ...]] = (
    "length", "segments", "questions", "question_share", "ends_asking", "why", "wh", "yes_no", "orders", "exclamations",
    "you", "i", "overlap", "overlap_share", "said_share", "echo", "variety", "brief", "after_turn_harm", "last_harm",
    "harm_kinds", "help_kinds",
)  # fmt: skip
NAMES: Final = (*FAMILIES, *(f"not_{family}" for family in FAMILIES), *SHAPES)
"""What `count` returns, in order."""

_HARM: Final = frozenset(FAMILIES.index(name) for name in ("dismiss", "blame", "insult", "threat", "sarcasm", "manip"))
HELP: Final = frozenset(
    FAMILIES.index(name) for name in ("deep", "feel", "valid", "praise", "nofault", "explain", "balance", "listen")
)
"""Families of phrases that help."""
_WH: Final = word_list("wh")
_YES_NO: Final = word_list("yes_no")
_WHY: Final = frozenset(("why", "为", "干"))
_ORDERS: Final = word_list("orders")
_ONES: Final = np.ones(HEAD + TAIL + 1, dtype=np.float32)
_UNCOUNTED: Final = array("f", bytes(8 * COUNT))


@dataclass(slots=True)
class Reading:
    """A reply as it was read."""

    text: str
    """The part that was looked at."""
    language: Language
    """Language of the reply's letters."""
    tokens: list[str]
    """Its tokens, a break around each segment."""
    words: frozenset[str]
    """Its tokens, each once."""
    segments: list[Segment]
    """Its segments."""
    size: int
    """Tokens without breaks."""
    sums: Array
    """Sums of the lexicon's rows, segments x (rank + 6)."""
    whole: Array
    """The sum of them all."""
    tally: list[float]
    """How many tokens were seen in training, negate, mean you or I, are grammar or agree, see `lexicon.TALLIED`."""
    hits: list[tuple[int, int]]
    """Places and families of cues, see `emosim.users.perception.cues.scan`."""
    cues: array[float]
    """How often each family occurs, see `cue_counts`."""
    about: set[str]
    """Keys of its content words."""
    told: set[str]
    """Keys of the content words of the person's last message."""
    again: int
    """Keys that stand in both."""
    copied: float
    """Share of word pairs copied from the person's last message, I or you, 0 to 1."""

    @property
    def echo(self) -> float:
        """The same as `copied`; 0 where there are few words."""
        return self.copied if self.size > 4 else 0.0

    @property
    def retold(self) -> float:
        """Share of content words that stand in the person's last message, 0 to 1; 0 where there are few."""
        return self.again / len(self.about) if self.again > 4 else 0.0


def read(text: str, context: Context) -> Reading:
    """Return a reply as it was read, in one pass."""
    seen = window(text)
    found = cut(seen)
    language, tokens = found.language, found.tokens
    known = lexicon(language)
    places = known.look_up(tokens, 2 if language == "en" else 3)
    sums = add_up(places, found, known)
    hits = scan(tokens, *marks(places, known), language)
    whole = _ONES[: len(sums)].dot(sums)
    words = frozenset(tokens)
    keep_in_mind(seen, words)
    about = topic_keys(words - STOPS[language], tokens, language)
    heard = said(context.user_said, language)
    return Reading(
        text=seen,
        language=language,
        tokens=tokens,
        words=words,
        segments=found.segments,
        size=len(tokens) - len(found.segments) - 1,
        sums=sums,
        whole=whole,
        tally=whole[known.rank :].tolist(),
        hits=hits,
        cues=cue_counts(hits),
        about=about,
        told=heard.topics,
        again=len(about & heard.topics),
        copied=copied_pairs(tokens, words, heard) / len(tokens),
    )


def add_up(places: Ints, found: Cut, known: Lexicon) -> Array:
    """Return the sum of the rows of each segment: its tokens, pairs and triples."""
    rows, size = known.rows.take(places, axis=0).astype(np.float32), len(found.tokens)
    each: Array = rows[:size]
    for start in range(size, len(rows), size):
        each += rows[start : start + size]
    return np.add.reduceat(each, [part.first - 1 for part in found.segments], axis=0) if found.segments else each[:0]


def marks(places: Ints, known: Lexicon) -> tuple[list[int], list[Mark]]:
    """Return where, among tokens and then pairs, one negates or begins phrases, and which."""
    marked = known.marked.take(places)
    at = marked.nonzero()[0]
    return at.tolist(), list(map(known.marks.__getitem__, marked.take(at).tolist()))


def shared(reading: Reading, context: Context) -> int:
    """Return how many content words of a reply stand in what the person said."""
    rest = reading.about.difference(reading.told, *[said(fact, reading.language).topics for fact in context.known[-8:]])
    return len(reading.about) - len(rest)


def count(reading: Reading, overlap: int) -> array[float]:
    """Return the counts of NAMES.

    Args:
        reading: The reply.
        overlap: Content words shared with what the person said.
    """
    parts, size = reading.segments, float(reading.size + 1)
    shapes = (
        *form(reading, size),
        log1p(overlap), overlap / (len(reading.about) + 2.0), reading.again / (len(reading.told) + 2.0),
        reading.copied, len(reading.words) / (size + 3.0), float(size < (8 if reading.language == "en" else 12)),
        *balance(parts, reading.hits),
    )  # fmt: skip
    return reading.cues + array("f", shapes)


def cue_counts(hits: list[tuple[int, int]]) -> array[float]:
    """Return how often each family occurs, plain and negated; more than three counts as three."""
    counts = _UNCOUNTED[:]
    for _, family in hits:
        if counts[family] < 3.0:
            counts[family] += 1.0
    return counts


def form(reading: Reading, size: float) -> tuple[float, ...]:
    """Return the form of a reply: length, questions, orders, persons."""
    text, parts, tokens = reading.text, reading.segments, reading.tokens
    many = len(parts) + 0.001
    why = wh = yes_no = 0.0
    asking = [part for part in parts if part.asks]
    for part in asking:
        opening = tokens[part.first : part.first + 3] if text.isascii() else tokens[part.first : part.last]
        why += not _WHY.isdisjoint(opening)
        wh += not _WH.isdisjoint(opening)
        yes_no += not _YES_NO.isdisjoint(opening)
    orders = sum([tokens[part.first] in _ORDERS for part in parts])
    return (
        log1p(size), log1p(many), float(min(len(asking), 3)), len(asking) / many,
        float(bool(parts) and parts[-1].asks), why, wh, yes_no, orders / many,
        float(min(text.count("!") + text.count("！"), 4)), 10.0 * reading.tally[YOU] / size,
        10.0 * reading.tally[ME] / size,
    )  # fmt: skip


def balance(parts: list[Segment], hits: list[tuple[int, int]]) -> tuple[float, float, float, float]:
    """Return where help and harm stand: harm after a turn, harm at the end, kinds of both."""
    kinds = {family for _, family in hits}
    harms = kinds & _HARM
    after = last = 0.0
    if harms:
        firsts = [part.first for part in parts]
        for place, family in hits:
            if family in harms:
                index = bisect_right(firsts, place) - 1
                after = max(after, float(parts[index].turned))
                last = max(last, float(index == len(parts) - 1))
    return after, last, float(len(harms)), float(len(kinds & HELP))

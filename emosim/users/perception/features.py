"""What can be counted in a reply: cue families, form, and how much of it is about this person.

`read` makes a `Reading`, the only thing that the heads (`emosim.users.perception.heads`) and the vetoes look at.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import log1p
from typing import Final

from emosim.persona import Language
from emosim.users.perception.context import Context
from emosim.users.perception.cues import COUNT, FAMILIES, scan
from emosim.users.perception.tokens import (
    Segment,
    cut,
    topic_keys,
    topics,
    window,
    word_pairs,
)
from emosim.users.perception.wordlists import word_list

SHAPES: Final[tuple[str, ...]] = (
    "length", "segments", "questions", "question_share", "ends_asking", "why", "wh", "yes_no", "orders", "exclamations",
    "you", "i", "overlap", "overlap_share", "said_share", "echo", "variety", "brief", "after_turn_harm", "last_harm",
    "harm_kinds", "help_kinds",
)  # fmt: skip
NAMES: Final = (*FAMILIES, *(f"not_{family}" for family in FAMILIES), *SHAPES)
"""What `Reading.counts` holds, in order."""

_HARM: Final = frozenset(FAMILIES.index(name) for name in ("dismiss", "blame", "insult", "threat", "sarcasm", "manip"))
_HELP: Final = frozenset(
    FAMILIES.index(name) for name in ("deep", "feel", "valid", "praise", "nofault", "explain", "balance", "listen")
)
_YOU: Final = word_list("you")
_I: Final = word_list("i")
_WH: Final = word_list("wh")
_YES_NO: Final = word_list("yes_no")
_WHY: Final = frozenset(("why", "为", "干"))
_ORDERS: Final = word_list("orders")


@dataclass(slots=True)
class Reading:
    """A reply as it was read."""

    text: str
    """The part that was looked at."""
    language: Language
    """Language of the reply's letters."""
    tokens: list[str]
    """Its tokens, a break around each segment."""
    pairs: list[str]
    """Neighbouring tokens."""
    words: set[str]
    """Its tokens, each once."""
    segments: list[Segment]
    """Its segments."""
    hits: list[tuple[int, int]]
    """Places and families of cues, see `emosim.users.perception.cues.scan`."""
    counts: list[float]
    """Counts in the order of NAMES."""
    overlap: int
    """Content words shared with what the person said."""
    echo: float
    """Share of word pairs copied from the person's last message, I or you, 0 to 1."""
    retold: float
    """Share of content words that stand in the person's last message, 0 to 1; 0 where there are few."""

    @property
    def size(self) -> int:
        """Tokens without breaks."""
        return len(self.tokens) - len(self.segments) - 1


def read(text: str, context: Context) -> Reading:
    """Return everything counted in a reply, in one pass."""
    seen = window(text)
    found = cut(seen)
    language, tokens, parts, pairs = found.language, found.tokens, found.segments, found.pairs
    hits = scan(tokens, pairs, language)
    words = set(tokens)
    about = topic_keys(words, pairs, language)
    told = topics(context.user_said, language)
    shared = len(about & told.union(*[topics(fact, language) for fact in context.known[-8:]]))
    copied = sum(map(word_pairs(context.user_said, language).__contains__, pairs)) / (len(pairs) + 1.0)
    size = float(len(tokens) - len(parts))
    again = len(about & told)
    counts = cue_counts(hits)
    counts += form(seen, parts, tokens, size)
    counts += (
        log1p(shared), shared / (len(about) + 2.0), again / (len(told) + 2.0), copied,
        len(words) / (size + 3.0), float(size < (8 if language == "en" else 12)),
    )  # fmt: skip
    counts += balance(parts, hits)
    echo = copied if size > 5 else 0.0
    retold = again / len(about) if again > 4 else 0.0
    return Reading(seen, language, tokens, pairs, words, parts, hits, counts, shared, echo, retold)


def cue_counts(hits: list[tuple[int, int]]) -> list[float]:
    """Return how often each family occurs, plain and negated; more than three counts as three."""
    counts = [0.0] * (2 * COUNT)
    for _, family in hits:
        if counts[family] < 3.0:
            counts[family] += 1.0
    return counts


def form(text: str, parts: list[Segment], tokens: list[str], size: float) -> tuple[float, ...]:
    """Return the form of a reply: length, questions, orders, persons."""
    count = len(parts) + 0.001
    why = wh = yes_no = 0.0
    asking = [part for part in parts if part.asks]
    for part in asking:
        opening = tokens[part.first : part.first + 3] if text.isascii() else tokens[part.first : part.last]
        why += not _WHY.isdisjoint(opening)
        wh += not _WH.isdisjoint(opening)
        yes_no += not _YES_NO.isdisjoint(opening)
    orders = sum([tokens[part.first] in _ORDERS for part in parts])
    return (
        log1p(size), log1p(count), float(min(len(asking), 3)), len(asking) / count,
        float(bool(parts) and parts[-1].asks), why, wh, yes_no, orders / count,
        float(min(text.count("!") + text.count("！"), 4)), 10.0 * sum(map(_YOU.__contains__, tokens)) / size,
        10.0 * sum(map(_I.__contains__, tokens)) / size,
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
    return after, last, float(len(harms)), float(len(kinds & _HELP))

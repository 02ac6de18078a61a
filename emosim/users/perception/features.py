"""What can be counted in a reply: cue families, form, and how much of it is about this person.

`read` makes a `Reading`, the only thing that the heads (`emosim.users.perception.heads`) and the rules look at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from emosim.persona import Language
from emosim.users.perception.context import Context
from emosim.users.perception.cues import COUNT, FAMILIES, scan
from emosim.users.perception.tokens import Segment, script, segments, topic_keys, topics, window, word_pairs

SHAPES: Final[tuple[str, ...]] = (
    "length", "segments", "segment_length", "questions", "question_share", "ends_asking", "exclamations", "dots", "commas",
    "digits", "quotes", "starts_low", "you", "i", "third", "why", "wh", "yes_no", "accuses", "imperative", "overlap",
    "overlap_share", "said_share", "fresh", "run", "variety", "word_length", "turns", "after_turn_harm", "last_harm",
    "harm_kinds", "help_kinds", "one_segment", "brief",
)  # fmt: skip
NAMES: Final = (*FAMILIES, *(f"not_{family}" for family in FAMILIES), *SHAPES)

_HARM: Final = frozenset(FAMILIES.index(name) for name in ("dismiss", "blame", "insult", "threat", "sarcasm", "manip"))
_HELP: Final = frozenset(
    FAMILIES.index(name) for name in ("deep", "feel", "valid", "praise", "nofault", "explain", "balance", "listen")
)
_YOU: Final = frozenset("you your you're you've you'd you'll yours yourself u ur 你 您".split())
_I: Final = frozenset("i i'm i'd i've i'll my me 我".split())
_THIRD: Final = frozenset("he she they him her them his their he's she's they're 他 她".split())
_WH: Final = frozenset("what how which who where when what's how's who's 什 怎 哪 谁 咋 啥 几 多".split())
_YES_NO: Final = frozenset(
    "do does did is are was were have has had can could would will should any isn't aren't don't didn't 吗 没".split()
)
_ORDERS: Final = frozenset(
    """ask tell write send call ring phone get go take keep make put try start stop check look find give say pick set book
    talk speak leave let don't use bring buy add choose file report print save note read learn think be 先 找 打 写 问
    别 去 拍 约 查 给 跟 让 把 拿""".split()
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply as it was read."""

    text: str
    """The part that was looked at."""
    language: Language
    """Language of the reply's letters."""
    segments: list[Segment]
    """Its segments."""
    hits: list[list[int]]
    """Cue families of each segment, see `emosim.users.perception.cues.scan`."""
    dense: list[float]
    """Counts in the order of NAMES."""
    overlap: int
    """Content words shared with what the person said."""
    echo: float
    """Share of word pairs copied from the person's last message, 0 to 1."""


def read(text: str, context: Context) -> Reading:
    """Return everything counted in a reply, in one pass."""
    seen = window(text)
    language = script(seen)
    parts = segments(seen, language)
    hits = [scan(part.tokens, language) for part in parts]
    tokens = [token for part in parts for token in part.tokens]
    about = topic_keys(tokens, language)
    told = topics(context.user_said, language)
    known = told.union(*(topics(fact, language) for fact in context.known[-8:]))
    shared = len(about & known)
    echo = copied(tokens, context.user_said, language)
    dense = [*cue_counts(hits), *form(seen, parts, tokens, language)]
    dense += [
        math.log1p(shared), shared / (len(about) + 2.0), len(about & told) / (len(told) + 2.0),
        math.log1p(len(about) - shared), echo, len(set(tokens)) / (len(tokens) + 3.0),
        sum(map(len, tokens)) / (6.0 * len(tokens) + 1.0), *balance(parts, hits), len(tokens) < (8 if language == "en" else 12),
    ]  # fmt: skip
    return Reading(seen, language, parts, hits, dense, shared, echo)


def cue_counts(hits: list[list[int]]) -> list[float]:
    """Return how often each family occurs, plain and negated; more than three counts as three."""
    counts = [0.0] * (2 * COUNT)
    for segment in hits:
        for family in segment:
            if counts[family] < 3.0:
                counts[family] += 1.0
    return counts


def form(text: str, parts: list[Segment], tokens: list[str], language: Language) -> list[float]:
    """Return the form of a reply: length, questions, punctuation, persons, orders."""
    size = len(tokens) + 1.0
    first = [part.tokens[0] for part in parts]
    asking = [part for part in parts if part.asks]
    count = len(parts) + 0.001
    head = {token for part in asking for token in part.tokens}
    opens = {part.tokens[0] for part in asking}
    return [
        math.log1p(size) - (2.5 if language == "en" else 3.2), math.log(count + 1.0), size / count / 20.0,
        min(len(asking), 3), len(asking) / count, bool(parts) and parts[-1].asks,
        min(text.count("!") + text.count("！"), 4), min(text.count("...") + text.count("…"), 2),
        (text.count(",") + text.count("，")) * 8.0 / size, min(sum(map(str.isdigit, tokens)), 3),
        min(text.count('"') + text.count("“"), 3), text[:1].islower(), share(tokens, _YOU, size),
        share(tokens, _I, size), share(tokens, _THIRD, size), "why" in opens or "为" in head, bool(opens & _WH or (head & _WH and language == "zh")),
        bool(opens & _YES_NO), any(part.asks and not _YOU.isdisjoint(part.tokens) and "why" in part.tokens[:3] for part in parts),
        sum(token in _ORDERS for token in first) / count,
    ]  # fmt: skip


def share(tokens: list[str], words: frozenset[str], size: float) -> float:
    """Return ten times the share of tokens that are among the words."""
    return 10.0 * sum(map(words.__contains__, tokens)) / size


def copied(tokens: list[str], said: str, language: Language) -> float:
    """Return the share of word pairs that stand in the person's message too."""
    if len(tokens) < 4:
        return 0.0
    mine = {a + " " + b for a, b in zip(tokens, tokens[1:], strict=False)}
    return len(mine & word_pairs(said, language)) / len(mine)


def balance(parts: list[Segment], hits: list[list[int]]) -> list[float]:
    """Return where help and harm stand: turns, harm after a turn, harm in the end, kinds of both."""
    harmful = [not _HARM.isdisjoint(segment) for segment in hits]
    kinds = {family for segment in hits for family in segment}
    after = any(harm and part.turned for harm, part in zip(harmful, parts, strict=True))
    turned = sum(part.turned for part in parts)
    last = bool(harmful) and harmful[-1]
    return [min(turned, 2), after, last, len(kinds & _HARM), len(kinds & _HELP), len(parts) == 1]

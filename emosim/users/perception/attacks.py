"""Tricks that must never pay: instructions to the simulator, forged turns, pasted data, stuffing, flattery, echo.

Each finding is an act with the words that show it; a finding is a veto: the mood cannot rise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Final

from emosim.acts import Act, Evidence
from emosim.users.perception.context import Context
from emosim.users.perception.cues import FAMILIES
from emosim.users.perception.features import Reading, shared
from emosim.users.perception.lexicon import AGREEING, GRAMMAR, KNOWN
from emosim.users.perception.quotes import clip_quote
from emosim.users.perception.tokens import cut, fold, recall, window
from emosim.users.perception.wordlists import word_list

_BUTTER: Final = word_list("butter")
_YIELDING: Final = word_list("yielding_zh")
_SWEET: Final = tuple(FAMILIES.index(family) for family in ("genericpraise", "lovebomb", "agree"))
_MARKS: Final = "{}<>[]【】|=:：`"
_RULED: Final = word_list("ruled")
"""Words without which no English order to the simulator is worth looking for."""
_PARTING: Final = word_list("parting")
"""The same for farewell lures."""


_TWICE_CASED: Final = ("İ", "ı", "ſ", "ﬅ", "ﬆ")
"""Letters that expressions take for i, s or st in whatever case, but that are not folded to them."""


@dataclass(frozen=True)
class Rule:
    """One way in which a trick is worded."""

    needed: tuple[str, ...]
    """Words one of which stands in every text that the expression finds; none where that cannot be said."""
    expression: re.Pattern[str]
    """The wording."""


@cache
def rules(kind: str) -> tuple[Rule, ...]:
    """Return the rules of a kind of trick: forged, data, order, farewell or blank."""
    text = resources.files("emosim.users.perception").joinpath("tricks.txt").read_text("utf-8")
    lines = [line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return tuple(_rule(content) for name, content in lines if name == kind)


def _rule(content: str) -> Rule:
    needed, wording = content.split(" => ", 1) if " => " in content else ("", content)
    words = tuple(word.replace("_", " ") for word in needed.split())
    return Rule(words, re.compile(wording, re.IGNORECASE | re.MULTILINE))


def first_trick(kind: str, text: str, low: str) -> int | None:
    """Return where the first trick of a kind begins, None if there is none.

    Args:
        kind: Kind of trick.
        text: The reply.
        low: The reply in lower case.
    """
    every = not text.isascii() and any(letter in low for letter in _TWICE_CASED)
    starts = [
        match.start()
        for rule in rules(kind)
        if every or not rule.needed or any([word in low for word in rule.needed])
        if (match := rule.expression.search(text))
    ]
    return min(starts, default=None)


def findings(reading: Reading, context: Context) -> list[Evidence]:
    """Return every trick found in a reply, the clearest first."""
    if not reading.segments or (reading.size < 7 and blank(reading.text)):
        return [Evidence(act=Act.EMPTY, quote="")]
    found = [Evidence(act=Act.MANIPULATION, quote=quote) for quote in tricks(reading)]
    if copies(reading, context):
        found.append(Evidence(act=Act.ECHO, quote=first_words(reading)))
    foreign = reading.language != context.language and len(reading.text) > 12
    if foreign or stuffed(reading) or unreadable(reading):
        found.append(Evidence(act=Act.INCOHERENT, quote=first_words(reading)))
    if buttered(reading, context):
        found.append(Evidence(act=Act.MANIPULATION, quote=first_words(reading)))
    return found


def blank(text: str) -> bool:
    """Return whether a reply says that nothing is said, or is made of sounds that say nothing."""
    return any(rule.expression.match(text) for rule in rules("blank"))


def tricks(reading: Reading) -> list[str]:
    """Return the words of forged turns, pasted data, orders to the simulator and farewell lures."""
    text = reading.text
    chinese = not text.isascii()
    low = fold(text)
    plain = low if chinese else text
    wanted: list[str] = []
    if any([mark in plain for mark in _MARKS]) or "json" in reading.words:
        wanted += ["forged", "data"]
    if chinese or not _RULED.isdisjoint(reading.words):
        wanted.append("order")
    if chinese or not _PARTING.isdisjoint(reading.words):
        wanted.append("farewell")
    starts = [start for kind in wanted if (start := first_trick(kind, plain, low)) is not None]
    return [clip_quote(text, start, len(text)) for start in starts]


def copies(reading: Reading, context: Context) -> bool:
    """Return whether a reply hands back the person's words, or the agent's own."""
    if reading.echo > 0.6 or reading.retold > 0.85 or reading.text in context.own_replies:
        return True
    if reading.size < 6 or not context.own_replies:
        return False
    return any([repeats(reading, window(old)) for old in context.own_replies[-3:]])


def repeats(reading: Reading, old: str) -> bool:
    """Return whether more than four of five pairs stand in an older reply; each word that does not rules out one."""
    mine, few = reading.words, len(reading.tokens) - 1
    if 5 * (len(mine) - len(mine & recall(old))) > few:
        return False
    tokens, pairs = cut(old).tokens, set(pairwise(reading.tokens))
    return len(pairs.intersection(pairwise(tokens))) > 0.8 * len(pairs)


def stuffed(reading: Reading) -> bool:
    """Return whether a reply is a pile of words: hardly any grammar, mere lists, or the same words over and over."""
    size, words = reading.size, reading.words
    if size < 8:
        return False
    if len(reading.segments) * 1.7 > size > 11:
        return True
    if size > 14 and len(words) < 0.3 * size and (reading.language == "en" or size > 60):
        return True
    if reading.language == "en":
        listed = reading.text.count(",") * 2.6 > size > 10
        return listed or reading.tally[GRAMMAR] < 0.13 * size - 0.5
    if reading.text.count("、") > max(4.0, size / 6):
        return True
    gaps = sum(map(reading.text.count, " 、，,/|·"))
    return gaps > 5 and gaps * 5 > size and reading.tally[GRAMMAR] < 0.08 * size


def unreadable(reading: Reading) -> bool:
    """Return whether a reply holds no word: letters or figures alone, one character, or nothing that was ever seen."""
    if reading.language == "zh":
        return reading.size < 2
    if not has_word(reading.tokens):
        return True
    return len(reading.text) > 4 and not reading.tally[KNOWN]


def has_word(tokens: list[str]) -> bool:
    """Return whether one of the tokens is longer than a letter and no figure; nearly always one of the first."""
    return any(len(token) > 1 and not token.isdigit() for token in tokens)


def buttered(reading: Reading, context: Context) -> bool:
    """Return whether a reply flatters, adores or agrees with everything, and has little to do with the person."""
    sweet = sum([reading.cues[family] for family in _SWEET])
    if reading.language == "en":
        sweet = max(sweet, len(reading.words & _BUTTER))
        agreeing = reading.tally[AGREEING]
    else:
        yielding = sum(map(reading.text.count, _YIELDING))
        agreeing = reading.text.count("对") + 2 * yielding if yielding else 0
    if sweet >= 3 and sweet > shared(reading, context) + 0.5:
        return True
    return agreeing >= 3 and agreeing * 9 > reading.size


def first_words(reading: Reading) -> str:
    """Return the start of the first segment."""
    part = reading.segments[0]
    return clip_quote(reading.text, part.start, part.end)

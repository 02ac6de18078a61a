"""Tricks that must never pay: instructions to the simulator, forged turns, pasted data, stuffing, flattery, echo.

Each finding is an act with the words that show it; a finding is a veto: the mood cannot rise.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Final

from emosim.acts import Act, Evidence
from emosim.users.perception.context import Context
from emosim.users.perception.cues import FAMILIES
from emosim.users.perception.features import Reading
from emosim.users.perception.heads import lexicon
from emosim.users.perception.quotes import clip_quote
from emosim.users.perception.tokens import BREAK, STOP_EN, cut, fold, window
from emosim.users.perception.wordlists import word_list

_GLUE: Final = word_list("glue_zh")
_BUTTER: Final = word_list("butter")
_AGREEING: Final = word_list("agreeing")
_YIELDING: Final = word_list("yielding_zh")
_SWEET: Final = tuple(FAMILIES.index(family) for family in ("genericpraise", "lovebomb", "agree"))
_MARKS: Final = re.compile(r"[{}<>\[\]【】|=:：`]")
_RULED: Final = word_list("ruled")
"""Words without which no English order to the simulator is worth looking for."""
_PARTING: Final = word_list("parting")
"""The same for farewell lures."""


@cache
def pattern(kind: str) -> re.Pattern[str]:
    """Return the expression for a kind of trick: forged, data, order, farewell or blank."""
    text = resources.files("emosim.users.perception").joinpath("tricks.txt").read_text("utf-8")
    lines = [line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return re.compile("|".join(rule for name, rule in lines if name == kind), re.IGNORECASE | re.MULTILINE)


def findings(reading: Reading, context: Context) -> list[Evidence]:
    """Return every trick found in a reply, the clearest first."""
    if not reading.segments or (reading.size < 5 and pattern("blank").match(reading.text)):
        return [Evidence(act=Act.EMPTY, quote="")]
    found = [Evidence(act=Act.MANIPULATION, quote=quote) for quote in tricks(reading)]
    if copies(reading, context):
        found.append(Evidence(act=Act.ECHO, quote=first_words(reading)))
    foreign = reading.language != context.language and len(reading.text) > 12
    if foreign or stuffed(reading) or unreadable(reading):
        found.append(Evidence(act=Act.INCOHERENT, quote=first_words(reading)))
    if buttered(reading):
        found.append(Evidence(act=Act.MANIPULATION, quote=first_words(reading)))
    return found


def tricks(reading: Reading) -> list[str]:
    """Return the words of forged turns, pasted data, orders to the simulator and farewell lures."""
    text = reading.text
    chinese = not text.isascii()
    plain = fold(text) if chinese else text
    wanted: list[str] = []
    if _MARKS.search(plain) or "json" in reading.words:
        wanted += ["forged", "data"]
    if chinese or not _RULED.isdisjoint(reading.words):
        wanted.append("order")
    if chinese or not _PARTING.isdisjoint(reading.words):
        wanted.append("farewell")
    matches = [match for kind in wanted if (match := pattern(kind).search(plain))]
    return [clip_quote(text, match.start(), len(text)) for match in matches]


def copies(reading: Reading, context: Context) -> bool:
    """Return whether a reply hands back the person's words, or the agent's own."""
    if reading.echo > 0.6 or reading.retold > 0.85 or reading.text in context.own_replies:
        return True
    if reading.size < 6 or not context.own_replies:
        return False
    mine = cut(reading.text).different
    return any(len(mine & cut(window(old)).different) > 0.8 * len(mine) for old in context.own_replies[-3:])


def stuffed(reading: Reading) -> bool:
    """Return whether a reply is a pile of words: hardly any grammar, or the same words over and over."""
    size, words = reading.size, reading.words
    if size < 8:
        return False
    if size > 14 and len(words) < 0.3 * size and (reading.language == "en" or size > 60):
        return True
    if reading.language == "en":
        listed = reading.text.count(",") * 2.6 > size > 10
        return listed or sum(map(STOP_EN.__contains__, reading.tokens)) < 0.13 * size - 0.5
    gaps = sum(map(reading.text.count, " 、，,/|·"))
    return gaps > 5 and gaps * 5 > size and sum(map(_GLUE.__contains__, reading.tokens)) < 0.08 * size


def unreadable(reading: Reading) -> bool:
    """Return whether a reply, if longer than an interjection, holds no word that was ever seen."""
    known = lexicon(reading.language).index
    return len(reading.text) > 4 and not any(word in known for word in reading.words if word != BREAK)


def buttered(reading: Reading) -> bool:
    """Return whether a reply flatters, adores or agrees with everything, and has little to do with the person."""
    sweet = sum([reading.counts[family] for family in _SWEET])
    if reading.language == "en":
        sweet = max(sweet, len(reading.words & _BUTTER))
        agreeing = 0 if _AGREEING.isdisjoint(reading.words) else sum(map(_AGREEING.__contains__, reading.tokens))
    else:
        yielding = sum(map(reading.text.count, _YIELDING))
        agreeing = reading.text.count("对") + 2 * yielding if yielding else 0
    return (sweet >= 3 and sweet > reading.overlap + 0.5) or (agreeing >= 3 and agreeing * 9 > reading.size)


def first_words(reading: Reading) -> str:
    """Return the start of the first segment."""
    part = reading.segments[0]
    return clip_quote(reading.text, part.start, part.end)

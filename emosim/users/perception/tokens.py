"""Text into segments of tokens, in one pass, whatever the text is.

English tokens are lower-case words, Chinese ones single characters. A segment is a sentence or the part of one after a
turn such as "but": what follows the turn is what the sentence means. Every segment keeps its place in the text, so that
quotes are verbatim.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from emosim.persona import Language

HEAD, TAIL = 4000, 1000
"""Characters that are looked at from the start and from the end of a reply."""

_SEGMENT_EN: Final = re.compile(r"[^.!?\n;]+(?:[.!?;]+[\"')\]’”]*|\n|$)")
_SEGMENT_ZH: Final = re.compile(r"[^。！？!?\n；;]+(?:[。！？!?；;]+[”’」』）]*|\n|$)")
_TURNS_EN: Final = (" but ", " however", " though ", " yet ")
_TURN_ZH: Final = re.compile(r"[，,](?=但|可是|不过|只是|然而|可[你他她]|话说回来|说实话)")
_WORD: Final = re.compile(r"[a-z][a-z']*|\d+")
_SIGN: Final = re.compile(r"[\u3400-\u9fff\U00020000-\U0002ebef]|[a-z]+|\d+")
_CJK: Final = re.compile(r"[\u3400-\u9fff]")
_INVISIBLE: Final = re.compile(r"[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]")

STOP_EN: Final = frozenset(
    """a about after again all also am an and any are as at be because been before being but by can could did do does doing
    don't down for from get go going got had has have he her here him his how i i'd i'll i'm i've if in into is isn't it
    it's its just know like lot made make makes many maybe me might more most much must my need never no not now of off on
    one only or other our out over own really said same say says she should so some something still such than that that's
    the their them then there there's these they they're thing things think this those through to too try up us very want
    was wasn't way we well were what what's when where which while who why will with won't would you you'd you'll you're
    you've your""".split()
)
STOP_ZH: Final = frozenset(
    "的了是我你他她它们这那就都也还在有不没和跟与又很太把被让给到说着过吗呢吧啊呀哦嘛么什怎为个一上下里去来要会能可得地对"
)
NEGATORS: Final = frozenset(
    """not no never nothing nobody none without hardly don't doesn't didn't isn't aren't wasn't weren't can't cannot
    couldn't won't wouldn't shouldn't haven't hasn't hadn't ain't dont isnt wasnt didnt cant wont nor 不 没 别 无 未 非""".split()
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence, or the part of one after a turn."""

    start: int
    """Where it starts in the text."""
    end: int
    """Where it ends."""
    tokens: list[str]
    """Its words or characters."""
    turned: bool
    """It follows a turn such as "but"."""
    asks: bool
    """It is a question."""


def window(text: str) -> str:
    """Return the part of a reply that is looked at: all of it, or its first and last characters."""
    return text if len(text) <= HEAD + TAIL else text[:HEAD] + "\n" + text[-TAIL:]


def script(text: str) -> Language:
    """Return the language that the letters of a text belong to."""
    if text.isascii():
        return "en"
    return "zh" if len(_CJK.findall(text)) * 3 > len(text) // 2 else "en"


def fold(text: str) -> str:
    """Return a text in lower case and of the same length, typographic apostrophes made plain."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)
    return low if low.isascii() else _INVISIBLE.sub(" ", low.replace("’", "'"))


def tokenise(text: str, language: Language) -> list[str]:
    """Return lower-case words (English) or characters (Chinese)."""
    return (_SIGN if language == "zh" else _WORD).findall(fold(text))


def segments(text: str, language: Language) -> list[Segment]:
    """Return the segments of a text that hold any token, in order."""
    low = fold(text)
    cut, words = (_SEGMENT_ZH, _SIGN) if language == "zh" else (_SEGMENT_EN, _WORD)
    found: list[Segment] = []
    for match in cut.finditer(low):
        start, end = match.span()
        last = low[end - 3 : end]
        asks = "?" in last or "？" in last
        turned = False
        for turn in turns(low, start, end, language):
            _append(found, start, turn, words.findall(low, start, turn), turned, asks)
            start, turned = turn, True
        _append(found, start, end, words.findall(low, start, end), turned, asks)
    return found


def _append(found: list[Segment], start: int, end: int, tokens: list[str], turned: bool, asks: bool) -> None:
    """Add a segment unless it is blank."""
    if tokens:
        found.append(Segment(start, end, tokens, turned, asks))


def turns(low: str, start: int, end: int, language: Language) -> list[int]:
    """Return the places inside a sentence where it turns: "but", "however", 但是, 可是."""
    if language == "zh":
        return [match.end() for match in _TURN_ZH.finditer(low, start, end)]
    places = [place for word in _TURNS_EN if (place := low.find(word, start + 1, end)) >= 0]
    return sorted(places)


@lru_cache(maxsize=4096)
def topics(text: str, language: Language) -> frozenset[str]:
    """Return keys of the content words of a text: first five letters in English, pairs of characters in Chinese."""
    return frozenset(topic_keys(tokenise(text[:HEAD], language), language))


def topic_keys(tokens: list[str], language: Language) -> set[str]:
    """Return the content keys of tokens; inflected forms share theirs."""
    if language == "zh":
        pairs = zip(tokens, tokens[1:], strict=False)
        return {a + b for a, b in pairs if a not in STOP_ZH and b not in STOP_ZH}
    return {token[:5] for token in tokens if token not in STOP_EN and len(token) > 2}


@lru_cache(maxsize=4096)
def word_pairs(text: str, language: Language) -> frozenset[str]:
    """Return the pairs of neighbouring tokens of a text."""
    tokens = tokenise(text[:HEAD], language)
    return frozenset(a + " " + b for a, b in zip(tokens, tokens[1:], strict=False))

"""Text into segments of tokens, in one pass, whatever the text is.

English tokens are lower-case words, Chinese ones single characters. A segment is a sentence or the part of one after a
turn such as "but": what follows the turn is what the sentence means. Every segment keeps its place in the text, so that
quotes are verbatim.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from emosim.persona import Language
from emosim.users.perception.wordlists import word_list

HEAD, TAIL = 4000, 1000
"""Characters that are looked at from the start and from the end of a reply."""
BREAK: Final = ""
"""The token between segments: no word, so that no pair of words crosses it."""

_END_EN: Final = re.compile(r"([.!?;]+[\"')\]’”]*|\n)")
_END_ZH: Final = re.compile(r"([。！？!?；;]+[”’」』）]*|\n)")
_TURNS_EN: Final = (" but ", " however", " though ", " yet ")
_TURNERS: Final = frozenset(("but", "however", "though", "yet", "但", "可", "不", "只", "然", "话", "说"))
_TURN_ZH: Final = re.compile(r"[，,](?=但|可是|不过|只是|然而|可[你他她]|话说回来|说实话)")
_WORD: Final = re.compile(r"[a-z][a-z']*|\d+")
_SIGN: Final = re.compile(r"[\u3400-\u9fff\U00020000-\U0002ebef]|[a-z]+|\d+")
_CJK: Final = re.compile(r"[\u3400-\u9fff]")
_INVISIBLE: Final = re.compile(r"[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]")

STOP_EN: Final = word_list("stop_en")
STOP_ZH: Final = word_list("stop_zh")
NEGATORS: Final = word_list("negators")
_MIRROR: Final = {
    "i": "you", "i'm": "you're", "i've": "you've", "i'd": "you'd", "i'll": "you'll", "my": "your", "me": "you",
    "mine": "yours", "myself": "yourself", "am": "are", "was": "were", "我": "你",
}  # fmt: skip
"""How the person's words come back when they are only repeated."""


@dataclass(slots=True)
class Segment:
    """A sentence, or the part of one after a turn."""

    start: int
    """Where it starts in the text."""
    end: int
    """Where it ends."""
    first: int
    """Its first token."""
    last: int
    """The token after its last one."""
    turned: bool
    """It follows a turn such as "but"."""
    asks: bool
    """It is a question."""


@dataclass(slots=True)
class Cut:
    """A text cut into tokens; never altered."""

    language: Language
    """Language of its letters."""
    tokens: list[str]
    """Its tokens, a BREAK around each segment."""
    segments: list[Segment]
    """Its segments."""
    pairs: list[str]
    """Neighbouring tokens."""
    different: frozenset[str]
    """Its pairs, each once."""


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


def split(text: str, language: Language) -> tuple[list[str], list[Segment]]:
    """Return the tokens of a text, a BREAK around each segment, and the segments that hold any."""
    low = fold(text)
    cut, find = (_END_ZH, _SIGN.findall) if language == "zh" else (_END_EN, _WORD.findall)
    pieces = [*cut.split(low), ""]
    tokens: list[str] = [BREAK]
    found: list[Segment] = []
    end = 0
    for sentence, mark in zip(pieces[::2], pieces[1::2], strict=True):
        start, end = end, end + len(sentence) + len(mark)
        words = find(sentence)
        if not words:
            continue
        asks = "?" in mark or "？" in mark
        places = () if _TURNERS.isdisjoint(words) else turns(low, start, end, language)
        if places:
            clauses = [(a, b, find(low, a, b)) for a, b in pairwise([start, *places, end])]
        else:
            clauses = [(start, end, words)]
        for index, (left, right, clause) in enumerate(clauses):
            if clause:
                first = len(tokens)
                tokens += clause
                found.append(Segment(left, right, first, len(tokens), index > 0, asks))
                tokens.append(BREAK)
    return tokens, found


def turns(low: str, start: int, end: int, language: Language) -> list[int]:
    """Return the places inside a sentence where it turns: "but", "however", 但是, 可是."""
    if language == "zh":
        return [match.end() for match in _TURN_ZH.finditer(low, start, end)]
    places = [place for word in _TURNS_EN if (place := low.find(word, start + 1, end)) >= 0]
    return sorted(places)


@lru_cache(maxsize=1024)
def cut(seen: str) -> Cut:
    """Return a text cut up; kept, as a reply is compared with the ones before it."""
    language = script(seen)
    tokens, segments = split(seen, language)
    pairs = neighbours(tokens)
    return Cut(language, tokens, segments, pairs, frozenset(pairs))


@lru_cache(maxsize=4096)
def topics(text: str, language: Language) -> frozenset[str]:
    """Return keys of the content words of a text: first five letters in English, pairs of characters in Chinese."""
    tokens = tokenise(text[:HEAD], language)
    return frozenset(topic_keys(set(tokens), neighbours(tokens) if language == "zh" else [], language))


@lru_cache(maxsize=4096)
def word_pairs(text: str, language: Language) -> frozenset[str]:
    """Return the pairs of neighbouring tokens of a text, as it stands and with I and you exchanged."""
    tokens = tokenise(text[:HEAD], language)
    return frozenset(neighbours(tokens)).union(neighbours([_MIRROR.get(token, token) for token in tokens]))


def topic_keys(tokens: set[str], pairs: list[str], language: Language) -> set[str]:
    """Return the content keys of different tokens; inflected forms share theirs."""
    if language == "zh":
        return {pair for pair in pairs if pair[0] not in STOP_ZH and pair[-1] not in STOP_ZH and len(pair) == 3}
    return {token[:5] for token in tokens - STOP_EN if len(token) > 2}


def neighbours(tokens: list[str]) -> list[str]:
    """Return the pairs of neighbouring tokens, one for each token but the last."""
    return list(map(" ".join, pairwise(tokens)))

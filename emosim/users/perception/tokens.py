"""Text into segments of tokens, in one pass, whatever the text is.

English tokens are lower-case words, Chinese ones single characters. A segment is a sentence or the part of one after a
turn such as "but": what follows the turn is what the sentence means. Every segment keeps its place in the text, so that
quotes are verbatim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from operator import itemgetter
from typing import Final, TypeAlias

from emosim.persona import Language
from emosim.users.perception.wordlists import word_list

HEAD, TAIL = 4000, 1000
"""Characters that are looked at from the start and from the end of a reply."""
REMEMBERED: Final = 2048
"""Replies whose words are kept at hand, about 8 KB each: the last three of some 700 episodes."""
MESSAGES: Final = 2048
"""Messages of persons that are kept as replies are compared with them: a cast of 24 has some 1,500 that come again and
again. About 7 KB each."""
Sentence: TypeAlias = tuple[int, int, bool, list[str]]
"""Where it starts and ends, whether it is a question, its words."""
BREAK: Final = ""
"""The token between segments: no word, so that no pair of words crosses it."""

_END_EN: Final = re.compile(r"[.!?;\n](?:(?<=\n)|[.!?;]*[\"')\]’”]*)")
_END_ZH: Final = re.compile(r"[。！？!?；;\n](?:(?<=\n)|[。！？!?；;]*[”’」』）]*)")
_TURNS_EN: Final = (" but ", " however", " though ", " yet ")
_TURNERS: Final = frozenset(("but", "however", "though", "yet", "但", "可", "不", "只", "然", "话", "说"))
_TURN_ZH: Final = re.compile(r"[，,](?=但|可是|不过|只是|然而|可[你他她]|话说回来|说实话)")
_WORD: Final = re.compile(r"[a-z][a-z']*|\d+")
_SIGN: Final = re.compile(r"[\u3400-\u9fff\U00020000-\U0002ebef]|[a-z]+|\d+")
_CJK: Final = re.compile(r"[\u3400-\u9fff]")
_INVISIBLE: Final = re.compile(r"[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]")

_MORE: Final = ".!?;"
_CLOSERS: Final = "\"')]"
_SPACED: Final = bytes(
    c if c in b"abcdefghijklmnopqrstuvwxyz0123456789'" else 46 if chr(c) in _MORE + "\n" else 32 for c in range(256)
)
"""Ends of sentences as dots, everything else between words as a space."""
_SHAPED: Final = bytes(97 if 97 <= c <= 122 else 48 if 48 <= c <= 57 else c if c == 39 else 32 for c in range(256))
"""Letters as a, digits as 0, everything between words as a space."""

STOP_EN: Final = word_list("stop_en")
STOP_ZH: Final = word_list("stop_zh")
STOPS: Final[dict[Language, frozenset[str]]] = {"en": STOP_EN, "zh": STOP_ZH}
_IN_MIND: Final[dict[str, frozenset[str]]] = {}
_FIVE: Final = itemgetter(slice(5))
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
    low = fold(text)
    if language == "zh":
        return _SIGN.findall(low)
    plain = separated(low)
    return _WORD.findall(low) if plain is None else plain.replace(".", " ").split()


def separated(low: str) -> str | None:
    """Return a folded English text with dots and spaces for all that is no word, or None where they do not tell words.

    >>> separated("well, don't!"), separated("the 2nd")
    ("well  don't.", None)
    """
    if not low.isascii():
        return None
    letters = low.encode("ascii")
    return None if odd(letters.translate(_SHAPED)) else letters.translate(_SPACED).decode("ascii")


def odd(shape: bytes) -> bool:
    """Return whether words of this shape are not what spaces separate: "2nd", "'tis", "1990's"."""
    has = shape.find  # `in` would first take what is looked for as a number, and fail
    marked = has(b"'") >= 0
    if marked and (has(b" '") >= 0 or shape[0] == 39):
        return True
    if has(b"0") < 0:
        return False
    return has(b"a0") >= 0 or has(b"0a") >= 0 or (marked and (has(b"'0") >= 0 or has(b"0'") >= 0))


def split(text: str, language: Language) -> tuple[list[str], list[Segment]]:
    """Return the tokens of a text, a BREAK around each segment, and the segments that hold any."""
    low = fold(text)
    plain = separated(low) if language == "en" else None
    find = _SIGN.findall if language == "zh" else _WORD.findall
    turning = language == "zh" or any([word in low for word in _TURNS_EN])
    tokens: list[str] = [BREAK]
    found: list[Segment] = []
    for start, end, asks, words in sentences(low, language) if plain is None else plain_sentences(low, plain):
        if not turning or _TURNERS.isdisjoint(words) or not (places := turns(low, start, end, language)):
            first = len(tokens)
            tokens += words
            found.append(Segment(start, end, first, len(tokens), False, asks))
            tokens.append(BREAK)
            continue
        for index, (left, right) in enumerate(pairwise([start, *places, end])):
            if clause := find(low, left, right):
                first = len(tokens)
                tokens += clause
                found.append(Segment(left, right, first, len(tokens), index > 0, asks))
                tokens.append(BREAK)
    return tokens, found


def sentences(low: str, language: Language) -> Iterator[Sentence]:
    """Yield the sentences of a folded text that hold words."""
    ends, find = (_END_ZH, _SIGN.findall) if language == "zh" else (_END_EN, _WORD.findall)
    end = 0
    for mark, stop in [*(match.span() for match in ends.finditer(low)), (len(low), len(low))]:
        start, end = end, stop
        if words := find(low, start, mark):
            sign = low[mark:end]
            yield start, end, "?" in sign or "？" in sign, words


def plain_sentences(low: str, plain: str) -> Iterator[Sentence]:
    """Yield the same from what `separated` returns.

    Args:
        low: The folded text.
        plain: The same with dots and spaces between words.
    """
    size, end, mark = len(low), 0, -1
    for piece in plain.split("."):
        mark += 1 + len(piece)
        if mark < end:
            continue
        start, end = end, mark + 1
        if end < size and low[end] != " " and low[mark] != "\n":
            while end < size and low[end] in _MORE:
                end += 1
            while end < size and low[end] in _CLOSERS:
                end += 1
        if words := piece.split():
            yield start, end if end < size else size, "?" in low[mark:end], words


def turns(low: str, start: int, end: int, language: Language) -> list[int]:
    """Return the places inside a sentence where it turns: "but", "however", 但是, 可是."""
    if language == "zh":
        return [match.end() for match in _TURN_ZH.finditer(low, start, end)]
    places = [place for word in _TURNS_EN if (place := low.find(word, start + 1, end)) >= 0]
    return sorted(places)


def cut(seen: str) -> Cut:
    """Return a text cut up."""
    language = script(seen)
    tokens, segments = split(seen, language)
    return Cut(language, tokens, segments)


def keep_in_mind(seen: str, words: frozenset[str]) -> None:
    """Keep the words of a reply at hand, as the next ones are compared with it."""
    while len(_IN_MIND) >= REMEMBERED:
        _IN_MIND.pop(next(iter(_IN_MIND), ""), None)
    _IN_MIND[seen] = words


def recall(seen: str) -> frozenset[str]:
    """Return the words of an earlier reply."""
    found = _IN_MIND.get(seen)
    return frozenset(cut(seen).tokens) if found is None else found


@dataclass(slots=True)
class Said:
    """What a person said, as replies are compared with it; never altered."""

    topics: set[str]
    """Keys of its content words: first five letters in English, pairs of characters in Chinese."""
    pairs: frozenset[tuple[str, str]]
    """Its neighbouring words, as it stands and with I and you exchanged."""


@lru_cache(maxsize=MESSAGES)
def said(text: str, language: Language) -> Said:
    """Return a message of the person's as replies are compared with it; kept, as it stays in mind for some turns."""
    tokens = tokenise(text[:HEAD], language)
    mirrored = map(_MIRROR.get, tokens, tokens)
    topics = topic_keys(set(tokens) - STOPS[language], tokens, language)
    return Said(topics, frozenset(chain(pairwise(tokens), pairwise(mirrored))))


def copied_pairs(tokens: list[str], words: frozenset[str], heard: Said) -> int:
    """Return how many pairs of a reply stand in what the person said, as it stands or with I and you exchanged.

    Args:
        tokens: Tokens of the reply.
        words: The same, each once; a pair of the person's is looked for only if both are among them.
        heard: What the person said.
    """
    found = frozenset(filter(words.issuperset, heard.pairs))
    return sum(map(found.__contains__, pairwise(tokens))) if found else 0


def topic_keys(content: AbstractSet[str], tokens: list[str], language: Language) -> set[str]:
    """Return the keys of a text's content words (English) or pairs (Chinese); inflected forms share theirs."""
    if language == "zh":
        pairs = neighbours(tokens)
        return {pair for pair in pairs if pair[0] not in STOP_ZH and pair[-1] not in STOP_ZH and len(pair) == 3}
    return {start for start in map(_FIVE, content) if len(start) > 2}


def neighbours(tokens: list[str]) -> list[str]:
    """Return the pairs of neighbouring tokens, one for each token but the last."""
    return list(map(" ".join, pairwise(tokens)))


def triples(pairs: list[str], tokens: list[str]) -> list[str]:
    """Return three neighbouring tokens each."""
    return [f"{pair} {token}" for pair, token in zip(pairs, tokens[2:], strict=False)]

"""Cue phrases: what people say when they comfort and when they hurt.

The phrases stand in `cues_en.txt` and `cues_zh.txt`, one family a line. A phrase is found by its first
tokens, so the time grows with the reply and not with the number of phrases.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from itertools import product
from typing import Final, TypeAlias

from emosim.persona import Language

Rest: TypeAlias = tuple[tuple[int, tuple[str, ...]], ...]
"""Families, each with the tokens that must still follow."""
Entry: TypeAlias = tuple[tuple[int, ...], dict[str, Rest]]
"""Families of the phrases that end with a beginning; next token of those that go on."""
Table: TypeAlias = dict[str, Entry]
"""First token or pair of a phrase -> what it begins."""
Mark: TypeAlias = int | tuple[bool, tuple[int, ...], dict[str, Rest], Rest]
"""What a token or pair does: it is a phrase of one family; or whether it negates, and the phrases that it ends or
begins, those that go on after a gap apart."""

GAP: Final = "~"
LONGEST_GAP: Final = 4
_CHOICE: Final = re.compile(r"\(([^)]*)\)")
_SCOPE: Final[dict[Language, int]] = {"en": 3, "zh": 2}
"""Tokens before a cue in which a negator reverses it."""

FAMILIES: Final[tuple[str, ...]] = (
    "stock", "platitude", "dismiss", "blame", "lecture", "insult", "threat", "sarcasm", "hedge", "suggest", "info",
    "self", "listen", "feel", "deep", "valid", "praise", "genericpraise", "nofault", "explain", "balance", "reflect",
    "reassure", "agree", "lovebomb", "farewell", "inject", "manip", "empty", "off", "contrast", "intens",
)  # fmt: skip
COUNT: Final = len(FAMILIES)


def scan(tokens: list[str], places: list[int], marks: list[Mark], language: Language) -> list[tuple[int, int]]:
    """Return (place, family) of every cue; the family counts COUNT higher where a negator stands before it.

    Args:
        tokens: The reply.
        places: Where a token or, counted on from there, a pair negates or begins phrases.
        marks: What it does.
        language: Language of the reply.
    """
    size, hits = len(tokens), []
    negated: set[int] = set()
    for at, mark in zip(places, marks, strict=True):
        place, follow = (at, at + 1) if at < size else (at - size, at - size + 2)
        if isinstance(mark, int):
            hits.append((place, mark))
            continue
        negates, exact, deeper, gapped = mark
        for family in exact:
            hits.append((place, family))
        if gapped or tokens[follow] in deeper:
            hits += [(place, family) for family in longer(tokens, follow, deeper, gapped)]
        if negates:
            negated.update(range(follow, follow + _SCOPE[language]))
    return [(place, family + COUNT if place in negated else family) for place, family in hits] if negated else hits


def longer(tokens: list[str], place: int, deeper: dict[str, Rest], gapped: Rest) -> list[int]:
    """Return the families of the phrases that go on from a place."""
    found = [
        family
        for family, rest in deeper.get(tokens[place], ())
        if not rest or (rest[0] in (tokens[place + 1], GAP) and follows(tokens, place + 1, rest))
    ]
    if gapped:
        near = tokens[place : place + LONGEST_GAP + 1]
        found += [family for family, rest in gapped if rest[0] in near and follows(tokens, place, (GAP, *rest))]
    return found


def mark(key: str, phrases: Table, negates: bool) -> Mark:
    """Return what a token or pair does."""
    exact, deeper = phrases.get(key, ((), {}))
    if len(exact) == 1 and not deeper and not negates:
        return exact[0]
    return negates, exact, deeper, deeper.get(GAP, ())


def follows(tokens: list[str], place: int, tail: tuple[str, ...]) -> bool:
    """Return whether a phrase goes on as its tail says; a gap stands for up to four tokens."""
    for index, word in enumerate(tail):
        if word == GAP:
            rest = tail[index + 1 :]
            return any(follows(tokens, place + skip, rest) for skip in range(LONGEST_GAP + 1))
        if place >= len(tokens) or tokens[place] != word:
            return False
        place += 1
    return True


@cache
def table(language: Language) -> Table:
    """Return the phrases of a language, read once."""
    text = resources.files("emosim.users.perception").joinpath(f"cues_{language}.txt").read_text("utf-8")
    found: Table = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            family, phrases = line.split(": ", 1)
            for spelling in (each for phrase in phrases.split(" | ") for each in spellings(phrase.strip())):
                insert(found, FAMILIES.index(family), spelling.split() if language == "en" else list(spelling))
    return found


def insert(found: Table, family: int, tokens: list[str]) -> None:
    """Add one phrase."""
    key, rest = keyed(tokens)
    exact, deeper = found.get(key, ((), {}))
    if rest:
        deeper[rest[0]] = tuple(dict.fromkeys((*deeper.get(rest[0], ()), (family, rest[1:]))))
    elif family not in exact:
        exact = (*exact, family)
    found[key] = (exact, deeper)


def keyed(tokens: list[str]) -> tuple[str, tuple[str, ...]]:
    """Return the key that a phrase is found by, and the rest of it.

    >>> keyed(["blow", "~", "out"]), keyed(["cheer", "up"])
    (('blow', ('~', 'out')), ('cheer up', ()))
    """
    width = 1 if len(tokens) == 1 or tokens[1] == GAP else 2
    return " ".join(tokens[:width]), tuple(tokens[width:])


def spellings(phrase: str) -> list[str]:
    """Return a phrase with every choice of its alternatives.

    >>> spellings("you (feel/felt) it")
    ['you feel it', 'you felt it']
    """
    parts = [part.split("/") if odd % 2 else [part] for odd, part in enumerate(_CHOICE.split(phrase))]
    return ["".join(choice) for choice in product(*parts)]

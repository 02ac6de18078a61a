"""Cue phrases: what people say when they comfort and when they hurt, found by walking a trie of tokens.

The phrases stand in `cues_en.txt` and `cues_zh.txt`, one family a line. A walk starts only where a token starts a phrase,
so the time grows with the reply and not with the number of phrases.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from itertools import product
from typing import Final, TypeAlias

from emosim.persona import Language
from emosim.users.perception.tokens import NEGATORS

Trie: TypeAlias = dict[str, "Trie | tuple[int, ...]"]
"""Token -> deeper trie; under END the families of the phrase that ends here."""

END, GAP = "", "~"
_CHOICE: Final = re.compile(r"\(([^)]*)\)")
_SCOPE: Final[dict[Language, int]] = {"en": 3, "zh": 2}
"""Tokens before a cue in which a negator reverses it."""

FAMILIES: Final[tuple[str, ...]] = (
    "stock", "platitude", "dismiss", "blame", "lecture", "insult", "threat", "sarcasm", "hedge", "suggest", "info", "self",
    "listen", "feel", "deep", "valid", "praise", "genericpraise", "nofault", "explain", "balance", "reflect", "reassure",
    "agree", "lovebomb", "farewell", "inject", "manip", "empty", "off", "contrast", "intens",
)  # fmt: skip
COUNT: Final = len(FAMILIES)


def scan(tokens: list[str], language: Language) -> list[int]:
    """Return the cue families found: i for family i, i + COUNT where a negator stands before it."""
    root, scope = trie(language), _SCOPE[language]
    hits: list[int] = []
    negated_until = -1
    for index, token in enumerate(tokens):
        node = root.get(token)
        if node is not None:
            found: set[int] = set()
            _walk(node, tokens, index + 1, language, found)  # type: ignore[arg-type]
            shift = COUNT if index <= negated_until else 0
            hits += [family + shift for family in found]
        if token in NEGATORS:
            negated_until = index + scope
    return hits


def _walk(node: Trie, tokens: list[str], index: int, language: Language, found: set[int]) -> None:
    """Collect the families of all phrases that go on from `index`."""
    while True:
        if END in node:
            found.update(node[END])  # type: ignore[arg-type]
        if GAP in node:
            for skip in range(index, min(index + 5, len(tokens))):
                deeper = node[GAP].get(tokens[skip])  # type: ignore[union-attr]
                if deeper is not None:
                    _walk(deeper, tokens, skip + 1, language, found)
        if index >= len(tokens) or tokens[index] not in node:
            return
        node, index = node[tokens[index]], index + 1  # type: ignore[assignment]


@cache
def trie(language: Language) -> Trie:
    """Return the trie of a language, read once."""
    root: Trie = {}
    text = resources.files("emosim.users.perception").joinpath(f"cues_{language}.txt").read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            family, phrases = line.split(": ", 1)
            for phrase in phrases.split(" | "):
                for spelling in spellings(phrase.strip()):
                    _insert(root, spelling.split() if language == "en" else list(spelling), FAMILIES.index(family))
    return root


def spellings(phrase: str) -> list[str]:
    """Return a phrase with every choice of its alternatives.

    >>> spellings("you (feel/felt) it")
    ['you feel it', 'you felt it']
    """
    parts = [part.split("/") if odd % 2 else [part] for odd, part in enumerate(_CHOICE.split(phrase))]
    return ["".join(choice) for choice in product(*parts)]


def _insert(root: Trie, tokens: list[str], family: int) -> None:
    """Add one phrase."""
    node = root
    for token in tokens:
        node = node.setdefault(token, {})  # type: ignore[assignment]
    here: tuple[int, ...] = node.get(END, ())  # type: ignore[assignment]
    if family not in here:
        node[END] = (*here, family)

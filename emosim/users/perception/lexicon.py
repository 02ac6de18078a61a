"""What is known of a language's words: one look-up tells what a word, pair or triple weighs, counts as and begins.

Words have numbers; pairs and triples are found by those of their words, all of a reply at once, without a string for
any of them. The weights come from `examples/train_perception.py`; `weights.npz` is read on first use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.persona import Language
from emosim.users.perception.continuations import Continuations, Ints
from emosim.users.perception.cues import Mark, mark, table
from emosim.users.perception.wordlists import word_list

Array = NDArray[np.float32]

TALLIED: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("negators", "you", "i", "stop_en", "agreeing"),
    "zh": ("negators", "you", "i", "glue_zh", "agreeing"),
}
"""Word lists whose words are counted."""
KNOWN, _, YOU, ME, GRAMMAR, AGREEING = range(6)
"""Places in a tally: words seen in training, then those of TALLIED."""
UNKNOWN: Final = 0
"""Row of what is not known; all zeros."""


@dataclass(frozen=True)
class Lexicon:
    """Everything known of one language's words."""

    words: dict[str, int]
    """Word or character -> row."""
    longer: Continuations
    """Rows of what a pair or triple begins with and of its last word -> its row."""
    rows: NDArray[np.int8]
    """Rows x (rank + 6), of one byte each, as it is memory that a look-up waits for. First compressed weights, small
    integers, so that sums are exact in any order; then 1 where a word was seen in training, and where it is in a list
    of TALLIED."""
    rank: int
    """Columns of weights."""
    marked: NDArray[np.int16]
    """By row: which of `marks` it has, 0 for none."""
    marks: tuple[Mark, ...]
    """What words and pairs do that negate or begin phrases, see `emosim.users.perception.cues.scan`."""
    expand: Array
    """By need: rank x (quality, acts, sentence quality)."""
    counts: Array
    """By need: (counts + 1) x the same, the last row is the intercept."""
    hidden: Array
    """By need: first layer of the network, see `emosim.users.perception.heads.quality_of`."""
    out: Array
    """Its second layer and intercept."""

    def look_up(self, tokens: list[str], width: int) -> Ints:
        """Return rows, UNKNOWN where nothing known begins: first of words, then as many of pairs, then of triples.

        Args:
            tokens: Words or characters.
            width: 2 for words and pairs, 3 for triples too.
        """
        size = len(tokens)
        rows = np.zeros(width * size, dtype=np.int32)
        words = rows[:size]
        words[:] = np.fromiter(map(self.words.get, tokens, repeat(UNKNOWN)), dtype=np.int32, count=size)
        begun = words
        for longer in range(1, width):
            known = self.longer.rows_of(begun[:-1], words[longer:])
            begun = rows[longer * size : longer * size + len(known)]
            begun[:] = known
        return rows


@cache
def lexicon(language: Language) -> Lexicon:
    """Return what is known of a language, read once."""
    path = resources.files("emosim.users.perception").joinpath("weights.npz")
    with path.open("rb") as file, np.load(file) as data:
        seen = data[f"{language}_words"].tobytes().decode("utf-8").split("\n")
        weights, expand = data[f"{language}_rows"], data[f"{language}_expand"]
        counts, hidden, out = data["counts"], data["hidden"], data["out"]
    cues, lists = table(language), [word_list(name) for name in TALLIED[language]]
    marking = sorted(lists[0].union(cues))
    places, longer = numbered({*seen, *marking, *frozenset[str]().union(*lists)})
    known, rank = frozenset(seen[1:]), weights.shape[1]
    rows = np.zeros((len(places) + 1, rank + 6), dtype=np.int8)
    rows[[places[key] for key in seen], :rank] = weights
    for column, words in enumerate((known, *lists), rank):
        rows[[places[word] for word in words], column] = 1
    marked = np.zeros(len(rows), dtype=np.int16)
    marked[[places[key] for key in marking]] = range(1, len(marking) + 1)
    return Lexicon(
        words={key: place for key, place in places.items() if " " not in key},
        longer=Continuations.of(longer, len(places) + 1),
        rows=rows,
        rank=rank,
        marked=marked,
        marks=(0, *[mark(key, cues, key in lists[0]) for key in marking]),
        expand=expand,
        counts=counts,
        hidden=hidden,
        out=out,
    )


def numbered(keys: Iterable[str]) -> tuple[dict[str, int], dict[tuple[int, int], int]]:
    """Return the rows of words, pairs and triples and of all that they begin with.

    >>> numbered(["b c a", "b"])
    ({'a': 1, 'b': 2, 'c': 3, 'b c': 4, 'b c a': 5}, {(2, 3): 4, (4, 1): 5})

    Returns:
        Row by key, and by the rows of what it begins with and of its last word.
    """
    spelled = [tuple(key.split(" ")) for key in keys]
    rows: dict[str, int] = {}
    longer: dict[tuple[int, int], int] = {}
    for word in sorted({word for parts in spelled for word in parts}):
        rows[word] = len(rows) + 1
    for width in (2, 3):
        for first, last in sorted({(" ".join(p[: width - 1]), p[width - 1]) for p in spelled if len(p) >= width}):
            longer[rows[first], rows[last]] = rows[f"{first} {last}"] = len(rows) + 1
    return rows, longer

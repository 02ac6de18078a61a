"""The learned heads: how good a reply is and which acts it holds, as sums of rows looked up by word.

Every head is linear, so a reply costs one gather of small integer rows and two small products. The weights come from
`examples/train_perception.py`; `weights.npz` is read on first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.acts import Act, Need
from emosim.persona import Language
from emosim.users.perception.features import Reading

Array = NDArray[np.float32]
ACTS: Final = tuple(Act)
NEEDS: Final = tuple(Need)


@dataclass(frozen=True)
class Scores:
    """What the heads say about a reply."""

    quality: float
    """How much it helps, about -2 to 2."""
    acts: list[float]
    """How much each act of ACTS is in it, about 0 to 1."""
    parts: list[list[float]]
    """By segment: its share of the quality, then of each act."""


@dataclass(frozen=True)
class Lexicon:
    """Weights of one language."""

    index: dict[str, int]
    """Word, character or pair -> row."""
    rows: NDArray[np.int8]
    """Compressed weights of words, len(index) x rank."""
    expand: NDArray[np.float32]
    """By need: rank x (1 + acts)."""
    dense: NDArray[np.float32]
    """By need: (counts + 1) x (1 + acts), the last row is the intercept."""


@cache
def lexicon(language: Language) -> Lexicon:
    """Return the weights of a language, read once."""
    path = resources.files("emosim.users.perception").joinpath("weights.npz")
    with path.open("rb") as file, np.load(file) as data:
        words = bytes(data[f"{language}_words"]).decode("utf-8").split("\n")
        return Lexicon(
            index={word: place for place, word in enumerate(words)},
            rows=data[f"{language}_rows"],
            expand=data[f"{language}_expand"].astype(np.float32),
            dense=data[f"{language}_dense"].astype(np.float32),
        )


def grams(tokens: list[str], language: Language) -> list[str]:
    """Return the tokens and their pairs (Chinese: also triples) as keys."""
    pairs = [a + " " + b for a, b in zip(tokens, tokens[1:], strict=False)]
    if language == "zh":
        return tokens + pairs + [a + b for a, b in zip(pairs, (" " + token for token in tokens[2:]), strict=False)]
    return tokens + pairs


def score(reading: Reading, need: Need) -> Scores:
    """Return what the heads say about a reading to somebody with a need."""
    weights = lexicon(reading.language)
    place = NEEDS.index(need)
    found, starts = look_up(reading, weights.index)
    total = np.array([*reading.dense, 1.0], dtype=np.float32) @ weights.dense[place]
    parts: list[list[float]] = []
    if found and starts:
        size = sqrt(1.0 + sum(len(part.tokens) for part in reading.segments))
        sums = np.add.reduceat(weights.rows.take(found, axis=0), starts, axis=0, dtype=np.float32)
        share = sums @ weights.expand[place] / np.float32(size)
        total = total + share.sum(axis=0)
        parts = share.tolist()
    values = total.tolist()
    return Scores(quality=values[0], acts=values[1:], parts=parts)


def look_up(reading: Reading, index: dict[str, int]) -> tuple[list[int], list[int]]:
    """Return the rows of all known grams, and where each segment's rows start; row 0 stands for the unknown."""
    found: list[int] = []
    starts: list[int] = []
    for part in reading.segments:
        starts.append(len(found))
        found.append(0)
        found += [row for row in map(index.get, grams(part.tokens, reading.language)) if row]
    return found, starts

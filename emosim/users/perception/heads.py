"""The learned heads: how good a reply is and which acts it holds, as sums of rows looked up by word.

Every head is linear, so a reply costs one gather of small integer rows and two small products. The weights come from
`examples/train_perception.py`; `weights.npz` is read on first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import repeat
from math import log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.acts import Act, Need
from emosim.persona import Language
from emosim.users.perception.features import Reading
from emosim.users.perception.tokens import BREAK

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
    """Word, character, pair or triple -> row."""
    rows: Array
    """Compressed weights of words, len(index) x rank."""
    expand: Array
    """By need: rank x (1 + acts)."""
    counts: Array
    """By need: (counts + 1) x (1 + acts), the last row is the intercept."""
    blend: tuple[float, ...]
    """How the whole and its parts make the quality, see `blended`."""


@cache
def lexicon(language: Language) -> Lexicon:
    """Return the weights of a language, read once."""
    path = resources.files("emosim.users.perception").joinpath("weights.npz")
    with path.open("rb") as file, np.load(file) as data:
        words = data[f"{language}_words"].tobytes().decode("utf-8").split("\n")
        return Lexicon(
            index=dict(zip(words, range(len(words)), strict=True)),
            rows=data[f"{language}_rows"].astype(np.float32),
            expand=data[f"{language}_expand"].astype(np.float32),
            counts=data["counts"].astype(np.float32),
            blend=tuple(data["blend"].tolist()),
        )


def score(reading: Reading, need: Need) -> Scores:
    """Return what the heads say about a reading to somebody with a need."""
    weights = lexicon(reading.language)
    place = NEEDS.index(need)
    total = np.array([*reading.counts, 1.0], dtype=np.float32) @ weights.counts[place]
    parts: list[list[float]] = []
    if reading.segments:
        kinds = look_up(reading, weights.index)
        size, firsts = len(reading.tokens), [part.first - 1 for part in reading.segments]
        starts = [first + kind * size for kind in range(len(kinds)) for first in firsts]
        rows = weights.rows.take([row for kind in kinds for row in kind], axis=0)
        sums = np.add.reduceat(rows, starts, axis=0).reshape(len(kinds), len(firsts), -1).sum(axis=0)
        share = sums @ weights.expand[place]
        total += share.sum(axis=0) * np.float32(1.0 / sqrt(1.0 + reading.size))
        parts = share.tolist()
    values: list[float] = total.tolist()
    quality = blended(values[0], alone(reading, parts), weights.blend)
    return Scores(quality=quality, acts=values[1:], parts=parts)


def alone(reading: Reading, parts: list[list[float]]) -> list[float]:
    """Return the quality of each segment as if nothing else had been said."""
    return [
        part[0] / sqrt(1.0 + segment.last - segment.first)
        for part, segment in zip(parts, reading.segments, strict=True)
    ]


def blended(whole: float, parts: list[float], blend: tuple[float, ...]) -> float:
    """Return the quality of a reply: its words together, and its worst, best and last segment."""
    if len(parts) < 2:
        only = parts[0] if parts else 0.0
        return blend[0] + blend[1] * whole + blend[2] * only
    span = log(len(parts))
    terms = (1.0, whole, min(parts), max(parts), parts[-1], span, span * whole)
    return sum(weight * term for weight, term in zip(blend[3:], terms, strict=True))


def look_up(reading: Reading, index: dict[str, int]) -> list[list[int]]:
    """Return the rows of tokens, of pairs and (Chinese) of triples, place by place; row 0 stands for the unknown."""
    kinds = [reading.tokens, [*reading.pairs, BREAK]]
    if reading.language == "zh":
        kinds.append([*triples(reading.pairs, reading.tokens), BREAK, BREAK])
    return [list(map(index.get, kind, repeat(0))) for kind in kinds]


def triples(pairs: list[str], tokens: list[str]) -> list[str]:
    """Return three neighbouring tokens each."""
    return [f"{pair} {token}" for pair, token in zip(pairs, tokens[2:], strict=False)]

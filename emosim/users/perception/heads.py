"""The learned heads: how good a reply is and which acts it holds, as sums of rows looked up by word.

Every head is linear, so a reply costs one gather of small integer rows and two small products. A small network then
weighs what they say of the whole, of its sentences and of its acts.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import log, sqrt
from typing import Final

import numpy as np

from emosim.acts import Act, Need
from emosim.users.perception.features import Reading, count
from emosim.users.perception.lexicon import Array, lexicon

ACTS: Final = tuple(Act)
NEEDS: Final = tuple(Need)
_ONE: Final = array("f", [1.0])
"""What the intercept is multiplied with."""
_PLACES: Final = {need: place for place, need in enumerate(NEEDS)}


@dataclass(slots=True)
class Scores:
    """What the heads say about a reply."""

    quality: float
    """How much it helps, about -2 to 2."""
    acts: list[float]
    """How much each act of ACTS is in it, about 0 to 1."""
    parts: Array
    """By segment: its share of the words' quality, then of each act, then of the sentence head."""
    sentences: list[float]
    """By segment: its quality as if nothing else had been said, about -2 to 2."""


def score(reading: Reading, need: Need, overlap: int) -> Scores:
    """Return what the heads say about a reading that holds words, to somebody with a need.

    Args:
        reading: The reply.
        need: The hidden need.
        overlap: Content words shared with what the person said.
    """
    weights = lexicon(reading.language)
    place = _PLACES[need]
    counted = np.frombuffer(count(reading, overlap) + _ONE, dtype=np.float32)
    total = counted.dot(weights.counts[place])
    parts = reading.sums[:, : weights.rank].dot(weights.expand[place])
    sentences = alone(reading, parts[:, -1].tolist(), float(total[-1]))
    total += reading.whole[: weights.rank].dot(weights.expand[place]) * np.float32(1.0 / sqrt(1.0 + reading.size))
    values: list[float] = total.tolist()
    acts = values[1:-1]
    quality = quality_of(seen(values[0], sentences, acts), weights.hidden[place], weights.out)
    return Scores(quality=quality, acts=acts, parts=parts, sentences=sentences)


def alone(reading: Reading, shares: list[float], bias: float) -> list[float]:
    """Return the quality of each segment as if nothing else had been said.

    Args:
        reading: The reply.
        shares: By segment: what its words add up to.
        bias: Quality of no words.
    """
    return [
        bias + share / sqrt(1.0 + segment.last - segment.first)
        for share, segment in zip(shares, reading.segments, strict=True)
    ]


def seen(words: float, sentences: list[float], acts: list[float]) -> Array:
    """Return what the network sees of a reply.

    Args:
        words: Its quality by all its words.
        sentences: The quality of each segment.
        acts: How much each act of ACTS is in it.
    """
    size = len(sentences)
    mean = sum(sentences) / size
    whole = [1.0, words, mean, min(sentences), max(sentences), sentences[-1], sentences[0], log(size), *acts]
    return np.frombuffer(array("f", whole), dtype=np.float32)


def quality_of(inputs: Array, hidden: Array, out: Array) -> float:
    """Return the quality of a reply.

    Args:
        inputs: What `seen` returns.
        hidden: Weights of the hidden units for a need, inputs x units.
        out: Weights of the units, then an intercept.
    """
    return float(np.maximum(inputs.dot(hidden), 0.0).dot(out[:-1]) + out[-1])

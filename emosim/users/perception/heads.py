"""The learned heads: how good a reply is and which acts it holds, as sums of rows looked up by word.

Every head is linear, so a reply costs one gather of small integer rows and two small products.
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
    """By segment: its share of the quality, then of each act."""


def score(reading: Reading, need: Need, overlap: int) -> Scores:
    """Return what the heads say about a reading to somebody with a need.

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
    if reading.segments:
        total += np.add.reduce(parts, axis=0) * (1.0 / sqrt(1.0 + reading.size))
    values: list[float] = total.tolist()
    quality = blended(values[0], alone(reading, parts[:, 0].tolist()), weights.blend)
    return Scores(quality=quality, acts=values[1:], parts=parts)


def alone(reading: Reading, shares: list[float]) -> list[float]:
    """Return the quality of each segment as if nothing else had been said.

    Args:
        reading: The reply.
        shares: By segment: its share of the quality.
    """
    return [
        share / sqrt(1.0 + segment.last - segment.first)
        for share, segment in zip(shares, reading.segments, strict=True)
    ]


def blended(whole: float, parts: list[float], blend: tuple[float, ...]) -> float:
    """Return the quality of a reply: its words together, and its worst, best and last segment."""
    if len(parts) < 2:
        only = parts[0] if parts else 0.0
        return blend[0] + blend[1] * whole + blend[2] * only
    span = log(len(parts))
    _, _, _, bias, words, worst, best, last, many, much = blend
    found = bias + words * whole + worst * min(parts) + best * max(parts) + last * parts[-1]
    return found + many * span + much * (span * whole)

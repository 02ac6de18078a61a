"""In which order a persona says its lines of a kind within an episode: a shuffle, so that none is said twice."""

from __future__ import annotations

from functools import cache, lru_cache
from math import gcd
from typing import Final

from emosim.persona import LineKind, Persona
from emosim.value import pick

DICE_SHUFFLE: Final = 20


def shuffled(persona: Persona, seed: int, kind: LineKind, used: int) -> int:
    """Return the place of the line that comes after so many of its kind.

    Args:
        persona: Whose lines.
        seed: Episode seed.
        kind: Kind of line.
        used: How many have been said, fewer than there are.
    """
    count, purpose, salt = len(persona.lines.of(kind)), _purpose(kind), persona.salt
    strides = _strides(count)
    start, stride = pick(count, seed, 0, purpose, salt), strides[pick(len(strides), seed, 1, purpose, salt)]
    return (start + used * stride) % count


@cache
def _purpose(kind: LineKind) -> int:
    """Return what the dice are for that shuffle the lines of a kind."""
    return DICE_SHUFFLE + sum(map(ord, kind))


@lru_cache(maxsize=64)
def _strides(count: int) -> tuple[int, ...]:
    """Return the numbers from 1 to a count that have no factor in common with it."""
    return tuple(stride for stride in range(1, count + 1) if gcd(stride, count) == 1)

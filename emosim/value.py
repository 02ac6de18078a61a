"""Frozen values and addressed randomness: the two things every other room uses."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value: equal by content, unknown fields refused, attribute docstrings are the field descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


_MASK = (1 << 64) - 1
GOLDEN, TURN_STEP, PURPOSE_STEP = 0x9E3779B97F4A7C15, 0xD1342543DE82EF95, 0x2545F4914F6CDD1D


def _mix(x: int) -> int:
    """Scramble 64 bits (the SplitMix64 finaliser, Steele, Lea & Flood 2014)."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def roll(seed: int, turn: int, purpose: int) -> float:
    """Return the uniform number in [0, 1) that belongs to an address.

    Dice are looked up, never consumed: the same (seed, turn, purpose) always gives the same number, so forks, retries,
    batches and the order of calls cannot move them. `emosim.acts_vector.dice` computes the same bits with numpy.

    Args:
        seed: Episode seed, any non-negative integer (taken modulo 2**64).
        turn: Turn number, 0 for the opening.
        purpose: Small integer that names what the dice are for.
    """
    x = _mix((seed + GOLDEN) & _MASK)
    x = _mix((x ^ (turn * TURN_STEP + GOLDEN)) & _MASK)
    x = _mix((x ^ (purpose * PURPOSE_STEP + GOLDEN)) & _MASK)
    return (x >> 11) / (1 << 53)


def pick(count: int, seed: int, turn: int, purpose: int) -> int:
    """Return an index in 0..count-1 from addressed dice."""
    return int(roll(seed, turn, purpose) * count)


def quantise(x: float) -> float:
    """Round to hundredths, half up, with IEEE steps that numpy repeats exactly: stored numbers recompute to the bit."""
    return math.floor(x * 100.0 + 0.5) / 100.0

"""Addressed dice for many episodes at once: the same bits as `emosim.value.roll`."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.value import GOLDEN, PURPOSE_STEP, TURN_STEP

_A, _B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT: Final = np.float64(1.0 / (1 << 53))


def address(seeds: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return seeds scrambled once, shape (n,): the part of an address that lasts an episode."""
    words = seeds.astype(np.uint64)
    words += np.uint64(GOLDEN)
    return _mix(words)


def at_turn(addresses: NDArray[np.uint64], turns: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the addresses of turns, shape (n,)."""
    words = turns.astype(np.uint64)
    words *= np.uint64(TURN_STEP)
    words += np.uint64(GOLDEN)
    words ^= addresses
    return _mix(words)


def purposes(*numbers: int) -> NDArray[np.uint64]:
    """Return what `rolls` needs for these purposes, shape (purposes, 1)."""
    steps = [(number * PURPOSE_STEP + GOLDEN) % (1 << 64) for number in numbers]
    return np.array(steps, dtype=np.uint64)[:, None]


def rolls(turns: NDArray[np.uint64], aims: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return uniform numbers in [0, 1), shape (purposes, n)."""
    words = _mix(turns ^ aims)
    words >>= _11
    numbers: NDArray[np.float64] = words.astype(np.float64)
    numbers *= _UNIT
    return numbers


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble in place; the steps of `emosim.value`."""
    words ^= words >> _30
    words *= _A
    words ^= words >> _27
    words *= _B
    words ^= words >> _31
    return words

"""Which episodes many environments play one after another: seeds, personas, dice of the openings; drawn ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.acts_env import DICE_SUCCESSION
from emosim.acts_vector import dice
from emosim.cues import DICE_CUE, DICE_DECOY, OPENING_RIGHT
from emosim.playbill import DICE_PERSONA
from emosim.users.opening import DICE_COUNTER

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
_SUCCESSION: Final = dice.purposes(DICE_SUCCESSION)
_PERSONA: Final = dice.purposes(DICE_PERSONA)
_OPENING: Final = dice.purposes(DICE_COUNTER, DICE_CUE, DICE_DECOY)
_AHEAD: Final = 1 << 15
"""Episodes drawn at once, all environments together."""


@dataclass(frozen=True)
class Openings:
    """What opens some episodes, each of shape (k,)."""

    seeds: Ints
    addresses: Words
    """Seeds as `dice.at_turn` needs them."""
    rows: Ints
    """Who plays: row of the table."""
    counter: Floats
    """Dice of a misleading request."""
    cue: Ints
    """How far beside the hidden need the opening points."""
    decoy: Ints
    """How far beside it misleading requests point."""

    def take(self, which: Ints) -> Openings:
        """Return some of them."""
        return Openings(*(getattr(self, name).take(which) for name in self.__dataclass_fields__))


def openings(seeds: Ints, salts: Words, rows: Ints | None = None) -> Openings:
    """Return what opens the episodes of these seeds.

    Args:
        seeds: Episode seeds, shape (k,).
        salts: Whose dice are whose, by row of the table.
        rows: Who plays, shape (k,); drawn from all if not given.
    """
    addresses = dice.address(seeds)
    opening = dice.at_turn(addresses, np.zeros_like(seeds))
    rows = _drawn(opening, len(salts)) if rows is None else rows
    counter, cue, decoy = dice.rolls(opening ^ salts.take(rows), _OPENING)
    return Openings(seeds, addresses, rows, counter, off(cue, OPENING_RIGHT), beside(decoy))


def drawn(seeds: Ints, personas: int) -> Ints:
    """Return which of so many personas plays the episode of each seed, shape (k,)."""
    return _drawn(dice.at_turn(dice.address(seeds), np.zeros_like(seeds)), personas)


def _drawn(opening: Words, personas: int) -> Ints:
    rows: Ints = (dice.rolls(opening, _PERSONA)[0] * float(personas)).astype(np.int64)
    return rows


def off(cue: Floats, right: float | Floats) -> Ints:
    """Return how far beside the hidden need cues point, 0 to 7: `emosim.cues.pointed` for many."""
    return beside((cue - right) / (1.0 - right)) * (cue >= right).astype(np.int64)


def beside(dice: Floats) -> Ints:
    """Return how far beside the hidden need wrong cues point, 1 to 7: `emosim.cues.wrong` for many."""
    return (dice * 7.0).astype(np.int64) + 1


class Series:
    """The episodes of `n` environments in order; equal to `emosim.acts_env.succession`.

    Args:
        n: How many environments.
        salts: Dice of the personas there are to draw from, see `openings`.
    """

    def __init__(self, n: int, salts: Words) -> None:
        self.salts, self.depth = salts, min(32, max(2, _AHEAD // n))
        self.first, self.number = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
        self._each = np.arange(n)
        self._from = np.zeros(n, dtype=np.int64)
        self._drawn: Openings | None = None

    def begin(self, seeds: Sequence[int | None], spare: Sequence[int]) -> None:
        """Begin anew where a seed is given, or with a spare one where nothing was ever played; else go on."""
        for i, seed in enumerate(seeds):
            if seed is not None or self.first[i] < 0:
                self.first[i] = spare[i] if seed is None else seed
                self.number[i] = -1
        self._drawn = None

    def draw(self, who: Ints) -> Openings:
        """Return the next episode of some environments."""
        self.number[who] += 1
        place = self.number[who] - self._from[who]
        if self._drawn is None or place.max() >= self.depth:
            self._drawn = self._ahead()
            place = np.zeros_like(who)
        return self._drawn.take(place * len(self.first) + who)

    def _ahead(self) -> Openings:
        self._from = self.number.copy()
        first = np.tile(self.first, self.depth)
        number = (self.number + np.arange(self.depth)[:, None]).ravel()
        spread = dice.rolls(dice.at_turn(dice.address(first), number), _SUCCESSION)[0]
        return openings(np.where(number == 0, first, (spread * (1 << 53)).astype(np.int64)), self.salts)

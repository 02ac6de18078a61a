"""Which known pairs and triples of words there are, so that all those of a reply are found with five array operations.

A table of (first, last) -> row with one row for every first would be large and nearly empty. Shifted against each other
until no two entries share a place, its rows fit into one short array (Tarjan & Yao, "Storing a sparse table", CACM
1979): an entry lies at the shift of its first plus its last, and a second array says whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
WINDOW: Final = 2048
"""Shifts that are looked at together."""
ROOM: Final = 16
"""Places for each entry while the table is made; a quarter of it was enough for the words of either language."""


@dataclass(frozen=True)
class Continuations:
    """A sparse table of two whole numbers, 1 or more each, to a third; 0 stands for what is not in it."""

    shift: Ints
    """By first: where its entries begin."""
    owner: Ints
    """By place: the first whose entry lies there, 0 for none."""
    value: Ints
    """By place: the entry."""

    @classmethod
    def of(cls, entries: Mapping[tuple[int, int], int], size: int) -> Self:
        """Return the table of entries.

        Args:
            entries: (first, last) -> value.
            size: One more than the largest number in any of them.
        """
        firsts, lasts, values = np.array([(*key, value) for key, value in entries.items()], dtype=np.int32).T
        order = np.argsort(firsts, kind="stable")
        starts = np.flatnonzero(np.diff(firsts[order], prepend=0))
        rows = np.split(order, starts[1:])
        taken = np.zeros(ROOM * len(order) + size + WINDOW, dtype=np.bool_)
        shift = np.zeros(size, dtype=np.int32)
        least = longest = 0
        for row in sorted(rows, key=len, reverse=True):
            columns = lasts[row]
            if 2 * len(columns) < longest or not longest:
                least, longest = 0, len(columns)
            shift[firsts[row[0]]] = least = free(taken, columns.tolist(), least)
            taken[columns + least] = True
        owner, value = np.zeros((2, int(shift.max()) + size), dtype=np.int32)
        owner[shift[firsts] + lasts] = firsts
        value[shift[firsts] + lasts] = values
        return cls(shift, owner, value)

    def rows_of(self, firsts: Ints, lasts: Ints) -> Ints:
        """Return the values of (first, last) pairs, 0 where there is none; 0 as a first or last is in no entry."""
        places = self.shift.take(firsts)
        places += lasts
        found: Ints = self.value.take(places)
        found *= self.owner.take(places) == firsts
        return found


def free(taken: NDArray[np.bool_], columns: list[int], least: int) -> int:
    """Return the smallest shift, of those from `least`, under which all columns fall on free places.

    >>> free(np.arange(2 * WINDOW) == 1, [0, 1], 0)
    2
    """
    for start in range(least, len(taken) - max(columns) - WINDOW, WINDOW):
        blocked = taken[start + columns[0] : start + columns[0] + WINDOW].copy()
        for column in columns[1:]:
            blocked |= taken[start + column : start + column + WINDOW]
        place = int(blocked.argmin())
        if not blocked[place]:
            return start + place
    raise ValueError("no room is left in the table")

"""What every search for a boundary shares: trials to propose, a cast that is played evenly, marks for the off-scale.

A search proposes trials and observes returns; who plays them is none of its business. Proposals follow from the seed
and from what was observed alone, so that a search resumes by observing again what was stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

import numpy as np

from emosim.errors import UsageError
from emosim.suite import Trial as Trial

Mark: TypeAlias = float | Literal["< 0", "> 1"]
"""A difficulty on the scale, or the side on which it is off the scale; never clipped."""


class Search(Protocol):
    """An adaptive experiment."""

    @property
    def done(self) -> bool:
        """Whether it has what it was asked for, or no budget is left."""

    def propose(self) -> list[Trial]:
        """Return the next batch of episodes to play."""

    def observe(self, trials: Sequence[Trial], returns: Sequence[float]) -> None:
        """Take in returns 0..1, NaN for an episode that cannot be scored."""


def run_search(search: Search, play: Callable[[Sequence[Trial]], Sequence[float]]) -> None:
    """Play a search to its end with a function that plays trials."""
    while not search.done:
        trials = search.propose()
        search.observe(trials, play(trials))


class Cast:
    """Deals personas so that each is played as often as any other.

    Args:
        personas: Persona ids.
        seed: Of the order.
    """

    def __init__(self, personas: Sequence[str], seed: int = 0) -> None:
        self.personas = tuple(dict.fromkeys(personas))
        if not self.personas:
            raise UsageError("a search needs at least one persona")
        self._seed = seed
        self._index = {persona: i for i, persona in enumerate(self.personas)}

    def deal(self, played: int, count: int) -> list[tuple[str, int]]:
        """Return the personas, each with its seed number, of episodes `played` to `played + count - 1`."""
        found = []
        for n in range(played, played + count):
            deck, place = divmod(n, len(self.personas))
            order = np.random.default_rng([self._seed, deck]).permutation(len(self.personas))
            found.append((self.personas[int(order[place])], deck))
        return found

    def index(self, persona: str) -> int:
        """Return the index of a persona.

        Raises:
            UsageError: It is not of this cast.
        """
        if persona not in self._index:
            raise UsageError(f"'{persona}' is not of the cast of this search")
        return self._index[persona]


def marked(difficulty: float) -> Mark:
    """Return a difficulty, or on which side of the scale it lies.

    >>> marked(0.25), marked(1.2)
    (0.25, '> 1')
    """
    return "< 0" if difficulty < 0 else "> 1" if difficulty > 1 else float(difficulty)


def width_on_scale(low: float, high: float) -> float:
    """Return half of the part of an interval that is on the scale."""
    ends = [min(max(x, 0.0), 1.0) if math.isfinite(x) else (0.0 if x < 0 else 1.0) for x in (low, high)]
    return (ends[1] - ends[0]) / 2.0

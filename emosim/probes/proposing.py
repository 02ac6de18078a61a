"""What a search must offer to be played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from emosim.suite import Trial


class Proposer(Protocol):
    """An adaptive experiment, such as `emosim.analysis.frontier.Frontier`."""

    budget: int
    """Trials at most."""

    @property
    def done(self) -> bool:
        """Whether it has what it was asked for, or no budget is left."""

    def propose(self) -> Sequence[Trial]:
        """Return the next batch of trials, each for another persona or seed; empty if there is nothing to ask."""

    def observe(self, trials: Sequence[Trial], returns: Sequence[float]) -> None:
        """Take in final moods over 100, in the order of the trials; NaN for an episode that could not be finished."""

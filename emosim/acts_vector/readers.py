"""What readers of n chats could tell by now: the observations of `emosim.cues`, kept up turn by turn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emosim.acts_vector.series import Openings, off
from emosim.acts_vector.speech import COUNTER, HINT, NOTHING
from emosim.cues import (
    ACT,
    FACT_RIGHT,
    FULL,
    HINT_RIGHT,
    KIND,
    MOST_FACTS,
    NEED,
    NEEDS,
    TOLD,
    TURN,
    WIDTH,
)
from emosim.cues import COUNTER as COUNTER_WEIGHT
from emosim.cues import FACT as FACT_WEIGHT
from emosim.cues import HINT as HINT_WEIGHT
from emosim.feeling import Flags, Numbers

Ints = NDArray[np.int64]
_TOLD = NOTHING + 1
"""Stands for nothing added but a fact told."""
_CUES = {HINT: HINT_WEIGHT, COUNTER: COUNTER_WEIGHT, _TOLD: FACT_WEIGHT}
_CUE = np.array([_CUES.get(kind, 0) for kind in range(_TOLD + 1)], dtype=np.float32)
_RIGHT = np.array([HINT_RIGHT if kind == HINT else FACT_RIGHT for kind in range(_TOLD + 1)])
_LAST = len(NEEDS) - 1
_ALL = np.dtype((np.void, 4 * len(NEEDS)))
"""Eight float32 copied as one."""


class Readers:
    """Readers of n chats.

    Args:
        n: How many.
    """

    def __init__(self, n: int) -> None:
        self._need, self._decoy = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self._weights = np.zeros((n, len(NEEDS)), dtype=np.float32)
        self._at_need, self._at_seen = np.arange(n) * len(NEEDS), np.arange(n) * WIDTH

    def open(self, who: Ints, needs: Ints, weights: NDArray[np.float32], misled: Flags, opened: Openings) -> None:
        """Start reading some chats.

        Args:
            who: Which, shape (k,).
            needs: Index of the hidden need, shape (k,).
            weights: What the opening is worth, shape (k,).
            misled: Whether it holds a misleading request, shape (k,).
            opened: Dice of the openings.
        """
        self._need[who], self._decoy[who] = needs, opened.decoy
        self._weights[who] = 0.0
        at = self._at_need[who]
        flat = self._weights.ravel()
        flat[at + ((needs + opened.cue) & _LAST)] += weights
        flat[at + ((needs + opened.decoy) & _LAST)] += np.float32(COUNTER_WEIGHT) * misled

    def hear(self, added: Ints, telling: Ints, cue: Numbers) -> None:
        """Read the messages just spoken.

        Args:
            added: Kind of what was added, NOTHING where a fact was told, shape (n,).
            telling: 1 where a fact was told, else 0, shape (n,).
            cue: Dice of the cues, shape (n,).
        """
        heard = added + telling
        aside = off(cue, _RIGHT.take(heard))
        np.putmask(aside, added == COUNTER, self._decoy)
        self._weights.ravel()[self._at_need + ((self._need + aside) & _LAST)] += _CUE.take(heard)

    def observe(
        self, turns: Numbers, said: Ints, telling: Ints, told: Ints, acts: Ints, last: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the observations, shape (n, 50); see `emosim.cues.observe`.

        Args:
            turns: Share of the turns used, shape (n,).
            said: Kinds in the last message, NOTHING where there is none, shape (2, n).
            telling: 1 where a fact was told in it, else 0, shape (n,).
            told: Number of facts told, shape (n,).
            acts: Last acts, shape (n,); 0 where there is none.
            last: 1 where there is a last act, else 0, shape (n,).
        """
        seen = np.zeros((len(turns), WIDTH), dtype=np.float32)
        flat, at = seen.ravel(), self._at_seen
        flat[at + (KIND + said)] = 1.0
        flat[at + (ACT + acts)] = last
        seen[:, TURN] = turns
        seen[:, KIND + NOTHING] = telling
        seen[:, TOLD] = told / MOST_FACTS
        full = np.minimum(self._weights * np.float32(1.0 / FULL), np.float32(1.0))
        seen[:, NEED:].view(_ALL)[:, 0] = full.view(_ALL)[:, 0]
        return seen

"""What n users say, as kinds of line: what is added to a reaction, and whether a line is left."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.cues import KINDS
from emosim.feeling import Flags
from emosim.persona import LINE_KINDS
from emosim.users.voice import CLASHES, MUTE_AFTER, NEXT_BEST

Ints = NDArray[np.int64]
SPOKEN: Final = LINE_KINDS[: LINE_KINDS.index("satisfied")]
"""Kinds of line said while an episode goes on, in the order of `emosim.cues.KINDS`."""
NOTHING: Final = len(SPOKEN)
OPENING: Final = KINDS.index("opening")
TEST, COUNTER, HINT, ASK = (SPOKEN.index(kind) for kind in ("test", "counter", "hint", "ask"))
CLASH: Final = np.array([after in CLASHES.get(kind, ()) for kind in SPOKEN for after in (*SPOKEN, "", "fact")])
"""By reaction and what follows, nothing and a fact last: whether only the latter is said."""
MUTE: Final = np.array([kind in MUTE_AFTER for kind in SPOKEN])
"""By kind: whether nothing but a provocation follows it."""
_BEST: Final = np.array([SPOKEN.index(NEXT_BEST.get(kind, kind)) for kind in SPOKEN] + [NOTHING])
"""For each kind the kind that stands in when its lines have run out; itself where none does."""
_LENDS: Final = np.array([[float(best == to != of) for to in range(NOTHING + 1)] for of, best in enumerate(_BEST)])
_PLENTY: Final = 1 << 40


def _addition(tests: int, misleads: int, hints: int, asks: int, mute: int, knows: int) -> tuple[int, bool]:
    """Return the kind that is added to a reaction, and whether a fact is told: `emosim.users.voice` as a table."""
    if tests:
        return TEST, False
    if mute:
        return NOTHING, False
    if misleads:
        return COUNTER, False
    if knows:
        return NOTHING, True
    return HINT if hints else ASK if asks else NOTHING, False


_CODES: Final = [_addition(*(code >> place & 1 for place in range(5, -1, -1))) for code in range(64)]
_ADDS: Final = np.array([kind for kind, _ in _CODES] + [NOTHING] * 64)
_TELLS: Final = np.array([int(tells) for _, tells in _CODES] + [0] * 64)


def additions(quiet: Flags, *flags: Flags) -> tuple[Ints, Ints]:
    """Return the kinds added to the reactions, and 1 where a fact is told, else 0, each of shape (n,).

    Args:
        quiet: The user adds nothing, shape (n,).
        *flags: The six arguments of `_addition` in order, each of shape (n,).
    """
    code = quiet.view(np.uint8).copy()
    for flag in flags:
        code += code
        code += flag.view(np.uint8)
    at = code.astype(np.int64)
    return _ADDS.take(at), _TELLS.take(at)


class Lines:
    """The lines that n users have left.

    Args:
        n: How many users.
    """

    def __init__(self, n: int) -> None:
        self._own = np.zeros((n, NOTHING + 1), dtype=np.int64)
        """Lines less uses, by kind; below 0 where another kind has stood in."""
        self._scarce = np.zeros(n, dtype=np.bool_)
        """Some kind has stood in for another."""
        self._base = np.arange(n) * (NOTHING + 1)

    def open(self, who: Ints, lines: Ints, misled: Flags) -> None:
        """Give some users all their lines, shape (k, NOTHING + 1), kept; a misleading request may be used already."""
        lines[:, COUNTER] -= misled
        lines[:, NOTHING] = _PLENTY
        self._own[who] = lines
        self._scarce[who] = False

    def use(self, kinds: Ints) -> None:
        """Say a line of each kind, shape (2, n); a kind becomes NOTHING, in place, where no line is left."""
        own, at = self._own.ravel(), self._base + kinds
        after = own.take(at) - 1
        which = np.flatnonzero((after < 0) | self._scarce)
        if which.size:
            unsaid = self._search(kinds.ravel(), which)
            kinds.ravel()[unsaid] = NOTHING
            after.ravel()[unsaid] += 1
        own[at] = after

    def _search(self, kinds: Ints, which: Ints) -> Ints:
        """Return where neither a line of the kind nor one of the next best is left, looking where it is not plain."""
        who, kind, each = which % len(self._own), kinds[which], np.arange(which.size)
        own = self._own.take(who, axis=0)
        left = own - np.maximum(-own, 0).astype(np.float64) @ _LENDS
        said = (left[each, kind] > 0) | (left[each, _BEST[kind]] > 0)
        self._scarce[who[said & (own[each, kind] <= 0)]] = True
        unsaid: Ints = which[~said]
        return unsaid

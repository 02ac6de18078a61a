"""Return families over mood paths: one episode, several ways to count it (SCIENCE.md 5).

Paths are moods 0..100 with the last one carried to the end of the row, which is what makes averages over turns safe: an
unpadded sum pays for stalling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.intervals import Floats
from emosim.errors import UsageError, did_you_mean

FAILED_BELOW: Final = 10.0
SUCCEEDED_AT: Final = 100.0


def pad(paths: Sequence[Sequence[float]], turns: int | None = None) -> Floats:
    """Return mood paths as one array [N, turns + 1], the last mood carried on.

    Args:
        paths: Moods of each episode, the opening's first.
        turns: Turns to pad to; by default the longest.

    Raises:
        UsageError: A path is empty, or longer than `turns` allow.
    """
    if not paths or not all(paths):
        raise UsageError("no moods to read; give at least one episode with its opening mood")
    width = max(len(path) for path in paths) if turns is None else turns + 1
    if max(len(path) for path in paths) > width:
        raise UsageError(f"an episode has more than {turns} turns")
    return np.array([[*path, *[path[-1]] * (width - len(path))] for path in paths], float)


def returns_of(moods: ArrayLike, kind: str = "final") -> Floats:
    """Return one number an episode.

    Args:
        moods: Padded paths, shape [..., T+1], 0..100.
        kind: A name in `RETURNS`.

    Returns:
        Shape [...].

    Raises:
        UsageError: No such kind.
    """
    if kind not in RETURNS:
        raise UsageError(f"no return '{kind}'{did_you_mean(kind, RETURNS)}")
    return np.asarray(RETURNS[kind](np.asarray(moods, float)))


def _final(moods: Floats) -> Floats:
    return np.asarray(moods[..., -1] / 100.0)


def _delta(moods: Floats) -> Floats:
    return np.asarray((moods[..., -1] - moods[..., 0]) / 100.0)


def _padded_auc(moods: Floats) -> Floats:
    return np.asarray(moods[..., 1:].mean(axis=-1) / 100.0)


def _peak_end(moods: Floats) -> Floats:
    return np.asarray((moods.max(axis=-1) + moods[..., -1]) / 200.0)


def _min_end(moods: Floats) -> Floats:
    return np.asarray((moods.min(axis=-1) + moods[..., -1]) / 200.0)


def _ordinal(moods: Floats) -> Floats:
    last = moods[..., -1]
    return np.asarray(0.5 * (last >= FAILED_BELOW) + 0.5 * (last >= SUCCEEDED_AT))


def _success(moods: Floats) -> Floats:
    return np.asarray((moods[..., -1] >= SUCCEEDED_AT).astype(float))


def _high(moods: Floats) -> Floats:
    return np.asarray((moods[..., -1] >= 70.0).astype(float))


def _not_failed(moods: Floats) -> Floats:
    return np.asarray((moods[..., -1] >= FAILED_BELOW).astype(float))


RETURNS: Final[dict[str, Callable[[Floats], Floats]]] = {
    "final": _final,
    "delta": _delta,
    "padded_auc": _padded_auc,
    "peak_end": _peak_end,
    "min_end": _min_end,
    "ordinal": _ordinal,
    "success": _success,
    "high": _high,
    "not_failed": _not_failed,
}
"""Returns by name.

`final`: last mood, 0..1; `delta`: last less first, -1..1; `padded_auc`: mean over all turns allowed; `peak_end`,
`min_end`: mean of best or worst and last; `ordinal`: 0 failure, .5, 1 success; `success`, `high` and `not_failed`:
whether the last mood reaches 100, 70 or 10.
"""

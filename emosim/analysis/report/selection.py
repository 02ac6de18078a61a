"""Which transcripts a page keeps when there are too many: the worst, the best, and some by dice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from emosim.analysis.report.values import Transcript
from emosim.value import Value, roll

_DICE: Final = 41


class Limits(Value):
    """How large a page may become."""

    episodes: int = 2000
    """With more episodes than this, some transcripts are left out."""
    size_bytes: int = 15_000_000
    """A larger page leaves transcripts out."""
    kept: int = 200
    """How many transcripts stay then."""


def choose(episodes: Sequence[Transcript], limits: Limits) -> frozenset[int] | None:
    """Return the positions of the transcripts to keep, None for all."""
    return None if len(episodes) <= limits.episodes else select(episodes, limits.kept)


def fewer(episodes: Sequence[Transcript], kept: frozenset[int] | None, limits: Limits) -> frozenset[int]:
    """Return a smaller choice for a page that is still too large."""
    return select(episodes, limits.kept if kept is None else min(limits.kept, len(kept)) // 2)


def select(episodes: Sequence[Transcript], count: int) -> frozenset[int]:
    """Return positions of a third of the worst, a third of the best, and the rest by dice.

    Args:
        episodes: All episodes.
        count: How many to take.
    """
    ranked = sorted(range(len(episodes)), key=lambda at: episodes[at].episode.score)
    if count >= len(ranked):
        return frozenset(ranked)
    third = count // 3
    middle = sorted(ranked[third : len(ranked) - third], key=lambda at: roll(at, 0, _DICE))
    return frozenset([*ranked[:third], *ranked[len(ranked) - third :], *middle[: count - 2 * third]])

"""Whether a bad moment can still be turned: P(recover | mood, turn), basins, first passage, point of no return.

Moods feed on themselves, so where an episode stands says much about where it ends whoever speaks. Episodes alone show
both, agent and momentum, mixed; forks of one stored moment, continued several times or by another agent, separate them.
Paths are padded (`emosim.analysis.returns.pad`), with the number of turns that were played. Source: FIELD.md 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emosim.analysis.intervals import UNIT, Floats, Interval, Ints, mean_interval, wilson, wilson_bounds
from emosim.errors import UsageError
from emosim.value import Value

BINS: Final = tuple(range(0, 101, 10))
"""Edges of mood bins; the last bin holds 100."""
FEWEST: Final = 5
"""Episodes in a cell below which it stays blank."""


class Cell(Value):
    """One cell of the recovery map."""

    turn: int
    """Turns played."""
    low: float
    """Moods from here on ..."""
    high: float
    """... to below here."""
    episodes: int
    """Episodes that went on from this cell."""
    chance: Interval | None
    """P(recover); None: fewer than `FEWEST` episodes."""


class Basin(Value):
    """What became of episodes that once stood at some mood."""

    level: float
    """The mood."""
    side: Literal["below", "above"]
    """Whether they were ever at or below it, or ever at or above it."""
    episodes: int
    """How many."""
    recovered: Interval | None
    """Share that ended at or above the target; None: no episode."""
    succeeded: Interval | None
    """Share that ended satisfied."""


class Passage(Value):
    """When a mood is first reached."""

    level: float
    """The mood."""
    side: Literal["below", "above"]
    """From which side on it counts."""
    reached: tuple[Interval, ...]
    """Share of episodes that reached it within 0, 1, 2, ... turns."""
    median_turn: int | None
    """Turn by which half of all episodes have reached it; None: fewer than half ever do."""


class FirstChange(Value):
    """What the first change alone foretells."""

    change: float
    """Change of mood in the first turn."""
    episodes: int
    """How many."""
    final: float
    """Mean final mood, 0..100."""
    succeeded: Interval
    """Share that ended satisfied."""


def recovery_map(
    moods: ArrayLike,
    played: ArrayLike,
    *,
    target: float | None = None,
    bins: Sequence[float] = BINS,
    clusters: ArrayLike | None = None,
    failing: bool = False,
    turn: int | None = None,
    level: float = 0.95,
) -> tuple[Cell, ...]:
    """Return P(ends at the target or above | mood, turn) for episodes that still went on.

    Args:
        moods: Padded paths, shape [N, T+1], 0..100.
        played: Turns played by each, integers [N].
        target: Mood to end at; by default the opening's.
        bins: Rising edges of mood bins.
        clusters: Persona of each episode, integers [N]; intervals widen where episodes of a persona agree.
        failing: Return P(ends below the target) instead.
        turn: Only after this many turns.
        level: Nominal coverage.
    """
    paths, turns = _paths(moods, played)
    goal = paths[:, 0] if target is None else np.full(len(paths), target)
    ended = (paths[:, -1] < goal) if failing else (paths[:, -1] >= goal)
    groups = np.arange(len(paths)) if clusters is None else np.asarray(clusters, np.int64)
    cells = []
    for number in range(paths.shape[1] - 1) if turn is None else (turn,):
        going = turns > number
        for low, high in pairwise(bins):
            here = going & (paths[:, number] >= low) & (paths[:, number] < (high if high < 100 else np.inf))
            chance = _clustered(ended[here], groups[here], level)
            cells.append(Cell(turn=number, low=low, high=high, episodes=int(here.sum()), chance=chance))
    return tuple(cells)


def point_of_no_return(
    moods: ArrayLike,
    played: ArrayLike,
    *,
    target: float | None = None,
    bins: Sequence[float] = BINS,
    clusters: ArrayLike | None = None,
    hopeless: float = 0.05,
) -> dict[int, float | None]:
    """Return for each turn the highest mood below which recovery is shown to be rarer than `hopeless`.

    Args:
        moods: Padded paths, shape [N, T+1], 0..100.
        played: Turns played by each, integers [N].
        target: Mood to end at; by default the opening's.
        bins: Moods to try, rising.
        clusters: Persona of each episode.
        hopeless: The upper end of the interval of all episodes below, and the share in the bin just below, must both
            lie under this chance.

    Returns:
        Turn to mood. None: not shown for any mood; more episodes may show it.
    """
    paths, turns = _paths(moods, played)
    points: dict[int, float | None] = {}
    for turn in range(paths.shape[1] - 1):
        points[turn] = None
        for low, high in pairwise(bins):
            edges = ((bins[0], high), (low, high))
            pooled, top = (
                recovery_map(paths, turns, target=target, bins=edge, clusters=clusters, turn=turn)[0] for edge in edges
            )
            if top.chance and top.chance.estimate >= hopeless:
                break
            if pooled.chance and pooled.chance.high < hopeless:
                points[turn] = high
    return points


def branch_recovery(outcomes: ArrayLike, *, level: float = 0.95) -> Interval:
    """Return P(recover) from forks: the mean over moments of the share of their branches that recover.

    Args:
        outcomes: 0 or 1, shape [moments, branches]; NaN for branches that failed to run. Moments are independent: take
            one an episode.
        level: Nominal coverage.

    Raises:
        UsageError: Fewer than 2 moments, or a moment without branches.
    """
    return mean_interval(_shares(outcomes), level=level, bounds=UNIT)


def skill_gap(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Interval:
    """Return how much more often the second agent recovers from the same moments: skill, with momentum held fixed.

    Args:
        first: Outcomes 0 or 1 of the first agent's branches, shape [moments, branches].
        second: Of the second agent's from the same moments, shape [moments, any].
        level: Nominal coverage.

    Raises:
        UsageError: The moments are not the same, or fewer than 2.
    """
    shares = _shares(first), _shares(second)
    if len(shares[0]) != len(shares[1]):
        raise UsageError(f"{len(shares[0])} and {len(shares[1])} moments; both agents must start from the same ones")
    return mean_interval(shares[1] - shares[0], level=level, bounds=(-1.0, 1.0))


def basin(
    moods: ArrayLike, level: float, side: Literal["below", "above"], *, target: float = 40.0, success: float = 100.0
) -> Basin:
    """Return what became of episodes that were ever at or below, or at or above, a mood.

    Args:
        moods: Padded paths, shape [N, T+1], 0..100.
        level: The mood.
        side: Which side.
        target: Mood from which an end counts as recovered.
        success: Mood from which an end counts as satisfied.
    """
    paths = np.asarray(moods, float)
    ever = (paths <= level).any(axis=1) if side == "below" else (paths >= level).any(axis=1)
    last, count = paths[ever, -1], int(ever.sum())
    shares = [wilson(int((last >= bar).sum()), count) if count else None for bar in (target, success)]
    return Basin(level=level, side=side, episodes=count, recovered=shares[0], succeeded=shares[1])


def first_passage(moods: ArrayLike, level: float, side: Literal["below", "above"]) -> Passage:
    """Return how many episodes have first reached a mood by each turn; an episode that ended elsewhere never does.

    Args:
        moods: Padded paths, shape [N, T+1], 0..100, N >= 1.
        level: The mood.
        side: `below`: at or below it; `above`: at or above it.
    """
    paths = np.asarray(moods, float)
    inside = paths <= level if side == "below" else paths >= level
    counts = np.maximum.accumulate(inside, axis=1).sum(axis=0)
    half = np.flatnonzero(counts * 2 >= len(paths))
    return Passage(
        level=level,
        side=side,
        reached=tuple(wilson(int(c), len(paths)) for c in counts),
        median_turn=int(half[0]) if len(half) else None,
    )


def first_changes(moods: ArrayLike, *, success: float = 100.0, fewest: int = FEWEST) -> tuple[FirstChange, ...]:
    """Return what each first change foretells, for changes that occurred at least `fewest` times."""
    paths = np.asarray(moods, float)
    if paths.ndim != 2 or paths.shape[1] < 2:
        raise UsageError("no turn was played; moods must have the opening and at least one turn")
    changes = np.round(paths[:, 1] - paths[:, 0], 2)
    found = []
    for change in np.unique(changes):
        last = paths[changes == change, -1]
        if len(last) >= fewest:
            won = wilson(int((last >= success).sum()), len(last))
            found.append(FirstChange(change=float(change), episodes=len(last), final=float(last.mean()), succeeded=won))
    return tuple(found)


def _paths(moods: ArrayLike, played: ArrayLike) -> tuple[Floats, Ints]:
    paths, turns = np.asarray(moods, float), np.asarray(played, np.int64)
    if paths.ndim != 2 or len(paths) != len(turns) or paths.shape[1] < 2:
        raise UsageError(f"moods of shape {paths.shape} with {len(turns)} lengths; one padded row an episode is needed")
    return paths, turns


def _clustered(ended: NDArray[np.bool_], groups: Ints, level: float) -> Interval | None:
    """Return Wilson's interval at the effective sample size of clustered outcomes (Kish's design effect)."""
    count = len(ended)
    if count < FEWEST:
        return None
    share = float(ended.mean())
    sizes, place = np.unique(groups, return_inverse=True)
    effect = 1.0
    if len(sizes) < count and 0.0 < share < 1.0 and len(sizes) > 1:
        sums = np.bincount(place, weights=ended - share)
        between = float((sums**2).sum()) * len(sizes) / (len(sizes) - 1)
        effect = max(1.0, between / (count * share * (1.0 - share)))
    elif len(sizes) < count:
        effect = count / len(sizes)
    low, high = wilson_bounds(share, count / effect, level=level)
    return Interval(estimate=share, low=float(low), high=float(high), level=level, n=count, method="wilson")


def _shares(outcomes: ArrayLike) -> Floats:
    table = np.atleast_2d(np.asarray(outcomes, float))
    if not np.isfinite(table).any(axis=1).all():
        raise UsageError("a moment has no branch that ran to its end; fork it again or leave it out")
    return np.asarray(np.nanmean(table, axis=1))

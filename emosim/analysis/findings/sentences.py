"""How verdicts are worded: one sentence with its interval, or `undetermined` with what is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from emosim.analysis.boundary import Boundary
from emosim.analysis.counted import counted
from emosim.analysis.intervals import Interval
from emosim.analysis.search import Mark

SEEN: Final = 2.0**0.5 * 2.8 / 3.92
"""Smallest difference of two such estimates that is seen, in widths of their 95 % intervals: 80 % power at 5 %."""


def leaves(agent: str, found: Boundary, edge: Boundary, contrast: float = 0.5) -> str:
    """Return where an agent leaves its explorable space, in one sentence.

    Args:
        agent: Its spec.
        found: The boundary of U_G = `contrast`.
        edge: The boundary beyond which it is outside.
        contrast: u.
    """
    what = basis(found, contrast)
    axis = found.axis
    if found.status == "located":
        return f"{agent} leaves its explorable space at {axis} {mark(found.estimate)} (95 % {span(found)}; {what})"
    if found.status == "beyond":
        return f"{agent} does not leave its explorable space: the boundary is beyond 1 on {axis} ({what})"
    if found.status == "below" and edge.status != "below":
        return f"{agent}: contrast is below u at every level, and so the boundary below 0 on {axis} ({what})"
    if found.status == "below":
        return f"{agent} is outside its explorable space everywhere: the boundary is below 0 on {axis} ({what})"
    return undetermined(f"{agent}: where it leaves its explorable space", what, (*found.reasons, sight(found)))


def half(found: Boundary) -> str:
    """Return where half of the episodes succeed, in one sentence without a full stop.

    Args:
        found: d50.
    """
    if found.status == "located":
        return f"half of the episodes succeed at {found.axis} {mark(found.estimate)} (95 % {span(found)})"
    if found.status == "beyond":
        return f"more than half of the episodes succeed at every level: d50 is beyond 1 on {found.axis}"
    if found.status == "below":
        return f"fewer than half of the episodes succeed at every level: d50 is below 0 on {found.axis}"
    return f"where half of the episodes succeed is undetermined: {'; '.join(found.reasons)}"


def undetermined(question: str, what: str, why: Sequence[str]) -> str:
    """Return that a question is open, and in a second sentence why.

    >>> undetermined("x: where it ends", "G = 8", ("16 episodes; at least 24 are needed", "nothing could be seen"))
    'x: where it ends is undetermined (G = 8). 16 episodes; at least 24 are needed; nothing could be seen.'
    """
    told = "; ".join(why)
    return f"{question} is undetermined ({what}). {told[:1].upper()}{told[1:]}."


def basis(found: Boundary, contrast: float) -> str:
    """Return what a boundary rests on: G, u and the number of episodes."""
    share = f"{contrast:g}".removeprefix("0")
    return f"G = {found.group_size}, u = {share}, {counted(found.episodes, 'episode')}"


def sight(found: Boundary) -> str:
    """Return the minimum detectable effect of a boundary."""
    if found.detectable is None:
        return "this design could see no difference between two such boundaries"
    return f"two such boundaries are told apart from a difference of {found.detectable:.2f} on"


def span(found: Boundary) -> str:
    """Return an interval whose ends may lie off the scale, `0.36..0.46` or `<0..0.12`."""
    return f"{mark(found.low)}..{mark(found.high)}"


def mark(value: Mark | None) -> str:
    """Return a place on the scale, or the side on which it lies off it.

    >>> mark(0.412), mark("> 1")
    ('0.41', '>1')
    """
    if value is None:
        return "-"
    return value.replace(" ", "") if isinstance(value, str) else f"{value:.2f}"


def between(found: Interval | None) -> str:
    """Return an estimate with its interval, `0.71 (95 % 0.64..0.78)`, or `undetermined`."""
    if found is None:
        return "undetermined"
    return f"{found.estimate:.2f} (95 % {found.low:.2f}..{found.high:.2f})"


def told_apart(found: Interval) -> float:
    """Return the smallest difference between two such estimates that is seen with 80 % power."""
    return SEEN * (found.high - found.low)

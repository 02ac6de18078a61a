"""What a search for a boundary answers: a place on the scale, a side off the scale, or undetermined with reasons."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import numpy as np

from emosim.analysis.counted import counted
from emosim.analysis.intervals import Floats
from emosim.analysis.psychometric import Target
from emosim.analysis.search import Mark, marked, width_on_scale
from emosim.value import Value

FEWEST_EPISODES: Final = 24
"""Scorable episodes below which no boundary is given."""
FEWEST_PERSONAS: Final = 4
"""Personas below which a boundary would be theirs alone."""
MOST_FAULTS: Final = 0.2
"""Share of unscorable episodes above which no boundary is given."""
WIDEST: Final = 0.15
"""Half-width above which a boundary is undetermined."""
MISFIT: Final = 0.01
"""Posterior-predictive p below which the model is given up."""
DETECT: Final = 2.0**0.5 * 2.8 / 3.92
"""Detectable difference of two such boundaries, in widths of their intervals: 80 % power at 5 %."""
SURE: Final = 0.95
"""Posterior mass that calls a boundary off the scale."""

Status: TypeAlias = Literal["located", "beyond", "below", "undetermined"]


class Boundary(Value):
    """Where the agent leaves its explorable space on one axis."""

    status: Status
    """`beyond` the hardest level; `below` the easiest one; `undetermined` with reasons."""
    estimate: Mark | None
    """Posterior median; None where any number would mean nothing."""
    low: Mark | None
    """Lower end of the 95 % credible interval."""
    high: Mark | None
    """Upper end."""
    target: str
    """What the boundary is, G included."""
    group_size: int | None
    """G; None for a success rate."""
    axis: str
    """`level` for the reference ray, or the knob's name."""
    episodes: int
    """Scorable episodes."""
    faults: int
    """Episodes that could not be scored."""
    personas: int
    """Personas played; the boundary is that of this cast, played evenly."""
    fit: float | None = None
    """Posterior-predictive p of the model."""
    detectable: float | None = None
    """Smallest difference between two such boundaries that is seen with 80 % power; None where censored."""
    reasons: tuple[str, ...] = ()
    """Why it is undetermined, or what to know, one line each."""

    def __str__(self) -> str:
        if self.estimate is None:
            return f"{self.target} undetermined: {'; '.join(self.reasons)}"
        ends = [x if isinstance(x, str) or x is None else f"{x:.2f}" for x in (self.estimate, self.low, self.high)]
        return f"{self.target} {self.status}: {ends[0]} [{ends[1]}, {ends[2]}]"


class Tally(Value):
    """What a boundary rests on."""

    axis: str
    """`level` for the reference ray, or the knob's name."""
    episodes: int
    """Scorable episodes."""
    faults: int
    """Episodes that could not be scored."""
    personas: int
    """Personas among the scorable episodes."""

    @property
    def refusal(self) -> str:
        """Why nothing may be concluded at all, or nothing."""
        if self.episodes < FEWEST_EPISODES:
            return f"{counted(self.episodes, 'scorable episode')}; at least {FEWEST_EPISODES} are needed"
        if self.personas < FEWEST_PERSONAS:
            return f"{counted(self.personas, 'persona')} played; at least {FEWEST_PERSONAS} are needed"
        if self.faults > MOST_FAULTS * (self.episodes + self.faults):
            whole = self.episodes + self.faults
            return f"{self.faults} of {whole} episodes could not be scored; mend what failed and resume"
        return ""


def refused(target: Target, tally: Tally, reasons: tuple[str, ...], fit: float | None = None) -> Boundary:
    """Return an undetermined boundary without numbers."""
    return Boundary(
        **_common(target, tally), status="undetermined", estimate=None, low=None, high=None, fit=fit, reasons=reasons
    )


def judged(
    target: Target,
    tally: Tally,
    values: Floats,
    mass: Floats,
    *,
    unreached: float = 0.0,
    notes: tuple[str, ...] = (),
    fit: float | None = None,
) -> Boundary:
    """Return the verdict on the posterior of a boundary.

    Args:
        target: What the boundary is.
        tally: What it rests on.
        values: Distinct values of d*, ascending, infinite ones included.
        mass: Their posterior mass, sum 1.
        unreached: Mass of curves that reach u at no level, though they are not too hard everywhere.
        notes: What to know.
        fit: Posterior-predictive p.
    """
    if unreached > 1.0 - SURE:
        return refused(target, tally, (*notes, _unreached(target, unreached)), fit)
    low, middle, high = (float(x) for x in quantiles(values, mass, np.array([0.025, 0.5, 0.975])))
    half, reasons = width_on_scale(low, high), list(notes)
    status: Status = "undetermined"
    if mass[values > 1].sum() >= SURE:
        status = "beyond"
    elif mass[values < 0].sum() >= SURE:
        status = "below"
    elif half > WIDEST:
        reasons.append(f"the interval is ±{half:.2f} where at most ±{WIDEST:.2f} is needed; play more episodes")
    elif not 0 <= middle <= 1:
        reasons.append("it lies near the end of the scale, on which side is open; play more episodes")
    else:
        status = "located"
    seen = DETECT * (high - low) if 0 <= low <= high <= 1 else None
    ends = {"estimate": marked(middle), "low": marked(low), "high": marked(high)}
    return Boundary(**_common(target, tally), **ends, status=status, fit=fit, detectable=seen, reasons=tuple(reasons))


def quantiles(values: Floats, mass: Floats, shares: Floats) -> Floats:
    """Return quantiles of d*, infinite where the share falls among boundaries that are never met.

    Args:
        values: Distinct values, ascending, shape [V].
        mass: Their mass, shape [V], sum 1.
        shares: Wanted, 0..1, shape [Q].
    """
    finite = np.isfinite(values)
    below, inner = float(mass[np.isneginf(values)].sum()), float(mass[finite].sum())
    if inner <= 0:
        return np.where(shares < below, -np.inf, np.inf)
    steps = np.cumsum(mass[finite]) - mass[finite] / 2.0
    found = np.interp(shares, below + steps, values[finite])
    return np.where(shares < below, -np.inf, np.where(shares > below + inner, np.inf, found))


def _unreached(target: Target, mass: float) -> str:
    """Return that u is too high for a cast whose personas differ, and what to do."""
    u = f"{target.value:g}".removeprefix("0")
    way = "take a smaller --contrast or a larger --group-size"
    if mass >= SURE:
        return f"u = {u} is reached at no level, as personas differ too much; {way}"
    return f"whether u = {u} is reached at any level is open; play more episodes, or {way}"


def _common(target: Target, tally: Tally) -> dict[str, Any]:
    return {
        **tally.model_dump(),
        "target": str(target),
        "group_size": target.group_size if target.kind == "contrast" else None,
    }

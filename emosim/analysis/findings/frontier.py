"""What a search along one axis found: boundaries, zones, levels, ceilings, personas; what frontier.json holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from emosim.analysis.boundary import Boundary
from emosim.analysis.calibration import Placed, calibrate
from emosim.analysis.ceiling import max_at_k
from emosim.analysis.contrast import EDGE, HALF, Zone, zone_of
from emosim.analysis.findings.sentences import leaves
from emosim.analysis.frontier import Curve, Frontier
from emosim.analysis.intervals import UNIT, Interval, mean_interval
from emosim.analysis.persona_levels import PersonaLevels
from emosim.analysis.psychometric import Target
from emosim.analysis.search import Trial
from emosim.errors import UsageError
from emosim.value import Value

BINS: Final = 10
"""Bins of the axis in tables."""
FEWEST: Final = 8
"""Personas with k episodes in a bin from which a ceiling C(k) is given. Source: own choice."""
Rows: TypeAlias = Sequence[tuple[Trial, float]]
Triple: TypeAlias = tuple[float, float, float]
"""Estimate, low, high."""


class Level(Value):
    """What was seen and what the curve says in one bin of the axis."""

    low: float
    """Lower end of the bin."""
    high: float
    """Upper end."""
    episodes: int
    """Scorable episodes."""
    score: Interval | None
    """Mean final mood over 100, over personas; None with fewer than 2 of them."""
    success: Triple | None
    """Success rate of the cast by the curve, in the bin's middle: estimate, low, high; None where there is no curve."""
    contrast: Triple | None
    """U_G by the curve: estimate, low, high."""
    zone: Zone | None
    """Where the bin lies; `beneath` is too easy, `undetermined` where the intervals allow several zones."""
    likely: Zone | None
    """Where it lies by the estimates alone."""


class Reach(Value):
    """The ceiling in one bin, as far as the search played personas there more than once."""

    low: float
    """Lower end of the bin."""
    high: float
    """Upper end."""
    k: int
    """Best of how many."""
    once: Interval
    """C(1) of the same personas."""
    best: Interval
    """C(k)."""


class FrontierFindings(Value):
    """Where an agent leaves its explorable space on one axis."""

    schema_version: Literal[1] = 1
    """Version of the stored form."""
    kind: Literal["frontier"] = "frontier"
    """Which findings these are."""
    verdict: str
    """The sentence."""
    agent: str
    """Spec of the agent."""
    axis: str
    """`level` for the reference ray, or the knob's name."""
    group_size: int
    """G."""
    contrast: float
    """u."""
    boundary: Boundary
    """Where U_G falls to u."""
    edge: Boundary
    """Where U_G falls to .2: beyond it the agent is outside."""
    d50: Boundary
    """Where half of the episodes succeed."""
    levels: tuple[Level, ...]
    """The axis in ten bins."""
    ceilings: tuple[Reach, ...]
    """C(k) where personas came back; `emosim ceiling` plays what is missing."""
    personas: tuple[Placed, ...] | None
    """Personas whose difficulty for this agent is shown to differ from the middle one's, in logits, hardest first;
    None where the data bear no estimate."""
    by_persona: PersonaLevels | None = None
    """Success of every persona along the axis, hardest first; None where the data bear no curve."""
    curve: Curve | None
    """The fitted curve; None where the data bear none."""
    episodes: int
    """Scorable episodes."""
    faults: int
    """Episodes that could not be finished; none is in any number."""
    notes: tuple[str, ...] = ()
    """What to know."""


def frontier_findings(agent: str, search: Frontier) -> FrontierFindings:
    """Return what a search found.

    Args:
        agent: Spec of the agent.
        search: The search, after its last observation.
    """
    target = search.target
    found, edge = search.boundary(), search.boundary(Target(value=EDGE, group_size=target.group_size))
    rows = [(trial, x) for trial, x in zip(search.trials, search.returns, strict=True) if np.isfinite(x)]
    notes = () if found.status == "undetermined" else found.reasons
    curve = search.curve()
    return FrontierFindings(
        verdict=leaves(agent, found, edge, target.value),
        agent=agent,
        axis=search.axis,
        group_size=target.group_size,
        contrast=target.value,
        boundary=found,
        edge=edge,
        d50=search.boundary(Target.d50()),
        levels=_levels(rows, search),
        ceilings=tuple(_ceilings(rows)),
        personas=None if curve is None else _personas(rows),
        by_persona=search.personas(),
        curve=curve,
        episodes=found.episodes,
        faults=found.faults,
        notes=notes,
    )


def zone_at(contrast: float, success: float, group_size: int) -> Zone:
    """Return the zone of a level by its U_G and its success rate.

    >>> [zone_at(u, p, 8) for u, p in ((0.1, 0.99), (0.38, 0.92), (0.9, 0.4), (0.3, 0.05), (0.1, 0.01))]
    ['beneath', 'beneath', 'inside', 'edge', 'outside']
    """
    room = 1.0 - (1.0 - success) ** group_size - success
    return zone_of(contrast, success, room, easy=success > HALF)


@dataclass(frozen=True)
class _Bin:
    """A part of the axis, and the returns of its episodes by persona."""

    number: int
    returns: dict[str, list[float]]

    @property
    def ends(self) -> tuple[float, float]:
        return self.number / BINS, (self.number + 1) / BINS

    @property
    def episodes(self) -> int:
        return sum(map(len, self.returns.values()))


def _bins(rows: Rows) -> list[_Bin]:
    held: list[dict[str, list[float]]] = [defaultdict(list) for _ in range(BINS)]
    for trial, value in rows:
        held[min(int(trial.level * BINS + 1e-9), BINS - 1)][trial.persona].append(value)
    return [_Bin(i, dict(returns)) for i, returns in enumerate(held)]


def _levels(rows: Rows, search: Frontier) -> tuple[Level, ...]:
    bins = _bins(rows)
    curve = search.curve([(i + 0.5) / BINS for i in range(BINS)])
    if curve is None:
        return tuple(_level(part, None, None, search.target.group_size) for part in bins)
    return tuple(
        _level(part, success, contrast, search.target.group_size)
        for part, success, contrast in zip(bins, curve.success, curve.contrast, strict=True)
    )


def _level(part: _Bin, success: Triple | None, contrast: Triple | None, group_size: int) -> Level:
    zone: Zone | None = None
    likely: Zone | None = None
    if success is not None and contrast is not None:
        sure = {zone_at(u, p, group_size) for u in contrast[1:] for p in success[1:]}
        likely = zone_at(contrast[0], success[0], group_size)
        zone = likely if len(sure) == 1 else "undetermined"
    return Level(
        low=part.ends[0],
        high=part.ends[1],
        episodes=part.episodes,
        score=mean_interval([float(np.mean(x)) for x in part.returns.values()], bounds=UNIT)
        if len(part.returns) > 1
        else None,
        success=success,
        contrast=contrast,
        zone=zone,
        likely=likely,
    )


def _ceilings(rows: Rows) -> list[Reach]:
    found = []
    for part in _bins(rows):
        ks = [k for k in (2, 4, 8, 16) if sum(len(x) >= k for x in part.returns.values()) >= FEWEST]
        if not ks:
            continue
        held = [x for x in part.returns.values() if len(x) >= ks[-1]]
        width = max(map(len, held))
        table = np.array([x + [np.nan] * (width - len(x)) for x in held])
        best = max_at_k(table, [1, ks[-1]])
        once, most = (mean_interval(best[:, i], bounds=UNIT) for i in (0, 1))
        found.append(Reach(low=part.ends[0], high=part.ends[1], k=ks[-1], once=once, best=most))
    return found


def _personas(rows: Rows) -> tuple[Placed, ...] | None:
    """Return personas that are shown to be harder or easier, the bins of the axis taking the part of agents."""
    bins = [part for part in _bins(rows) if part.returns]
    names = tuple(sorted({trial.persona for trial, _ in rows}))
    deep = max((len(x) for part in bins for x in part.returns.values()), default=0)
    cube = np.full((len(bins), len(names), deep), np.nan)
    for i, part in enumerate(bins):
        for name, values in part.returns.items():
            cube[i, names.index(name), : len(values)] = np.array(values) * 100.0
    try:
        found = calibrate(cube, tuple(str(part.number) for part in bins), names).personas
    except UsageError:
        return None
    sure = [one for one in found if one.low > 0 or one.high < 0]
    return tuple(sorted(sure, key=lambda one: -one.estimate))

"""The psychometric model of an agent on one difficulty axis, as tables over a grid of its parameters.

P(Y >= c | d, s) = floor + (1 - floor - lapse) * sigmoid(-slope * (d - threshold) + offset_c - b_s): the outcome of an
episode at difficulty d with persona s is at least in category c. Personas are integrated out by Gauss-Hermite nodes
(their SD is a parameter), or entered as known effects; the offsets of the mood marks are estimated as two scales, and
the marks below success may be less steep, as they are where moods have a floor.
The first axis of the grid is the boundary itself, not the threshold, so its posterior is a plain margin.
Source: SCIENCE.md 2.2; offsets and persona SD are re-analysed from SAGE's trajectories.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emosim.analysis.intervals import Floats, Ints
from emosim.errors import UsageError

NDArray32: TypeAlias = NDArray[np.float32]
Shapes: TypeAlias = tuple[tuple[float, float], ...]
"""Scales of offsets with tilts of slopes."""

MARKS: Final = (0.1, 0.4, 0.7, 1.0)
"""Returns at which the ordinal categories begin. Source: SCIENCE.md 2.2."""
OFFSETS: Final = (1.65, 0.87, 0.0, -1.57)
"""Prior offsets in logits of the marks, relative to success at .7. Source: SAGE, re-analysed."""
LEVELS: Final = tuple(round(0.05 * i, 2) for i in range(21))
"""Levels at which episodes are played."""
BOUNDARIES: Final = np.linspace(-0.3, 1.3, 57)
"""Grid of the boundary; beyond 0..1 it is only ever reported as censored."""
SLOPES: Final = np.geomspace(3.0, 30.0, 9)
"""Grid of slopes, logits a unit of difficulty. Source: SCIENCE.md 2.2."""
FLOORS: Final = (0.0, 0.02, 0.05)
LAPSES: Final = (0.0, 0.05, 0.1)
PERSONA_SDS: Final = (0.0, 0.7, 1.25, 1.9)
"""Grid of the personas' SD, logits. Source: SAGE has 1.2 to 1.3."""
TILTS: Final = (1.0, 0.75)
"""How steep the marks below success are against it. Source: graded rungs with the rules user, .6 to .75."""
SCALES_BELOW: Final = tuple((scale, tilt) for tilt in TILTS for scale in (0.6, 1.0, 1.6, 2.4, 3.6))
"""Scale of the offsets of the marks below success, and their tilt; the rules user has 1.8 to 2.8 times SAGE's."""
SCALES_ABOVE: Final = ((0.6, 1.0), (1.0, 1.0), (1.6, 1.0), (2.4, 1.0))
"""The same for the marks above success."""
_PRIOR_FLOOR: Final = (0.5, 0.3, 0.2)
_PRIOR_LAPSE: Final = (0.5, 0.3, 0.2)
_PRIOR_SD: Final = (0.15, 0.25, 0.4, 0.2)
_PRIOR_BELOW: Final = tuple(tilt * scale for tilt in (0.6, 0.4) for scale in (0.15, 0.35, 0.25, 0.15, 0.1))
_PRIOR_ABOVE: Final = (0.2, 0.4, 0.25, 0.15)
_PLAIN: Final[Shapes] = ((1.0, 1.0),)
_X: Final = np.arange(-40.0, 40.0, 0.02)


@dataclass(frozen=True)
class Target:
    """What the boundary is: where U_G falls to `contrast`, or where the mean success rate falls to `rate`.

    >>> print(Target(), Target.d50())
    d*(u=.5, G=8) d50
    """

    kind: Literal["contrast", "rate"] = "contrast"
    value: float = 0.5
    """u or the rate, 0 < value < 1; U_G is below 1 - 2**(1 - G) but where every rate is one half."""
    group_size: int = 8
    """G; of no meaning for a rate."""

    def __post_init__(self) -> None:
        if not 0 < self.value < 1 or self.group_size < 2:
            raise UsageError(
                f"the target {self.value} must lie between 0 and 1, and G = {self.group_size} be 2 or more"
            )
        most = 1.0 - 2.0 ** (1 - self.group_size)
        if self.kind == "contrast" and self.value >= most:
            raise UsageError(
                f"u = {_share(self.value)} cannot be reached with G = {self.group_size} (at most {_share(most)}); "
                "take a smaller --contrast or a larger --group-size"
            )

    @classmethod
    def d50(cls) -> Target:
        """Return the difficulty at which half of the episodes succeed."""
        return cls("rate", 0.5)

    def __str__(self) -> str:
        at = f"d*(u={_share(self.value)}, G={self.group_size})"
        return at if self.kind == "contrast" else f"d{100 * self.value:g}"

    def of(self, rates: Floats, weights: Floats) -> Floats:
        """Return the criterion for success rates a persona [..., P] with persona weights [..., P]."""
        if self.kind == "rate":
            return np.asarray((rates * weights).sum(axis=-1), float)
        mixed = 1.0 - rates**self.group_size - (1.0 - rates) ** self.group_size
        return np.asarray((mixed * weights).sum(axis=-1), float)


@dataclass(frozen=True)
class Psychometric:
    """The model's grid; equal ones share their tables."""

    target: Target = Target()
    marks: tuple[float, ...] = MARKS
    """Category marks, ascending; `(success,)` alone makes the outcome binary."""
    success: float = 0.7
    """r*, one of the marks."""
    effects: tuple[float, ...] | None = None
    """Known persona difficulties b_s in logits; None integrates them out."""

    @cached_property
    def pivot(self) -> int:
        """Index of the success mark."""
        if self.success not in self.marks:
            raise UsageError(f"success at {self.success} must be one of the marks {self.marks}")
        return self.marks.index(self.success)

    @cached_property
    def offsets(self) -> tuple[float, ...]:
        """Prior offset of each mark, relative to the success mark."""
        at_success = float(np.interp(self.success, MARKS, OFFSETS))
        return tuple(float(np.interp(mark, MARKS, OFFSETS)) - at_success for mark in self.marks)

    def shapes(self, mark: int) -> Shapes:
        """Return scale of the offset and tilt of the slope of a mark."""
        return self.scales[0] if mark < self.pivot else self.scales[1] if mark > self.pivot else _PLAIN

    @cached_property
    def scales(self) -> tuple[Shapes, Shapes]:
        """Shapes of the marks below and above the success mark; a plain one where there is no such mark."""
        below, above = self.pivot > 0, self.pivot < len(self.marks) - 1
        return SCALES_BELOW if below else _PLAIN, SCALES_ABOVE if above else _PLAIN

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Size of the grid of curves: boundary, slope, floor and lapse, persona SD."""
        return len(BOUNDARIES), len(SLOPES), len(FLOORS) * len(LAPSES), len(self.nodes[0])

    @cached_property
    def rates(self) -> tuple[Floats, Floats]:
        """Floor and lapse of every combination, each of shape [C]."""
        floor, lapse = np.meshgrid(FLOORS, LAPSES, indexing="ij")
        return floor.ravel(), lapse.ravel()

    @cached_property
    def nodes(self) -> tuple[Floats, Floats]:
        """Persona effects and their weights, shape [S, Q] each."""
        if self.effects is not None:
            known = np.asarray(self.effects, float)[None]
            return known, np.full_like(known, 1.0 / known.size)
        at, weight = np.polynomial.hermite_e.hermegauss(15)
        return np.outer(PERSONA_SDS, at), np.tile(weight / weight.sum(), (len(PERSONA_SDS), 1))

    @cached_property
    def log_prior(self) -> NDArray32:
        """Log prior weights of the curves, shape [L, A, C, S]; the boundary and the log of the slope are flat."""
        rates = np.log(np.outer(_PRIOR_FLOOR, _PRIOR_LAPSE).ravel())
        sds = np.log(_PRIOR_SD if self.effects is None else (1.0,))
        return np.broadcast_to(rates[:, None] + sds, self.shape).astype(np.float32)

    @cached_property
    def log_shapes(self) -> tuple[NDArray32, NDArray32]:
        """Log prior weights of the shapes of the marks below and above success."""
        priors = zip((_PRIOR_BELOW, _PRIOR_ABOVE), self.scales, strict=True)
        below, above = (np.log(prior if len(shapes) > 1 else (1.0,)).astype(np.float32) for prior, shapes in priors)
        return below, above

    @cached_property
    def crossing(self) -> Floats:
        """Where the target is crossed, slope times distance from the threshold, shape [C, S]; see `crossings`."""
        return self.crossings(self.target)

    def crossings(self, target: Target) -> Floats:
        """Return slope * (d* - threshold), shape [C, S]: inf where the target is never left, -inf never reached."""
        floor, lapse = self.rates
        x = _X[np.abs(_X) <= 16]
        found = np.empty((len(floor), len(self.nodes[0])))
        for s, (at, weight) in enumerate(zip(*self.nodes, strict=True)):
            core = _sigmoid(-x[:, None] - at)
            for c in range(len(floor)):
                found[c, s] = _last(x, target.of(floor[c] + (1 - floor[c] - lapse[c]) * core, weight), target.value)
        return found

    def boundaries(self, target: Target | None = None) -> Floats:
        """Return d* of every cell, shape [L, A, C, S], for this model's target or another one."""
        own = np.where(np.isfinite(self.crossing), self.crossing, 0.0)
        other = self.crossing if target is None else self.crossings(target)
        return np.asarray(BOUNDARIES[:, None, None, None] + (other - own) / SLOPES[:, None, None], float)

    def distances(self, level: float) -> Floats:
        """Return slope * (level - threshold) of every cell, shape [L, A, C, S]."""
        own = np.where(np.isfinite(self.crossing), self.crossing, 0.0)
        return np.asarray((level - BOUNDARIES)[:, None, None, None] * SLOPES[:, None, None] + own, float)

    def core(self, level: float, mark: int, effect: float | None = None) -> NDArray32:
        """Return the sigmoid part of P(Y >= mark), shape [L, A, C, S, shapes of the mark]."""
        far, offset = self.distances(level), self.offsets[mark]
        curves = [self._curve(tilt * far - scale * offset, effect) for scale, tilt in self.shapes(mark)]
        return np.stack(curves, axis=-1)

    def log_likelihood(self, level: float, category: int, effect: float | None = None) -> NDArray32:
        """Return the log likelihood of one outcome, shape [L, A, C, S, shapes].

        Outcomes short of success tell of the shapes of the marks below it only, successes of those above only.
        """
        return _mixed(self, level, category) if effect is None else _log_likelihood(self, level, category, effect)

    def distinct(self, target: Target | None = None) -> tuple[Floats, Ints]:
        """Return the distinct values of d*, ascending, and where each cell [L, A, C, S], flat, is among them."""
        return _distinct(self, target or self.target)

    def unreached(self, target: Target | None = None) -> NDArray[np.bool_]:
        """Return where, among the cells, flat, u is reached at no level, though half of the episodes succeed at one.

        Too hard is where both lie below the scale; here personas differ so much that u is too high for any level.
        """
        return _unreached(self, target or self.target)

    def category(self, returns: Floats) -> Ints:
        """Return the category of each return, the number of marks that it reaches."""
        return np.searchsorted(np.asarray(self.marks) - 1e-9, returns, side="right").astype(np.int64)

    def _curve(self, far: Floats, effect: float | None) -> NDArray32:
        if effect is not None:
            return _sigmoid(-far - effect).astype(np.float32)
        found = np.empty(far.shape, np.float32)
        for s, (at, weight) in enumerate(zip(*self.nodes, strict=True)):
            found[:, :, :, s] = np.interp(far[:, :, :, s], _X, _sigmoid(-_X[:, None] - at) @ weight)
        return found


@lru_cache(maxsize=128)
def stored_core(model: Psychometric, level: float, mark: int) -> NDArray32:
    """Return the model's core for a persona yet unknown, kept for the next time."""
    return model.core(level, mark)


@lru_cache(maxsize=128)
def _mixed(model: Psychometric, level: float, category: int) -> NDArray32:
    return _log_likelihood(model, level, category, None)


def _log_likelihood(model: Psychometric, level: float, category: int, effect: float | None) -> NDArray32:
    floor, lapse = (x[:, None, None].astype(np.float32) for x in model.rates)
    cores = {
        mark: stored_core(model, level, mark) if effect is None else model.core(level, mark, effect)
        for mark in (category - 1, category)
        if 0 <= mark < len(model.marks)
    }
    if category == 0:
        chance = lapse + (1 - floor - lapse) * (1 - cores[0])
    elif category == len(model.marks):
        chance = floor + (1 - floor - lapse) * cores[category - 1]
    else:
        chance = (1 - floor - lapse) * (cores[category - 1] - cores[category])
    return np.log(np.maximum(chance, np.float32(1e-7)))


@lru_cache(maxsize=32)
def _distinct(model: Psychometric, target: Target) -> tuple[Floats, Ints]:
    values, where = np.unique(np.round(model.boundaries(target).ravel(), 6), return_inverse=True)
    return values, where.ravel().astype(np.int64)


@lru_cache(maxsize=32)
def _unreached(model: Psychometric, target: Target) -> NDArray[np.bool_]:
    if target.kind == "rate":
        return np.zeros(int(np.prod(model.shape)), bool)
    return ((model.boundaries(target) < 0) & (model.boundaries(Target.d50()) >= 0)).ravel()


def _share(value: float) -> str:
    return f"{value:.10g}".removeprefix("0")


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)), float)


def _last(x: Floats, values: Floats, wanted: float) -> float:
    """Return the last x at which the values are still at least `wanted`, interpolated."""
    above = np.flatnonzero(values >= wanted)
    if not len(above):
        return -np.inf
    i = int(above[-1])
    if i == len(x) - 1:
        return np.inf
    return float(x[i] + (x[i + 1] - x[i]) * (values[i] - wanted) / (values[i] - values[i + 1]))

"""The psychometric model of an agent on one difficulty axis, as tables over a grid of its parameters.

P(Y >= c | d, s) = floor + (1 - floor - lapse) * sigmoid(-slope * (d - threshold) + offset_c - b_s): the outcome of an
episode at difficulty d with persona s is at least in category c. Personas are integrated out by Gauss-Hermite nodes
(their SD is a parameter), or entered as known effects; the offsets of the mood marks are estimated as two scales.
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
SCALES_BELOW: Final = (0.55, 0.75, 1.0, 1.35, 1.8)
"""Scales of the offsets of the marks below success."""
SCALES_ABOVE: Final = (0.6, 1.0, 1.6)
"""Scales of the offsets of the marks above success."""
_PRIOR_FLOOR: Final = (0.5, 0.3, 0.2)
_PRIOR_LAPSE: Final = (0.5, 0.3, 0.2)
_PRIOR_SD: Final = (0.15, 0.25, 0.4, 0.2)
_PRIOR_BELOW: Final = (0.1, 0.2, 0.4, 0.2, 0.1)
_PRIOR_ABOVE: Final = (0.25, 0.5, 0.25)
_X: Final = np.arange(-40.0, 40.0, 0.02)


@dataclass(frozen=True)
class Target:
    """What the boundary is: where U_G falls to `contrast`, or where the mean success rate falls to `rate`.

    >>> print(Target(), Target.d50())
    d*(u=.5, G=8) d50
    """

    kind: Literal["contrast", "rate"] = "contrast"
    value: float = 0.5
    """u or the rate, 0 < value < 1."""
    group_size: int = 8
    """G; of no meaning for a rate."""

    def __post_init__(self) -> None:
        if not 0 < self.value < 1 or self.group_size < 2:
            raise UsageError(
                f"the target {self.value} must lie between 0 and 1, and G = {self.group_size} be 2 or more"
            )

    @classmethod
    def d50(cls) -> Target:
        """Return the difficulty at which half of the episodes succeed."""
        return cls("rate", 0.5)

    def __str__(self) -> str:
        share = f"{self.value:g}".removeprefix("0")
        return f"d*(u={share}, G={self.group_size})" if self.kind == "contrast" else f"d{100 * self.value:g}"

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
    def offsets(self) -> tuple[tuple[float, ...], ...]:
        """Offsets of each mark under each scale, relative to the success mark."""
        at_success = float(np.interp(self.success, MARKS, OFFSETS))
        plain = [float(np.interp(mark, MARKS, OFFSETS)) - at_success for mark in self.marks]
        below, above = self.scales
        scales = [*[below] * self.pivot, (1.0,), *[above] * (len(plain) - self.pivot - 1)]
        return tuple(tuple(o * scale for scale in row) for o, row in zip(plain, scales, strict=True))

    @cached_property
    def scales(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Scales of the offsets below and above the success mark; one each where there is no such mark."""
        below, above = self.pivot > 0, self.pivot < len(self.marks) - 1
        return SCALES_BELOW if below else (1.0,), SCALES_ABOVE if above else (1.0,)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Size of the grid: boundary, slope, floor and lapse, persona SD, scale below, scale above."""
        rates, sds = len(FLOORS) * len(LAPSES), len(self.nodes[0])
        return (len(BOUNDARIES), len(SLOPES), rates, sds, *(len(scales) for scales in self.scales))

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
        """Log prior weights, shape of the grid; the boundary and the log of the slope are flat."""
        rates = np.outer(_PRIOR_FLOOR, _PRIOR_LAPSE).ravel()
        sds = np.array(_PRIOR_SD if self.effects is None else (1.0,))
        priors = (_PRIOR_BELOW, _PRIOR_ABOVE)
        scales = [np.array(p if n > 1 else (1.0,)) for p, n in zip(priors, self.shape[4:], strict=True)]
        parts = [np.ones(self.shape[0]) / self.shape[0], np.ones(self.shape[1]) / self.shape[1], rates, sds, *scales]
        total = np.zeros(self.shape, np.float32)
        for axis, part in enumerate(parts):
            total += np.log(part).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(6)])
        return total

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

    def cores(self, level: float, effect: float | None = None) -> list[NDArray32]:
        """Return the sigmoid part of P(Y >= c) for every mark, shapes [L, A, C, S, low, high]."""
        far = self.distances(level)
        found = []
        for j, offsets in enumerate(self.offsets):
            table = np.stack([self._curve(far - o, effect) for o in offsets], axis=-1)
            found.append(table[..., None] if j < self.pivot else table[..., None, :])
        return found

    def log_likelihood(self, level: float, category: int, effect: float | None = None) -> NDArray32:
        """Return the log likelihood of one outcome over the grid, broadcastable to its shape."""
        return _log_likelihood(self, level, category, effect)

    def distinct(self, target: Target | None = None) -> tuple[Floats, Ints]:
        """Return the distinct values of d*, ascending, and where each cell [L, A, C, S], flat, is among them."""
        return _distinct(self, target or self.target)

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


@lru_cache(maxsize=256)
def stored_cores(model: Psychometric, level: float, effect: float | None) -> list[NDArray32]:
    """Return the model's cores, kept for the next time."""
    return model.cores(level, effect)


@lru_cache(maxsize=512)
def _log_likelihood(model: Psychometric, level: float, category: int, effect: float | None) -> NDArray32:
    floor, lapse = (x[:, None, None, None].astype(np.float32) for x in model.rates)
    cores = stored_cores(model, level, effect)
    if category == 0:
        chance = lapse + (1 - floor - lapse) * (1 - cores[0])
    elif category == len(cores):
        chance = floor + (1 - floor - lapse) * cores[-1]
    else:
        chance = (1 - floor - lapse) * (cores[category - 1] - cores[category])
    return np.log(np.maximum(chance, np.float32(1e-7)))


@lru_cache(maxsize=32)
def _distinct(model: Psychometric, target: Target) -> tuple[Floats, Ints]:
    values, where = np.unique(np.round(model.boundaries(target).ravel(), 6), return_inverse=True)
    return values, where.ravel().astype(np.int64)


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

"""Planted psychometric agents, whose boundary is known, and grid designs to measure an adaptive search against.

A planted agent plays nobody: asked for a difficulty and a persona, it draws a return from its psychometric curve. An
instrument that finds boundaries must find this one. The truth is computed here on its own, without `emosim.analysis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MARKS: Final = (0.1, 0.4, 0.7, 1.0)
"""Returns at which categories begin. Source: SCIENCE.md 2.2."""
OFFSETS: Final = (1.65, 0.87, 0.0, -1.57)
"""Offsets in logits of the marks, relative to .7. Source: SAGE's trajectories, re-analysed in SCIENCE.md 2.2."""
_RETURNS: Final = np.array([0.04, 0.25, 0.55, 0.85, 1.0])


@dataclass(frozen=True)
class PlantedAgent:
    """An agent with a known psychometric curve along one axis."""

    threshold: float = 0.5
    """Difficulty at which the middle persona succeeds half of the time, before floor and lapse."""
    slope: float = 8.0
    """Logits a unit of difficulty."""
    floor: float = 0.0
    """Success rate at any difficulty, 0..1."""
    lapse: float = 0.0
    """Failure rate at any ease, 0..1."""
    effects: tuple[float, ...] = (0.0,)
    """Difficulty b_s of every persona, logits."""
    offsets: tuple[float, ...] = OFFSETS
    """Offsets of the marks."""

    @classmethod
    def with_cast(
        cls, personas: int, sd: float, seed: int, *, threshold: float = 0.5, slope: float = 8.0
    ) -> PlantedAgent:
        """Return an agent with a cast of normal persona effects, centred.

        Args:
            personas: Size of the cast.
            sd: SD of the effects, logits.
            seed: Of the cast.
            threshold: Difficulty at which the middle persona succeeds half of the time.
            slope: Logits a unit of difficulty.
        """
        return cls(threshold, slope, effects=cast_effects(personas, sd, seed))

    def at_least(self, levels: ArrayLike, personas: ArrayLike, offset: float = 0.0) -> Floats:
        """Return the chance to be at or above the mark with an offset; arguments broadcast."""
        effect = np.array(self.effects)[np.asarray(personas, np.int64)]
        logit = offset - self.slope * (np.asarray(levels, float) - self.threshold) - effect
        core = 1.0 / (1.0 + np.exp(np.clip(-logit, -500.0, 500.0)))
        return np.asarray(self.floor + (1.0 - self.floor - self.lapse) * core, float)

    def play(self, levels: ArrayLike, personas: ArrayLike, rng: np.random.Generator) -> Floats:
        """Return returns 0..1 of episodes at levels with personas, shape [n]; one per ordinal category."""
        dice = rng.random(np.shape(levels))
        reached = [dice < self.at_least(levels, personas, offset) for offset in self.offsets]
        return np.asarray(_RETURNS[np.sum(reached, axis=0)], float)

    def boundary(self, *, rate: float | None = None, contrast: float = 0.5, group_size: int = 8) -> float:
        """Return the true d*: of a mean success rate if one is given, else the hard side of U_G = contrast.

        Returns:
            Infinite if it is never left, minus infinite if it is never reached.
        """
        grid = np.linspace(-3.0, 4.0, 7001)
        p = self.at_least(grid[:, None], np.arange(len(self.effects))[None])
        value = p.mean(axis=1) if rate is not None else (1 - p**group_size - (1 - p) ** group_size).mean(axis=1)
        above = np.flatnonzero(value >= (contrast if rate is None else rate))
        if not len(above):
            return -np.inf
        return float(grid[above[-1]]) if above[-1] < len(grid) - 1 else np.inf


@dataclass(frozen=True)
class PlantedSurface:
    """An agent with a known linear logistic surface over several knobs, with interactions."""

    start: float
    """Logit of success of the middle persona with all knobs at 0."""
    costs: tuple[float, ...]
    """Logit cost of each knob."""
    pairs: tuple[tuple[int, int, float], ...] = ()
    """Interactions: knob, knob, logit cost of both at 1."""
    effects: tuple[float, ...] = (0.0,)
    """Difficulty b_s of every persona, logits."""

    def logits(self, points: ArrayLike) -> Floats:
        """Return the middle persona's logit at points of shape [n, knobs]."""
        at = np.asarray(points, float)
        both = sum((cost * at[..., j] * at[..., k] for j, k, cost in self.pairs), start=np.zeros(at.shape[:-1]))
        return np.asarray(self.start - at @ np.array(self.costs) - both, float)

    def play(self, points: ArrayLike, personas: ArrayLike, rng: np.random.Generator) -> Floats:
        """Return returns, .85 for success and .25 for failure, at points [n, knobs] with personas [n]."""
        logit = self.logits(points) - np.array(self.effects)[np.asarray(personas, np.int64)]
        return np.where(rng.random(len(logit)) < 1.0 / (1.0 + np.exp(-logit)), 0.85, 0.25)

    def contrast(self, points: ArrayLike, group_size: int = 8) -> Floats:
        """Return the true U_G at points of shape [n, knobs]."""
        p = 1.0 / (1.0 + np.exp(-(self.logits(points)[:, None] - np.array(self.effects))))
        return np.asarray((1 - p**group_size - (1 - p) ** group_size).mean(axis=1), float)

    def explorable(self, points: ArrayLike, contrast: float = 0.5, group_size: int = 8) -> float:
        """Return the share of points that are not too hard: U_G is high enough, or success is more likely than not."""
        p = 1.0 / (1.0 + np.exp(-(self.logits(points)[:, None] - np.array(self.effects))))
        return float(((self.contrast(points, group_size) >= contrast) | (p.mean(axis=1) > 0.5)).mean())


def cast_effects(personas: int, sd: float, seed: int) -> tuple[float, ...]:
    """Return normal persona effects with a mean of exactly 0, in logits."""
    drawn = np.random.default_rng(seed).normal(0.0, sd, personas)
    return tuple(float(x) for x in drawn - drawn.mean())


def grid_design(episodes: int, levels: int = 11) -> Floats:
    """Return a method of constant stimuli: as many episodes at each of evenly spaced levels, in turn.

    >>> grid_design(4, 3)
    array([0. , 0.5, 1. , 0. ])
    """
    return np.asarray(np.linspace(0.0, 1.0, levels)[np.arange(episodes) % levels], float)


def model_free_boundary(levels: Sequence[float], successes: ArrayLike, rate: float) -> float:
    """Return where pooled success rates, made monotone, cross a rate: no curve is assumed.

    Args:
        levels: Level of each episode, shape [n].
        successes: 0 or 1, shape [n].
        rate: Success rate wanted.

    Returns:
        The level, infinite where the rate is exceeded at the hardest level, minus infinite where it is never met.
    """
    at, where = np.unique(np.asarray(levels, float), return_inverse=True)
    counts = np.bincount(where).astype(float)
    rates = _falling(np.bincount(where, np.asarray(successes, float)) / counts, counts)
    above = np.flatnonzero(rates >= rate)
    if not len(above):
        return -np.inf
    i = int(above[-1])
    if i == len(at) - 1:
        return np.inf
    return float(at[i] + (at[i + 1] - at[i]) * (rates[i] - rate) / (rates[i] - rates[i + 1]))


def _falling(rates: Floats, counts: Floats) -> Floats:
    """Return the nearest sequence that never rises (pool adjacent violators)."""
    blocks: list[list[float]] = []
    for rate, count in zip(rates, counts, strict=True):
        blocks.append([float(rate), float(count), 1.0])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            last, before = blocks.pop(), blocks.pop()
            weight = last[1] + before[1]
            blocks.append([(last[0] * last[1] + before[0] * before[1]) / weight, weight, last[2] + before[2]])
    return np.concatenate([np.full(int(size), rate) for rate, _, size in blocks])

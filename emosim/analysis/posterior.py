"""The posterior over the psychometric grid: update, margins, samples, and what each next level would tell.

Personas that come back are correlated; the grid's likelihood integrates each episode's persona on its own, which is
conservative for the boundary of a cast that is played evenly, and says nothing on how far personas differ. The latter
is learned by a correction of the weight of each persona SD: the likelihood with episodes of a persona taken together
over the one with each alone, at that SD's posterior mean.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from emosim.analysis.boundary import quantiles
from emosim.analysis.intervals import Floats, Ints
from emosim.analysis.psychometric import BOUNDARIES, LEVELS, SLOPES, NDArray32, Psychometric, Target, stored_cores

SAMPLES: Final = 1024
"""Cells drawn from the posterior for the acquisition; systematic draws, no dice."""


class Posterior:
    """Beliefs about one agent on one axis.

    Args:
        model: The grid.
    """

    def __init__(self, model: Psychometric) -> None:
        self.model = model
        self._logs = model.log_prior.copy()
        self._correction = np.zeros(model.shape[3])
        self._levels: list[float] = []
        self._categories: list[int] = []
        self._personas: list[int] = []
        self.weights: NDArray32 = self._weigh()
        """Posterior weights, shape of the grid, sum 1."""

    def update(self, levels: Floats, categories: Ints, personas: Ints) -> None:
        """Take in outcomes.

        Args:
            levels: Difficulties, shape [n], 0..1.
            categories: Outcome categories, shape [n].
            personas: Index of each episode's persona, shape [n].
        """
        effects = self.model.effects
        for level, category, persona in zip(levels, categories, personas, strict=True):
            effect = None if effects is None else effects[int(persona)]
            self._logs += self.model.log_likelihood(round(float(level), 6), int(category), effect)
        self._levels += [float(x) for x in levels]
        self._categories += [int(x) for x in categories]
        self._personas += [int(x) for x in personas]
        self.weights = self._weigh()

    def quantiles(self, shares: Floats, target: Target | None = None) -> Floats:
        """Return quantiles of d*, infinite where the share falls among boundaries that are never met."""
        return quantiles(*self.margin(target), shares)

    def margin(self, target: Target | None = None) -> tuple[Floats, Floats]:
        """Return the distinct values of d*, ascending, and their posterior mass."""
        weights = self.weights.reshape(*self.model.shape[:4], -1).sum(axis=4, dtype=float).ravel()
        values, where = self.model.distinct(target)
        return values, np.asarray(np.bincount(where, weights, minlength=len(values)), float)

    def sample(self, count: int = SAMPLES) -> tuple[Ints, ...]:
        """Return grid indices of cells drawn evenly through the posterior, one array an axis, shape [count] each."""
        steps = np.cumsum(self.weights, dtype=float)
        flat = np.searchsorted(steps, (np.arange(count) + 0.5) / count * steps[-1])
        return tuple(
            index.astype(np.int64) for index in np.unravel_index(np.minimum(flat, steps.size - 1), self.model.shape)
        )

    def predict(self, level: float, cells: tuple[Ints, ...]) -> Floats:
        """Return the chance of each category at a level for drawn cells, shape [categories, count]."""
        floor, lapse = (x[cells[2]] for x in self.model.rates)
        at_least = [np.ones(len(floor))]
        for core in _mixed_cores(self.model, level):
            below, above = (cells[i] if core.shape[i] > 1 else 0 for i in (4, 5))
            at_least.append(floor + (1 - floor - lapse) * core[(*cells[:4], below, above)])
        return np.maximum(-np.diff(np.array([*at_least, np.zeros(len(floor))]), axis=0), 1e-9)

    def expected_entropy(self, levels: tuple[float, ...] = LEVELS) -> Floats:
        """Return the expected entropy of the boundary after one episode at each level, shape [levels], in nats.

        Source: the marginal form of QUEST+ (Watson 2017): only what the boundary is worth counts.
        """
        cells = self.sample()
        bins = cells[0].copy()
        crossing = self.model.crossing[cells[2], cells[3]]
        bins[np.isposinf(crossing)] = len(BOUNDARIES)
        bins[np.isneginf(crossing)] = len(BOUNDARIES) + 1
        member = np.zeros((len(bins), len(BOUNDARIES) + 2), np.float32)
        member[np.arange(len(bins)), bins] = 1.0 / len(bins)
        joint = np.stack([self.predict(level, cells) for level in levels]).astype(np.float32) @ member
        chance = joint.sum(axis=2, keepdims=True)
        share = joint / np.maximum(chance, 1e-12)
        return np.asarray(-(chance * share * np.log(np.maximum(share, 1e-12))).sum(axis=(1, 2)), float)

    def _weigh(self) -> NDArray32:
        """Return the weights, after the correction of every persona SD's share for personas that came back."""
        tops = self._logs.max(axis=(0, 1, 2, 4, 5), keepdims=True)
        given = np.exp(self._logs - tops)
        slabs = given.sum(axis=(0, 1, 2, 4, 5), dtype=float)
        people, where = np.unique(self._personas, return_inverse=True)
        if self.model.effects is None and len(people) < len(where):
            margins = self._margins(given)
            self._correction = np.array([self._together(s, margins, where) for s in range(len(slabs))])
        shares = tops.ravel() + np.log(slabs) + self._correction
        shares = np.exp(shares - shares.max())
        return np.asarray(given * (shares / shares.sum() / slabs).astype(np.float32)[:, None, None], np.float32)

    def _margins(self, given: NDArray32) -> list[Floats]:
        """Return the margins of boundary, slope, rates and both scales given each persona SD, shape [size, S]."""
        curve = given.reshape(*self.model.shape[:4], -1).sum(axis=4, dtype=float)
        scales = given.sum(axis=(0, 1, 2), dtype=float)
        found = [curve.sum(axis=(1, 2)), curve.sum(axis=(0, 2)), curve.sum(axis=(0, 1))]
        found += [scales.sum(axis=2).T, scales.sum(axis=1).T]
        return [margin / margin.sum(axis=0) for margin in found]

    def _together(self, s: int, margins: list[Floats], where: Ints) -> float:
        """Return the log likelihood of each persona's episodes taken together over each taken alone, given SD s."""
        logs = np.log(self._chances(s, [margin[:, s] for margin in margins]))
        weight = np.log(self.model.nodes[1][s])
        together = np.zeros((int(where.max()) + 1, logs.shape[1]))
        np.add.at(together, where, logs)
        joint = np.logaddexp.reduce(together + weight, axis=1).sum()
        return float(joint - np.logaddexp.reduce(logs + weight, axis=1).sum())

    def _chances(self, s: int, axes: list[Floats]) -> Floats:
        """Return the chance of every outcome at each persona node, shape [n, Q], at the posterior mean given SD s."""
        model = self.model
        place, slope = axes[0] @ BOUNDARIES, np.exp(axes[1] @ np.log(SLOPES))
        floor, lapse = (axes[2] @ x for x in model.rates)
        scales = [axes[i + 3] @ np.array(model.scales[i]) for i in (0, 1)]
        crossing = model.crossing[:, s]
        own = axes[2] @ np.where(np.isfinite(crossing), crossing, 0.0)
        far = slope * (np.array(self._levels) - place) + own
        at_least = [np.ones((len(far), model.nodes[0].shape[1]))]
        for j, offsets in enumerate(model.offsets):
            offset = 0.0 if j == model.pivot else offsets[len(offsets) // 2] * scales[0 if j < model.pivot else 1]
            core = 1.0 / (1.0 + np.exp(np.clip(far[:, None] - offset + model.nodes[0][s], -50, 50)))
            at_least.append(floor + (1 - floor - lapse) * core)
        chances = -np.diff(np.array([*at_least, np.zeros_like(at_least[0])]), axis=0)
        return np.maximum(chances[self._categories, np.arange(len(far))], 1e-9)


def _mixed_cores(model: Psychometric, level: float) -> list[NDArray32]:
    """Return cores for a persona yet unknown; known effects are mixed by their mean."""
    effect = None if model.effects is None else float(np.mean(model.effects))
    return stored_cores(model, round(level, 6), effect)

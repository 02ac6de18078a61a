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
from emosim.analysis.psychometric import BOUNDARIES, LEVELS, SLOPES, NDArray32, Psychometric, Target, stored_core

SAMPLES: Final = 1024
"""Cells drawn from the posterior for the acquisition; systematic draws, no dice."""
_IRRATIONAL: Final = (0.7548776662466927, 0.5698402909980532)
"""Steps of an additive recurrence in two dimensions. Source: Roberts 2018."""


class Posterior:
    """Beliefs about one agent on one axis.

    Args:
        model: The grid.
    """

    def __init__(self, model: Psychometric) -> None:
        self.model = model
        self._logs = [np.broadcast_to(prior, (*model.shape, len(prior))).copy() for prior in model.log_shapes]
        self.correction = np.zeros(model.shape[3])
        """What was added to the log weight of each persona SD for personas that came back, [S]."""
        self._levels: list[float] = []
        self._categories: list[int] = []
        self._personas: list[int] = []
        self.weights, self._shapes = self._weigh()

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
            told = self.model.log_likelihood(round(float(level), 6), int(category), effect)
            self._logs[int(category > self.model.pivot)] += told
        self._levels += [float(x) for x in levels]
        self._categories += [int(x) for x in categories]
        self._personas += [int(x) for x in personas]
        self.weights, self._shapes = self._weigh()

    def quantiles(self, shares: Floats, target: Target | None = None) -> Floats:
        """Return quantiles of d*, infinite where the share falls among boundaries that are never met."""
        return quantiles(*self.margin(target), shares)

    def margin(self, target: Target | None = None) -> tuple[Floats, Floats]:
        """Return the distinct values of d*, ascending, and their posterior mass."""
        values, where = self.model.distinct(target)
        return values, np.asarray(np.bincount(where, self.weights.ravel(), minlength=len(values)), float)

    def unreached(self, target: Target | None = None) -> float:
        """Return the posterior mass of curves that reach u at no level, though half of the episodes succeed at one."""
        return float(self.weights.ravel()[self.model.unreached(target)].sum())

    def sample(self, count: int = SAMPLES) -> tuple[Ints, ...]:
        """Return grid indices drawn evenly through the posterior, one array an axis and shape, [count] each."""
        spread = np.arange(count) + 0.5
        steps = np.cumsum(self.weights)
        flat = np.minimum(np.searchsorted(steps, spread / count * steps[-1]), steps.size - 1)
        curve = np.unravel_index(flat, self.model.shape)
        found = [index.astype(np.int64) for index in curve]
        for given, step in zip(self._shapes, _IRRATIONAL, strict=True):
            below = np.cumsum(given[curve], axis=1) < (spread * step % 1.0)[:, None]
            found.append(np.minimum(below.sum(axis=1), given.shape[-1] - 1))
        return tuple(found)

    def predict(self, level: float, cells: tuple[Ints, ...]) -> Floats:
        """Return the chance of each category at a level for drawn cells, shape [categories, count]."""
        floor, lapse = (x[cells[2]] for x in self.model.rates)
        at_least = [np.ones(len(floor))]
        for mark in range(len(self.model.marks)):
            core = stored_core(self.model, round(level, 6), mark)
            shape = 0 if mark == self.model.pivot else cells[4 + (mark > self.model.pivot)]
            at_least.append(floor + (1 - floor - lapse) * core[(*cells[:4], shape)])
        return np.maximum(-np.diff(np.array([*at_least, np.zeros(len(floor))]), axis=0), 1e-9)

    @property
    def outcomes(self) -> tuple[Floats, Ints, Ints]:
        """Levels, categories and persona indices of all that was observed, [n] each."""
        return np.array(self._levels), np.array(self._categories, np.int64), np.array(self._personas, np.int64)

    def success(self, level: float, cells: tuple[Ints, ...], effects: Floats) -> Floats:
        """Return success rates at a level for drawn cells and personas with these effects, shape [count, Q]."""
        return self._reached(level, cells, effects, self.model.pivot)

    def chances_for(self, level: float, cells: tuple[Ints, ...], effects: Floats) -> Floats:
        """Return the chance of each category for drawn cells and personas, shape [categories, count, Q]."""
        marks = [self._reached(level, cells, effects, mark) for mark in range(len(self.model.marks))]
        edges = np.array([np.ones_like(effects), *marks, np.zeros_like(effects)])
        return np.maximum(-np.diff(edges, axis=0), 1e-9)

    def _reached(self, level: float, cells: tuple[Ints, ...], effects: Floats, mark: int) -> Floats:
        model, beyond = self.model, mark > self.model.pivot
        floor, lapse = (x[cells[2]][:, None] for x in model.rates)
        scale, tilt = np.ones(len(floor)), np.ones(len(floor))
        if mark != model.pivot:
            scale, tilt = np.array(model.scales[int(beyond)])[cells[4 + beyond]].T
        logit = scale * model.offsets[mark] - tilt * model.distances(level)[cells[:4]]
        core = 1.0 / (1.0 + np.exp(np.clip(effects - logit[:, None], -50, 50)))
        return np.asarray(floor + (1 - floor - lapse) * core)

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

    def _weigh(self) -> tuple[Floats, list[NDArray32]]:
        """Return the weights of the curves, sum 1, and of the shapes below and above given each curve, sum 1.

        The weight of every persona SD is corrected for personas that came back.
        """
        total, shapes = self.model.log_prior.astype(float), []
        for logs in self._logs:
            tops = logs.max(axis=4, keepdims=True)
            raised = np.exp(logs - tops)
            sums = raised.sum(axis=4, keepdims=True)
            total += (tops + np.log(sums))[..., 0]
            shapes.append(raised / sums)
        tops = total.max(axis=(0, 1, 2))
        given = np.exp(total - tops)
        slabs = given.sum(axis=(0, 1, 2))
        people, where = np.unique(self._personas, return_inverse=True)
        if self.model.effects is None and len(people) < len(where):
            margins = _margins(given / slabs, shapes)
            self.correction = np.array([self._together(s, margins, where) for s in range(len(slabs))])
        shares = tops + np.log(slabs) + self.correction
        shares = np.exp(shares - shares.max())
        return given * (shares / shares.sum() / slabs), shapes

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
        shapes = [axes[i + 3] @ np.array(model.scales[i]) for i in (0, 1)]
        crossing = model.crossing[:, s]
        own = axes[2] @ np.where(np.isfinite(crossing), crossing, 0.0)
        far = slope * (np.array(self._levels) - place) + own
        at_least = [np.ones((len(far), model.nodes[0].shape[1]))]
        for j, offset in enumerate(model.offsets):
            scale, tilt = (1.0, 1.0) if j == model.pivot else shapes[0 if j < model.pivot else 1]
            core = 1.0 / (1.0 + np.exp(np.clip((tilt * far - scale * offset)[:, None] + model.nodes[0][s], -50, 50)))
            at_least.append(floor + (1 - floor - lapse) * core)
        chances = -np.diff(np.array([*at_least, np.zeros_like(at_least[0])]), axis=0)
        return np.maximum(chances[self._categories, np.arange(len(far))], 1e-9)


def _margins(curve: Floats, shapes: list[NDArray32]) -> list[Floats]:
    """Return the margins of boundary, slope, rates and both shapes given each persona SD, shape [size, S]."""
    plain = [curve.sum(axis=(1, 2)), curve.sum(axis=(0, 2)), curve.sum(axis=(0, 1))]
    return plain + [np.einsum("lacs,lacsk->ks", curve, given) for given in shapes]

"""How hard personas are and how able agents are, on one scale in logits.

A Rasch model with graded outcomes: P(grade >= c) = sigmoid(ability + cut_c - difficulty), personas drawn from a normal
population that is integrated out (marginal maximum likelihood, Bock & Aitkin 1981; graded response, Samejima 1969). One
parameter a persona: fewer than 100 agents do not bear a second (SCIENCE.md 2.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.intervals import Floats, Ints, normal_quantile
from emosim.errors import UsageError
from emosim.value import Value

CUTS: Final = (10.0, 40.0, 70.0, 100.0)
"""Moods at which outcomes are cut into grades. Source: SCIENCE.md 2.2."""
ANCHOR: Final = 70.0
"""The cut whose offset is 0: ability 0 reaches it with an average persona half the time."""
_PRIOR_SD: Final = 3.0
_NODES: Final = np.linspace(-6.0, 6.0, 121)
"""Nodes of the standard normal: so close that a persona seen in many episodes still falls on several, where ten times
as many and a population 3 logits wide change no interval by a hundredth."""


class Placed(Value):
    """Where one agent or persona stands."""

    name: str
    """Who."""
    estimate: float
    """Ability of an agent or difficulty of a persona, logits."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end."""
    bounded: bool
    """False: only failures or only successes were seen, so that the prior sets the estimate and one end of the interval
    means nothing."""


class Calibration(Value):
    """Agents and personas on one scale."""

    agents: tuple[Placed, ...]
    """Abilities, in the order given."""
    personas: tuple[Placed, ...]
    """Difficulties, in the order given, shrunk toward the mean of 0."""
    cuts: dict[float, float]
    """Offset of each cut in logits, relative to the anchor."""
    persona_sd: float
    """Spread of difficulties in the population, logits."""
    agent_sd: float
    """Spread of the abilities, logits, less what is sampling error."""
    log_likelihood: float
    """Marginal log-likelihood."""


def grades(scores: ArrayLike, cuts: ArrayLike = CUTS) -> Ints:
    """Return how many cuts each score reaches, 0..len(cuts); -1 where the score is missing."""
    values = np.asarray(scores, float)
    reached = (values[..., None] >= np.asarray(cuts, float) - 1e-9).sum(axis=-1)
    return np.asarray(np.where(np.isfinite(values), reached, -1), np.int64)


def calibrate(
    scores: ArrayLike,
    agents: tuple[str, ...] = (),
    personas: tuple[str, ...] = (),
    *,
    cuts: tuple[float, ...] = CUTS,
    anchor: float = ANCHOR,
) -> Calibration:
    """Return abilities of agents and difficulties of personas.

    Args:
        scores: Final moods 0..100, shape [agents, personas] or [agents, personas, repeats]; NaN for missing.
        agents: Names; numbers by default.
        personas: Names; numbers by default.
        cuts: Moods that separate grades, rising; those that split nothing are left out.
        anchor: The cut with offset 0, or the nearest that is left.

    Raises:
        UsageError: Fewer than 2 agents or 2 personas, or all outcomes in one grade.
    """
    cube = np.asarray(scores, float)
    cube = cube[:, :, None] if cube.ndim == 2 else cube
    if cube.ndim != 3 or min(cube.shape[:2]) < 2:
        raise UsageError(
            f"scores of shape {cube.shape} cannot be calibrated; at least 2 agents on 2 personas are needed"
        )
    known = cube[np.isfinite(cube)]
    kept = tuple(cut for cut in cuts if (known >= cut - 1e-9).any() and (known < cut - 1e-9).any())
    if not kept:
        raise UsageError("all outcomes fall in one grade; play other levels or other agents")
    model = _Graded(grades(cube, kept), int(np.argmin(np.abs(np.array(kept) - anchor))))
    found = _climb(model)
    return _report(model, found, kept, (agents, personas))


@dataclass(frozen=True)
class _Graded:
    """The marginal likelihood of graded outcomes [agents, personas, repeats], -1 for missing."""

    outcomes: Ints
    anchor: int

    @cached_property
    def levels(self) -> int:
        return int(self.outcomes.max())

    @cached_property
    def hits(self) -> Floats:
        """Counts [agents, personas, grades]."""
        return np.stack([(self.outcomes == j).sum(axis=2) for j in range(self.levels + 1)], axis=2).astype(float)

    @cached_property
    def nodes(self) -> tuple[Floats, Floats]:
        """Nodes and log weights of the standard normal."""
        weights = np.exp(-0.5 * _NODES**2)
        return _NODES, np.asarray(np.log(weights / weights.sum()))

    def split(self, theta: Floats) -> tuple[Floats, Floats, float]:
        """Return abilities [A], cut offsets [C] that fall, and the population's spread."""
        agents = self.hits.shape[0]
        steps = np.concatenate([[0.0], -np.cumsum(np.exp(theta[agents:-1]))])
        return theta[:agents], steps - steps[self.anchor], float(np.exp(theta[-1]))

    def chances(self, theta: Floats) -> Floats:
        """Return P(grade), shape [agents, grades, nodes]."""
        ability, offset, spread = self.split(theta)
        edge = ability[:, None, None] + offset[None, :, None] - spread * self.nodes[0]
        reach = 1.0 / (1.0 + np.exp(-np.clip(edge, -35.0, 35.0)))
        ends = np.ones((len(ability), 1, len(_NODES)))
        return np.maximum(-np.diff(np.concatenate([ends, reach, 0.0 * ends], axis=1), axis=1), 1e-12)

    def posterior(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return log marginal [personas] and posterior weights of nodes [personas, nodes]."""
        logs = np.einsum("apj,ajq->pq", self.hits, np.log(self.chances(theta))) + self.nodes[1]
        top = logs.max(axis=1, keepdims=True)
        total = np.exp(logs - top).sum(axis=1)
        return top[:, 0] + np.log(total), np.exp(logs - top) / total[:, None]

    def value(self, theta: Floats) -> float:
        """Return the penalised log-likelihood: a wide normal prior keeps hopeless abilities finite."""
        ability = self.split(theta)[0]
        prior = -0.5 * ((ability / _PRIOR_SD) ** 2).sum() - 0.5 * ((theta[len(ability) :]) ** 2).sum() / 9.0
        return float(self.posterior(theta)[0].sum() + prior)


def _climb(model: _Graded) -> tuple[Floats, Floats]:
    """Return the maximum and the inverse negative Hessian, by damped Newton steps on finite differences."""
    agents = model.hits.shape[0]
    theta = np.zeros(agents + model.levels)
    mean = (model.hits * np.arange(model.levels + 1)).sum(axis=(1, 2)) / np.maximum(model.hits.sum(axis=(1, 2)), 1)
    theta[:agents] = 2.0 * (mean / model.levels - 0.5)
    best = model.value(theta)
    inverse = np.eye(len(theta))
    for _ in range(40):
        slope, inverse = _newton(model, theta)
        step, gain = inverse @ slope, 0.0
        step /= max(1.0, float(np.abs(step).max()))
        for size in (1.0, 0.5, 0.25, 0.1, 0.03):
            gain = model.value(theta + size * step) - best
            if gain > 0:
                theta, best = theta + size * step, best + gain
                break
        if gain < 1e-7:
            break
    return theta, inverse


def _newton(model: _Graded, theta: Floats, h: float = 1e-3) -> tuple[Floats, Floats]:
    """Return the gradient and the inverse of the negative Hessian, made positive where it is not."""
    size = len(theta)
    steps = np.eye(size) * h
    up, down = (np.array([model.value(theta + s * step) for step in steps]) for s in (1, -1))
    middle = model.value(theta)
    curvature = np.diag((up - 2 * middle + down) / h**2)
    for i in range(size):
        for j in range(i):
            cross = model.value(theta + steps[i] + steps[j]) - up[i] - up[j] + middle
            curvature[i, j] = curvature[j, i] = cross / h**2
    values, vectors = np.linalg.eigh(-curvature)
    return (up - down) / (2 * h), (vectors / np.maximum(np.abs(values), 1e-3)) @ vectors.T


def _report(
    model: _Graded,
    found: tuple[Floats, Floats],
    cuts: tuple[float, ...],
    names: tuple[tuple[str, ...], tuple[str, ...]],
) -> Calibration:
    theta, inverse = found
    ability, offset, spread = model.split(theta)
    errors = np.sqrt(np.maximum(np.diag(inverse)[: len(ability)], 0.0))
    marginal, weights = model.posterior(theta)
    place = spread * model.nodes[0]
    middle = weights @ place
    sds = np.sqrt(np.maximum(weights @ place**2 - middle**2, 0.0))
    return Calibration(
        agents=_placed(names[0], ability, errors, _inside(model.hits, 1)),
        personas=_placed(names[1], middle, sds, _inside(model.hits, 0)),
        cuts={cut: float(x) for cut, x in zip(cuts, offset, strict=True)},
        persona_sd=spread,
        agent_sd=math.sqrt(max(float(ability.var(ddof=1) - (errors**2).mean()), 0.0)),
        log_likelihood=float(marginal.sum()),
    )


def _placed(names: tuple[str, ...], values: Floats, sds: Floats, bounded: Floats) -> tuple[Placed, ...]:
    z = normal_quantile(0.975)
    labels = names or tuple(str(i) for i in range(len(values)))
    return tuple(
        Placed(name=name, estimate=float(x), low=float(x - z * sd), high=float(x + z * sd), bounded=bool(inside))
        for name, x, sd, inside in zip(labels, values, sds, bounded, strict=True)
    )


def _inside(hits: Floats, over: int) -> Floats:
    """Return whether outcomes lie not all in the lowest and not all in the highest grade."""
    counts = hits.sum(axis=over)
    total = counts.sum(axis=1)
    return np.asarray((counts[:, 0] < total) & (counts[:, -1] < total))

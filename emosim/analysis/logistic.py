"""Bayesian logistic model of success over several knobs, with a Laplace posterior for each persona SD.

logit p = start - sum_k cost_k d_k - sum_jk cost_jk d_j d_k - b_s, the linear logistic test model with interactions.
Personas are integrated out by nodes, as on one axis; how far they differ is weighed over the same grid of SDs.
Source: SCIENCE.md 2.3; Fischer 1973 for the linear logistic test model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from emosim.analysis.intervals import Floats, Ints
from emosim.analysis.psychometric import PERSONA_SDS, Target

START: Final = (0.0, 4.0)
"""Prior mean and SD of the logit with all knobs at 0. Source: own choice, weak."""
COST: Final = (2.0, 3.0)
"""Prior mean and SD of a knob's logit cost. Source: own choice, weak; a ray of 3 to 30 logits lies inside."""
PAIR: Final = (0.0, 1.5)
"""Prior mean and SD of an interaction. Source: own choice; shrinks towards none."""
_PRIOR_SD: Final = (0.15, 0.25, 0.4, 0.2)
_STEPS: Final = 60
_LOGITS: Final = np.linspace(-20.0, 20.0, 1601)


@dataclass(frozen=True)
class Component:
    """A normal posterior of the coefficients, given how far personas differ."""

    weight: float
    """Posterior weight of this persona SD."""
    mean: Floats
    """Posterior mode, shape [K]."""
    covariance: Floats
    """Shape [K, K]."""
    effects: Floats
    """Persona effects of the cast in logits, nodes or known ones, shape [Q]."""
    shares: Floats
    """Their weights, shape [Q]."""


def features(points: Floats) -> Floats:
    """Return 1, -d_k and -d_j d_k of points of shape [n, knobs], so that coefficients are costs."""
    at = np.atleast_2d(np.asarray(points, float))
    one, other = np.triu_indices(at.shape[1], 1)
    return np.concatenate([np.ones((len(at), 1)), -at, -at[:, one] * at[:, other]], axis=1)


def prior(knobs: int) -> tuple[Floats, Floats]:
    """Return prior means and SDs of the coefficients, shape [K] each."""
    kinds = [START, *[COST] * knobs, *[PAIR] * (knobs * (knobs - 1) // 2)]
    means, sds = zip(*kinds, strict=True)
    return np.array(means), np.array(sds)


def fit_logistic(points: Floats, wins: Floats, people: Ints, known: Floats | None = None) -> list[Component]:
    """Return the posterior as a mixture over persona SDs.

    Args:
        points: Knob values, shape [n, knobs], 0..1; none give the prior.
        wins: 1 for success, 0 for failure, shape [n].
        people: Index of each episode's persona, shape [n].
        known: Known effects of the cast in logits; None weighs a grid of SDs.
    """
    phi = features(points)
    if known is not None:
        mean, covariance, _ = _laplace(phi, points.shape[1], wins, known[people][:, None], np.ones(1))
        return [Component(1.0, mean, covariance, known, np.full(len(known), 1.0 / len(known)))]
    at, shares = np.polynomial.hermite_e.hermegauss(15)
    shares = shares / shares.sum()
    found, scores = [], []
    for sd, weight in zip(PERSONA_SDS, _PRIOR_SD, strict=True):
        mean, covariance, evidence = _laplace(phi, points.shape[1], wins, sd * at[None], shares)
        found.append((mean, covariance, sd * at))
        scores.append(np.log(weight) + evidence + _together(phi @ mean, wins, people, sd * at, shares))
    chances = np.exp(np.array(scores) - max(scores))
    chances /= chances.sum()
    return [Component(float(w), *parts, shares) for w, parts in zip(chances, found, strict=True)]


def draw(mixture: list[Component], count: int, seed: int = 0) -> tuple[Floats, Ints]:
    """Return draws of the normal mixture, shape [count, K], and the component of each, shape [count]."""
    rng = np.random.default_rng(seed)
    steps = np.cumsum([one.weight for one in mixture])
    kinds = np.minimum(np.searchsorted(steps, (np.arange(count) + 0.5) / count), len(mixture) - 1)
    dice = rng.standard_normal((count, len(mixture[0].mean)))
    roots = np.stack([np.linalg.cholesky(one.covariance) for one in mixture])
    means = np.stack([one.mean for one in mixture])
    return means[kinds] + np.einsum("nij,nj->ni", roots[kinds], dice), kinds.astype(np.int64)


def resample(
    mixture: list[Component], points: Floats, wins: Floats, shifts: Floats | None, count: int
) -> tuple[Floats, Ints]:
    """Return draws of the posterior itself: draws of the normal mixture, weighed by what they get wrong.

    A normal posterior knows nothing where all episodes failed or all succeeded; the weights do.

    Args:
        mixture: The normal approximation.
        points: Knob values, shape [n, knobs].
        wins: 1 or 0, shape [n].
        shifts: Known effect of each episode's persona, shape [n]; None where they are integrated out.
        count: Draws wanted.
    """
    raw, kinds = draw(mixture, 4 * count)
    logits = raw @ features(points).T
    middle, sds = prior(points.shape[1])
    weights = -0.5 * (((raw - middle) / sds) ** 2).sum(axis=1)
    for k, one in enumerate(mixture):
        mine = kinds == k
        table = 1 / (1 + np.exp(-_LOGITS)) if shifts is not None else mean_success(_LOGITS, one)
        rates = np.interp(logits[mine] - (0.0 if shifts is None else shifts), _LOGITS, table)
        weights[mine] += np.log(np.clip(np.where(wins > 0.5, rates, 1 - rates), 1e-12, 1.0)).sum(axis=1)
        away = raw[mine] - one.mean
        scale = np.linalg.slogdet(one.covariance)[1]
        weights[mine] += 0.5 * (np.einsum("ni,ij,nj->n", away, np.linalg.inv(one.covariance), away) + scale)
        weights[mine] -= weights[mine].max(initial=-np.inf)
    chances = _within(np.exp(weights), kinds, len(mixture))
    steps = np.cumsum(chances)
    chosen = np.minimum(np.searchsorted(steps, (np.arange(count) + 0.5) / count * steps[-1]), len(raw) - 1)
    return raw[chosen], kinds[chosen]


def _within(weights: Floats, kinds: Ints, count: int) -> Floats:
    """Return weights that keep each component's share of the draws."""
    sums = np.bincount(kinds, weights, minlength=count)
    return np.asarray(weights / np.maximum(sums, 1e-300)[kinds] * np.bincount(kinds, minlength=count)[kinds], float)


def limits(component: Component, target: Target) -> tuple[float, float]:
    """Return the logits of the middle persona below which it is too hard and above which it is too easy.

    Where the target is reached at no logits, as personas differ too much, both are those at which it comes closest.
    """
    rates = 1.0 / (1.0 + np.exp(component.effects - _LOGITS[:, None]))
    values = target.of(rates, component.shares)
    above = np.flatnonzero(values >= target.value)
    if not len(above):
        closest = float(_LOGITS[int(values.argmax())])
        return closest, closest
    top = np.inf if above[-1] == len(_LOGITS) - 1 else float(_LOGITS[above[-1]])
    return float(_LOGITS[above[0]]), top


def mean_success(logits: Floats, component: Component) -> Floats:
    """Return success rates of the cast for logits of the middle persona, any shape."""
    core = 1.0 / (1.0 + np.exp(np.clip(component.effects - logits[..., None], -30, 30)))
    return np.asarray(core @ component.shares, float)


def _laplace(phi: Floats, knobs: int, wins: Floats, effects: Floats, shares: Floats) -> tuple[Floats, Floats, float]:
    """Return mode, covariance and log evidence, by Fisher scoring with step halving."""
    middle, sds = prior(knobs)
    precision = np.diag(1.0 / sds**2)
    beta = middle.copy()
    height = _log_joint(phi, wins, effects, shares, beta, middle, sds)
    for _ in range(_STEPS):
        rates, slopes = _rates(phi @ beta, effects, shares)
        spread = rates * (1 - rates)
        gradient = phi.T @ ((wins - rates) * slopes / spread) - precision @ (beta - middle)
        information = (phi.T * (slopes**2 / spread)) @ phi + precision
        step = np.linalg.solve(information, gradient)
        size = 1.0
        while size > 1e-3:
            higher = _log_joint(phi, wins, effects, shares, beta + size * step, middle, sds)
            if higher >= height - 1e-9:
                break
            size /= 2.0
        beta, gain, height = beta + size * step, higher - height, higher
        if abs(gain) < 1e-7:
            break
    rates, slopes = _rates(phi @ beta, effects, shares)
    information = (phi.T * (slopes**2 / (rates * (1 - rates)))) @ phi + precision
    covariance = np.linalg.inv(information)
    evidence = height + 0.5 * float(np.linalg.slogdet(covariance)[1])
    return beta, (covariance + covariance.T) / 2.0, evidence


def _rates(logits: Floats, effects: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Return success rates with personas integrated out, and their slopes in the logit."""
    core = 1.0 / (1.0 + np.exp(-np.clip(logits[:, None] - effects, -30, 30)))
    return np.clip(core @ shares, 1e-9, 1 - 1e-9), np.maximum((core * (1 - core)) @ shares, 1e-12)


def _log_joint(
    phi: Floats, wins: Floats, effects: Floats, shares: Floats, beta: Floats, middle: Floats, sds: Floats
) -> float:
    rates, _ = _rates(phi @ beta, effects, shares)
    fit = float(np.log(np.where(wins > 0.5, rates, 1 - rates)).sum())
    return fit - 0.5 * float((((beta - middle) / sds) ** 2).sum())


def _together(logits: Floats, wins: Floats, people: Ints, effects: Floats, shares: Floats) -> float:
    """Return the log likelihood of a persona's episodes taken together over each taken alone."""
    core = 1.0 / (1.0 + np.exp(-np.clip(logits[:, None] - effects, -30, 30)))
    logs = np.log(np.clip(np.where(wins[:, None] > 0.5, core, 1 - core), 1e-12, 1.0))
    cast, where = np.unique(people, return_inverse=True)
    joint = np.zeros((len(cast), len(effects)))
    np.add.at(joint, where, logs)
    alone = np.logaddexp.reduce(logs + np.log(shares), axis=1).sum()
    return float(np.logaddexp.reduce(joint + np.log(shares), axis=1).sum() - alone)

"""A closed-loop toy world: does training at a difficulty raise the score, and can one tell beforehand?

Eight hidden needs, twelve strategies, a softmax policy for each need, a mood that walks in steps as SAGE's does, and
GRPO on its final mood. Difficulty raises the bar of acceptance: at 0 nearly everything is welcome, at 1 only what meets
the need. The optimum of training lies between, because easy worlds reward anything and hard ones nothing. One family of
planted worlds, so what it shows is a default, not a law (SCIENCE.md 2.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEEDS: Final = 8
STRATEGIES: Final = 12
TURNS: Final = 8
"""Replies an episode. Source: RLVER trains with 8."""
START: Final = 40.0
"""Mood at the opening. Source: SAGE."""
GENERIC: Final = (8, 9, 10, 11)
"""Strategies that fit no need in particular; a pretrained policy prefers them."""


@dataclass(frozen=True)
class ToyWorld:
    """The users: how a strategy fits a need, and how hard they are to please."""

    sharpness: float = 5.0
    """Logits of a good step a unit of fit above the bar."""
    leniency: float = 0.65
    """How little fit counts at difficulty 0: easy users welcome nearly anything, 0..1."""
    momentum: float = 0.6
    """Logits that the last step's sign adds. Source: SAGE's mood runs on, P(+|+) = .80."""
    hardening: float = 1.0
    """How much the bar rises from difficulty 0 to 1."""
    bar: float = 0.05
    """Bar of acceptance at difficulty 0."""

    def fit(self) -> Floats:
        """Return how each strategy fits each need, shape [needs, strategies]: its own 1, its a neighbour .3."""
        table = np.full((NEEDS, STRATEGIES), 0.1)
        rows = np.arange(NEEDS)
        table[rows, rows] = 1.0
        table[rows, (rows + 1) % NEEDS] = 0.3
        table[:, GENERIC] = 0.2
        return table

    def play(self, policy: Floats, needs: Ints, difficulty: float, rng: np.random.Generator) -> tuple[Floats, Ints]:
        """Play episodes in lock step.

        Args:
            policy: Strategy probabilities, shape [needs, strategies].
            needs: Hidden need of each episode, shape [n].
            difficulty: 0..1.
            rng: Dice.

        Returns:
            Final mood over 100, shape [n]; strategy counts, shape [n, strategies].
        """
        count = len(needs)
        mood, sign, live = np.full(count, START), np.zeros(count), np.ones(count, bool)
        counts = np.zeros((count, STRATEGIES), np.int64)
        discernment = 1.0 - self.leniency * (1.0 - difficulty)
        steps, fit, rows = np.cumsum(policy, axis=1)[needs], self.fit(), np.arange(count)
        for _ in range(TURNS):
            act = np.minimum((rng.random((count, 1)) > steps).sum(axis=1), STRATEGIES - 1)
            above = discernment * fit[needs, act] - self.bar - self.hardening * difficulty
            good = rng.random(count) < _sigmoid(self.sharpness * above + self.momentum * sign)
            size = np.where(rng.random(count) < 0.5, 10.0, 5.0)
            change = np.where(good, size, -size)
            mood = np.where(live, np.clip(mood + change, 0.0, 100.0), mood)
            counts[rows[live], act[live]] += 1
            sign = np.where(good, 1.0, -1.0)
            live = live & (mood < 100.0) & (mood >= 10.0)
        return mood / 100.0, counts


@dataclass(frozen=True)
class Learner:
    """A softmax policy and how it is trained by GRPO."""

    logits: Floats
    """Shape [needs, strategies]."""
    group_size: int = 4
    """G. Source: RLVER trains with 4."""
    groups: int = 32
    """Groups an update."""
    steps: int = 80
    """Updates."""
    rate: float = 0.35
    """Learning rate on the logits."""

    @property
    def policy(self) -> Floats:
        """Strategy probabilities, shape [needs, strategies]."""
        raised = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), float)

    def train(self, world: ToyWorld, difficulty: float, seed: int = 0) -> Learner:
        """Return the learner after training at one difficulty."""
        rng, learner = np.random.default_rng(seed), self
        for _ in range(self.steps):
            returns, counts, needs = roll_groups(world, learner, difficulty, self.groups, rng)
            spread = returns.std(axis=1, keepdims=True)
            gain = (returns - returns.mean(axis=1, keepdims=True)) / (spread + 1e-4)
            score = counts - counts.sum(axis=2, keepdims=True) * learner.policy[needs][:, None]
            update = np.zeros_like(learner.logits)
            np.add.at(update, needs, (gain[..., None] * score).sum(axis=1))
            share = self.rate / (self.groups * self.group_size) * NEEDS
            learner = replace(learner, logits=learner.logits + share * update)
        return learner

    def score(self, world: ToyWorld, difficulty: float, episodes: int = 4000, seed: int = 10_007) -> float:
        """Return the mean final mood over 100 at one difficulty."""
        needs = np.arange(episodes) % NEEDS
        return float(world.play(self.policy, needs, difficulty, np.random.default_rng(seed))[0].mean())


def base_learner(skill: float = 0.0, spread: float = 0.3, seed: int = 0) -> Learner:
    """Return a pretrained policy that prefers generic strategies.

    Args:
        skill: Logits of the strategy that meets the need; the lower, the weaker the prior.
        spread: SD of the other logits.
        seed: Of the logits.
    """
    logits = np.random.default_rng(seed).normal(0.0, spread, (NEEDS, STRATEGIES))
    logits[:, GENERIC] += 1.5
    logits[np.arange(NEEDS), np.arange(NEEDS)] = skill
    return Learner(logits)


def roll_groups(
    world: ToyWorld, learner: Learner, difficulty: float, groups: int, rng: np.random.Generator
) -> tuple[Floats, Ints, Ints]:
    """Return groups that share a hidden need: returns [n, G], strategy counts [n, G, strategies], needs [n]."""
    needs = rng.integers(NEEDS, size=groups)
    size = learner.group_size
    returns, counts = world.play(learner.policy, np.repeat(needs, size), difficulty, rng)
    return returns.reshape(groups, size), counts.reshape(groups, size, STRATEGIES), needs


def training_curve(world: ToyWorld, learner: Learner, levels: Floats, at: tuple[float, ...], seeds: int = 2) -> Floats:
    """Return mean scores after training at each level, shape [levels, at].

    Args:
        world: The users.
        learner: The base.
        levels: Training difficulties, shape [levels].
        at: Difficulties at which the trained learner is scored.
        seeds: Training runs a level.
    """
    trained = [[learner.train(world, float(level), seed) for seed in range(seeds)] for level in levels]
    return np.array([[np.mean([one.score(world, d) for one in runs]) for d in at] for runs in trained])


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)), float)

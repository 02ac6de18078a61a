"""GRPO for support acts: a linear softmax policy trained in `emosim/EmpathyActs-v0`, in numpy.

Used by `prior_ceiling.py` and `curriculum.py`. A group of rollouts shares one user (same persona, same seed), so that
only the policy's own dice tell its rollouts apart. The policy sees what the environment shows an agent, never moods,
needs or trust. Everything is fixed by seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.acts_vector import EmpathyActsVectorEnv
from emosim.acts_vector.series import drawn
from emosim.cues import ACTS, WIDTH
from emosim.difficulty import at_level
from emosim.errors import UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Singles = NDArray[np.float32]

FEATURES: Final = WIDTH + 1
"""What is observed, and a constant."""
SUCCESS: Final = 0.7
TEST_FROM: Final = 10_000_000
"""Seeds below are for training, seeds from here on for tests."""


@dataclass(frozen=True)
class ActsPolicy:
    """A softmax over acts, linear in the observation: a prior, or what training made of it."""

    weights: Floats
    """Shape [FEATURES, acts]."""

    @cached_property
    def single(self) -> Singles:
        """The weights in single precision, with which it plays."""
        return self.weights.astype(np.float32)

    def probabilities(self, known: Singles) -> Singles:
        """Return the chance of each act, shape [n, acts], from features of shape [n, FEATURES]."""
        return softmax(known @ self.single)


@dataclass(frozen=True)
class Batch:
    """Episodes of one policy; n is groups times group size."""

    returns: Floats
    """Final mood over 100, shape [n]."""
    seen: Singles
    """Features before each act, shape [steps, FEATURES], live steps only."""
    acts: Ints
    """Act of each live step, shape [steps]."""
    chances: Singles
    """Chance of every act at each live step, shape [steps, acts]."""
    episode: Ints
    """Episode of each live step, shape [steps]."""
    needs: Ints
    """Hidden need of each episode, shape [n]: for the analyst, not for the policy."""

    def counts(self) -> Ints:
        """Return how often each episode used each act, shape [n, acts]."""
        table = np.zeros((len(self.returns), len(ACTS)), np.int64)
        np.add.at(table, (self.episode, self.acts), 1)
        return table


@dataclass(frozen=True)
class Recipe:
    """How a policy is trained: the same for every prior and every level."""

    group_size: int = 8
    """G, rollouts with one user."""
    groups: int = 32
    """Groups an update."""
    updates: int = 80
    """Updates."""
    rate: float = 0.1
    """Step size of Adam."""
    passes: int = 2
    """Passes over each batch; from the second on the clip is live."""
    clip: float = 0.2
    """Ratios beyond 1 +- this teach nothing more."""
    kl: float = 0.01
    """Weight of KL(policy || prior)."""
    success_only: bool = False
    """Pay 1 for a final mood of 70 or more and else 0, in place of the final mood."""

    def __post_init__(self) -> None:
        if self.group_size < 2 or self.groups < 1 or self.updates < 1 or self.passes < 1:
            raise UsageError("a recipe needs groups of 2 or more, and 1 or more groups, updates and passes")
        if self.rate <= 0 or self.clip <= 0 or self.kl < 0:
            raise UsageError("rate and clip must be above 0, kl 0 or more")

    @property
    def episodes(self) -> int:
        """Episodes an update."""
        return self.group_size * self.groups


@dataclass
class Learner:
    """A policy in training."""

    policy: ActsPolicy
    prior: ActsPolicy
    recipe: Recipe
    rng: np.random.Generator
    _moments: list[Floats] = field(default_factory=list)
    _steps: int = 0

    @classmethod
    def of(cls, prior: ActsPolicy, recipe: Recipe, seed: int) -> Learner:
        """Return a learner that starts as the prior."""
        return cls(prior, prior, recipe, np.random.default_rng(seed))

    def update(self, level: float) -> Batch:
        """Play one batch of groups at a level, learn from it, and return it."""
        return self.update_mixed([(level, self.recipe.groups)])[0]

    def update_mixed(self, shares: Sequence[tuple[float, int]]) -> list[Batch]:
        """Play groups at several levels, given as (level, groups), learn from all of them at once, and return them."""
        size = self.recipe.group_size
        batches = []
        for level, groups in shares:
            users = np.repeat(self.rng.integers(TEST_FROM, size=groups), size)
            batches.append(play(self.policy, level, users, self.rng))
        gains = [self._advantages(batch.returns)[batch.episode] for batch in batches]
        self._learn(batches, np.concatenate(gains))
        return batches

    def _advantages(self, returns: Floats) -> Floats:
        paid = (returns >= SUCCESS).astype(float) if self.recipe.success_only else returns
        rows = paid.reshape(-1, self.recipe.group_size)
        centred = rows - rows.mean(axis=1, keepdims=True)
        return np.asarray((centred / (rows.std(axis=1, keepdims=True) + 1e-4)).ravel())

    def _learn(self, batches: Sequence[Batch], gains: Floats) -> None:
        seen, chance = (np.concatenate([getattr(b, name) for b in batches]) for name in ("seen", "chances"))
        acts = np.concatenate([b.acts for b in batches])
        rows, clip = np.arange(len(acts)), self.recipe.clip
        before = chance[rows, acts]
        for number in range(self.recipe.passes):
            chance = chance if number == 0 else softmax(seen @ self.policy.single)
            ratio = chance[rows, acts] / before
            pull = np.float32(gains) * ratio * np.where(gains > 0, ratio < 1 + clip, ratio > 1 - clip)
            apart = seen @ (self.policy.single - self.prior.single)
            apart -= np.einsum("sa,sa->s", chance, apart)[:, None]
            apart *= np.float32(self.recipe.kl)
            slope = -chance * (apart + pull[:, None])
            slope[rows, acts] += pull
            self._climb(np.asarray(seen.T @ slope / len(acts), float))

    def _climb(self, slope: Floats, decay: tuple[float, float] = (0.9, 0.999)) -> None:
        """Take a step of Adam uphill."""
        self._steps += 1
        if not self._moments:
            self._moments = [np.zeros_like(slope), np.zeros_like(slope)]
        for i, (keep, value) in enumerate(zip(decay, (slope, slope**2), strict=True)):
            self._moments[i] = keep * self._moments[i] + (1 - keep) * value
        mean, spread = (m / (1 - keep**self._steps) for m, keep in zip(self._moments, decay, strict=True))
        step = self.recipe.rate * mean / (np.sqrt(spread) + 1e-8)
        self.policy = replace(self.policy, weights=self.policy.weights + step)


def train(prior: ActsPolicy, level: float, recipe: Recipe, seed: int) -> ActsPolicy:
    """Return what training a prior at one level makes of it."""
    learner = Learner.of(prior, recipe, seed)
    for _ in range(recipe.updates):
        learner.update(level)
    return learner.policy


def play(policy: ActsPolicy, level: float, users: Ints, rng: np.random.Generator, eased: str = "") -> Batch:
    """Play one episode with each user.

    Args:
        policy: Who acts.
        level: Difficulty on the reference ray, 0..1.
        users: Seed of each episode, shape [n]: it fixes persona and dice of the user. Equal seeds are equal users.
        rng: The policy's own dice.
        eased: Name of a knob that is at 0 whatever the level.
    """
    env = _environment(len(users), at_level(level).values[0], eased)
    seen, _ = env.reset(seed=[int(seed) for seed in users])
    needs = env.crowd.table.need.take(env.crowd.row)
    live, returns = np.ones(len(users), bool), np.zeros(len(users))
    steps: list[tuple[Singles, Ints, Singles, Ints]] = []
    while live.any():
        seated = np.flatnonzero(live)
        known = features(seen[seated])
        chances = policy.probabilities(known)
        acts = draw(chances, rng.random(len(users))[seated])
        steps.append((known, acts, chances, seated))
        chosen = np.zeros(len(users), np.int64)
        chosen[seated] = acts
        seen, rewards, over, out_of_time, _ = env.step(chosen)
        returns[seated] += rewards[seated]
        live &= ~(over | out_of_time)
    return Batch(returns, *(np.concatenate(parts) for parts in zip(*steps, strict=True)), needs=needs)


def some_users(per_persona: int, start: int = TEST_FROM) -> Ints:
    """Return seeds of users, equally many of each of the 24 personas of the core pack, shape [24, per_persona]."""
    personas = len(_environment(1, 0.0).single.bill.personas)
    seeds = np.arange(start, start + 200 * personas * per_persona)
    rows = drawn(seeds, personas)
    return np.stack([seeds[rows == row][:per_persona] for row in range(personas)])


def score(policy: ActsPolicy, level: float, users: Ints, seed: int = 0) -> float:
    """Return the mean final mood over 100 at a level."""
    return float(play(policy, level, users, np.random.default_rng(seed)).returns.mean())


def features(seen: Singles) -> Singles:
    """Return observations with a constant behind them, shape [n, FEATURES]."""
    known = np.ones((len(seen), FEATURES), np.float32)
    known[:, :-1] = seen
    return known


def draw(chances: Singles, dice: Floats) -> Ints:
    """Return an act a row, shape [n], from chances [n, acts] and uniform dice [n]."""
    return np.minimum((dice[:, None] > np.cumsum(chances, axis=1)).sum(axis=1), chances.shape[1] - 1)


def softmax(logits: Singles) -> Singles:
    """Return probabilities along the last axis."""
    raised = logits - logits.max(axis=-1, keepdims=True)
    np.exp(raised, out=raised)
    raised /= raised.sum(axis=-1, keepdims=True)
    return raised


@lru_cache(maxsize=256)
def _environment(count: int, level: float, eased: str = "") -> EmpathyActsVectorEnv:
    return EmpathyActsVectorEnv(count, level=level, knobs={eased: 0.0} if eased else {}, reward="final")

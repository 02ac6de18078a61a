"""Planted truth: agents whose ability, coverage, acts and trajectories are known, to test every instrument against.

No language model and no persona text: what an instrument must find is a parameter here. `AbilityAgent` plants success
rates, `planted_training` what training did to them, `StrategyAgent` what is said, `MoodWalk` how moods move.
Source: SCIENCE.md 11; the walk's constants are FIELD.md 4.3 (9,425 turns of the SAGE dialogues).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emosim.errors import UsageError, did_you_mean

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Rng: TypeAlias = np.random.Generator

Training: TypeAlias = Literal["null", "odds", "sharpen", "create", "create_and_odds"]
"""What training did: nothing; odds times six; odds times six but rare successes lost; impossible personas made
possible; the last with odds times six elsewhere."""

MOODS: Final = np.arange(0.0, 101.0, 5.0)
"""The moods that a walk can stand at."""


def sigmoid(x: ArrayLike) -> Floats:
    """Return 1 / (1 + exp(-x))."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, float))))


def logit(p: ArrayLike) -> Floats:
    """Return log(p / (1 - p)) for 0 < p < 1."""
    chance = np.asarray(p, float)
    return np.asarray(np.log(chance / (1.0 - chance)))


@dataclass(frozen=True)
class AbilityAgent:
    """An agent that succeeds with a known chance for each persona."""

    chances: Floats
    """Success rate a persona, shape [P], 0..1."""

    @classmethod
    def spread(cls, rng: Rng, personas: int, mean: float = -2.0, sd: float = 2.0) -> AbilityAgent:
        """Return an agent with logit-normal success rates: mean and spread in logits."""
        return cls(sigmoid(rng.normal(mean, sd, personas)))

    def outcomes(self, rng: Rng, rollouts: int) -> Floats:
        """Return outcomes 0 or 1, shape [P, rollouts]."""
        return (rng.random((len(self.chances), rollouts)) < self.chances[:, None]).astype(float)

    def coverage(self, ks: Iterable[int]) -> Floats:
        """Return the true pass@k over these personas, shape [K]."""
        return np.array([np.mean(1.0 - (1.0 - self.chances) ** k) for k in ks])

    def trained(self, training: Training) -> AbilityAgent:
        """Return the agent after training that did a known thing."""
        return AbilityAgent(planted_training(self.chances, training))


def planted_training(chances: ArrayLike, training: Training) -> Floats:
    """Return success rates after training.

    Args:
        chances: Rates before, 0..1.
        training: What it did. `odds` multiplies the odds by 6; `sharpen` does so above .05 and multiplies rates below
            by .05; `create` lifts rates below .02 to .25.

    Raises:
        UsageError: No such training.
    """
    before = np.asarray(chances, float)
    lifted = 6.0 * before / (1.0 + 5.0 * before)
    worlds: dict[str, Floats] = {
        "null": before,
        "odds": lifted,
        "sharpen": np.where(before < 0.05, 0.05 * before, lifted),
        "create": np.where(before < 0.02, 0.25, before),
        "create_and_odds": np.where(before < 0.02, 0.25, lifted),
    }
    if training not in worlds:
        raise UsageError(f"no planted training '{training}'{did_you_mean(training, get_args(Training))}")
    return worlds[training]


@dataclass(frozen=True)
class StrategyAgent:
    """An agent whose acts are drawn from a known mixture for each hidden need."""

    mixtures: Floats
    """Chance of each act for each need, shape [needs, acts], rows sum to 1."""
    concentration: float = np.inf
    """How alike episodes are: each draws its own mixture from a Dirichlet with this weight; infinite for identical."""

    @classmethod
    def graded(cls, needs: int = 8, acts: int = 10, decay: float = 1.0, concentration: float = np.inf) -> StrategyAgent:
        """Return an agent that favours the same acts whatever the need, the i-th in proportion to i**-decay."""
        row = np.arange(1.0, acts + 1.0) ** -decay
        return cls(np.tile(row / row.sum(), (needs, 1)), concentration)

    @classmethod
    def specialist(cls, needs: int = 8, acts: int = 10, purity: float = 1.0) -> StrategyAgent:
        """Return an agent that answers each need with its own act: narrow for a need, wide over needs."""
        rows = np.full((needs, acts), (1.0 - purity) / acts)
        rows[np.arange(needs), np.arange(needs) % acts] += purity
        return cls(rows)

    def sharpened(self, power: float) -> StrategyAgent:
        """Return the agent with mixtures p^t, normalised: the planted collapse for t > 1."""
        rows = self.mixtures**power
        return StrategyAgent(rows / rows.sum(axis=1, keepdims=True), self.concentration)

    def counts(self, rng: Rng, needs: ArrayLike, acts: int = 8) -> Ints:
        """Return act counts, shape [E, acts in the vocabulary], of episodes with these needs and `acts` acts each."""
        rows = self.mixtures[np.asarray(needs, np.int64)]
        if np.isfinite(self.concentration):
            gamma = np.maximum(rng.gamma(rows * self.concentration), 1e-300)
            rows = gamma / gamma.sum(axis=1, keepdims=True)
        return np.asarray(rng.multinomial(acts, rows), np.int64)


def planted_ratings(
    rng: Rng, agents: int, personas: int, sds: tuple[float, float, float], *, mean: float = 40.0, repeats: int = 1
) -> Floats:
    """Return scores [agents, personas, repeats] with planted standard deviations of agent, persona and residual."""
    agent, persona, rest = sds
    whole = rng.normal(0.0, agent, (agents, 1, 1)) + rng.normal(0.0, persona, (1, personas, 1)) + mean
    return np.asarray(whole + rng.normal(0.0, rest, (agents, personas, repeats)))


def planted_grades(rng: Rng, abilities: ArrayLike, difficulties: ArrayLike, cuts: ArrayLike) -> Ints:
    """Return graded outcomes [agents, personas]: P(grade >= c) = sigmoid(ability + cut_c - difficulty), c = 1..C."""
    edge = np.asarray(abilities, float)[:, None] - np.asarray(difficulties, float)[None, :]
    chances = sigmoid(edge[:, :, None] + np.asarray(cuts, float))
    return np.asarray((rng.random(edge.shape)[:, :, None] < chances).sum(axis=2), np.int64)


@dataclass(frozen=True)
class MoodWalk:
    """A mood that moves like SAGE's: bistable, in steps of 5 or 10, ending at 100 or below 10."""

    start: float = 40.0
    """Mood at the opening, a multiple of 5."""
    turns: int = 9
    """Scored turns until time is up (SAGE leaves the tenth unscored)."""
    bias: float = -0.146
    """Logit of a rise at mood 40 after no change. Source: FIELD.md 4.3, as the next four."""
    pull: float = 0.617
    """Logits a 10 points of mood above 40."""
    momentum: float = 0.476
    """Logits for the sign of the last change."""
    big_rise: float = 0.308
    """Share of rises that are of 10 points."""
    big_fall: float = 0.289
    """Share of falls that are of 10 points."""

    def play(self, rng: Rng, lifts: ArrayLike) -> Floats:
        """Return moods [N, turns+1], the last one carried on; `lifts` [N] are ability less difficulty in logits."""
        lift = np.asarray(lifts, float)
        moods, last = np.full(len(lift), self.start), np.zeros(len(lift))
        path = [moods]
        for _ in range(self.turns):
            up = rng.random(len(lift)) < self._rise(moods, last, lift)
            size = np.where(rng.random(len(lift)) < np.where(up, self.big_rise, self.big_fall), 10.0, 5.0)
            change = np.where(self.over(moods), 0.0, np.where(up, size, -size))
            moods = np.clip(moods + change, 0.0, 100.0)
            last = np.sign(change)
            path.append(moods)
        return np.stack(path, axis=1)

    def ends(self, lift: float = 0.0) -> Floats:
        """Return the exact distribution of the final mood over `MOODS`, shape [21]."""
        return np.array([self.chance(mood == MOODS, lift) for mood in MOODS])

    def chance(self, wanted: ArrayLike, lift: float = 0.0) -> float:
        """Return the exact chance that an episode ends in the wanted moods, a mask over `MOODS`."""
        return float(self.chances(wanted, lift)[self.turns, int(self.start // 5), 1])

    def chances(self, wanted: ArrayLike, lift: float = 0.0) -> Floats:
        """Return exact chances of ending in the wanted moods, shape [turns left, mood, sign of last change + 1]."""
        table = [np.repeat(np.asarray(wanted, float)[:, None], 3, axis=1)]
        stand = np.arange(len(MOODS))
        for _ in range(self.turns):
            after = table[-1]
            rise = self._rise(MOODS[:, None], np.array([-1.0, 0.0, 1.0]), np.asarray(lift))
            up, far_up = (after[np.minimum(stand + step, 20), 2][:, None] for step in (1, 2))
            down, far_down = (after[np.maximum(stand - step, 0), 0][:, None] for step in (1, 2))
            better = (1.0 - self.big_rise) * up + self.big_rise * far_up
            worse = (1.0 - self.big_fall) * down + self.big_fall * far_down
            table.append(np.where(self.over(MOODS)[:, None], table[0], rise * better + (1.0 - rise) * worse))
        return np.stack(table)

    def over(self, moods: ArrayLike) -> NDArray[np.bool_]:
        """Return whether an episode at these moods has ended."""
        return (np.asarray(moods, float) >= 100.0) | (np.asarray(moods, float) < 10.0)

    def _rise(self, moods: Floats, last: Floats, lift: Floats) -> Floats:
        return sigmoid(self.bias + self.pull * (moods - 40.0) / 10.0 + self.momentum * last + lift)

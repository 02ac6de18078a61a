"""Support: which personas an agent can help at all, and whether training moved that or only the odds.

Elicitation multiplies the odds of success of every persona alike, which raises coverage at every k (SCIENCE.md 0.9); a
gain at moderate k is therefore no evidence of a created capability. The null model here is that constant shift of the
log-odds, over whatever distribution of abilities fits the counts best; what training created shows as personas that the
base never helps and the trained agent does, in excess of what the null world produces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.ceiling import log_factorials
from emosim.analysis.intervals import Floats, Interval, Ints, normal_quantile, wilson
from emosim.errors import UsageError
from emosim.value import Value

IMPOSSIBLE_BELOW: Final = 0.2
"""A persona without a success counts as unreached if its rate is below this with 95 % confidence. Source: SCIENCE.md 1,
0/16 gives p < .17."""
DEPTH: Final = 14
"""Rollouts from which on no success bounds the rate below `IMPOSSIBLE_BELOW`."""
HELPED_ABOVE: Final = 0.05
"""A created persona's rate is above this with 95 % confidence. Source: own choice, see the tests."""
HELD_ABOVE: Final = 0.01
"""A lost persona's rate was above this: what sharpening costs are rare successes. Source: own choice."""
_LOGITS: Final = np.linspace(-10.0, 8.0, 73)
_LARGEST: Final = 6.0
_WORLDS: Final = 2000
_STEPS: Final = 300
_TRIALS: Final = 400


class Moved(Value):
    """Personas that entered or left the support, against what a constant shift of the odds alone would show."""

    count: int
    """How many."""
    share: Interval
    """Their share of all personas, Wilson interval."""
    personas: tuple[int, ...]
    """Their rows."""
    expected: float
    """How many the null world shows on average."""
    budget: int
    """The 95 % quantile of the null world: up to so many prove nothing."""
    p: float
    """Chance of so many or more in the null world."""
    detectable: float | None
    """Smallest share of personas whose creation this design finds with 80 % power; None: no share at all."""

    @property
    def proven(self) -> bool:
        """Whether there are more than the null world explains.

        SCIENCE.md 1 asks that the lower bound of the share exceed the null's 95 % quantile. The null worlds have the
        same P, and the bound rises with the count, so that the bound exceeds its own quantile in them exactly if the
        count exceeds the count's. Held against the quantile of the share itself, the bound would allow for sampling
        twice, for the null worlds vary by sampling already. Of 100 planted creations (P = 64, n = 16) the count finds
        96 and the stricter reading 51, where SCIENCE.md 1 asks for 90; of 100 nulls and 100 pure shifts the count calls
        4 and 2 a creation.
        """
        return self.count > self.budget


@dataclass(frozen=True)
class Counts:
    """Successes before and after, persona by persona."""

    before: Ints
    """Successes of the base, shape [P]."""
    rollouts_before: Ints
    """Rollouts of the base, shape [P]."""
    after: Ints
    """Successes of the trained agent, shape [P]."""
    rollouts_after: Ints
    """Rollouts of the trained agent, shape [P]."""

    @classmethod
    def of(cls, base: ArrayLike, trained: ArrayLike, threshold: float) -> Counts:
        """Return counts of returns [P, N] and [P, M] at or above a threshold; NaN rollouts do not count."""
        rows = [np.atleast_2d(np.asarray(x, float)) for x in (base, trained)]
        if len(rows[0]) != len(rows[1]):
            raise UsageError(f"base has {len(rows[0])} personas, trained {len(rows[1])}; they must be the same ones")
        wins = [(x >= threshold - 1e-9).sum(axis=1) for x in rows]
        tries = [np.isfinite(x).sum(axis=1) for x in rows]
        return cls(wins[0], tries[0], wins[1], tries[1])

    def larger(self, personas: int = 1, rollouts: int = 1) -> Counts:
        """Return the counts of so many times the personas, each with so many times the rollouts, rates unchanged."""
        fields = (self.before, self.rollouts_before, self.after, self.rollouts_after)
        return Counts(*(np.tile(field * rollouts, personas) for field in fields))

    def mirrored(self) -> Counts:
        """Return the counts with before and after exchanged."""
        return Counts(self.after, self.rollouts_after, self.before, self.rollouts_before)


@dataclass(frozen=True)
class OddsShift:
    """Training as one shift of the log-odds of every persona, over a free distribution of abilities."""

    shift: float
    """The shift in logits; exp(shift) multiplies the odds."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    """Upper end."""
    weights: Floats
    """Weight of each base ability on the grid, shape [73], sums to 1."""
    log_likelihood: float
    """Of the counts."""

    def worlds(self, rng: np.random.Generator, counts: Counts, draws: int = _WORLDS) -> tuple[Ints, Ints]:
        """Return counts before and after of null worlds with this design, each of shape [draws, P]."""
        logits = rng.choice(_LOGITS, p=self.weights, size=(draws, len(counts.before)))
        before = rng.binomial(counts.rollouts_before, _chance(logits))
        after = rng.binomial(counts.rollouts_after, _chance(logits + self.shift))
        return np.asarray(before, np.int64), np.asarray(after, np.int64)


def fit_shift(counts: Counts) -> OddsShift:
    """Return the constant shift of the log-odds, within -6..6, and the abilities that go with it.

    The shift is Mantel and Haenszel's common odds ratio over personas, its interval Robins, Breslow and Greenland's
    (1986): both condition on the persona, so that no distribution of abilities is assumed. The abilities are then
    Kiefer and Wolfowitz's nonparametric estimate, by EM.
    """
    shift, error = _mantel_haenszel(counts)
    base = _binomial(counts.before, counts.rollouts_before, _LOGITS)
    both = base * _binomial(counts.after, counts.rollouts_after, _LOGITS + shift)
    weights = np.full(len(_LOGITS), 1.0 / len(_LOGITS))
    for _ in range(_STEPS):
        joint = both * weights
        weights = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    half = normal_quantile(0.975) * error
    return OddsShift(shift, shift - half, shift + half, weights, float(np.log(both @ weights).sum()))


def _mantel_haenszel(counts: Counts) -> tuple[float, float]:
    """Return the logarithm of the common odds ratio and its standard error; infinite where nothing bounds it."""
    won, missed = counts.after.astype(float), (counts.rollouts_after - counts.after).astype(float)
    had, lacked = counts.before.astype(float), (counts.rollouts_before - counts.before).astype(float)
    total = counts.rollouts_after + counts.rollouts_before
    up, down = won * lacked / total, had * missed / total
    if up.sum() == 0 or down.sum() == 0:
        return _LARGEST * float(np.sign(up.sum() - down.sum())), math.inf
    agree, differ = (won + lacked) / total, (had + missed) / total
    variance = (agree * up).sum() / (2 * up.sum() ** 2) + (differ * down).sum() / (2 * down.sum() ** 2)
    variance += (agree * down + differ * up).sum() / (2 * up.sum() * down.sum())
    shift = float(np.clip(np.log(up.sum() / down.sum()), -_LARGEST, _LARGEST))
    return shift, float(np.sqrt(variance))


def created(counts: Counts, null: OddsShift | None = None, *, seed: int = 0) -> Moved:
    """Return the created set S+: personas that the base never helps and the trained agent does.

    Args:
        counts: Successes before and after.
        null: The constant shift, fitted if not given.
        seed: Of the null worlds.

    Raises:
        UsageError: Too few rollouts for a persona to be called unreached.
    """
    rng = np.random.default_rng(seed)
    return _against(rng, counts, (null or fit_shift(counts)).worlds(rng, counts), HELPED_ABOVE)


def enough(counts: Counts, null: OddsShift, share: float, *, seed: int = 0) -> tuple[int | None, int | None]:
    """Return what would find a creation of a share of personas with 80 % power, in this null world.

    Args:
        counts: Successes before and after.
        null: The constant shift.
        share: Share of personas, 0..1.
        seed: Of the null worlds.

    Returns:
        Personas with as many rollouts as now, and rollouts with as many personas as now, each doubled up to eightfold;
        None where that is not enough.
    """
    personas, rollouts = len(counts.before), int(counts.rollouts_before.min())
    wider = (f * personas for f in (2, 4, 8) if _sees(counts.larger(personas=f), null, share, seed))
    deeper = (f * rollouts for f in (2, 4, 8) if _sees(counts.larger(rollouts=f), null, share, seed))
    return next(wider, None), next(deeper, None)


def _sees(counts: Counts, null: OddsShift, share: float, seed: int) -> bool:
    """Return whether a design finds a creation of a share of personas with 80 % power."""
    rng = np.random.default_rng(seed)
    before, after = null.worlds(rng, counts, _TRIALS)
    tries = counts.rollouts_before, counts.rollouts_after
    moved = _moved(before, tries[0], after, tries[1], HELPED_ABOVE).sum(axis=1)
    found = _detectable(rng, counts, moved, int(np.quantile(moved, 0.95, method="higher")), HELPED_ABOVE)
    return found is not None and found <= share


def lost(counts: Counts, null: OddsShift | None = None, *, seed: int = 0) -> Moved:
    """Return the lost set S-, the mirror of `created`: the base helps them and the trained agent never does.

    Args:
        counts: Successes before and after.
        null: The constant shift, fitted if not given.
        seed: Of the null worlds.

    Raises:
        UsageError: Too few rollouts of the trained agent for a persona to be called unreached.
    """
    rng = np.random.default_rng(seed)
    before, after = (null or fit_shift(counts)).worlds(rng, counts)
    return _against(rng, counts.mirrored(), (after, before), HELD_ABOVE)


def lower_bound(successes: ArrayLike, rollouts: ArrayLike, level: float = 0.95) -> Floats:
    """Return Wilson's one-sided lower bounds of success rates; arguments broadcast."""
    n = np.asarray(rollouts, float)
    p = np.asarray(successes, float) / n
    z = normal_quantile(level)
    inner = np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return np.asarray(np.maximum((p + z * z / (2 * n) - z * inner) / (1 + z * z / n), 0.0))


def zero_bound(rollouts: ArrayLike, level: float = 0.95) -> Floats:
    """Return the upper bound of a rate after no success in n rollouts, 1 - (1 - level)**(1/n).

    >>> zero_bound([16, 64, 256]).round(3).tolist()
    [0.171, 0.046, 0.012]
    """
    return np.asarray(1.0 - (1.0 - level) ** (1.0 / np.asarray(rollouts, float)))


def _against(rng: np.random.Generator, counts: Counts, worlds: tuple[Ints, Ints], above: float) -> Moved:
    """Return who moved, against null worlds."""
    _require_depth(counts)
    tries = counts.rollouts_before, counts.rollouts_after
    flags = _moved(counts.before, tries[0], counts.after, tries[1], above)
    null = _moved(worlds[0], tries[0], worlds[1], tries[1], above).sum(axis=1)
    found, size = int(flags.sum()), len(flags)
    budget = int(np.quantile(null, 0.95, method="higher"))
    return Moved(
        count=found,
        share=wilson(found, size),
        personas=tuple(int(i) for i in np.flatnonzero(flags)),
        expected=float(null.mean()),
        budget=budget,
        p=float(((null >= found).sum() + 1) / (len(null) + 1)),
        detectable=_detectable(rng, counts, null, budget, above),
    )


def _moved(before: Ints, tries_before: Ints, after: Ints, tries_after: Ints, above: float) -> Ints:
    unreached = (before == 0) & (zero_bound(tries_before) < IMPOSSIBLE_BELOW)
    return np.asarray(unreached & (lower_bound(after, tries_after) > above))


def _detectable(rng: np.random.Generator, counts: Counts, null: Ints, budget: int, above: float) -> float | None:
    """Return the smallest share of personas moved from 0 to .25 that 80 % of worlds show beyond the budget."""
    draws, size = len(null), len(counts.before)
    hit = lower_bound(rng.binomial(counts.rollouts_after, 0.25, (draws, size)), counts.rollouts_after) > above
    gained = np.cumsum(hit, axis=1)
    for number in range(1, size + 1):
        kept = rng.binomial(null, 1.0 - number / size)
        if np.mean(kept + gained[:, number - 1] > budget) >= 0.8:
            return number / size
    return None


def _require_depth(counts: Counts) -> None:
    least = int(counts.rollouts_before.min()) if len(counts.before) else 0
    if least < DEPTH:
        raise UsageError(f"{least} rollouts a persona cannot show that one is out of reach; play at least {DEPTH}")


def _chance(logits: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def _binomial(successes: Ints, rollouts: Ints, logits: Floats) -> Floats:
    """Return binomial probabilities, shape [P, grid]."""
    table = log_factorials(int(rollouts.max()))
    choose = table[rollouts] - table[successes] - table[rollouts - successes]
    failures = (rollouts - successes)[:, None]
    up, down = -np.logaddexp(0.0, -logits), -np.logaddexp(0.0, logits)
    return np.asarray(np.exp(choose[:, None] + successes[:, None] * up + failures * down))

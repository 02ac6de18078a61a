"""Base against trained: did training select what the base could do, or create what it could not?

`selects`: the score rose, coverage rose no more than one shift of the odds explains, and the design would have seen a
creation. `creates`: more personas entered the support than the null world's 95 % quantile. Anything else is
`undetermined`, with what is needed. Personas are paired row by row; play both agents on the same episode keys, so that
they also share their dice.
"""

from __future__ import annotations

import math
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.ceiling import Crossing, crossover, elicitation_multiple, fewest, pass_at_k, sampling_gap
from emosim.analysis.counted import counted
from emosim.analysis.intervals import Floats, Interval, Ints, mean_interval, t_quantile
from emosim.analysis.reliability import personas_needed
from emosim.analysis.support import DEPTH, Counts, Moved, OddsShift, created, enough, fit_shift, lost
from emosim.errors import UsageError
from emosim.value import Value

SUCCESS: Final = 0.7
"""A return from here on is a success, 'high emotion'. Source: SCIENCE.md 13."""
FEWEST_PERSONAS: Final = 8
"""Personas below which nothing is said about a population. Source: own choice."""
BLIND: Final = 0.3
"""A design that sees no created share below this cannot say `selects`. Source: own choice."""
_EDGE: Final = 5.5
_MOST: Final = 1000

Kind: TypeAlias = Literal["selects", "creates", "undetermined"]


class Coverage(Value):
    """The gain of pass@K against what one shift of the odds predicts: the cross-check."""

    k: int
    """K, half the fewest rollouts."""
    gain: Interval
    """C_trained(K) - C_base(K), paired by persona."""
    expected: float
    """What the constant shift predicts."""
    p: float
    """Two-sided chance of such a difference from it in the null world."""


class Evidence(Value):
    """What a verdict rests on."""

    gain: Interval
    """C_trained(1) - C_base(1), paired by persona."""
    detectable_gain: float | None
    """Smallest gain that this design finds with 80 % power; None: nothing varies."""
    multiple: Crossing
    """k_eq: training was worth best-of-k_eq of the base."""
    crossing: Crossing
    """k from which the base covers as much as the trained agent."""
    gap: Interval
    """C_base(K) - C_trained(1)."""
    coverage: Coverage
    """Coverage at K against the shift model."""
    odds: Interval
    """Factor on the odds of success, Mantel-Haenszel over personas."""
    entered: Moved
    """Created set S+, with its minimum detectable share."""
    left: Moved | None
    """Lost set S-; None: too few rollouts of the trained agent."""


class Verdict(Value):
    """What training did."""

    kind: Kind
    """The verdict."""
    reasons: tuple[str, ...]
    """Why, one sentence each; for `undetermined` also what is needed."""
    evidence: Evidence | None = None
    """The numbers; None where the data allow none."""


def compare(base: ArrayLike, trained: ArrayLike, *, threshold: float = SUCCESS, seed: int = 0) -> Verdict:
    """Return the verdict on a trained agent against its base.

    Args:
        base: Returns of the base, shape [P, N], 0..1, NaN for missing rollouts.
        trained: Returns of the trained agent, shape [P, M]; row s is the same persona.
        threshold: Return from which a rollout succeeds, r*.
        seed: Of resampling.

    Raises:
        UsageError: The arrays do not hold the same personas, or a return is out of 0..1.
    """
    before, after = (np.atleast_2d(np.asarray(x, float)) for x in (base, trained))
    _check(before, after)
    missing = _missing(before, after, threshold)
    if missing:
        return Verdict(kind="undetermined", reasons=(missing,))
    counts = Counts.of(before, after, threshold)
    shift = fit_shift(counts)
    differences = np.nanmean(after, axis=1) - np.nanmean(before, axis=1)
    evidence = Evidence(
        gain=mean_interval(differences, bounds=(-1.0, 1.0)),
        detectable_gain=detectable(differences),
        multiple=elicitation_multiple(before, after, seed=seed),
        crossing=crossover(before, after, seed=seed),
        gap=sampling_gap(before, after),
        coverage=_coverage(counts, shift, seed),
        odds=_odds(shift, len(before)),
        entered=created(counts, shift, seed=seed),
        left=lost(counts, shift, seed=seed) if fewest(after) >= DEPTH else None,
    )
    kind, reasons = _judge(evidence, shift)
    if kind == "undetermined":
        reasons = (*reasons, *_next_step(evidence, shift, counts, differences, seed))
    return Verdict(kind=kind, reasons=reasons, evidence=evidence)


def detectable(differences: ArrayLike, *, power: float = 0.8, level: float = 0.95) -> float | None:
    """Return the smallest mean difference that a paired t test of this design finds; None if nothing varies.

    Args:
        differences: One a persona, shape [P].
        power: Chance to find it.
        level: One less the test's size.
    """
    rows = np.asarray(differences, float)
    if len(rows) < 2 or np.ptp(rows) < 1e-12:
        return None
    df = len(rows) - 1
    return (t_quantile(0.5 + level / 2, df) + t_quantile(power, df)) * float(rows.std(ddof=1)) / math.sqrt(len(rows))


def _judge(found: Evidence, shift: OddsShift) -> tuple[Kind, tuple[str, ...]]:
    entered, gain = found.entered, found.gain
    tally = f"{counted(entered.count, 'persona')} entered the support, one odds shift explains up to {entered.budget}"
    if max(abs(shift.low), abs(shift.high)) > _EDGE:
        return "undetermined", (tally, "the data do not bound the shift: play more rollouts or an easier level")
    if entered.proven:
        return "creates", (tally, f"p = {entered.p:.2g}")
    if gain.low <= 0:
        seen = "nothing" if found.detectable_gain is None else f"a gain of {found.detectable_gain:.2g}"
        word = "training lowered the score" if gain.high < 0 else "no gain at k = 1 is shown"
        return "undetermined", (f"{word}: {gain}; this design finds {seen} with 80 % power", tally)
    if entered.detectable is None or entered.detectable > BLIND:
        unseen = f"a creation below {entered.detectable or 1:.0%} of personas would go unseen"
        return "undetermined", (f"the score rose by {gain}", unseen)
    sight = f"a creation from {entered.detectable:.0%} of personas on would have been found with 80 % power"
    kind, why = _selection(found)
    return kind, (f"the score rose by {gain}", why, tally, sight)


def _next_step(found: Evidence, shift: OddsShift, counts: Counts, differences: Floats, seed: int) -> tuple[str, ...]:
    """Return what to play so that this cause of an undetermined verdict goes away, or nothing."""
    if max(abs(shift.low), abs(shift.high)) > _EDGE or found.gain.high < 0:
        return ()
    if found.gain.low <= 0:
        gap = abs(float(differences.mean()))
        count = personas_needed(float(differences.std(ddof=1)), gap) if gap > 1e-3 else _MOST
        few = f"a gain of this size would be shown by {count} personas with as many rollouts"
        return (
            few if count < _MOST else f"a gain as small as this estimate takes more than {_MOST:,} personas to show",
        )
    if found.entered.detectable is not None and found.entered.detectable <= BLIND:
        return ()
    personas, rollouts = enough(counts, shift, BLIND, seed=seed)
    ways = [f"{personas} personas with as many rollouts"] * (personas is not None)
    ways += [f"{rollouts} rollouts of these personas (-n {rollouts})"] * (rollouts is not None)
    told = " or ".join(ways) or "no design up to 8 times as large: the odds rose so much that nearly anyone may enter"
    return (f"a creation of {BLIND:.0%} of personas would be found with 80 % power by {told}",)


def _selection(found: Evidence) -> tuple[Kind, str]:
    coverage, crossing = found.coverage, found.crossing
    rise = f"coverage at k = {coverage.k} rose by {coverage.gain}"
    if crossing.estimate is not None:
        return "selects", f"the base covers as much from k = {crossing.estimate:.3g} on"
    if coverage.gain.low <= 0:
        return "selects", f"coverage at k = {coverage.k} did not rise: {coverage.gain}"
    if coverage.p > 0.05 or coverage.gain.estimate < coverage.expected:
        return "selects", f"{rise}, one odds shift predicts {coverage.expected:.3g}"
    return "undetermined", f"{rise}, more than the {coverage.expected:.3g} of one odds shift: play 128 personas x 64"


def _check(before: Floats, after: Floats) -> None:
    if len(before) != len(after):
        raise UsageError(f"base has {len(before)} personas, trained {len(after)}; they must be the same ones")
    values = np.concatenate([before[np.isfinite(before)], after[np.isfinite(after)]])
    if np.isinf(before).any() or np.isinf(after).any() or (len(values) and (values.min() < 0 or values.max() > 1)):
        raise UsageError("returns must lie in 0..1; use the final mood over 100")


def _missing(before: Floats, after: Floats, threshold: float) -> str:
    """Return what is needed before anything can be said, or nothing."""
    if len(before) < FEWEST_PERSONAS:
        few = f"{counted(len(before), 'persona')} say{'s' * (len(before) == 1)} nothing about a population"
        return f"{few}; play at least {FEWEST_PERSONAS}, better 64"
    if fewest(before) < DEPTH or fewest(after) < 2:
        rollouts = f"{counted(fewest(before), 'rollout')} of the base and {fewest(after)} of the trained agent"
        return f"{rollouts} a persona are too few; play at least {DEPTH} and 2, better 16 and 16"
    if np.nanmax(before) < threshold and np.nanmax(after) < threshold:
        return f"no rollout of either agent reaches {threshold:g}; play an easier level"
    if np.nanmin(before) >= threshold and np.nanmin(after) >= threshold:
        return f"every rollout of both agents reaches {threshold:g}; play a harder level"
    return ""


def _coverage(counts: Counts, shift: OddsShift, seed: int) -> Coverage:
    k = max(1, min(int(counts.rollouts_before.min()), int(counts.rollouts_after.min())) // 2)
    before = pass_at_k(counts.before, counts.rollouts_before, [k])[:, 0]
    after = pass_at_k(counts.after, counts.rollouts_after, [k])[:, 0]
    null = _null_gains(shift.worlds(np.random.default_rng(seed + 1), counts, 500), counts, k)
    gain = mean_interval(after - before, bounds=(-1.0, 1.0))
    far = np.abs(null - null.mean()) >= abs(gain.estimate - null.mean())
    return Coverage(k=k, gain=gain, expected=float(null.mean()), p=float((far.sum() + 1) / (len(null) + 1)))


def _null_gains(worlds: tuple[Ints, Ints], counts: Counts, k: int) -> Floats:
    """Return the gain of pass@k in each null world, shape [draws]."""
    tries = counts.rollouts_before, counts.rollouts_after
    before, after = (
        pass_at_k(wins.ravel(), np.tile(n, len(wins)), [k]).reshape(wins.shape).mean(axis=1)
        for wins, n in zip(worlds, tries, strict=True)
    )
    return np.asarray(after - before)


def _odds(shift: OddsShift, personas: int) -> Interval:
    low, middle, high = (math.exp(min(max(x, -20.0), 20.0)) for x in (shift.low, shift.shift, shift.high))
    return Interval(estimate=middle, low=low, high=high, n=personas, method="mantel-haenszel")

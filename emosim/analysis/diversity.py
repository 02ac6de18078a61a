"""How varied an agent's acts are, and whether training narrowed them or fitted them to needs.

An agent that always does the same has collapsed; one that does for each need what that need wants has specialised.
Both lower the entropy of acts, only the second raises what the acts tell about the need, I(strategy; need). So a fall
of H(strategy) is collapse, and a fall of H(strategy | need) while I rises is specialisation, even where H(strategy)
falls too, which is then said. Acts of one episode hang together, so policies are compared by permuting whole episodes.
Source: SCIENCE.md 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.entropy import ESTIMATORS, conditional_entropy, entropy, hill
from emosim.analysis.intervals import Floats, Interval, Ints, normal_quantile, resampling
from emosim.errors import UsageError
from emosim.value import Value

ALPHA: Final = 0.05
FITTED: Final = 0.025
"""Size of the test of I(strategy; need) where the acts are fewer over all needs too: collapse and specialisation then
both claim the same fall, and each has half of `ALPHA`. Source: Bonferroni."""
LITTLE: Final = 0.1
"""Change of I(strategy; need) in nats below which a sentence calls it little; no verdict depends on it. Source: own
choice, a seventh of what tells two needs apart."""
FEWEST: Final = 8
"""Episodes a policy below which nothing is concluded."""
_TINY: Final = 1e-9

Narrowing: TypeAlias = Literal["collapsed", "specialised", "widened", "undetermined"]


class Variety(Value):
    """How varied the acts of one policy are."""

    acts: int
    """Acts counted."""
    episodes: int
    """Episodes they come from."""
    richness: float
    """Hill number of order 0, Chao1: kinds of acts, unseen ones included."""
    effective: Interval | None
    """Hill number of order 1, exp(entropy); interval by resampling episodes; None: all episodes show the same acts, so
    that resampling them shows no spread."""
    dominant: float | None
    """Hill number of order 2; None: no act occurred twice."""
    entropies: dict[str, float]
    """Entropy in nats by each estimator."""
    given_need: float | None
    """H(strategy | need) in nats; None: needs were not given or are all the same."""
    adaptivity: float | None
    """I(strategy; need) in nats."""


class Fit(Value):
    """How the acts' fit to hidden needs changed, trained less base."""

    given_need: float
    """Change of H(strategy | need), nats."""
    p_narrower: float
    """One-sided permutation p of a smaller H(strategy | need)."""
    adaptivity: float
    """Change of I(strategy; need), nats."""
    levels: tuple[float, float]
    """I(strategy; need) of base and trained, nats."""
    p_adaptive: float
    """One-sided permutation p of a larger I(strategy; need)."""


class Change(Value):
    """How the variety of acts changed, trained against base."""

    effective: tuple[float, float]
    """Effective number of acts, exp(entropy), of base and trained."""
    ratio: Interval | None
    """Effective number of acts, trained over base, by resampling episodes; None: those of either policy all show the
    same acts."""
    p_narrower: float
    """One-sided permutation p of a smaller effective number."""
    p_wider: float
    """One-sided permutation p of a larger one."""
    detectable: float | None
    """Smallest fall of the effective number, as a share of it, that this design finds with 80 % power; None as `ratio`.
    """
    fit: Fit | None
    """Fit to needs; None: needs are not known or all the same."""

    @property
    def specialised(self) -> bool:
        """Whether acts are less varied for each need while they tell more about it. Source: SCIENCE.md 3."""
        if self.fit is None or self.fit.p_narrower > ALPHA:
            return False
        return self.fit.p_adaptive <= (FITTED if self.p_narrower <= ALPHA else ALPHA)


class Comparison(Value):
    """Whether a trained policy's acts are less varied than its base's."""

    kind: Narrowing
    """`collapsed`: less varied, and no more fitted to needs; `specialised`: less varied for each need while acts tell
    more about it; `widened`; or `undetermined`."""
    reasons: tuple[str, ...]
    """Why, one sentence each."""
    change: Change | None = None
    """The numbers; None where the data allow none."""


def count_acts(sequences: Sequence[Sequence[int]], vocabulary: int, first: int | None = None) -> Ints:
    """Return act counts, shape [E, vocabulary].

    Args:
        sequences: Acts of each episode in order, integers 0..vocabulary-1.
        vocabulary: Number of kinds of acts.
        first: Count only so many acts of each episode, to compare policies at equal length.
    """
    rows = [np.bincount(np.asarray(acts[:first], np.int64), minlength=vocabulary) for acts in sequences]
    if rows and max(len(row) for row in rows) > vocabulary:
        raise UsageError(f"acts must be numbers below {vocabulary}")
    return np.array(rows, np.int64).reshape(-1, vocabulary)


def equal_length(base: Sequence[Sequence[int]], trained: Sequence[Sequence[int]]) -> int:
    """Return the acts an episode to compare at: the smaller of the two medians, at least 1."""
    medians = [float(np.median([len(acts) for acts in policy])) if policy else 0.0 for policy in (base, trained)]
    return max(1, int(min(medians)))


def variety(
    counts: ArrayLike, needs: ArrayLike | None = None, *, level: float = 0.95, draws: int = 500, seed: int = 0
) -> Variety:
    """Return how varied acts are.

    Args:
        counts: Act counts an episode, shape [E, acts].
        needs: Hidden need of each episode, integers [E].
        level: Nominal coverage.
        draws: Resamples of episodes.
        seed: Of the dice.

    Raises:
        UsageError: Fewer than 2 episodes, or no acts.
    """
    table = _table(counts)
    if len(table) < 2:
        raise UsageError(f"{len(table)} episode gives no interval; play at least {FEWEST}, better 80")
    whole = table.sum(axis=0)
    if not whole.sum():
        raise UsageError("no reply shows an act; play with a user that perceives some")
    pairs = float(hill(whole, 2))
    by_need = None if needs is None else _by_need(np.ones((1, len(table))), table, np.asarray(needs))[0]
    known = by_need is not None and len(by_need) > 1
    given = float(conditional_entropy(by_need)) if known and by_need is not None else None
    return Variety(
        acts=int(whole.sum()),
        episodes=len(table),
        richness=float(hill(whole, 0)),
        effective=_spread(entropy(whole), entropy(_resampled(table, draws, seed)), len(table), level),
        dominant=pairs if np.isfinite(pairs) else None,
        entropies={name: float(entropy(whole, name)) for name in ESTIMATORS},
        given_need=given,
        adaptivity=None if given is None else float(entropy(whole)) - given,
    )


def compare_variety(
    base: ArrayLike,
    trained: ArrayLike,
    base_needs: ArrayLike | None = None,
    trained_needs: ArrayLike | None = None,
    *,
    draws: int = 999,
    seed: int = 0,
) -> Comparison:
    """Return whether training collapsed an agent's acts.

    Args:
        base: Act counts an episode of the base, shape [E, acts]; see `count_acts` for equal lengths.
        trained: Of the trained agent, shape [F, acts].
        base_needs: Hidden need of each base episode, integers [E]. Without needs collapse and specialisation cannot be
            told apart, and a fall is `undetermined`.
        trained_needs: Of each trained episode, integers [F].
        draws: Permutations and resamples.
        seed: Of the dice.
    """
    tables = _table(base), _table(trained)
    refusal = _missing(tables)
    if refusal:
        return Comparison(kind="undetermined", reasons=(refusal,))
    given = base_needs is not None and trained_needs is not None
    needs = np.concatenate([np.asarray(base_needs), np.asarray(trained_needs)]) if given else None
    kept = None if needs is None or len(np.unique(needs)) < 2 else needs
    change = _change(tables, kept, draws, seed)
    kind, reasons = _judge(change)
    return Comparison(kind=kind, reasons=reasons, change=change)


def _change(tables: tuple[Ints, Ints], needs: Ints | None, draws: int, seed: int) -> Change:
    whole = np.concatenate(tables)
    trained = _labels(len(tables[0]), len(tables[1]), needs, draws, seed)
    sides = [entropy((picks @ whole).astype(np.int64)) for picks in (trained, 1.0 - trained)]
    overall, fit = sides[0] - sides[1], None
    if needs is not None:
        split = [conditional_entropy(_by_need(picks, whole, needs)) for picks in (trained, 1.0 - trained)]
        given = split[0] - split[1]
        more = overall - given
        fit = Fit(
            given_need=float(given[0]),
            p_narrower=_rank(given),
            adaptivity=float(more[0]),
            levels=(float(sides[1][0] - split[1][0]), float(sides[0][0] - split[0][0])),
            p_adaptive=_rank(-more),
        )
    logs = [entropy(_resampled(table, draws, seed + i)) for i, table in enumerate(tables)]
    ratio = _spread(sides[0][0] - sides[1][0], logs[1] - logs[0], len(whole), 0.95)
    seen = (normal_quantile(1 - ALPHA) + normal_quantile(0.8)) * float((logs[1] - logs[0]).std())
    return Change(
        effective=(float(np.exp(sides[1][0])), float(np.exp(sides[0][0]))),
        ratio=ratio,
        p_narrower=_rank(overall),
        p_wider=_rank(-overall),
        detectable=None if ratio is None else 1.0 - math.exp(-seen),
        fit=fit,
    )


def _judge(found: Change) -> tuple[Narrowing, tuple[str, ...]]:
    said, fit = _width(found), found.fit
    if fit is not None and found.specialised:
        fewer = "; effectively fewer kinds are used over all needs" if found.p_narrower <= ALPHA else ""
        return "specialised", (said, f"{_fitting(fit, shown=True)}{fewer}")
    if found.p_narrower <= ALPHA:
        if fit is None:
            open_ = "it narrowed, but collapse and specialisation look alike unless several needs are played"
            return "undetermined", (said, open_)
        return "collapsed", (said, _fitting(fit, shown=False))
    if found.p_wider <= ALPHA:
        return "widened", (said,)
    if found.detectable is None:
        return "undetermined", (said, "which fall this design would find is undetermined, as nothing varies in either")
    return "undetermined", (said, f"this design finds a fall of {found.detectable:.0%} with 80 % power")


def _width(found: Change) -> str:
    """Return how the effective number of acts changed."""
    ends = " to ".join(f"{number:.1f}" for number in found.effective)
    p = f"one-sided p {found.p_narrower:.2g} of narrowing, {found.p_wider:.2g} of widening"
    ratio = found.ratio or "without an interval, as the episodes of either policy all show the same acts"
    return f"from {ends} effective acts (ratio {ratio}; {p})"


def _fitting(fit: Fit, *, shown: bool) -> str:
    """Return how much more acts depend on the need, if that is shown, with its size in words and in nats."""
    before, after = fit.levels
    much = "a little " if abs(fit.adaptivity) < LITTLE else ""
    told = f"I(strategy; need) {before:.2f} to {after:.2f}, {fit.adaptivity:+.2f} nats, p = {fit.p_adaptive:.2g}"
    given = f"H(strategy | need) {fit.given_need:+.2f}"
    what = f"what is left depends {much}more on the need" if shown else "that it depends more on the need is not shown"
    return f"{what} ({told}; {given})"


def _missing(tables: tuple[Ints, Ints]) -> str:
    fewest = min(len(table) for table in tables)
    if fewest < FEWEST:
        return f"{fewest} episodes of one policy are too few; play at least {FEWEST}, better 80"
    if min(int(table.sum()) for table in tables) == 0:
        return "one policy shows no acts at all"
    if np.count_nonzero(sum(table.sum(axis=0) for table in tables)) < 2:
        return "both policies use one and the same act only"
    return ""


def _labels(base: int, trained: int, needs: Ints | None, draws: int, seed: int) -> Floats:
    """Return who is trained, shape [draws+1, E+F]: as it is, then permuted within needs."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0.0, 1.0], [base, trained])
    rows = np.tile(labels, (draws + 1, 1))
    strata = np.zeros(base + trained, np.int64) if needs is None else needs
    for stratum in np.unique(strata):
        here = np.flatnonzero(strata == stratum)
        rows[1:, here] = rng.permuted(rows[1:, here], axis=1)
    return rows


def _by_need(picks: Floats, table: Ints, needs: Ints) -> Ints:
    """Return pooled counts of picked episodes, shape [B, needs, acts], from picks [B, E]."""
    pooled = [picks[:, needs == need] @ table[needs == need] for need in np.unique(needs)]
    return np.stack(pooled, axis=1).astype(np.int64)


def _resampled(table: Ints, draws: int, seed: int) -> Ints:
    picks = resampling(len(table), draws=draws, seed=seed) * len(table)
    return np.rint(picks @ table).astype(np.int64)


def _spread(whole: Floats, found: Floats, episodes: int, level: float) -> Interval | None:
    """Return the exponential of a logarithm with an interval from resamples of it; None where these are all the same.

    The interval is normal, with the bootstrap's spread: its own bias is the estimator's, met twice.
    """
    half, middle = normal_quantile(0.5 + level / 2.0) * float(found.std(ddof=1)), float(whole)
    if half < _TINY:
        return None
    low, high = math.exp(middle - half), math.exp(middle + half)
    return Interval(estimate=math.exp(middle), low=low, high=high, level=level, n=episodes, method="bootstrap")


def _rank(values: Floats) -> float:
    """Return the share of values as small as the first one."""
    return float((values <= values[0] + 1e-12).mean())


def _table(counts: ArrayLike) -> Ints:
    table = np.atleast_2d(np.asarray(counts, np.int64))
    if table.ndim != 2 or (table < 0).any():
        raise UsageError("act counts must be non-negative, one row an episode")
    return table

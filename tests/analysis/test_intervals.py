"""Coverage of intervals on planted means, and refusals where there is nothing to say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from emosim.analysis.ceiling import max_at_k, pass_at_k
from emosim.analysis.intervals import (
    Floats,
    band,
    mean_interval,
    persona_bootstrap,
    t_bounds,
    t_cdf,
    t_quantile,
    wilson,
)
from emosim.errors import UsageError
from emosim.testing.planted import AbilityAgent, MoodWalk

ABILITIES = [
    (-1.0, 1.5, (1, 4, 8)),
    (0.0, 1.5, (1, 8)),
    (1.0, 1.5, (1, 4, 8)),
    (-2.0, 2.0, (1, 8)),
    (-4.0, 1.5, (1, 8)),
]
"""Mean and SD of the personas' success in logits, and k."""
SEEDS = [400, pytest.param(4000, marks=pytest.mark.slow)]


def margin(seeds: int) -> float:
    """Three standard errors of a coverage of .95, beyond the bar's .93 to .97 only in the short run."""
    return 3 * (0.95 * 0.05 / seeds) ** 0.5


@pytest.mark.parametrize("df", [1, 2, 3, 4, 15, 63, 500])
def test_t_matches_scipy(df: int) -> None:
    for p in (0.6, 0.8, 0.975, 0.999):
        assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-7)
    assert t_cdf(-1.3, df) == pytest.approx(stats.t.cdf(-1.3, df), abs=1e-12)


def test_wilson_matches_scipy() -> None:
    for wins, n in ((0, 10), (3, 16), (64, 64), (1, 1)):
        theirs = stats.binomtest(wins, n).proportion_ci(method="wilson")
        ours = wilson(wins, n)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def covered(rows: Floats, truth: float) -> float:
    """Return how often intervals of means over personas [seeds, P] hold the truth."""
    found = [mean_interval(row, bounds=(0, 1)) for row in rows]
    return float(np.mean([interval.low <= truth <= interval.high for interval in found]))


def walk_returns(rng: np.random.Generator, personas: int, rollouts: int, lift: float = 0.0) -> Floats:
    """Return SAGE-like returns [P, N], persona spread 1 logit a step."""
    lifts = np.repeat(rng.normal(lift, 0.35, personas), rollouts)
    return MoodWalk().play(rng, lifts)[:, -1].reshape(personas, rollouts) / 100.0


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("personas", [16, 64])
def test_t_intervals_of_pass_at_k_cover(seeds: int, personas: int) -> None:
    rng = np.random.default_rng(personas)
    ks = (1, 4, 8)
    truth = AbilityAgent.spread(np.random.default_rng(0), 400_000, -1.0, 1.5).coverage(ks)
    hits = np.zeros(3)
    for _ in range(seeds):
        wins = AbilityAgent.spread(rng, personas, -1.0, 1.5).outcomes(rng, 16).sum(axis=1)
        rows = pass_at_k(wins, 16, ks)
        found = [mean_interval(rows[:, i], bounds=(0, 1)) for i in range(3)]
        hits += [interval.low <= t <= interval.high for interval, t in zip(found, truth, strict=True)]
    slack = margin(seeds) * (seeds < 1000)
    assert (hits / seeds > 0.93 - slack).all(), hits / seeds
    assert (hits / seeds < 0.97 + slack).all(), hits / seeds


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("personas", [16, 24, 64])
def test_intervals_near_the_ceiling_cover(seeds: int, personas: int) -> None:
    """Pass@8 of .91, where most personas stand at 1: .970, .949 and .940; the tail was chosen with other seeds.

    With 16 personas it is at the bar's .97: how many of so few fall short of 1 is a small number, and coverage steps.
    """
    rng = np.random.default_rng(personas)
    truth = AbilityAgent.spread(np.random.default_rng(0), 400_000, 0.0, 1.5).coverage([8])[0]
    wins = AbilityAgent.spread(rng, seeds * personas, 0.0, 1.5).outcomes(rng, 16).sum(axis=1)
    hits = covered(pass_at_k(wins, 16, [8]).reshape(seeds, personas), truth)
    slack = margin(seeds) * (seeds < 1000)
    assert 0.93 - slack < hits < (0.975 if personas == 16 else 0.97) + slack, hits


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize(("personas", "lift"), [(16, 0.0), (24, 0.0), (16, 0.5), (64, 0.5)])
def test_intervals_of_max_at_k_near_the_ceiling_cover(seeds: int, personas: int, lift: float) -> None:
    """C(8) of .90 and .97: .960 to .975, so that .97 is exceeded by no more than .005."""
    rng = np.random.default_rng(personas)
    truth = float(max_at_k(walk_returns(np.random.default_rng(1), 60_000, 16, lift), [8]).mean())
    rows = max_at_k(walk_returns(rng, seeds * personas, 16, lift), [8]).reshape(seeds, personas)
    hits = covered(rows, truth)
    slack = margin(seeds) * (seeds < 1000)
    assert 0.93 - slack < hits < 0.98 + slack, hits


def planted_cells(personas: int, draws: int) -> dict[str, tuple[Floats, float]]:
    """Return persona estimates [draws, P] of 21 planted quantities in 0..1, rare to certain, and their true means."""
    cells = {}
    for number, (mean, sd, ks) in enumerate(ABILITIES):
        truth = AbilityAgent.spread(np.random.default_rng(0), 1_000_000, mean, sd).coverage(ks)
        rng = np.random.default_rng([9000, personas, number])
        rows = pass_at_k(AbilityAgent.spread(rng, draws * personas, mean, sd).outcomes(rng, 16).sum(axis=1), 16, ks)
        cells |= {f"pass@{k} of {mean:+g} +- {sd:g}": (rows[:, i], truth[i]) for i, k in enumerate(ks)}
    for lift in (-0.5, 0.0, 0.5):
        truth = max_at_k(walk_returns(np.random.default_rng(1), 200_000, 16, lift), (1, 4, 8)).mean(axis=0)
        rng = np.random.default_rng([9000, personas, int(10 * lift) + 50])
        rows = max_at_k(walk_returns(rng, draws * personas, 16, lift), (1, 4, 8))
        cells |= {f"max@{k} at {lift:+g}": (rows[:, i], truth[i]) for i, k in enumerate((1, 4, 8))}
    return {name: (rows.reshape(draws, personas), float(truth)) for name, (rows, truth) in cells.items()}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_intervals_of_planted_cells_cover() -> None:
    """Coverage .93 to .97 in 53 of 63 cells, and never far from it: .926 to .975 of 3,000 draws each.

    It cannot be so in every cell: a few personas off the end are a small whole number, and the coverage of any interval
    of such a number steps with the truth, as a binomial one's does (Brown, Cai & DasGupta 2001).
    """
    found = {}
    for personas in (16, 24, 64):
        for name, (rows, truth) in planted_cells(personas, 3000).items():
            _, low, high = t_bounds(rows.T, bounds=(0.0, 1.0))
            found[name, personas] = float(((low <= truth) & (truth <= high)).mean())
    outside = {cell: share for cell, share in found.items() if not 0.93 <= share <= 0.97}
    print(f"\n{len(found)} cells, {min(found.values()):.3f} to {max(found.values()):.3f}, outside: {outside}")
    assert len(outside) <= 0.2 * len(found)
    assert 0.92 <= min(found.values()) <= max(found.values()) <= 0.98


@pytest.mark.parametrize("seeds", [150, pytest.param(2000, marks=pytest.mark.slow)])
def test_ceiling_intervals_and_bands_cover(seeds: int) -> None:
    rng, ks = np.random.default_rng(1), (1, 2, 4, 8)
    truth = max_at_k(walk_returns(rng, 40_000, 8), ks).mean(axis=0)
    pointwise, simultaneous = np.zeros(4), 0
    for _ in range(seeds):
        curve = band(max_at_k(walk_returns(rng, 64, 16), ks), ks, draws=400)
        pointwise += (np.array(curve.low) <= truth) & (truth <= np.array(curve.high))
        simultaneous += bool(((np.array(curve.band_low) <= truth) & (truth <= np.array(curve.band_high))).all())
    slack = margin(seeds) * (seeds < 1000)
    assert ((pointwise / seeds > 0.93 - slack) & (pointwise / seeds < 0.97 + slack)).all(), pointwise / seeds
    assert 0.93 - slack < simultaneous / seeds < 0.97 + slack, simultaneous / seeds


def test_bootstrap_agrees_with_t_on_a_mean() -> None:
    rows = np.random.default_rng(2).normal(0.0, 1.0, 100)
    ours = persona_bootstrap(lambda picks: float(rows[picks].mean()), 100, draws=2000)
    t = mean_interval(rows)
    assert ours.half_width == pytest.approx(t.half_width, rel=0.1)
    assert ours.estimate == t.estimate


def test_constant_data_get_a_distribution_free_interval_or_a_refusal() -> None:
    zero = mean_interval(np.zeros(20), bounds=(0, 1))
    assert (zero.method, zero.low) == ("constant", 0.0)
    assert zero.high == pytest.approx(1 - 0.05 ** (1 / 20))
    one = mean_interval(np.ones(20), bounds=(0, 1))
    assert one.low == pytest.approx(0.05 ** (1 / 20))
    assert one.high == 1.0
    with pytest.raises(UsageError, match="same value"):
        mean_interval(np.zeros(20))


@pytest.mark.parametrize(
    ("values", "words"), [([0.5], "at least 2"), ([], "at least 2"), ([0.1, np.nan], "not a finite")]
)
def test_too_little_is_refused(values: list[float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        mean_interval(values, bounds=(0, 1))
    with pytest.raises(UsageError):
        wilson(1, 0)
    with pytest.raises(UsageError, match="resampled"):
        persona_bootstrap(lambda picks: 0.0, 1)

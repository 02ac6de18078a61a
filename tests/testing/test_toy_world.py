"""The closed loop: training pays most in between; the learnable contrast knows where, the plain contrast does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from emosim.analysis.intervals import Floats
from emosim.analysis.learnable import learnable_contrast
from emosim.testing.toy_world import ToyWorld, base_learner, roll_groups, training_curve

LEVELS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
FINE = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0])
PRIORS = {"able": (0.6, 1), "fair": (0.3, 2), "weak": (0.0, 3), "weakest": (-0.3, 4)}


@dataclass
class Loop:
    """What training at each level gave, and what was to be seen before."""

    levels: Floats
    gain: Floats
    """Trained less base score at .4 and at .7, shape [levels, 2]."""
    snr: Floats
    useful: Floats
    """Share of groups with both success and failure."""


def closed_loop(prior: str, levels: Floats, groups: int, seeds: int) -> Loop:
    world, (skill, seed) = ToyWorld(), PRIORS[prior]
    base = base_learner(skill, seed=seed)
    scores = training_curve(world, base, levels, (0.4, 0.7), seeds)
    snr, useful = [], []
    for level in levels:
        returns, counts, needs = roll_groups(world, base, float(level), groups, np.random.default_rng(5))
        snr.append(learnable_contrast(returns, counts, needs).snr.estimate)
        won = (returns >= 0.7).mean(axis=1)
        useful.append(((won > 0) & (won < 1)).mean())
    before = np.array([base.score(world, level) for level in (0.4, 0.7)])
    print(f"\n{prior}: base {before.round(3)}, trained at {levels}: {scores[:, 0].round(3)}, SNR {np.round(snr, 4)}")
    return Loop(levels, scores - before, np.array(snr), np.array(useful))


@pytest.mark.parametrize(
    ("prior", "levels", "groups", "seeds"),
    [
        ("weak", LEVELS, 2000, 2),
        ("weakest", LEVELS, 2000, 2),
        *[pytest.param(prior, FINE, 4000, 4, marks=pytest.mark.slow) for prior in PRIORS],
    ],
)
def test_the_sweet_spot_lies_between_and_is_seen_beforehand(
    prior: str, levels: Floats, groups: int, seeds: int
) -> None:
    loop = closed_loop(prior, levels, groups, seeds)
    peak, chosen, plain = loop.gain[:, 0].argmax(), loop.snr.argmax(), loop.useful.argmax()
    assert 0 < peak < len(levels) - 1
    assert (loop.gain[[0, -1]] < 0.98 * loop.gain.max(axis=0)).all()
    assert loop.gain[-1, 1] < loop.gain[peak, 1], "training at the hardest level loses on the hard test too"
    assert (loop.gain[chosen] >= 0.9 * loop.gain.max(axis=0)).all()
    assert abs(levels[chosen] - levels[peak]) <= 0.2 + 1e-9
    assert levels[plain] == 0.0, "the share of useful groups alone picks the easiest level"
    assert loop.gain[plain, 0] < 0.95 * loop.gain[:, 0].max()


def test_the_base_seldom_succeeds_anywhere() -> None:
    world = ToyWorld()
    for skill, seed in PRIORS.values():
        needs = np.arange(2000) % 8
        returns, _ = world.play(base_learner(skill, seed=seed).policy, needs, 0.0, np.random.default_rng(0))
        assert (returns >= 0.7).mean() < 0.5


def test_moods_stay_on_their_scale() -> None:
    rng = np.random.default_rng(1)
    returns, counts = ToyWorld().play(base_learner().policy, np.arange(400) % 8, 0.5, rng)
    assert ((returns >= 0) & (returns <= 1)).all()
    assert (counts.sum(axis=1) <= 8).all()
    assert (counts.sum(axis=1) >= 1).all()
    assert base_learner().policy.sum(axis=1) == pytest.approx(np.ones(8))

"""The shift of the odds, and the created and lost sets against it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from emosim.analysis.intervals import wilson
from emosim.analysis.support import Counts, created, fit_shift, lost, zero_bound
from emosim.errors import UsageError
from emosim.testing.planted import AbilityAgent, Training


def counts_of(seed: int, training: Training, personas: int = 64, rollouts: int = 16) -> Counts:
    rng = np.random.default_rng(seed)
    base = AbilityAgent.spread(rng, personas)
    return Counts.of(base.outcomes(rng, rollouts), base.trained(training).outcomes(rng, rollouts), 0.7)


@pytest.mark.parametrize("seeds", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_the_shift_is_found(seeds: int) -> None:
    fits = [fit_shift(counts_of(seed, "odds")) for seed in range(seeds)]
    assert np.mean([fit.shift for fit in fits]) == pytest.approx(np.log(6), abs=0.15)
    assert np.mean([fit.low <= np.log(6) <= fit.high for fit in fits]) >= 0.9
    assert abs(np.mean([fit_shift(counts_of(seed, "null")).shift for seed in range(seeds)])) < 0.15


def test_the_created_set_holds_whom_only_training_helps() -> None:
    counts = Counts(np.array([0, 0, 5, 3]), np.full(4, 16), np.array([8, 0, 9, 0]), np.full(4, 16))
    assert created(counts).personas == (0,)
    assert lost(counts).personas == (3,)


def test_sharpening_shows_as_lost_personas() -> None:
    found = [lost(counts_of(seed, "sharpen", 128, 64)) for seed in range(5)]
    assert sum(moved.proven for moved in found) >= 4


def test_too_few_rollouts_prove_no_impossibility() -> None:
    with pytest.raises(UsageError, match="at least 14"):
        created(counts_of(0, "odds", rollouts=8))
    assert zero_bound([14]).item() < 0.2 < zero_bound([13]).item()


@pytest.mark.parametrize("personas", [8, 24, 64, 128])
def test_the_lower_bound_of_the_share_rises_with_the_count(personas: int) -> None:
    bounds = [wilson(count, personas).low for count in range(personas + 1)]
    assert all(below < above for below, above in pairwise(bounds)), "or counts and bounds would judge differently"

"""Rewards of many users at once: the functions of `emosim.rewards` over arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np

from emosim.acts_vector.crowd import Crowd, Outcome
from emosim.feeling import Numbers, clip
from emosim.rewards import terms

Pay: TypeAlias = Callable[[Crowd, Outcome], Numbers]


def score(crowd: Crowd) -> Numbers:
    """Return the moods over 100, bounded to 0..1."""
    return clip(crowd.now.mood, 0.0, 100.0) / 100.0


def final(crowd: Crowd, step: Outcome) -> Numbers:
    """Return `emosim.rewards.final` of every user."""
    return np.where(step.over | step.timed_out, score(crowd), 0.0)


def delta(crowd: Crowd, step: Outcome) -> Numbers:
    """Return `emosim.rewards.delta` of every user."""
    return (crowd.now.mood - step.before) / 100.0


def padded_auc(crowd: Crowd, step: Outcome) -> Numbers:
    """Return `emosim.rewards.padded_auc` of every user."""
    turns = crowd.max_turns
    weight = np.where(step.over | step.timed_out, 1 + turns - crowd.turn, 1)
    shares: Numbers = score(crowd) * weight / turns
    return shares


def peak_end(crowd: Crowd, step: Outcome) -> Numbers:
    """Return `emosim.rewards.peak_end` of every user."""
    both = (np.minimum(crowd.peak, 100.0) / 100.0 + score(crowd)) / 2.0
    return np.where(step.over | step.timed_out, both, 0.0)


PAYS: Final[Mapping[str, Pay]] = {"delta": delta, "final": final, "padded_auc": padded_auc, "peak_end": peak_end}


def pay(name: str, crowd: Crowd, step: Outcome) -> Numbers:
    """Return the rewards of a turn, shape (n,).

    Args:
        name: Name of a reward or of a weighted sum, see `emosim.rewards.reward`.
        crowd: The users after the turn.
        step: What the turn brought.
    """
    if name in PAYS:
        return PAYS[name](crowd, step)
    total = np.zeros(crowd.n)
    for part, weight in terms(name).items():
        total += weight * PAYS[part](crowd, step)
    return total

"""Reward functions over transitions: what a turn earned, recomputable from the stored episode alone.

Each gives rewards whose sum over an episode is its return. With potential Φ = mood/100 the `delta` rewards telescope to
the final mood less the first (Ng, Harada & Russell 1999), so going round in a circle earns nothing. A staller that
hovers never outranks a finisher: what an early ending leaves unplayed counts at the last mood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from emosim.episode import Episode, Transition
from emosim.errors import UsageError, did_you_mean

Reward: TypeAlias = Callable[[Transition], float]
"""Maps a transition to its reward, in units of the whole mood scale (1.0 = 100 points)."""


def final(step: Transition) -> float:
    """Return the last mood over 100 at the end, 0 before. Range of the return: 0..1. Source: RLVER 2507.03112."""
    return step.after.score if step.is_last else 0.0


def delta(step: Transition) -> float:
    """Return the change of mood over 100. Range of the return: -1..1; equals the final mood less the first."""
    return (step.after.emotion.mood - step.before.emotion.mood) / 100.0


def padded_auc(step: Transition) -> float:
    """Return this turn's share of the mean mood over all turns allowed, the last mood carried to the end.

    Range of the return: 0..1. Padding is what makes it safe: an unpadded sum pays for stalling.
    """
    turns = step.after.max_turns
    weight = 1 + turns - len(step.after.turns) if step.is_last else 1
    return step.after.score * weight / turns


def peak_end(step: Transition) -> float:
    """Return the mean of the best mood and the last over 100 at the end, else 0 (Kahneman et al. 1993). Range: 0..1."""
    return (min(max(step.after.moods), 100.0) / 100.0 + step.after.score) / 2.0 if step.is_last else 0.0


MAX_WEIGHT: Final = 1e6
"""Largest weight of a reward in a sum, either way: no return, and no mean or spread of returns, can overflow."""


def weighted(parts: Mapping[str, float]) -> Reward:
    """Return the weighted sum of named rewards, such as `{"final": 1.0, "delta": 0.5}`.

    Raises:
        UsageError: A name is unknown, or a weight is not a number from -1,000,000 to 1,000,000.
    """
    for name, weight in parts.items():
        _check_weight(name, weight)
    return _Weighted(tuple((reward(name), weight) for name, weight in parts.items()))


@dataclass(frozen=True)
class _Weighted:
    parts: tuple[tuple[Reward, float], ...]

    def __call__(self, step: Transition) -> float:
        total = 0.0
        for part, weight in self.parts:
            total += weight * part(step)
        return total


REWARDS: Final[dict[str, Reward]] = {"delta": delta, "final": final, "padded_auc": padded_auc, "peak_end": peak_end}


def reward(name: str) -> Reward:
    """Return a reward by name, or by a sum such as `final+0.5*delta`.

    Raises:
        UsageError: The name is unknown, stands there twice, or has a weight that is no number or too large.
    """
    return REWARDS[name] if name in REWARDS else weighted(terms(name))


def terms(name: str) -> dict[str, float]:
    """Return the names and weights that a reward sums.

    >>> terms("final+0.5*delta")
    {'final': 1.0, 'delta': 0.5}

    Raises:
        UsageError: The name is unknown, stands there twice, or has a weight that is no number or too large.
    """
    if name in REWARDS:
        return {name: 1.0}
    if "+" in name or "*" in name:
        found: dict[str, float] = {}
        for part in name.replace(" ", "").split("+"):
            term, weight = _term(part)
            if term in found:
                raise UsageError(f"'{name}' names {term} twice; write it once, such as 2*{term}")
            found[term] = weight
        return found
    raise UsageError(f"unknown reward '{name}'{did_you_mean(name, REWARDS)}")


def rewards_of(episode: Episode, earn: Reward) -> tuple[float, ...]:
    """Return the rewards of all turns of a stored episode."""
    steps = []
    before = episode.model_copy(update={"turns": (), "ending": None})
    for number in range(1, len(episode.turns) + 1):
        after = before.and_then(episode.turns[number - 1], episode.ending if number == len(episode.turns) else None)
        steps.append(earn(Transition(before, after)))
        before = after
    return tuple(steps)


def _term(part: str) -> tuple[str, float]:
    text, sign, name = part.rpartition("*")
    reward(name)
    try:
        weight = float(text) if sign else 1.0
    except ValueError:
        raise UsageError(f"'{text}' is not a weight; write a reward as 'final+0.5*delta'") from None
    _check_weight(name, weight)
    return name, weight


def _check_weight(name: str, weight: float) -> None:
    if not abs(weight) <= MAX_WEIGHT:
        raise UsageError(f"{weight:g}*{name}: a weight is a number from {-MAX_WEIGHT:,.0f} to {MAX_WEIGHT:,.0f}")

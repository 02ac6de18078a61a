"""The arithmetic of feeling, written once for one user and for a thousand.

Every number may be a float or a float64 array of shape (n,): the same IEEE operations in the same order, so that an
array's element equals the float to the bit. `emosim.emotion` says what the numbers mean and where they come from.
"""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from emosim.value import quantise

Numbers: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
N = TypeVar("N", float, Numbers)
"""A number of one user, or the numbers of many."""
N_co = TypeVar("N_co", covariant=True)

MAX_CHANGE: Final = 10.0
"""Largest change of mood in one turn. Source: SAGE (arXiv 2505.02847), released code."""
GAIN: Final = 1.4
"""Points per unit of worth above the bar, in tenths: a good reply, not only a perfect one, can earn the full 10."""


class Feelings(Protocol[N_co]):
    """What `emosim.emotion.EmotionState` holds, of one user or of many."""

    @property
    def mood(self) -> N_co: ...
    @property
    def trust(self) -> N_co: ...
    @property
    def patience(self) -> N_co: ...
    @property
    def last_change(self) -> N_co: ...


class Nature(Protocol[N_co]):
    """What `emosim.emotion.Temperament` holds, of one user or of many."""

    @property
    def acceptance(self) -> N_co: ...
    @property
    def openness(self) -> N_co: ...
    @property
    def guard(self) -> N_co: ...
    @property
    def inertia(self) -> N_co: ...
    @property
    def loss_aversion(self) -> N_co: ...
    @property
    def impatience(self) -> N_co: ...
    @property
    def drift(self) -> N_co: ...


def shift(state: Feelings[N], push: N, nature: Nature[N], supported: N) -> tuple[N, N, N, N]:
    """Return mood, trust, patience and last change after a push.

    Args:
        state: How the user feels before.
        push: Points, unbounded: response plus the persona's own reactions.
        nature: The temperament.
        supported: 1 if the reply holds a quoted act of support, else 0: then nothing rises.
    """
    change = settle(push, state, nature.inertia)
    change = most(least(change, MAX_CHANGE * supported), -MAX_CHANGE)
    mood = rounded(clip(state.mood + change, 0.0, 100.0))
    return mood, next_trust(state, push, nature), next_patience(state, push, nature), rounded(mood - state.mood)


def novelty(repeats: N, uses: N) -> N:
    """Return how fresh a reply is: 1 the first time, less for each repetition in words or in kind."""
    return 1.0 / (1.0 + repeats + 0.08 * uses)


def combine(best: N, wrong: N, harm: N, fit: N, specificity: N, fresh: N) -> N:
    """Return worth (-1..1) from its parts."""
    good = 0.5 * best * (0.5 + 0.25 * specificity) + 0.25 * most(fit, 0.0)
    bad = 0.25 * least(fit, 0.0) + 0.4 * wrong - harm
    good = either(harm > 0.0, good * (1.0 - harm) * 0.5, good)
    return clip(good * fresh + bad, -1.0, 1.0)


def response(value: N, state: Feelings[N], nature: Nature[N], told: N, tested: N) -> N:
    """Return the points (-10..10 before bounds) that a worth brings: gains above the bar, losses below it.

    The bar falls with trust and rises after a provocation; a part of every gain waits until the facts are told.

    Args:
        value: Worth, -1 to 1.
        state: How the user feels before.
        nature: The temperament.
        told: Share of the facts told, 0 to 1.
        tested: 1 if the reply answers a provocation, else 0.
    """
    pulled = value + nature.drift * (state.mood - 40.0) / 10.0
    bar = nature.acceptance * (1.0 - 0.5 * state.trust) + 0.15 * tested
    reach = 1.0 - nature.guard * (1.0 - told)
    above = pulled - bar
    gain = MAX_CHANGE * GAIN * reach * most(above, 0.0) / most(1.0 - bar, 0.01)
    loss = MAX_CHANGE * (nature.loss_aversion * (1.0 + 0.3 * tested)) * least(above, 0.0) / (1.0 + bar)
    return gain + loss


def settle(push: N, state: Feelings[N], inertia: N) -> N:
    """Return the change after inertia: warming is held back, a loss lingers, and lost patience forgives nothing."""
    warmer = push - inertia * most(push - most(state.last_change, 0.0), 0.0)
    colder = either(state.patience <= 0.0, -MAX_CHANGE, push + 0.5 * inertia * least(state.last_change, 0.0))
    return either(push > 0.0, warmer, colder)


def next_trust(state: Feelings[N], push: N, nature: Nature[N]) -> N:
    """Return trust after a turn: slowly won, quickly lost."""
    won = nature.openness * clip(push, 0.0, MAX_CHANGE) / MAX_CHANGE
    lost = 0.25 * clip(push, -MAX_CHANGE, 0.0) / MAX_CHANGE
    return rounded(clip(state.trust + (won + lost), 0.0, 1.0))


def next_patience(state: Feelings[N], push: N, nature: Nature[N]) -> N:
    """Return patience after a turn: what does not help wears it down, what helps restores a little."""
    worn = 0.1 * most(push, -MAX_CHANGE) / MAX_CHANGE - nature.impatience
    return rounded(clip(state.patience + either(push > 0.0, 0.03, worn), 0.0, 1.0))


@overload
def clip(x: float, low: float, high: float) -> float: ...
@overload
def clip(x: Numbers, low: float, high: float) -> Numbers: ...
def clip(x: float | Numbers, low: float, high: float) -> float | Numbers:
    """Return x bounded to low..high."""
    if isinstance(x, np.ndarray):
        return x.clip(low, high)
    return low if x < low else high if x > high else x


@overload
def least(a: float, b: float) -> float: ...
@overload
def least(a: Numbers, b: float | Numbers) -> Numbers: ...
def least(a: float | Numbers, b: float | Numbers) -> float | Numbers:
    """Return the smaller of two."""
    if isinstance(a, np.ndarray):
        return np.minimum(a, b)
    return b if b < a else a


@overload
def most(a: float, b: float) -> float: ...
@overload
def most(a: Numbers, b: float | Numbers) -> Numbers: ...
def most(a: float | Numbers, b: float | Numbers) -> float | Numbers:
    """Return the larger of two."""
    if isinstance(a, np.ndarray):
        return np.maximum(a, b)
    return b if b > a else a


@overload
def either(test: bool, yes: float, no: float) -> float: ...
@overload
def either(test: Flags, yes: float | Numbers, no: float | Numbers) -> Numbers: ...
def either(test: bool | Flags, yes: float | Numbers, no: float | Numbers) -> float | Numbers:
    """Return `yes` where the test holds, else `no`."""
    if isinstance(test, np.ndarray):
        chosen: Numbers = np.full(test.shape, no) if isinstance(no, float) else no.copy()
        np.putmask(chosen, test, yes)
        return chosen
    return yes if test else no


@overload
def rounded(x: float) -> float: ...
@overload
def rounded(x: Numbers) -> Numbers: ...
def rounded(x: float | Numbers) -> float | Numbers:
    """Round to hundredths as `emosim.value.quantise` does."""
    if isinstance(x, np.ndarray):
        hundredths: Numbers = x * 100.0
        hundredths += 0.5
        np.floor(hundredths, out=hundredths)
        hundredths /= 100.0
        return hundredths
    return quantise(x)

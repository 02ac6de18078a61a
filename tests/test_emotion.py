"""The emotional model: bounded, monotone, never upward without evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosim.acts import ALIGNMENT, HARMS, SEVERITY, SUPPORTS, Act, Appraisal, Evidence, Need
from emosim.emotion import MAX_CHANGE, EmotionState, Memory, Reaction, feel, temperament, worth

KINDS = ("negative", "passive", "avoidant")
unit = st.floats(0, 1)
states = st.builds(
    EmotionState, mood=st.floats(0, 100), trust=unit, patience=unit, last_change=st.floats(-MAX_CHANGE, MAX_CHANGE)
)
evidence = st.lists(st.builds(Evidence, act=st.sampled_from(Act), quote=st.sampled_from(["", "words"])), max_size=4)
appraisals = st.builds(
    Appraisal, evidence=evidence.map(tuple), fit=st.floats(-2, 2), specificity=st.floats(0, 2), thought=st.just("")
)
tempers = st.sampled_from(KINDS).map(temperament)
memories = st.builds(Memory, repeats=st.integers(0, 9), uses=st.integers(0, 9), told=unit, tested=st.booleans())
needs = st.sampled_from(Need)


def said(*acts: Act, fit: float = 0.0, specificity: float = 1.0, quote: str = "words") -> Appraisal:
    found = tuple(Evidence(act=act, quote=quote) for act in acts)
    return Appraisal(evidence=found, fit=fit, specificity=specificity)


CALM = EmotionState(mood=40.0, trust=0.3, patience=1.0)


@given(states, appraisals, tempers, needs, memories)
def test_a_turn_is_bounded(state, appraisal, temper, need, memory) -> None:  # type: ignore[no-untyped-def]
    felt = feel(state, appraisal, temper, need, (), memory)
    assert 0 <= felt.mood <= 100
    assert abs(felt.mood - state.mood) <= MAX_CHANGE + 0.006
    assert 0 <= felt.trust <= 1
    assert 0 <= felt.patience <= 1
    assert -1 <= worth(appraisal, need, memory) <= 1


@given(states, appraisals, tempers, needs, memories, st.floats(-2, 2))
def test_a_better_fit_never_feels_worse(state, appraisal, temper, need, memory, fit) -> None:  # type: ignore[no-untyped-def]
    low, high = sorted((appraisal.fit, fit))
    moods = [feel(state, appraisal.model_copy(update={"fit": f}), temper, need, (), memory).mood for f in (low, high)]
    assert moods[0] <= moods[1]


@given(states, tempers, needs, memories, st.floats(-2, 2), st.floats(0, 2))
def test_no_rise_without_quoted_support(state, temper, need, memory, fit, specificity) -> None:  # type: ignore[no-untyped-def]
    unquoted = said(*SUPPORTS, fit=fit, specificity=specificity, quote=" ")
    assert feel(state, unquoted, temper, need, (), memory).mood <= state.mood + 0.006
    assert feel(state, said(Act.MANIPULATION, fit=fit), temper, need, (), memory).mood <= state.mood + 0.006


@pytest.mark.parametrize("need", Need)
def test_every_need_is_met_by_its_own_act_and_by_no_other_as_well(need: Need) -> None:
    table = ALIGNMENT[need]
    assert max(table.values()) == 1.0
    assert sorted(table.values())[-2] < 1.0
    assert set(table) == set(SUPPORTS)
    assert set(SEVERITY) == HARMS


@given(states, appraisals, tempers, needs, st.integers(0, 5))
def test_repeating_earns_less(state, appraisal, temper, need, times) -> None:  # type: ignore[no-untyped-def]
    once = feel(state, appraisal, temper, need, (), Memory(repeats=times)).mood
    again = feel(state, appraisal, temper, need, (), Memory(repeats=times + 1)).mood
    assert again <= once or worth(appraisal, need) <= 0


def test_harm_outweighs_kind_words_around_it() -> None:
    temper = temperament("passive")
    kind = feel(CALM, said(Act.DEEP_EMPATHY, fit=1), temper, Need.DEEP_EMPATHY).mood
    poisoned = feel(CALM, said(Act.DEEP_EMPATHY, Act.BLAME, fit=1), temper, Need.DEEP_EMPATHY).mood
    assert kind > CALM.mood > poisoned


def test_losses_loom_larger_and_linger() -> None:
    temper = temperament("negative")
    gain = feel(CALM, said(Act.ADVICE, fit=1), temper, Need.PRACTICAL_ADVICE).last_change
    hurt = CALM.model_copy(update={"last_change": -8.0})
    fresh = feel(CALM, said(Act.PLATITUDE), temper, Need.PRACTICAL_ADVICE).last_change
    sore = feel(hurt, said(Act.PLATITUDE), temper, Need.PRACTICAL_ADVICE).last_change
    assert gain > 0 > fresh > sore


def test_out_of_patience_every_miss_costs_the_bound() -> None:
    spent = CALM.model_copy(update={"patience": 0.0})
    assert feel(spent, said(Act.REASSURING), temperament("passive"), Need.LISTENING).last_change == -MAX_CHANGE


def test_help_waits_for_the_whole_story() -> None:
    temper = temperament("avoidant")
    early = feel(CALM, said(Act.LISTENING, fit=2), temper, Need.LISTENING, (), Memory(told=0.0)).mood
    late = feel(CALM, said(Act.LISTENING, fit=2), temper, Need.LISTENING, (), Memory(told=1.0)).mood
    assert late > early


def test_a_reaction_fires_and_a_single_one_fires_once() -> None:
    sore = Reaction(id="sore", acts=(Act.ADVICE,), change=-3.0, once=True)
    temper = temperament("passive")
    plain = feel(CALM, said(Act.ADVICE, fit=2), temper, Need.PRACTICAL_ADVICE).mood
    touched = feel(CALM, said(Act.ADVICE, fit=2), temper, Need.PRACTICAL_ADVICE, (sore,)).mood
    spent = Memory(fired=frozenset({"sore"}))
    assert touched < plain
    assert feel(CALM, said(Act.ADVICE, fit=2), temper, Need.PRACTICAL_ADVICE, (sore,), spent).mood == plain


def test_trust_is_slowly_won_and_quickly_lost() -> None:
    temper = temperament("passive")
    won = feel(CALM, said(Act.LISTENING, fit=2, specificity=2), temper, Need.LISTENING).trust - CALM.trust
    lost = CALM.trust - feel(CALM, said(Act.HOSTILITY, fit=-2), temper, Need.LISTENING).trust
    assert 0 < won < lost + 0.05
    assert lost > 0.2


def test_drift_makes_good_moods_better_and_bad_ones_worse() -> None:
    drifting = temperament("passive", drift=0.05)
    warm = CALM.model_copy(update={"mood": 80.0})
    assert (
        feel(warm, said(Act.VALIDATING, fit=1), drifting, Need.LISTENING).last_change
        > feel(warm, said(Act.VALIDATING, fit=1), temperament("passive"), Need.LISTENING).last_change
    )

"""Rewards: what a turn earned, and what nobody may earn."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from emosim.engine import leave
from emosim.episode import Episode
from emosim.errors import UsageError
from emosim.rewards import REWARDS, reward, rewards_of, terms, weighted

Begin = Callable[..., Episode]
Play = Callable[..., Episode]
NAMES = sorted(REWARDS)


def earned(episode: Episode, name: str) -> float:
    return sum(rewards_of(episode, reward(name)))


def test_delta_telescopes_and_final_is_the_score(begin: Begin, play: Play) -> None:
    episode = play(begin(level=0.4), "open_question", "validating", "advice", "platitude")
    assert earned(episode, "delta") == pytest.approx((episode.emotion.mood - episode.start.mood) / 100)
    assert earned(episode, "final") == episode.score


@pytest.mark.parametrize("name", NAMES)
def test_a_staller_never_outranks_a_finisher(begin: Begin, play: Play, name: str) -> None:
    for persona in ("dolores", "tom", "gareth", "sakura"):
        finisher = play(begin(persona), "need")
        assert finisher.ending == "satisfied"
        staller = begin(persona)
        while staller.ending is None:
            staller = play(staller, "need" if staller.emotion.mood < 88 else "self_disclosure", turns=1)
        assert staller.ending == "out_of_turns"
        assert staller.emotion.mood > staller.start.mood
        assert earned(finisher, name) > earned(staller, name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_silence_and_leaving_never_pay(begin: Begin, play: Play, name: str, level: float) -> None:
    silent = earned(play(begin(level=level), "silent"), name)
    for acts in (["blame"], ["platitude"], ["reassuring"], ["validating"], ["need"], ["off_topic", "hostility"]):
        tried = play(begin(level=level), *acts)
        assert earned(tried, name) >= silent
        for turns in range(len(tried.turns)):
            left = leave(play(begin(level=level), *acts, turns=turns)).after
            assert earned(left, name) <= earned(tried, name)


def test_going_round_in_a_circle_earns_nothing(begin: Begin, play: Play) -> None:
    episode = play(begin(), "need", "blame", "need", "blame", turns=4)
    assert earned(episode, "delta") == pytest.approx((episode.emotion.mood - 40) / 100)


def test_sums_are_written_as_sums_and_pickle(begin: Begin, play: Play) -> None:
    episode = play(begin(), "need")
    both = pickle.loads(pickle.dumps(reward("final+0.5*delta")))
    total = earned(episode, "final") + 0.5 * earned(episode, "delta")
    assert sum(rewards_of(episode, both)) == pytest.approx(total)


@pytest.mark.parametrize("name", ["finale", "final+finale", "x*final+delta"])
def test_unknown_rewards_are_named(name: str) -> None:
    with pytest.raises(UsageError, match="final"):
        reward(name)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("final+nan*delta", "nan*delta: a weight is a number from -1,000,000 to 1,000,000"),
        ("-inf*final", "-inf*final: a weight is a number"),
        ("1e308*final+1e308*delta+1e308*padded_auc", "1e+308*final: a weight is a number"),
        ("final+final", "'final+final' names final twice; write it once, such as 2*final"),
        ("0.5*delta+delta", "names delta twice"),
        ("*final", "'' is not a weight"),
    ],
)
def test_sums_without_a_finite_meaning_are_refused(name: str, problem: str) -> None:
    for read in (reward, terms):
        with pytest.raises(UsageError) as error:
            read(name)
        assert problem in str(error.value)
    with pytest.raises(UsageError, match="a weight is a number"):
        weighted({"final": 1.0, "delta": float("nan")})


def test_the_largest_weights_earn_numbers(begin: Begin, play: Play) -> None:
    name = "+".join(f"1e6*{name}" for name in NAMES)
    assert abs(earned(play(begin(), "need"), name)) <= 4e6

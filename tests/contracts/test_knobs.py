"""The issue's bars on difficulty, ladder, attacks, staller and silence, played with the offline user.

Paired: every agent meets the same personas, seeds and levels. By default eight personas, one a need, and few seeds,
half of them in Chinese; with `-m slow` all personas and more seeds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import pytest

from emosim.difficulty import KNOBS, Difficulty, at_level, difficulty
from emosim.engine import advance, leave, open_episode
from emosim.episode import Episode, Utterance
from emosim.flow import drive
from emosim.packs import Casting, load_pack
from emosim.persona import Language
from emosim.policies.protocol import Policy, see
from emosim.policies.roster import POLICY_NAMES, resolve_policy
from emosim.rewards import REWARDS, rewards_of
from emosim.users.rules import RulesUser

RUNGS = tuple(f"baseline:rung{number}" for number in range(1, 6))
LADDER = (*RUNGS, "baseline:oracle")
FLOOR = ("baseline:silent", "baseline:echo", "baseline:template")
ATTACKS = tuple(name for name in POLICY_NAMES if name.startswith("attack:"))
FINISHER_FROM = 0.5
"""Share of satisfied users from which an agent counts as one that finishes."""

SMALL, LARGE = (8, 2), (24, 8)
"""Personas and seeds."""
SIZES = [pytest.param(SMALL, id="small"), pytest.param(LARGE, id="large", marks=pytest.mark.slow)]
LEVELS = (0.0, 0.3, 0.5, 1.0)


@cache
def castings(count: int, language: Language) -> tuple[Casting, ...]:
    """Return personas with the needs taking turns, and with them the kinds of temperament."""
    by_need: dict[str, list[Casting]] = {}
    for name in load_pack("core").personas:
        casting = load_pack("core").cast(name, language)
        by_need.setdefault(casting.scenario.need, []).append(casting)
    rows = [group[place % len(group) :] + group[: place % len(group)] for place, group in enumerate(by_need.values())]
    return tuple(casting for column in zip(*rows, strict=False) for casting in column)[:count]


@cache
def play(name: str, harder: Difficulty, size: tuple[int, int]) -> tuple[Episode, ...]:
    """Play an agent against every persona with every seed."""
    policy, _ = resolve_policy(name)
    people, seeds = size
    return tuple(
        play_one(policy, casting, harder, 1000 * seed + place)
        for seed in range(seeds)
        for place, casting in enumerate(castings(people, "zh" if seed % 2 else "en"))
    )


def play_one(policy: Policy, casting: Casting, harder: Difficulty, seed: int) -> Episode:
    user = RulesUser()
    episode = open_episode(casting.persona, casting.scenario, harder, seed, user)
    while episode.ending is None:
        said = drive(policy.reply(see(episode, policy)), None)
        step = leave(episode) if said is None else drive(advance(episode, Utterance(raw=said), user), None)
        episode = step.after
    return episode


def finals(name: str, harder: Difficulty, size: tuple[int, int]) -> list[float]:
    return [episode.emotion.mood for episode in play(name, harder, size)]


def mean(name: str, level: float, size: tuple[int, int]) -> float:
    return statistics.fmean(finals(name, at_level(level), size))


def satisfied(name: str, level: float, size: tuple[int, int]) -> float:
    return statistics.fmean(episode.ending == "satisfied" for episode in play(name, at_level(level), size))


def returns(name: str, level: float, size: tuple[int, int], reward: str) -> float:
    episodes = play(name, at_level(level), size)
    return statistics.fmean(sum(rewards_of(episode, REWARDS[reward])) for episode in episodes)


def paired(low: Sequence[float], high: Sequence[float]) -> tuple[float, float]:
    """Return mean and half width of the 95 % interval of the paired differences."""
    differences = [b - a for a, b in zip(low, high, strict=True)]
    return statistics.fmean(differences), 1.96 * statistics.stdev(differences) / math.sqrt(len(differences))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("knob", KNOBS)
def test_every_knob_is_live_and_monotone(knob: str, size: tuple[int, int]) -> None:
    steps = [difficulty({knob: x}) for x in (0.0, 0.5, 1.0)]
    effects = {}
    for agent in LADDER:
        moods = [finals(agent, step, size) for step in steps]
        for low, high in (*pairwise(moods), (moods[0], moods[2])):
            change, noise = paired(low, high)
            assert change - noise <= 0.0, f"{knob} raises {agent} by {change:.1f} ± {noise:.1f}"
        effects[agent] = change
    assert min(effects.values()) <= -5.0, effects


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_the_ladder_is_ordered_between_floor_and_oracle(level: float, size: tuple[int, int]) -> None:
    floor = max(mean(name, level, size) for name in FLOOR)
    means = [floor, *(mean(name, level, size) for name in LADDER)]
    assert all(low < high for low, high in pairwise(means)), [round(m, 1) for m in means]


@pytest.mark.parametrize("size", SIZES)
def test_floor_and_oracle_are_far_apart(size: tuple[int, int]) -> None:
    floor = max(mean(name, 0.3, size) for name in FLOOR)
    assert mean("baseline:oracle", 0.3, size) - floor >= 50.0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_beats_the_second_rung(attack: str, size: tuple[int, int]) -> None:
    for level in LEVELS:
        assert mean(attack, level, size) < mean("baseline:rung2", level, size), level


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reward", REWARDS)
def test_a_staller_never_outranks_an_agent_that_finishes(reward: str, size: tuple[int, int]) -> None:
    finishers = [(a, x) for a in LADDER for x in LEVELS if satisfied(a, x, size) >= FINISHER_FROM]
    assert finishers
    for agent, level in finishers:
        assert returns("baseline:stall", level, size, reward) < returns(agent, level, size, reward), (agent, level)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reward", ["delta", "final", "peak_end"])
def test_no_finished_episode_is_outranked_where_the_path_is_not_paid(reward: str, size: tuple[int, int]) -> None:
    for level in LEVELS:
        stalled = play("baseline:stall", at_level(level), size)
        for agent in LADDER:
            for helped, kept in zip(play(agent, at_level(level), size), stalled, strict=True):
                earned, hoarded = (sum(rewards_of(episode, REWARDS[reward])) for episode in (helped, kept))
                assert helped.ending != "satisfied" or earned > hoarded, (agent, level, helped.persona.id)


@pytest.mark.parametrize("size", SIZES)
def test_the_staller_stalls(size: tuple[int, int]) -> None:
    episodes = play("baseline:stall", at_level(0.0), size)
    assert not any(episode.ending == "satisfied" for episode in episodes)
    assert statistics.fmean(episode.emotion.mood > episode.start.mood for episode in episodes) > 0.5


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reward", REWARDS)
def test_silence_is_worse_than_any_agent_that_tries(reward: str, size: tuple[int, int]) -> None:
    for level in LEVELS:
        silent = returns("baseline:silent", level, size, reward)
        for other in ("baseline:template", "baseline:stall", *LADDER):
            assert silent < returns(other, level, size, reward), (other, level)

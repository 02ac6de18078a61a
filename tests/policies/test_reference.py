"""Oracle, ladder and staller."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emosim.acts import ALIGNMENT, Act, Need
from emosim.difficulty import Difficulty
from emosim.engine import advance, is_over, open_episode
from emosim.episode import Episode, Spoken, Utterance
from emosim.errors import UsageError
from emosim.flow import drive
from emosim.packs import cast
from emosim.policies.insight import ASKING, DECOYS, foresee, prospect
from emosim.policies.protocol import see
from emosim.policies.reference import (
    BLAND,
    DEFENSIVE,
    REFERENCES,
    SKILLS,
    STALL_BELOW,
    Oracle,
    Rung,
    best_acts,
    insight,
    mediocre_act,
    stalling_act,
)
from emosim.testing.talking import TalkingBackend
from emosim.users.presets import Preset, PresetUser


def hearing(episode: Episode, *kinds: str) -> Episode:
    """Return the episode with an opening that does what the kinds say."""
    return episode.model_copy(update={"opening": Spoken(text="Well?", kinds=kinds)})


@pytest.mark.parametrize("need", Need)
def test_decoys_serve_other_needs_and_not_this_one(need: Need) -> None:
    assert len(DECOYS[need]) == 3
    assert all(ALIGNMENT[need][act] < 0.5 for act in DECOYS[need])
    assert all(max(row[act] for row in ALIGNMENT.values()) == 1.0 for act in DECOYS[need])


def test_foresight_is_what_the_model_then_pays(begin: Callable[..., Episode]) -> None:
    episode = begin()
    assert foresee(episode, Act.ADVICE).mood > foresee(episode, Act.DEEP_EMPATHY).mood
    assert foresee(episode, Act.HOSTILITY).last_change < 0


def test_the_oracle_asks_while_facts_are_untold_and_acts_once_told(begin: Callable[..., Episode]) -> None:
    episode = begin(level=0.6)
    told = tuple(fact.id for fact in episode.scenario.facts)
    assert prospect(episode, Act.OPEN_QUESTION) > foresee(episode, Act.OPEN_QUESTION).last_change
    knowing = episode.model_copy(update={"opening": Spoken(text="All of it.", revealed=told)})
    assert best_acts(knowing)[0] == Act.ADVICE
    assert not ASKING.isdisjoint(best_acts(episode))
    assert prospect(knowing, Act.ADVICE) == foresee(knowing, Act.ADVICE).last_change


def test_a_mediocre_agent_follows_what_was_said_last(begin: Callable[..., Episode]) -> None:
    episode = begin()
    assert mediocre_act(hearing(episode, "better")) in BLAND
    assert mediocre_act(hearing(episode, "flat", "counter")) in DECOYS[episode.scenario.need]
    assert mediocre_act(hearing(episode, "flat", "test")) == DEFENSIVE


def test_hints_help_and_misleading_requests_blind(begin: Callable[..., Episode]) -> None:
    episode = begin()
    for skill in SKILLS:
        plain, hint, counter = (insight(skill, hearing(episode, kind)) for kind in ("flat", "hint", "counter"))
        assert counter < plain == skill < hint < 1.0


def test_a_higher_rung_sees_whatever_a_lower_one_does(begin: Callable[..., Episode]) -> None:
    for seed in range(40):
        episode = begin(seed=seed)
        best = [drive(Oracle().reply(see(episode, Oracle())), None)]
        said = [drive(rung.reply(see(episode, rung)), None) for rung in map(Rung, range(1, 6))]
        right = [text in best for text in said]
        assert right == sorted(right)


def test_the_staller_pleases_beside_the_need(begin: Callable[..., Episode]) -> None:
    episode = begin()
    act = stalling_act(episode)
    assert ALIGNMENT[episode.scenario.need][act] < STALL_BELOW
    assert foresee(episode, act).last_change > 0


def test_references_say_that_they_are_privileged_and_refuse_a_plain_view(begin: Callable[..., Episode]) -> None:
    assert all(policy.privileged for policy in REFERENCES)
    episode = begin()
    blind = type("Blind", (Oracle,), {"privileged": False})(privileged=False)
    with pytest.raises(UsageError, match="see\\(episode, policy\\)"):
        drive(Oracle().reply(see(episode, blind)), None)


@pytest.mark.parametrize("preset", ["sage", "rlver-vanilla", "rlver-challenging"])
def test_reference_agents_play_with_users_that_state_their_change(preset: Preset) -> None:
    casting = cast("tom")
    for policy in REFERENCES:
        episode = open_episode(casting.persona, casting.scenario, Difficulty(), 3, PresetUser(preset))
        while not is_over(episode):
            said = drive(policy.reply(see(episode, policy)), None)
            assert said is not None
            turn = advance(episode, Utterance(raw=said), PresetUser(preset))
            episode = drive(turn, TalkingBackend()).after
        assert episode.turns

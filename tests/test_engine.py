"""The game: endings, silence, leaving, atomic turns."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from emosim.engine import advance, leave
from emosim.episode import Episode, Rulebook, Utterance
from emosim.errors import SimulationError, UsageError
from emosim.flow import drive
from emosim.rulebook import BLANK, replay

Begin = Callable[..., Episode]
Play = Callable[..., Episode]


def test_meeting_the_need_satisfies(begin: Begin, play: Play) -> None:
    episode = play(begin(), "need")
    assert episode.ending == "satisfied"
    assert episode.emotion.mood == 100.0
    assert episode.spoken.kinds == ("satisfied",)


def test_hurting_makes_the_user_leave(begin: Begin, play: Play) -> None:
    episode = play(begin(), "blame")
    assert episode.ending == "left"
    assert episode.emotion.mood < 10
    assert episode.spoken.kinds == ("leave",)


def test_time_runs_out_and_the_last_reply_is_scored(begin: Begin, play: Play) -> None:
    episode = play(begin("tom"), "open_question", "validating")
    assert episode.ending == "out_of_turns"
    assert len(episode.turns) == episode.max_turns
    assert episode.turns[-1].appraisal is not None


@pytest.mark.parametrize("blank", ["", "   \n", "\u200b\u200d\ufeff", "<think>hidden</think>", "\x00\x01", "\u2028"])
def test_silence_costs_the_bound_and_ends_as_the_agents_leaving(begin: Begin, blank: str) -> None:
    episode = begin()
    moods = [episode.emotion.mood]
    while episode.ending is None:
        episode = drive(advance(episode, Utterance(raw=blank), _Never()), None).after
        moods.append(episode.emotion.mood)
    assert moods == [40.0, 30.0, 20.0, 10.0, 0.0]
    assert episode.ending == "agent_left"
    assert all(turn.appraisal == BLANK for turn in episode.turns)


def test_leaving_is_the_worst_outcome(begin: Begin, play: Play) -> None:
    episode = leave(play(begin(), "need", turns=5)).after
    assert episode.ending == "agent_left"
    assert episode.emotion.mood == 0.0
    assert list(replay(episode)) == []


def test_nothing_comes_after_the_end(begin: Begin, play: Play) -> None:
    episode = play(begin(), "blame")
    with pytest.raises(UsageError, match="reset before the next step"):
        drive(advance(episode, Utterance(raw="advice: x"), _Never()), None)
    with pytest.raises(UsageError, match="over"):
        leave(episode)


def test_a_failed_turn_never_happened(begin: Begin, play: Play) -> None:
    before = play(begin(), "open_question", turns=2)
    frozen = before.model_dump_json()
    with pytest.raises(SimulationError):
        drive(advance(before, Utterance(raw="advice: x"), _Failing()), None)
    assert before.model_dump_json() == frozen
    assert len(play(before, "need", turns=1).turns) == 3


def test_every_played_episode_replays(begin: Begin, play: Play) -> None:
    for acts in (["need"], ["blame"], ["silent"], ["open_question", "validating", "advice"], ["platitude", "need"]):
        for level in (0.0, 0.5, 1.0):
            assert list(replay(play(begin(level=level), *acts))) == []


@pytest.mark.parametrize("field", ["mood", "trust", "patience", "last_change"])
def test_replay_names_the_first_wrong_number(begin: Begin, play: Play, field: str) -> None:
    episode = play(begin(), "open_question", "validating", turns=5)
    turn = episode.turns[2]
    wrong = turn.emotion.model_copy(update={field: getattr(turn.emotion, field) + 0.01})
    turns = (*episode.turns[:2], turn.model_copy(update={"emotion": wrong}), *episode.turns[3:])
    first = next(replay(episode.model_copy(update={"turns": turns})))
    assert (first.turn, first.field) == (3, f"emotion.{field}")
    assert "recomputes to" in str(first)


def test_replay_checks_the_ending(begin: Begin, play: Play) -> None:
    episode = play(begin(), "need")
    assert next(replay(episode.model_copy(update={"ending": "left"}))).field == "ending"
    assert next(replay(episode.model_copy(update={"ending": None}))).field == "ending"


def test_a_stated_protocol_needs_a_user_that_states(begin: Begin, telling: Any) -> None:
    episode = begin().model_copy(update={"rules": Rulebook(name="sage", dynamics="stated")})
    with pytest.raises(UsageError, match="states the change"):
        drive(advance(episode, Utterance(raw="advice: x"), telling), None)


class _Never:
    """A user that must not be asked to perceive."""

    name = "never@1"
    rules = Rulebook()

    def respond(self, heard: Any) -> Any:
        raise AssertionError("silence was shown to the user's model")

    def speak(self, felt: Any) -> Any:
        from emosim.flow import settled
        from emosim.users.voice import say

        return settled(say(felt))


class _Failing(_Never):
    def respond(self, heard: Any) -> Generator[Any, Any, Any]:
        raise SimulationError("no", cause="bad_json")
        yield

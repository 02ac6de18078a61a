"""The published protocols: constants, two questions a turn, the state they show, prompts that only grow."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from emosim.acts import Act
from emosim.errors import SimulationError
from emosim.flow import ChatRequest
from emosim.users.presets import PresetUser, grade

SAGE, VANILLA, CHALLENGING = (PresetUser(name) for name in ("sage", "rlver-vanilla", "rlver-challenging"))
ALL = [SAGE, VANILLA, CHALLENGING]


def prompt(request: ChatRequest) -> str:
    return "\n".join(message.content for message in request.messages)


def analysis(change: object) -> str:
    return json.dumps({"meaning": "m", "fitting": "fits", "activity": "a", "feeling": "f", "change": change})


def action(reply: str, goodbye: bool = False) -> str:
    return json.dumps({"attitude": "", "goal": "", "tone": "", "content": "", "reply": reply, "goodbye": goodbye})


def test_constants() -> None:
    rules = SAGE.rules
    assert (rules.start_mood, rules.max_turns, rules.scores_last_reply, rules.heeds_goodbye) == (40, 10, False, True)
    for user in (VANILLA, CHALLENGING):
        assert (user.rules.start_mood, user.rules.max_turns, user.rules.scores_last_reply) == (30, 8, True)
    assert [user.name for user in ALL] == ["sage@1", "rlver-vanilla@1", "rlver-challenging@1"]
    assert all(user.rules.dynamics == "stated" for user in ALL)


@pytest.mark.parametrize("user", ALL, ids=lambda user: user.preset)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_turn(opened: Any, turn: Any, user: PresetUser, language: str) -> None:
    episode = opened(user, language=language)
    line = "Well. That's something." if language == "en" else "行吧，算你懂点。"
    done = turn(episode, user, "That was unfair to you.", analysis(8), action(line))
    ask, act = done.asked
    start = int(episode.start.mood)
    assert done.moved.after.moods == (start, start + 8)
    assert done.moved.turn.spoken.text == line
    assert str(start) in prompt(ask).splitlines()[-1]
    assert str(start + 8) in prompt(act).splitlines()[-1]
    assert "fits a f" in prompt(act).splitlines()[-1]
    assert ask.messages[0] == act.messages[0]
    assert ("分析" in prompt(ask)) == (language == "zh")


def test_the_state_is_fresh_and_follows_the_chat(opened: Any, turn: Any) -> None:
    episode, seen = opened(VANILLA), []
    for number in range(4):
        done = turn(episode, VANILLA, f"Reply {number}.", analysis(10), action(f"Line {number}."))
        episode = done.moved.after
        seen.append(prompt(done.asked[0]))
    assert [text.splitlines()[-1].split("reply: ")[1] for text in seen] == ["30 (C).", "40 (B).", "50 (B).", "60 (B)."]
    for before, after in pairwise(seen):
        assert after.startswith(before[: before.rindex("\n")])


@pytest.mark.parametrize(
    ("stated", "moved"), [(25, 10), (-60, -10), ("+5", 5), ("−5 points", -5), (3.0, 3), (10**400, 10)]
)
def test_changes_are_bounded_by_code(opened: Any, turn: Any, stated: object, moved: float) -> None:
    done = turn(opened(CHALLENGING), CHALLENGING, "Hello.", analysis(stated), action("Hm."))
    assert done.moved.turn.emotion.last_change == moved


def test_no_number_is_no_change(opened: Any, turn: Any) -> None:
    with pytest.raises(SimulationError) as caught:
        turn(opened(SAGE), SAGE, "Hello.", *[analysis("a little")] * 3)
    assert caught.value.cause == "bad_schema"


def test_goodbye_ends_sage_only(opened: Any, turn: Any) -> None:
    ends = [turn(opened(u), u, "Hi.", analysis(0), action("Bye.", True)).moved.after.ending for u in ALL]
    assert ends == ["left", None, None]


def test_silence_is_the_worst_turn_at_no_question(opened: Any, turn: Any) -> None:
    done = turn(opened(SAGE), SAGE, "")
    assert done.asked == ()
    assert done.moved.turn.emotion.last_change == -10
    assert done.moved.turn.appraisal.acts == (Act.EMPTY,)
    assert done.moved.turn.spoken.text


def test_the_tenth_reply_is_not_judged_in_sage(opened: Any, turn: Any) -> None:
    episode = opened(SAGE)
    for number in range(9):
        episode = turn(
            episode, SAGE, f"Reply {number}.", analysis((-1) ** number), action(f"Line {number}.")
        ).moved.after
    done = turn(episode, SAGE, "Reply 9.")
    assert done.asked == ()
    assert done.moved.after.ending == "out_of_turns"
    assert done.moved.turn.appraisal is None
    assert done.moved.turn.spoken.text == ""


def test_rlver_judges_the_eighth_and_last(opened: Any, turn: Any) -> None:
    episode = opened(VANILLA)
    for number in range(8):
        episode = turn(episode, VANILLA, f"Reply {number}.", analysis(1), action(f"Line {number}.")).moved.after
    assert (episode.ending, episode.emotion.mood) == ("out_of_turns", 38)


@pytest.mark.parametrize("user", ALL, ids=lambda user: user.preset)
def test_the_theme_is_not_revealed(opened: Any, turn: Any, user: PresetUser) -> None:
    episode = opened(user)
    with pytest.raises(SimulationError) as caught:
        turn(episode, user, "Hi.", analysis(1), *[action(episode.scenario.need_text)] * 3)
    assert caught.value.cause == "need_leak"


def test_variants_differ_in_what_is_judged_and_may_be_hinted(opened: Any, turn: Any) -> None:
    blocks = {u.preset: turn(opened(u), u, "Hi.", analysis(0), action("Hm.")).asked[0].messages[0].content for u in ALL}
    assert len(set(blocks.values())) == 3
    assert "encouragement is welcome" in blocks["rlver-vanilla"]
    assert "must not hint" in blocks["rlver-challenging"]
    assert "may hint" in blocks["sage"]


def test_grades() -> None:
    assert [grade(mood) for mood in (100, 70, 69, 40, 10, 9, -3)] == ["S", "A", "B", "B", "C", "F", "F"]

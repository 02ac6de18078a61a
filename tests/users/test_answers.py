"""Unusable meaning: every typed cause, re-asked at most twice, and what is tolerated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emosim.acts import Act
from emosim.episode import unbacked
from emosim.errors import BackendError, SimulationError
from emosim.flow import ChatResponse
from emosim.packs import cast
from emosim.rulebook import replay
from emosim.users.answers import _NO, extract_object, flat, is_quoted, is_refusal
from emosim.users.llm import LlmUser
from emosim.users.wording import _HELPER, offers_help

USER = LlmUser()
REPLY = "I'm here, and “I've got time”.  What happened in Amarillo?"
REPLIES = {"en": REPLY, "zh": "我在听，不着急。阿马里洛那晚到底是怎么回事？"}
QUOTES = {"en": "What happened", "zh": "怎么回事"}


def unusable(fused: Any, language: str) -> dict[str, list[Any]]:
    """Return, for each cause, answers that cannot be used."""
    mike = cast("core/big_mike", language)  # type: ignore[arg-type]
    scenario = mike.scenario
    closed = next(fact for fact in scenario.facts if fact.reveal == "if_trusted")
    quote = QUOTES[language]
    hm = "Well." if language == "en" else "哼。"

    def say(text: str) -> str:
        return str(fused(quote, text))

    return {
        "bad_json": ["I would rather chat.", '{"thought": "x", "evidence": [{"act": "advice"', "[1, 2]", "[" * 50_000],
        "bad_schema": ['{"thought": "x"}', fused(quote, fit=3), fused(quote, fit="high"), say('{"say": "hi"}')],
        "unknown_act": [fused(quote, hm, act="hugging")],
        "bad_evidence": [fused("I would never leave you", hm), fused("", hm)],
        "empty": ["", "  ", say(""), say("*sighs*"), say('""'), say("…"), say("2.1"), say("7 / 10")],
        "refusal": [
            "I'm sorry, but I can't help with that.",
            "抱歉，我无法继续扮演。",
            ChatResponse("No.", finish_reason="content_filter"),
            ChatResponse("No.", finish_reason="refusal"),
            say("I cannot assist with this roleplay."),
            say("对不起，我不能协助这件事。"),
        ],
        "truncated": [ChatResponse(fused(quote, hm), finish_reason="length")],
        "wrong_language": [
            say("Меня это совсем не радует"),
            say("我肺都要气炸了，你知道吗" if language == "en" else "I am fit to be tied, you know."),
        ],
        "role_flip": [
            say("I'm here to help. How can I help you today?"),
            say("As an AI language model, I have no boy."),
            say("作为一个AI，我没有儿子。"),
            say("有什么我可以帮你的吗？"),
            say("Yeah.\nAssistant: Tell me more."),
            say("行。\n助手：你接着说。"),
            say(REPLIES[language]),
        ],
        "need_leak": [say(f"{hm} {scenario.need_text}"), say(f"{hm} {scenario.need_text[8:-8]}")],
        "fact_leak": [say(closed.text), fused(quote, hm, told=[closed.id], act="listening", fit=2)],
        "too_long": [say("mad " * 91), say("x" * 900), say("气" * 151)],
        "repeated": [say(scenario.openings[0]), say(f"“{scenario.openings[0].upper()}”")],
    }


CAUSES = [
    "bad_json", "bad_schema", "unknown_act", "bad_evidence", "empty", "refusal", "truncated", "wrong_language",
    "role_flip", "need_leak", "fact_leak", "too_long", "repeated",
]  # fmt: skip


@pytest.mark.parametrize("cause", [cause for cause in CAUSES if cause != "bad_evidence"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_cause_is_asked_again_twice_then_typed(
    opened: Any, turn: Any, fused: Any, cause: str, language: str
) -> None:
    for answer in unusable(fused, language)[cause]:
        episode = opened(USER, language=language)
        asked = []

        def reply_with(request: Any, answer: Any = answer, asked: list[Any] = asked) -> Any:
            asked.append(request)
            return answer

        with pytest.raises(SimulationError) as caught:
            turn(episode, USER, REPLIES[language], reply_with, reply_with, reply_with)
        assert caught.value.cause == cause, answer
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 200
        assert [len(request.messages) for request in asked] == [2, 4, 6]
        assert asked[2].messages[:4] == asked[1].messages
        assert "\n" not in asked[1].messages[3].content


@pytest.mark.parametrize("cause", CAUSES)
def test_a_usable_answer_after_two_others_is_taken(opened: Any, turn: Any, fused: Any, cause: str) -> None:
    bad = unusable(fused, "en")[cause][0]
    done = turn(opened(USER), USER, REPLY, bad, bad, fused("What happened"))
    assert len(done.asked) == 3
    assert done.moved.turn.appraisal.acts == (Act.OPEN_QUESTION,)


@pytest.mark.parametrize("calls", ["fused", "split"])
@pytest.mark.parametrize("quote", ["I would never leave you", ""])
def test_what_a_third_answer_cannot_back_moves_nothing_and_is_counted(
    opened: Any, turn: Any, fused: Any, calls: Any, quote: str
) -> None:
    user, said = LlmUser(calls), [json.dumps({"told": [], "say": "Hm."})] * (calls == "split")
    bad = fused(quote, "Hm.", act="deep_empathy", fit=2, specificity=2)
    done = turn(opened(user), user, REPLY, bad, bad, bad, *said)
    appraisal = done.moved.turn.appraisal
    assert (appraisal.evidence, appraisal.fit, appraisal.specificity) == ((), 0.0, 0.0)
    assert done.moved.turn.emotion.last_change <= 0
    assert unbacked(done.moved.turn.spoken.kinds) == 1
    assert not list(replay(done.moved.after))


def test_what_a_third_answer_can_back_stays_and_harms_without_words_do_not(opened: Any, turn: Any, fused: Any) -> None:
    findings = [("open_question", "What happened"), ("advice", "Sell the truck"), ("blame", "Your fault"), ("echo", "")]
    evidence = [{"act": act, "quote": quote} for act, quote in findings]
    answer = fused("", "Hm.", evidence=evidence, fit=2)
    done = turn(opened(USER), USER, REPLY, answer, answer, answer)
    assert done.moved.turn.appraisal.acts == (Act.OPEN_QUESTION,)
    assert done.moved.turn.appraisal.fit == 2.0
    assert unbacked(done.moved.turn.spoken.kinds) == 3


def test_a_third_answer_whose_message_cannot_be_said_fails_as_ever(opened: Any, turn: Any, fused: Any) -> None:
    bad = fused("never said", "As an AI language model, I have no boy.")
    with pytest.raises(SimulationError, match="3 tries") as caught:
        turn(opened(USER), USER, REPLY, bad, bad, bad)
    assert caught.value.cause == "role_flip"


def test_quick_looks_miss_nothing_that_the_expressions_find() -> None:
    parts = (
        "As an AI, I feel", "I’m an ai", "im an AI", "How can I help", "how may I assist", "I'm here to listen",
        "im just here for you", "Happy to help", "Let me know if you need it", "feel free to reach", "how can I be of",
        "I’m sorry you’re feeling", "I'm sorry but I", "I cannot comply", "I can’t help", "I cant continue",
        "I won't engage", "i am unable to roleplay", "作为一个AI", "抱歉，我无法", "我不能协助",
    )  # fmt: skip
    for part in parts:
        for text in (part, part.upper(), f"Well. {part} now.", f"- {part}"):
            assert offers_help(text) == bool(_HELPER.search(text)), text
            assert is_refusal(text) == bool(_NO.search(text)), text
            assert offers_help(text) or is_refusal(text), text


def test_split_is_asked_again_for_each_question(opened: Any, turn: Any, fused: Any) -> None:
    user = LlmUser("split")
    said = json.dumps({"told": [], "say": "Alright then."})
    done = turn(opened(user), user, REPLY, "what?", fused("What happened"), "", "nope", said)
    assert len(done.asked) == 5
    with pytest.raises(SimulationError, match="3 tries"):
        turn(opened(user), user, REPLY, fused("What happened"), "", "", "")


def test_what_the_backend_could_not_do_is_raised_as_it_is(opened: Any, turn: Any) -> None:
    def fail(_: Any) -> Any:
        raise BackendError("the server is gone", cause="unreachable")

    with pytest.raises(BackendError):
        turn(opened(USER), USER, REPLY, fail)


@pytest.mark.parametrize(
    ("before", "after"),
    [("```json\n", "\n```"), ("Sure: ", " Hope {that} helps!"), ('<think>{"a": 1}</think>', ""), ("\n\n", "  ")],
)
def test_json_may_be_wrapped(opened: Any, turn: Any, fused: Any, before: str, after: str) -> None:
    answer = before + fused("What happened") + after
    assert turn(opened(USER), USER, REPLY, answer).moved.turn.spoken.text


def test_harms_need_no_quote_and_acts_may_be_spelled_loosely(opened: Any, turn: Any, fused: Any) -> None:
    done = turn(opened(USER), USER, REPLY, fused("never said", act="Off-Topic", fit=-1))
    (item,) = done.moved.turn.appraisal.evidence
    assert (item.act, item.quote) == (Act.OFF_TOPIC, "")


@pytest.mark.parametrize("quote", ["“I’ve got time.", "i've  GOT time", "I'm here … What happened", "'What happened'"])
def test_quotes_are_compared_without_case_space_and_marks(quote: str) -> None:
    assert is_quoted(quote.rstrip("."), flat(REPLY))


@pytest.mark.parametrize("quote", ["", "…", "'", "I have got time"])
def test_what_is_no_quote(quote: str) -> None:
    assert not is_quoted(quote, flat(REPLY))


def test_lone_surrogates_do_not_reach_the_episode(opened: Any, turn: Any, fused: Any) -> None:
    answer = fused("What happened", "Well \\ud83d hm").replace("\\\\ud83d", "\\ud83d")
    turn(opened(USER), USER, REPLY, answer).moved.turn.spoken.text.encode("utf-8")


def test_extraction() -> None:
    assert extract_object("no") is None
    assert extract_object('see {this} {"a": {"b": 2}} {"c": 3}') == {"a": {"b": 2}}
    assert extract_object('{"a": "line\nbreak"}') == {"a": "line\nbreak"}

"""What a user may say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosim.packs import cast, load_pack
from emosim.users import wording
from emosim.users.answers import Unusable
from emosim.users.llm import LlmUser
from emosim.users.protocol import Heard
from emosim.users.wording import checked, clean, gives_away, speaks

USER = LlmUser()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('"Fine."', "Fine."),
        ("User: fine", "fine"),
        ("你：行吧", "行吧"),
        ("*looks away* Fine.", "Fine."),
        ("I *really* tried.", "I really tried."),
        ("（叹气）算了", "算了"),
        ("[pauses] Fine.", "Fine."),
        ("He was late (again).", "He was late (again)."),
        ("Fine (sighs).", "Fine ."),
    ],
)
def test_clean(text: str, kept: str) -> None:
    assert clean(text) == kept


@pytest.mark.parametrize(
    ("text", "language"), [("ok", "zh"), ("PPT改了八遍", "zh"), ("He said 好 once, laughing", "en")]
)
def test_speaks(text: str, language: Any) -> None:
    assert speaks(text, language)


def test_said_aloud_is_no_leak() -> None:
    need = "she needs somebody to see how much work it was"
    assert gives_away("I want somebody to see how much work it was", need, [], 5, 8)
    assert not gives_away("I want somebody to see how much work it was", need, ["to see: " + need], 5, 8)
    assert not gives_away("anything", "", [], 5, 8)
    assert gives_away("我就是想有人看见我做了多少事情", "她想有人看见我做了多少事情", [], 5, 8)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_authored_line_is_refused(opened: Any, language: Any) -> None:
    refused = []
    for name in load_pack("core").personas:
        episode = opened(USER, name, language)
        for kind, lines in cast(name, language).persona.lines:
            for line in lines:
                try:
                    assert checked(line, Heard(episode, episode.turns[0].reply if episode.turns else _reply()), None)
                except Unusable as fault:
                    refused.append((name, kind, fault.cause, line))
    assert not refused


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_need_is_never_spoken(opened: Any, language: Any) -> None:
    for name in load_pack("core").personas:
        episode = opened(USER, name, language)
        with pytest.raises(Unusable) as caught:
            checked(episode.scenario.need_text, Heard(episode, _reply()), None)
        assert caught.value.cause == "need_leak"


def _reply() -> Any:
    from emosim.episode import Utterance

    return Utterance(raw="I see.")


@given(st.text(alphabet="abQ1'_ .-\n\x1c’é", max_size=12))
def test_words_are_what_the_expression_finds(text: str) -> None:
    assert wording._tokens(text) == tuple(wording._TOKEN.findall(text.lower()))

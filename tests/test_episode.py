"""Utterances, views, and the stored form."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from emosim.episode import Episode, Utterance, agent_view


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ("  <think>secret</think> hello ", "hello"),
        ("<think>never closed hello", ""),
        ("no opening</think> hello", "hello"),
        ("<THINKING>a</THINKING>b<think>c</think>d", "bd"),
        ("a < b and <b>bold</b>", "a < b and <b>bold</b>"),
        ("<think>one</think><think>two", ""),
        ("", ""),
    ],
)
def test_the_user_never_sees_thoughts(raw: str, text: str) -> None:
    said = Utterance(raw=raw)
    assert said.text == text
    assert said.raw == raw


def test_reasoning_is_kept_apart() -> None:
    assert Utterance(raw="<think>why</think>hello").reasoning == "why"
    assert Utterance(raw="hello").reasoning == ""
    assert Utterance(raw="<think>say hello</think>hello").reasoning == "say hello"
    assert Utterance(raw="a</think>b<think>c").reasoning == "a\nc"


def test_the_agent_sees_the_chat_and_nothing_else(begin: Callable[..., Episode], play: Callable[..., Episode]) -> None:
    episode = play(begin(), "open_question", turns=2)
    view = agent_view(episode)
    assert [m.role for m in view] == ["user", "assistant", "user", "assistant", "user"]
    assert view[0].content == episode.opening.text
    assert view[-1].content == episode.spoken.text


def test_an_episode_is_its_log_line(begin: Callable[..., Episode], play: Callable[..., Episode]) -> None:
    episode = play(begin(level=0.7), "need", "advice", "blame")
    stored = Episode.model_validate_json(episode.model_dump_json())
    assert stored == episode
    assert stored.sha256 == episode.sha256
    assert pickle.loads(pickle.dumps(episode)) == episode

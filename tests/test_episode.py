"""Utterances, views, and the stored form."""

from __future__ import annotations

import pickle
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosim.episode import Episode, Utterance, agent_view, without_blocks


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


PIECES = ["<think>", "</think>", "<thinking>", "</Thinking>", "<THINK>", "<th\u0131nk>", "</TH\u0130NK>", "<th", "ink>"]
PIECES += ["</thin\u212a>", "a", " b\n", "<", ">"]


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_a_block_ends_at_the_next_tag_that_closes_it(raw: str) -> None:
    blocks = re.compile(r"<(think|thinking)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
    assert without_blocks(raw) == (blocks.sub("", raw), [block[2] for block in blocks.finditer(raw)])


@pytest.mark.parametrize("raw", ["<think>" * 14_000, "<think>\n</thinking>" * 5_000, "<thinking></think>" * 5_000])
def test_tags_without_end_take_no_time(raw: str) -> None:
    start = time.perf_counter()
    assert Utterance(raw=raw).text == ""
    assert time.perf_counter() - start < 1.0


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

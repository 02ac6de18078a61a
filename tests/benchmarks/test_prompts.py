"""Budget 5: one model call a turn and none before, on a prompt of which nearly all can come from the server's cache."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict
from collections.abc import Callable
from os.path import commonprefix
from pathlib import Path

from measuring import report
from talks import Play, Recording

from emosim.backends.meter import estimate_input
from emosim.flow import ChatRequest
from emosim.runs import Record, read_run
from emosim.suite import Suite


def text_of(request: ChatRequest) -> str:
    """Return a prompt as one text."""
    return "\n".join(message.content for message in request.messages)


def new_words(record: Record, number: int) -> int:
    """Return the characters that the chat gained before a turn: the user's last message and the new reply."""
    turns = record.episode.turns
    return len(turns[number - 1].spoken.text) + len(turns[number].reply.text)


def test_prompts_are_short_and_grow_at_their_end(serve: Callable[..., str], tmp_path: Path) -> None:
    play = Play(serve(), Suite())
    recording = Recording(play.backend())
    summary = asyncio.run(play.into(tmp_path / "run", recording))
    prompts: dict[str, list[ChatRequest]] = defaultdict(list)
    records = {record.episode.opening.text: record for record in read_run(tmp_path / "run")}
    for request in recording.requests:
        opening = next(text for text in records if text in request.messages[1].content)
        prompts[opening].append(request)
    reused, added = [], []
    for opening, asked in prompts.items():
        for number, (before, now) in enumerate(zip(map(text_of, asked), map(text_of, asked[1:]), strict=False), 1):
            reused.append(len(commonprefix([before, now])) / len(before))  # noqa: RUF071
            added.append(len(now) - len(before) - new_words(records[opening], number))
    turns = (summary.turns or 0) * summary.finished
    tokens = statistics.fmean(map(estimate_input, recording.requests))
    calls = len(recording.requests) / turns
    report("budget 5", calls_a_turn=calls, reused=min(reused), most_added=max(added), tokens_a_turn=tokens)
    assert calls <= 1
    assert min(reused) >= 0.99
    assert max(added) <= 150
    assert tokens <= 2000

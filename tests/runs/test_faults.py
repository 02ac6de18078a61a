"""A model user behind a server that misbehaves: every episode is complete and verifiable, or a typed failure."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from stage import Talker

from emosim.backends import Meter, resolve_backend
from emosim.runs import Pace, Players, config_of, play, read_failures, read_run, verify
from emosim.suite import Suite
from emosim.testing.fake_server import FakeServer
from emosim.users.llm import LlmUser

KINDS = ("rate_limit", "server_error", "hang", "truncated", "bad_body", "wrong_schema", "bad_json", "empty", "refusal")
CAUSES = {"bad_json", "bad_schema", "bad_evidence", "empty", "refusal", "truncated", "bad_body"}
CAUSES |= {"timeout", "server", "rate_limit"}
"""What the served faults may leave behind after bounded retries."""


def answer(body: dict[str, object], number: int) -> str:
    """Return a usable answer of the user, quoting the reply that it is asked about."""
    messages = body["messages"]
    assert isinstance(messages, list)
    text = "\n".join(str(message["content"]) for message in messages)
    replies = re.findall(r"<<(\w+)\s*(.*?)\s*\1>>", text, re.DOTALL)
    quote = replies[-1][1][:25] if replies else ""
    return json.dumps(
        {
            "thought": "Hm.",
            "evidence": [{"act": "listening", "quote": quote}],
            "fit": number % 4 - 1,
            "specificity": number % 3,
            "told": [],
            "better": f"Yes, number {number} is just it.",
            "same": f"Well, it is {number} again.",
            "worse": f"No, not {number} at all.",
        }
    )


def check(out: Path, rate: float, suite: Suite) -> None:
    faults = {kind: rate / len(KINDS) for kind in KINDS}
    with FakeServer(answer, faults=faults, retry_after_s=0.01) as server:  # type: ignore[arg-type]
        backend = resolve_backend(
            f"{server.url}#fake", seat="user", meter=Meter(), timeout_s=0.5, first_wait_s=0.01, longest_wait_s=0.05
        )
        players = Players(Talker(), LlmUser(), user_backend=backend)
        config = config_of(suite, players, user_spec="llm:fake")
        summary = play(config, players, out, Pace(64, deadline_s=60))
        assert server.faults_served.total() > 0
    planned = {str(key) for key in suite.episode_keys()}
    finished = {record.key for record in read_run(out)}
    failures = list(read_failures(out))
    assert finished | {failure.key for failure in failures} == planned
    assert finished.isdisjoint(failure.key for failure in failures)
    assert {failure.seat for failure in failures} <= {"user"}
    assert {failure.cause for failure in failures} <= CAUSES
    assert summary.finished == len(finished) > 0.5 * len(planned)
    assert verify(out).is_good
    for record in read_run(out):
        assert all(turn.appraisal and turn.spoken.text for turn in record.episode.turns if record.episode.ending)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_nothing_is_silently_corrupted(tmp_path: Path, rate: float) -> None:
    check(tmp_path / "run", rate, Suite(personas=("dolores", "tom", "vera"), levels=(0.0, 1.0), repeats=10))


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_nothing_is_silently_corrupted_in_a_thousand(tmp_path: Path, rate: float) -> None:
    check(tmp_path / "run", rate, Suite(levels=(0.0, 0.5), repeats=21))


def test_findings_that_a_model_cannot_quote_are_counted_in_the_summary_and_after_resuming(tmp_path: Path) -> None:
    def unbacked_half(body: dict[str, object], number: int) -> str:
        said = json.loads(answer(body, number))
        return json.dumps(said | {"evidence": [*said["evidence"], {"act": "deep_empathy", "quote": "never said"}]})

    with FakeServer(unbacked_half) as server:
        backend = resolve_backend(f"{server.url}#fake", seat="user", meter=Meter())
        suite = Suite(personas=("dolores",))
        players = Players(Talker(), LlmUser(), user_backend=backend)
        config = config_of(suite, players, user_spec="llm:fake")
        first = play(config, players, tmp_path / "run")
        assert server.requests >= 3 * first.turns
        again = play(config, players, tmp_path / "run")
        backend.close()
    (record,) = read_run(tmp_path / "run")
    assert first.faults.unbacked == again.faults.unbacked == len(record.episode.turns) > 0
    assert first.faults.attempts == 0
    assert verify(tmp_path / "run").is_good

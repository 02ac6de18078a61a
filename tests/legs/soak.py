"""Soak: a thousand episodes of a model user behind a server that misbehaves, killed runs, cut files.

    python tests/legs/soak.py [--episodes 1000] [--kills 20] [--cuts 10]

Every message of the server carries a mark of the reply that it answers, and every reply names its episode and turn, so
that each stored turn can be checked to hold its own words. Prints what it found; ends with 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from talks import Talker, agent_reply

from emosim.backends import Meter, resolve_backend
from emosim.cli.app import run_args
from emosim.runs import Pace, Players, Record, Summary, config_of, play, read_failures, read_run
from emosim.suite import Suite
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import answer, last_reply, mark
from emosim.users.briefing import nonce
from emosim.users.llm import LlmUser

KINDS: Final = (
    "rate_limit", "server_error", "hang", "truncated", "bad_body", "wrong_schema", "bad_json", "empty", "refusal",
    "length",
)  # fmt: skip
CAUSES: Final = {
    "agent": frozenset[str](),
    "environment": frozenset[str](),
    "user": frozenset(
        ("timeout", "truncated", "bad_body", "server", "rate_limit", "bad_json", "bad_schema", "empty", "refusal")
    ),
}
"""What may be at fault with an offline agent, and by which cause."""
LEVELS: Final = (0.0, 0.5)


class Asked:
    """Answers as the talking server does and notes, in order, which reply each question was about."""

    def __init__(self) -> None:
        self.replies: list[str] = []

    def __call__(self, body: dict[str, object], number: int) -> str:
        messages = body["messages"]
        assert isinstance(messages, list)
        self.replies.append("".join(last_reply(str(messages[1]["content"]))))
        return answer(body, number)


def suite_of(episodes: int) -> Suite:
    """Return a suite of at least so many episodes."""
    return Suite(levels=LEVELS, repeats=-(-episodes // (24 * len(LEVELS))))


def play_into(out: Path, url: str, suite: Suite, timeout_s: float = 1.5) -> Summary:
    """Play, or go on, through the lean backend, 64 at once."""
    backend = resolve_backend(
        f"{url}#fake", seat="user", meter=Meter(), timeout_s=timeout_s, first_wait_s=0.02, longest_wait_s=0.2
    )
    players = Players(Talker(), LlmUser(), user_backend=backend)
    return play(config_of(suite, players, user_spec="llm:fake"), players, out, Pace(64, deadline_s=120))


def mixed_up(record: Record) -> Iterator[str]:
    """Yield each turn of a record whose words belong to another episode or turn."""
    episode = record.episode
    for number, turn in enumerate(episode.turns, 1):
        reply = turn.reply.text
        if reply != agent_reply(episode.seed, number):
            yield f"{record.key} turn {number}: the reply is another's"
        word = mark(nonce(episode.seed, number, reply) + reply)
        seen = turn.appraisal
        if seen is None or word not in turn.spoken.text or word not in seen.thought:
            yield f"{record.key} turn {number}: the message is another's: {turn.spoken.text}"
        elif any(item.quote not in reply for item in seen.evidence):
            yield f"{record.key} turn {number}: the quote is another's"


def check(out: Path, suite: Suite) -> list[str]:
    """Return what is wrong with a run that has ended."""
    planned = [str(key) for key in suite.episode_keys()]
    records, failures = list(read_run(out)), list(read_failures(out))
    stored = [record.key for record in records]
    wrong = [problem for record in records for problem in mixed_up(record)]
    wrong += [f"{key} is there {times} times" for key, times in Counter(stored).items() if times > 1]
    wrong += [f"{key} is lost" for key in set(planned) - set(stored) - {failure.key for failure in failures}]
    wrong += [f"{key} was never planned" for key in set(stored) - set(planned)]
    wrong += [f"{f.key}: {f.seat} {f.cause}: {f.message}" for f in failures if f.cause not in CAUSES[f.seat]]
    if run_args(["verify", str(out)]):
        wrong.append(f"emosim verify refuses {out}")
    return wrong


def soak(folder: Path, episodes: int, rate: float) -> list[str]:
    """Play against faults of all kinds."""
    suite, out = suite_of(episodes), folder / f"faults{rate}"
    begun = time.monotonic()
    with FakeServer(answer, faults=dict.fromkeys(KINDS, rate / len(KINDS)), keep=0) as server:  # type: ignore[arg-type]
        summary = play_into(out, server.url, suite)
        served, requests = server.faults_served, server.requests
    print(
        f"faults {rate:.0%}: {summary.finished} of {summary.planned} finished, {summary.failed} in failures.jsonl "
        f"{dict(summary.faults.by_cause)}, {requests} requests, {served.total()} faults {dict(sorted(served.items()))}",
        f"in {time.monotonic() - begun:.0f} s",
        flush=True,
    )
    return [*check(out, suite), *(f"no fault of kind {kind}" for kind in KINDS if not served[kind])]


def kill(folder: Path, kills: int) -> list[str]:
    """Kill a run at random moments, then let it finish."""
    suite, out, dice, asked = suite_of(240), folder / "killed", random.Random(0), Asked()
    wrong: list[str] = []
    finished: set[str] = set()
    died = 0
    with FakeServer(asked, latency_s=0.02, keep=0) as server:
        for _ in range(kills):
            before = len(asked.replies)
            child = subprocess.Popen([sys.executable, __file__, "--child", server.url, str(out)])
            wait_for(lambda: len(asked.replies) > before + 1 or child.poll() is not None)  # noqa: B023
            time.sleep(dice.random() * 0.4)
            child.send_signal(signal.SIGKILL)
            died += child.wait() == -signal.SIGKILL
            wrong += asked_again(asked.replies[before:], finished)
            finished = replies_of(out)
        before = len(asked.replies)
        summary = play_into(out, server.url, suite, 60.0)
        wrong += asked_again(asked.replies[before:], finished)
        before = len(asked.replies)
        play_into(out, server.url, suite, 60.0)
    if len(asked.replies) > before:
        wrong.append(f"a finished run asked {len(asked.replies) - before} questions")
    print(f"killed {died} times: {summary.finished} of {summary.planned} finished, {before} requests", flush=True)
    if summary.missing:
        wrong.append(f"{summary.missing} episodes are missing after the last run")
    return wrong + check(out, suite)


def cut(folder: Path, cuts: int) -> list[str]:
    """Cut episodes.jsonl at random bytes, then let the run repair itself."""
    suite, out, dice, asked = Suite(personas=("dolores", "tom", "vera")), folder / "cut", random.Random(1), Asked()
    wrong: list[str] = []
    with FakeServer(asked, keep=0) as server:
        play_into(out, server.url, suite, 60.0)
        for _ in range(cuts):
            stored = (out / "episodes.jsonl").read_bytes()
            (out / "episodes.jsonl").write_bytes(stored[: dice.randrange(len(stored))])
            finished, before = replies_of(out), len(asked.replies)
            play_into(out, server.url, suite, 60.0)
            wrong += asked_again(asked.replies[before:], finished)
            wrong += check(out, suite)
    print(f"cut {cuts} times: repaired every time" if not wrong else f"cut: {wrong[0]}", flush=True)
    return wrong


def replies_of(out: Path) -> set[str]:
    """Return the replies, with their codes, of all episodes that a run has finished; a torn line counts for nothing."""
    found: set[str] = set()
    for line in (out / "episodes.jsonl").read_bytes().splitlines(keepends=True) if out.exists() else ():
        if line.endswith(b"\n"):
            episode = json.loads(line)["episode"]
            texts = [turn["reply"]["raw"] for turn in episode["turns"]]
            found |= {nonce(episode["seed"], number, text) + text for number, text in enumerate(texts, 1)}
    return found


def asked_again(asked: list[str], finished: set[str]) -> Iterator[str]:
    """Yield a line if anything was asked of episodes that were finished before."""
    if again := finished.intersection(asked):
        yield f"{len(again)} questions were asked of finished episodes"


def wait_for(is_so: object) -> None:
    """Wait until it is so, a minute at most."""
    until = time.monotonic() + 60
    while not is_so() and time.monotonic() < until:  # type: ignore[operator]
        time.sleep(0.005)


def main() -> int:
    """Run all parts and return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--child", nargs=2, metavar=("URL", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        play_into(Path(options.child[1]), options.child[0], suite_of(240), 60.0)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wrong = [problem for rate in (0.05, 0.2) for problem in soak(folder, options.episodes, rate)]
        wrong += kill(folder, options.kills)
        wrong += cut(folder, options.cuts)
    for problem in wrong[:20]:
        print(f"WRONG: {problem}", file=sys.stderr)
    print(f"soak: {len(wrong)} things are wrong" if wrong else "soak: nothing is wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

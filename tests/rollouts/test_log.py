"""What a log keeps: no secret, every rollout under a number of its own, what it cost, in forked workers too."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from emosim.backends import Meter, resolve_backend
from emosim.errors import raise_if_common
from emosim.rollouts import Rollouts, shared, simulation
from emosim.runs import ChangedSettings, read_failures, read_run, verify
from emosim.suite import EpisodeKey
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import answer
from emosim.usage import Usage
from emosim.users.llm import LlmUser

KEY = "core/dolores:en:L0.30:s0001"


def test_no_secret_is_written_down(tmp_path: Path) -> None:
    address = "http://me:hunter2secret@127.0.0.1:9/v1#m"
    users = Rollouts(f"llm:{address}", agent=f"tuned {address}", log=tmp_path / "log")
    users.open(KEY).leave()
    users.close()
    stored = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "log").iterdir() if path.is_file())
    assert "127.0.0.1:9/v1#m" in stored
    assert "hunter2" not in stored


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_worker_writes_its_own_log_whatever_the_parent_was_doing(tmp_path: Path) -> None:
    users, let_go = Rollouts(log=tmp_path / "{pid}"), threading.Event()
    assert users.log

    def hold() -> None:
        with users.log._lock, simulation._MAKING:
            let_go.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    child = os.fork()
    if not child:
        try:
            users.open(KEY).leave()
            shared({"agent": "made after the fork"})
            os._exit(0)
        finally:
            os._exit(1)
    end = time.monotonic() + 20
    while (state := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < end:
        time.sleep(0.05)
    let_go.set()
    holder.join()
    if state == (0, 0):
        os.kill(child, 9)
    assert state == (child, 0)
    assert (tmp_path / str(child) / "episodes.jsonl").read_text(encoding="utf-8").count("\n") == 1


def test_attempts_are_numbered_on_behind_the_highest_whatever_line_was_taken_out(tmp_path: Path) -> None:
    def play(times: int) -> list[int]:
        users = Rollouts(log=tmp_path / "log")
        for number in range(times):
            users.open(f"{KEY}:a{number:04d}" if number else KEY).leave()
        users.close()
        return [EpisodeKey.parse(record.key).attempt for record in read_run(tmp_path / "log")]

    assert play(3) == [0, 1, 2]
    episodes = tmp_path / "log" / "episodes.jsonl"
    first, _, last = episodes.read_bytes().splitlines(keepends=True)
    episodes.write_bytes(first + last)
    assert play(2) == [0, 2, 3, 4]
    assert verify(tmp_path / "log").is_good


@pytest.mark.parametrize("awaited", [False, True])
def test_a_log_that_refuses_a_rollout_leaves_it_what_it_was(awaited: bool, tmp_path: Path) -> None:
    users = Rollouts(log=tmp_path / "log")
    users.open(KEY).leave()
    users.close()
    rollout = Rollouts(reward="delta", log=tmp_path / "log").open(KEY)

    def say_nothing() -> None:
        while not rollout.over:
            asyncio.run(rollout.areply("")) if awaited else rollout.reply("")

    with pytest.raises(ChangedSettings):
        say_nothing()
    assert (rollout.outcome.ending, rollout.fault) == ("agent_left", "")


def test_a_log_that_refuses_is_met_by_every_rollout() -> None:
    with pytest.raises(ChangedSettings):
        raise_if_common(ChangedSettings("other settings"))


@pytest.mark.parametrize("awaited", [False, True])
def test_what_the_users_model_used_is_all_in_the_log(awaited: bool, tmp_path: Path) -> None:
    meter = Meter(prices={"fake": {"input": 1.0, "output": 2.0}})
    with FakeServer(answer, faults={"server_error": 0.2, "truncated": 0.2, "bad_json": 0.1, "hang": 0.05}) as server:
        limits = {"attempts": 2, "first_wait_s": 0.01, "timeout_s": 2.0}
        backend = resolve_backend(f"{server.url}#fake", seat="user", meter=meter, **limits)  # type: ignore[arg-type]
        users = Rollouts(LlmUser(), backend=backend, log=tmp_path / "log", deadline_s=0.6)
        for number in range(3):
            rollouts = [users.open(f"core/dolores:en:L0.30:s{number}{i:02d}") for i in range(4)]
            while going := [rollout for rollout in rollouts if not rollout.over]:
                texts = ["What happened then?"] * len(going)
                asyncio.run(users.areply_all(going, texts)) if awaited else users.reply_all(going, texts)
        assert server.faults_served.total() > 0
        assert server.requests == meter.usage().calls
    users.close()
    failures = list(read_failures(tmp_path / "log"))
    kept = sum([entry.usage.user.usage for entry in (*read_run(tmp_path / "log"), *failures)], Usage())
    assert failures
    assert (kept.calls, kept.tokens) == (meter.usage().calls, meter.usage().tokens)
    assert kept.cost == pytest.approx(meter.usage().cost)


@pytest.mark.parametrize("again", [False, True])
def test_a_log_keeps_little_of_a_rollout_in_memory(again: bool, tmp_path: Path) -> None:
    users = Rollouts(log=tmp_path / "log")
    rollout = users.open(KEY)
    rollout.leave()
    assert users.log
    many = 1500

    def add(number: int) -> None:
        rollout.key = EpisodeKey.parse(f"core/dolores:en:L0.30:s{0 if again else number:06d}")
        users.log.add(rollout)

    for number in range(50):
        add(number)
    tracemalloc.start()
    for number in range(50, 50 + many):
        add(number)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    users.close()
    assert kept / many < 400

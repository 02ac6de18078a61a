"""What a log keeps: no secret, every rollout under a number of its own, in forked workers too."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path

import pytest

from emosim.errors import raise_if_common
from emosim.rollouts import Rollouts, shared, simulation
from emosim.runs import ChangedSettings, read_run, verify
from emosim.suite import EpisodeKey

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

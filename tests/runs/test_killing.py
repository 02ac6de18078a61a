"""SIGKILL at any moment: the same command then finishes the run, asking nothing for what was finished."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stage import SUITE, Asker, Counting, Listener, answered, keys, run

from emosim.runs import Players, read_run, verify

CODE = (
    "import sys; from pathlib import Path; from stage import *\n"
    "backend = Counting(lambda request: answered(), wait_s=0.01)\n"
    "run(Path(sys.argv[1]), players=Players(Asker(), Listener(), backend), concurrency=3)"
)


def _kill_after(out: Path, lines: int, delay_s: float) -> None:
    """Start a run in a process of its own and kill it some time after it has written some lines."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{Path(__file__).parent}"}
    process = subprocess.Popen([sys.executable, "-c", CODE, str(out)], env=environment)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        stored = out / "episodes.jsonl"
        if stored.exists() and stored.read_bytes().count(b"\n") >= lines:
            break
        time.sleep(0.002)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.wait()


def _check(out: Path, seed: int) -> None:
    dice = random.Random(seed)
    _kill_after(out, dice.randrange(0, 12), dice.random() * 0.05)
    done = {record.key for record in read_run(out)} if (out / "run.json").exists() else set()
    backend = Counting(lambda request: answered())
    run(out, players=Players(Asker(), Listener(), backend))
    assert sorted(keys(out)) == [str(key) for key in SUITE.episode_keys()]
    assert backend.calls == sum(len(record.episode.turns) for record in read_run(out) if record.key not in done)
    assert verify(out).is_good


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_run_goes_on(tmp_path: Path, seed: int) -> None:
    _check(tmp_path / "run", seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 22))
def test_a_run_killed_at_many_moments_goes_on(tmp_path: Path, seed: int) -> None:
    _check(tmp_path / "run", seed)

"""Agents of people's own, `py:` and `cmd:`, as the command line meets them in a working directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

AGENTS = """
import os, sys, time
from pathlib import Path

def fair(messages): return "That sounds heavy. What weighs most?"
def leave(messages):
    sys.exit(3)
def once(messages):
    if Path("once").exists(): raise ValueError("a second episode")
    Path("once").touch()
def interrupt(messages): raise KeyboardInterrupt
async def later(messages): return "Later."
def hang(messages):
    Path("asked").write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    hang([])
"""
ONE = ("run", "--level", "0", "--personas", "tom", "--display", "none", "--out", "r")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a working directory with agents in it, and the command elsewhere."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "command.py").write_text("from emosim.cli import main; main()")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "ag.py").write_text(AGENTS)
    return tmp_path / "work"


def _hears_interrupts() -> None:
    """Undo what a shell does to what it runs in the background: interrupts would be ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def start(place: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(place.parent / "bin" / "command.py"), *args],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, cwd=place,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_hears_interrupts,
    )  # fmt: skip


def said(place: Path, *args: str) -> tuple[int, str, str]:
    process = start(place, *args)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_modules_of_the_working_directory_are_found(place: Path) -> None:
    assert said(place, *ONE, "--agent", "py:ag:fair")[0] == 0


def test_a_failure_beside_what_is_finished_is_quoted_with_its_place(place: Path) -> None:
    args = ("run", "--level", "0,0.5", "--personas", "tom", "--display", "none", "--out", "r", "--concurrency", "1")
    code, out, _ = said(place, *args, "--agent", "py:ag:once")
    assert (code, "1 of 2 episodes finished" in out, "emosim verify r" in out) == (0, True, True)
    assert "first failure: core/tom:en:" in out
    assert "raised ValueError: a second episode (ag.py:9)" in out


@pytest.mark.parametrize(
    ("agent", "code", "message"),
    [
        ("py:ag:leave", 1, f"raised SystemExit: 3 (ag.py:7); see {Path('r') / 'failures.jsonl'}"),
        ("py:ag:interrupt", 130, "stopped; what is finished is kept"),
        ("py:ag:later", 2, "'later' is async"),
    ],
)
def test_whatever_a_function_raises_is_one_line(place: Path, agent: str, code: int, message: str) -> None:
    got, _, err = said(place, *ONE, "--agent", agent)
    assert (got, err.count("\n")) == (code, 1), err
    assert message in err


def test_the_time_for_one_answer_holds_for_commands(place: Path) -> None:
    code, _, _ = said(place, *ONE, "--agent", f"cmd:{sys.executable} ag.py", "--timeout-s", "0.5")
    assert code == 1
    assert "gave no reply within 0.5 s" in (place / "r" / "failures.jsonl").read_text()


@pytest.mark.parametrize("agent", ["py:ag:hang", f"cmd:{sys.executable} ag.py"])
def test_control_c_ends_a_run_whose_agent_hangs(place: Path, agent: str) -> None:
    process = start(place, "run", "--display", "none", "--out", "r", "--agent", agent)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (place / "asked").exists():
        time.sleep(0.02)
    time.sleep(0.1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert err == "emosim: stopped; what is finished is kept, the same command goes on from there\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int((place / "asked").read_text()), 0)

"""What commands read and write: places without a name, files of others, files that cannot be read."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import emosim
from emosim.cli.display import display_of

Said = Callable[..., tuple[int, str, str]]
SMALL = ("--agent", "baseline:template", "--personas", "tom", "--level", "0")


def test_a_closed_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert display_of("auto") == "plain"


def test_a_closed_stdin_ends_the_chat(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    piped = said("play", "tom", "--seed", "1")
    monkeypatch.setattr(sys, "stdin", None)
    closed = said("play", "tom", "--seed", "1")
    assert closed == piped
    assert closed[0] == 0


def test_ctrl_c_ends_the_chat_and_shows_how_it_went(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    keys = io.StringIO()
    monkeypatch.setattr(keys, "readline", interrupted)
    monkeypatch.setattr(sys, "stdin", keys)
    code, out, err = said("play", "tom")
    assert (code, err) == (0, "")
    assert "ending: you stopped" in out


def test_the_module_is_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "emosim", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == emosim.__version__


@pytest.mark.parametrize(("name", "told"), [("", "it is empty; name a directory"), ("r\udcff", "no text")])
def test_a_place_without_a_name_is_refused(said: Said, tmp_path: Path, name: str, told: str) -> None:
    for args in (("run", *SMALL), ("merge", "r"), ("rescore", "r", "--reward", "final")):
        code, out, err = said(*args, "--out", name)
        assert (code, out) == (2, "")
        assert f"'--out': {told}" in err or told in err
    assert list(tmp_path.iterdir()) == []


def test_failures_that_cannot_be_read_are_no_proof(said: Said) -> None:
    said("run", *SMALL, "--out", "r")
    Path("r/failures.jsonl").write_text("x\n")
    code, out, _ = said("verify", "r")
    assert (code, "failures.jsonl:1: the line is damaged" in out) == (1, True)


def test_a_chat_is_not_saved_over_a_file_of_others(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("kept.txt").write_text("keep")
    monkeypatch.setattr(sys, "stdin", io.StringIO("/save kept.txt\n/save chat.json\n/save chat.json\n/quit\n"))
    out = said("play", "tom")[1]
    assert "not saved: kept.txt is there already; give another name" in out
    assert out.count("saved to chat.json") == 2
    assert Path("kept.txt").read_text() == "keep"


def test_runs_in_another_form_are_for_the_version_that_wrote_them(said: Said) -> None:
    for name in ("episodes.jsonl", "run.json"):
        said("run", *SMALL, "--out", "r")
        path = Path("r", name)
        path.write_text(re.sub(r'"schema_version": ?\d', '"schema_version":9', path.read_text(), count=1))
        code, out, err = said("verify", "r")
        assert code == 1
        assert f"{name}" in out + err
        assert "schema_version 9 is not known here; read it with the version of emosim that wrote it" in out + err
        assert "delete" not in out + err

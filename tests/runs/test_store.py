"""The directory: torn lines, full disks, two writers, damaged files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import SUITE, Asker, Counting, Listener, answered, keys, run

from emosim.errors import RunError, UsageError
from emosim.runs import Players, read_config, read_run, verify
from emosim.runs.ledger import Ledger, read_lines, repair
from emosim.runs.lock import Lock, is_dead
from emosim.runs.store import write_whole
from emosim.suite import Suite

SMALL = Suite(personas=("dolores",), levels=(0.0,), repeats=4)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    run(out, SMALL, Players(Asker(), Listener(), Counting(lambda request: answered())))
    return out


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_file_cut_at_any_byte_is_repaired(played: Path, tmp_path: Path, share: float) -> None:
    whole = (played / "episodes.jsonl").read_bytes()
    copy = tmp_path / "copy"
    copy.mkdir(exist_ok=True)
    (copy / "run.json").write_bytes((played / "run.json").read_bytes())
    cut = int(share * len(whole))
    (copy / "episodes.jsonl").write_bytes(whole[:cut])
    left = [record.key for record in read_run(copy)]
    backend = Counting(lambda request: answered())
    run(copy, SMALL, Players(Asker(), Listener(), backend))
    missing = [record for record in read_run(played) if record.key not in left]
    assert backend.calls == sum(len(record.episode.turns) for record in missing)
    assert (copy / "episodes.jsonl").read_bytes() == whole
    assert verify(copy).is_good


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_last_line_that_only_lacks_its_end_is_kept(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'{"a":1}\n{"b":2}\n'[: 16 - cut])
    repair(path)
    assert path.read_bytes() == b'{"a":1}\n' + (b'{"b":2}\n' if cut < 2 else b"")


def test_long_lines_are_repaired_too(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'{"a":"' + b"x" * 200_000 + b'"}\n{"b":"' + b"y" * 300_000)
    repair(path)
    assert path.stat().st_size == 200_009


def test_a_damaged_middle_line_is_named(tmp_path: Path) -> None:
    run(tmp_path, SMALL)
    path = tmp_path / "episodes.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:100] + b"\n" + lines[2])
    with pytest.raises(RunError, match=r"episodes\.jsonl:2: the line is damaged"):
        run(tmp_path, SMALL)
    with pytest.raises(RunError, match=r"episodes\.jsonl:2: the line is damaged"):
        list(read_run(tmp_path))
    lines[1] = lines[1].replace(b'"seed":', b'"seed":"x","was":', 1)
    path.write_bytes(b"".join(lines))
    with pytest.raises(RunError, match=r"episodes\.jsonl:2: episode\.seed: Input should be"):
        list(read_run(tmp_path))


def test_a_full_disk_is_one_line_and_harms_nothing() -> None:
    ledger = Ledger(Path("/dev/full"))
    with pytest.raises(RunError, match=r"cannot write /dev/full: No space left on device; make room and run the same"):
        ledger.add("{}")
    ledger.close()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs a file size limit")
def test_a_disk_that_fills_up_keeps_what_was_whole(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path; from stage import run, SMALL_LIMIT\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_LIMIT, SMALL_LIMIT))\n"
        "run(Path(sys.argv[1]))"
    )
    done = _python(code, str(tmp_path / "run"))
    assert "RunError: cannot write" in done.stderr
    assert "File too large" in done.stderr
    kept = list(read_lines(tmp_path / "run" / "episodes.jsonl"))
    assert 0 < len(kept) < 16
    assert all(json.loads(line) for _, line in kept)
    assert run(tmp_path / "run").status == "complete"
    assert verify(tmp_path / "run").is_good


def test_a_file_written_whole_is_there_or_not(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot write"):
        write_whole(tmp_path / "missing" / "summary.json", "{}")
    write_whole(tmp_path / "summary.json", "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "under"):
        with pytest.raises(UsageError, match=r"file.* is a file, or lies under one; .* choose another --out"):
            run(place)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "episodes.jsonl").write_text("{}\n")
    with pytest.raises(RunError, match=r"holds episodes but no run\.json"):
        run(tmp_path / "odd")


def test_a_damaged_run_json_is_named(tmp_path: Path) -> None:
    run(tmp_path, SMALL)
    (tmp_path / "run.json").write_text('{"config": {"schema_version": 1}}')
    with pytest.raises(RunError, match=r"run\.json: config\.suite: Field required"):
        read_config(tmp_path)


def test_two_writers_never_share_a_directory(tmp_path: Path) -> None:
    with Lock(tmp_path):
        with pytest.raises(RunError, match=rf"another run writes here .*process {os.getpid()} on"), Lock(tmp_path):
            pass
        assert (tmp_path / "run.lock").exists()
    assert not (tmp_path / "run.lock").exists()


def test_another_process_is_kept_out(tmp_path: Path) -> None:
    with Lock(tmp_path):
        done = _python(
            "import sys; from pathlib import Path; from stage import run; run(Path(sys.argv[1]))", str(tmp_path)
        )
    assert "another run writes here" in done.stderr
    assert not (tmp_path / "episodes.jsonl").exists()


def test_a_lock_of_the_dead_is_taken_over(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "run.lock").write_text(f"{socket.gethostname()} {gone.pid} 12345")
    with Lock(tmp_path):
        assert (tmp_path / "run.lock").read_text().split()[1] == str(os.getpid())


def test_a_process_id_that_somebody_else_has_now_is_dead() -> None:
    host = socket.gethostname()
    assert is_dead(f"{host} {os.getppid()} 1")
    assert is_dead("")
    assert not is_dead(f"elsewhere {os.getpid()} 1")
    assert not is_dead(f"{host} {os.getpid()} {Path('/proc/self/stat').read_text().rpartition(')')[2].split()[19]}")


def test_an_unfinished_lock_is_left_alone_until_it_is_old(tmp_path: Path) -> None:
    (tmp_path / "run.lock").write_text("")
    with pytest.raises(RunError, match="another run writes here"), Lock(tmp_path):
        pass
    old = time.time() - 60
    os.utime(tmp_path / "run.lock", (old, old))
    with Lock(tmp_path):
        pass


def test_secrets_are_never_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "hunter2-hunter2")
    monkeypatch.setattr(
        sys, "argv", ["emosim", "run", "--agent", "http://me:pass@host/v1#m", "sk-abcdefghijklmnop1234"]
    )
    agent = Asker("cmd:agent --key hunter2-hunter2")
    run(tmp_path, SUITE, Players(agent, Listener(), Counting(lambda request: answered())))
    stored = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    assert not any(secret in stored for secret in ("hunter2", "me:pass", "sk-abc"))
    assert verify(tmp_path).is_good
    assert len(keys(tmp_path)) == 16


def _python(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{Path(__file__).parent}"}
    return subprocess.run(
        [sys.executable, "-c", code, *args], env=environment, capture_output=True, text=True, check=False
    )

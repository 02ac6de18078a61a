"""What README shows is what happens: the Python runs, the commands exist, the names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emosim.cli.app import run_args
from emosim.policies.roster import POLICY_NAMES
from emosim.users.roster import resolve_user

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second, third = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(first, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 3
    assert all(re.match(r"\s*\d+\.\d [+-]\d\.\d{3} \S", line) for line in lines)
    exec(compile(second, "README.md", "exec"), {"__name__": "readme"})
    assert re.fullmatch(r"(core/dolores:en:L0.30:s000\d [01]\.\d+\n){2}", capsys.readouterr().out)
    assert run_args(["verify", "runs/training"]) == 0
    assert compile(third, "README.md", "exec"), "needs TRL and a model; tests/adapters/trl runs the like"


def test_the_main_job_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [job] = re.findall(r"\.venv/bin/emosim (run core .*?) && \.venv/bin/emosim (verify .*?)\n", README)
    monkeypatch.chdir(tmp_path)
    assert run_args([*job[0].split(), "--display", "none", "--personas", "dolores,feng"]) == 0
    assert run_args(job[1].split()) == 0


def test_users_agents_and_pictures_that_it_names_exist() -> None:
    for spec in ("rules", "rules:semantic", "rules:sage", "llm:local", "sage:local", "rlver-vanilla:local", "human"):
        assert resolve_user(spec)
        assert spec.split(":")[0] in README
    assert "baseline:rung3" in POLICY_NAMES
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).is_file()
    for path in re.findall(r"`((?:tests|examples|personas)/[\w./-]+)`", README):
        assert (ROOT / path).exists(), path

"""The frame: guide, one-line errors, exit codes, what `list` and `show` say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from emosim.cli.app import exit_code, run_args
from emosim.errors import BudgetExceeded, EmosimError, MissingExtra, PackError, RunError, SimulationError, UsageError
from emosim.packs import cast, load_pack

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command and return exit code, stdout and stderr."""

    def run(*args: str) -> tuple[int, str, str]:
        code = run_args(args)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def command(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    code = "from emosim.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        env={**os.environ, "PYTHONPATH": root, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_bare_command_names_three_next_steps(said: Said) -> None:
    code, out, err = said()
    assert (code, err) == (0, "")
    assert sum(line.startswith("  emosim ") for line in out.splitlines()) == 3


def test_version_and_help(said: Said) -> None:
    from emosim import __version__

    assert said("--version") == (0, f"{__version__}\n", "")
    code, out, _ = said("--help")
    assert code == 0
    assert "130 Ctrl-C" in " ".join(out.split())
    assert all(name in out for name in ("run", "verify", "rescore", "merge", "list", "show"))


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        (("rnu",), "no such command 'rnu'. Did you mean 'run'"),
        (("run", "--agnet", "x"), "no such option: --agnet"),
        (("verify",), "missing argument 'RUN'"),
        (("run", "-n", "0"), "invalid value for '--repeats'"),
        (("run", "-n", "x"), "invalid value for '--repeats'"),
        (("list", "persona"), "nothing to list called 'persona' (did you mean 'personas'?)"),
        (("show", "core/dolorse"), "no persona 'dolorse' in pack 'core' (did you mean 'dolores'?)"),
        (("show", "coer/dolores"), "no pack 'coer' (did you mean 'core'?)"),
        (("show", "dolores", "--language", "fr"), "no language 'fr'"),
        (("run", "coer"), "no pack 'coer' (did you mean 'core'?)"),
        (("run", "--personas", "dolores,tmo"), "no persona 'tmo' in pack 'core' (did you mean 'tom'?)"),
        (("run", "--personas", ""), "--personas is empty; name some with commas"),
        (("frontier", "--agent", "baseline:echo", "--personas", ","), "--personas is empty"),
        (("ceiling", "--agent", "baseline:echo", "--personas", " "), "--personas is empty"),
        (("run", "--level", "2"), "level must be a number from 0 to 1, not 2.0"),
        (("run", "--level", "hard"), "--level: 'hard' is not a number"),
        (("run", "--level", ","), "--level is empty"),
        (("run", "--knob", "skeptic=1"), "unknown knob 'skeptic' (did you mean 'skepticism'?)"),
        (("run", "--knob", "skepticism=2"), "knob 'skepticism' must be a number from 0 to 1"),
        (("run", "--knob", "skepticism"), "write --knob skepticism=0.8"),
        (("run", "--knob", "skepticism=0.1", "--knob", "skepticism=0.9"), "--knob: skepticism is set twice"),
        (("run", "--agent", "local", "--agent-temperature", "nan"), "temperature must be a number from 0, not nan"),
        (("run", "--agent", "local", "--agent-temperature", "-1"), "temperature must be a number from 0, not -1.0"),
        (("run", "--language", "fr"), "no language 'fr' (known: en, zh)"),
        (("run", "--agent", "baseline:orcale"), "did you mean 'baseline:oracle'?"),
        (("run", "--agent", "py:nowhere:nothing"), "cannot import 'nowhere'"),
        (("run", "--user", "rulse"), "no user 'rulse' (did you mean 'rules'?)"),
        (("run", "--user", "llm"), "needs a model"),
        (("run", "--user", "llm:opneai:x"), "did you mean 'openai'?"),
        (("run", "--reward", "dleta"), "unknown reward 'dleta' (did you mean 'delta'?)"),
        (("run", "--shard", "3/3"), "no shard '3/3'"),
        (("run", "--gate", "score=1"), "no gate 'score=1'; write it as 'score>=0.7'"),
        (("run", "--gate", "scor>=1"), "no metric 'scor' (did you mean 'score'?)"),
        (("run", "--display", "fancy"), "no display 'fancy'"),
        (("run", "--prices", "/nowhere.toml"), "/nowhere.toml"),
        (("run", "--agent", "http://127.0.0.1:9/v1#m", "--max-cost", "1"), "--prices FILE"),
        (("run", "--user", "rules:foo"), "(known: lexical, sage, semantic)"),
        (("run", "@/tmp"), "@/tmp: a file of settings ends in .toml, such as emosim run @run.toml"),
        (("run", "--agent", "http://127.0.0.1:9/v1#m", "--agent-system", "/nowhere"), "cannot read /nowhere"),
        (("merge", "--out", "x"), "missing argument"),
    ],
)
def test_what_is_wrong_is_one_line_that_helps(said: Said, args: tuple[str, ...], answer: str) -> None:
    code, out, err = said(*args)
    assert (code, out) == (2, "")
    assert err.startswith("emosim: ")
    assert err.count("\n") == 1
    assert answer in err


def test_a_missing_key_and_a_missing_package_say_what_to_type(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert "OPENAI_API_KEY" in said("run", "--agent", "openai:gpt-5-mini")[2]
    code, _, err = said("run", "--agent", "litellm:x/y")
    assert code in (1, 2)
    assert "pip install 'emosim[litellm]'" in err or code == 1


def test_a_malformed_pack_names_file_line_and_key(said: Said, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pack.toml").write_text('schema_version = 1\nid = "mine"\nverzion = "1.0.0"\n')
    code, _, err = said("run", str(tmp_path / "mine"))
    assert code == 2
    assert "pack.toml:" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "args", [("verify",), ("rescore", "--reward", "final"), ("merge", "--out", "x"), ("diversity",)]
)
def test_what_is_no_run_is_said_so(said: Said, tmp_path: Path, args: tuple[str, ...]) -> None:
    code, _, err = said(args[0], str(tmp_path), *args[1:])
    told = f"emosim: {tmp_path} is no run: it has no run.json; name the directory that emosim run --out wrote\n"
    assert (code, err) == (2, told)


def test_each_error_has_its_exit_code() -> None:
    assert exit_code(UsageError("")) == exit_code(PackError("")) == exit_code(MissingExtra("x", "y")) == 2
    assert exit_code(BudgetExceeded("")) == 4
    assert exit_code(RunError("")) == exit_code(SimulationError("")) == exit_code(EmosimError("")) == 1


def test_a_traceback_only_when_asked_for() -> None:
    quiet, loud = command("show", "nobody"), command("show", "nobody", EMOSIM_DEBUG="1")
    assert quiet.returncode == loud.returncode == 2
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr


def test_a_closed_pipe_is_no_traceback() -> None:
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        f'{sys.executable} -c "from emosim.cli import main; main()" list personas --json | head -c 10',
        shell=True, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("args", "step"),
    [
        ((), "Next: emosim play sakura   talk to Sakura Endo yourself\n"),
        (("--persona", "tom"), "Next: emosim play tom   talk to Tom Okafor yourself\n"),
        (("--persona", "tom", "--language", "zh"), "Next: emosim play tom --language zh   talk to "),
    ],
)
def test_the_demo_is_the_same_each_time_and_ends_with_who_played(said: Said, args: tuple[str, ...], step: str) -> None:
    shown = said("demo", *args)
    assert shown == said("demo", *args)
    assert (shown[0], step in shown[1]) == (0, True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_demo_plays_where_a_terminal_cannot_show_everything(language: str) -> None:
    result = command("demo", "--language", language, PYTHONIOENCODING="latin-1")
    assert (result.returncode, result.stderr) == (0, "")
    assert "mood ????" in result.stdout


@pytest.mark.parametrize("what", ["packs", "personas", "knobs", "agents", "users", "rewards"])
def test_lists_for_people_and_for_programs(said: Said, what: str) -> None:
    rows = json.loads(said("list", what, "--json")[1])
    code, out, _ = said("list", what)
    assert code == 0
    assert len(out.splitlines()) == len(rows) + 1
    assert rows


def test_all_personas_are_listed(said: Said) -> None:
    rows = json.loads(said("list", "personas", "--json")[1])
    assert [row["persona"] for row in rows] == [f"core/{name}" for name in load_pack().personas]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("persona", load_pack().personas)
def test_showing_a_persona_spoils_nothing(said: Said, persona: str, language: str) -> None:
    scenario = cast(persona, language).scenario  # type: ignore[arg-type]
    _, shown, _ = said("show", f"core/{persona}", "--language", language)
    _, shown_json, _ = said("show", persona, "--language", language, "--json")
    secrets = [scenario.need_text, scenario.situation, scenario.need.value, *(fact.text for fact in scenario.facts)]
    assert not any(secret in text for secret in secrets for text in (shown, shown_json))
    _, revealed, _ = said("show", persona, "--language", language, "--reveal")
    assert all(secret in revealed for secret in secrets)

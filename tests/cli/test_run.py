"""`emosim run` and what can be done with a run later, as a person or a CI job uses them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from emosim.cli.display import clock, display_of, money
from emosim.runs import read_run
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import answer

Said = Callable[..., tuple[int, str, str]]
SMALL = ("--personas", "dolores,tom", "--level", "0,0.5", "--agent", "baseline:template")


def test_a_batch_and_its_proof(said: Said) -> None:
    code, out, err = said("run", "core", *SMALL, "--out", "r")
    assert code == 0
    assert "4 of 4 episodes finished" in out
    assert "emosim verify r" in out
    assert "4/4 done" in err
    assert "\x1b" not in out + err
    code, out, _ = said("verify", "r", "--reperceive")
    assert (code, out.partition(":")[2]) == (0, " every number recomputes\n")


def test_the_same_command_finds_its_run_again(said: Said, tmp_path: Path) -> None:
    for _ in range(2):
        code, out, _ = said("run", *SMALL)
        assert code == 0
    runs = list((tmp_path / "runs").iterdir())
    assert len(runs) == 1
    assert runs[0].name.startswith("core-template-")
    assert len(list(read_run(runs[0]))) == 4
    assert runs[0].name in out


def test_json_is_all_that_stands_on_stdout(said: Said) -> None:
    code, out, err = said("run", *SMALL, "--out", "r", "--json", "--display", "none")
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(Path("r/summary.json").read_text())


def test_other_settings_are_refused(said: Said) -> None:
    said("run", *SMALL, "--out", "r")
    code, _, err = said("run", *SMALL, "--out", "r", "--seed", "3")
    assert code == 2
    assert "suite.seed: 0 -> 3" in err


@pytest.mark.parametrize(
    ("gates", "code"),
    [(("score>=0",), 0), (("score>=0", "score>0.99"), 3), (("fault_rate<0.01",), 0), (("score.low>=0.99",), 3)],
)
def test_gates_decide_the_exit_code(said: Said, gates: tuple[str, ...], code: int) -> None:
    options = [word for gate in gates for word in ("--gate", gate)]
    result = said("run", *SMALL, "--out", "r", *options)
    assert result[0] == code
    assert result[2].count("emosim: gate ") == len(gates)
    assert ("FAILED" in result[2]) is (code == 3)


def test_ci_gets_a_page(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "page.md")
    said("run", *SMALL, "--out", "r", "--gate", "score>=0")
    page = Path("page.md").read_text()
    assert "| L0.50 |" in page
    assert "gate score>=0: passed" in page


def test_options_from_the_environment(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSIM_RUN_PERSONAS", "vera")
    monkeypatch.setenv("EMOSIM_RUN_LEVEL", "1")
    said("run", "--out", "r")
    assert [record.key for record in read_run("r")] == ["core/vera:en:L1.00:s0000"]


def test_a_broken_number_is_printed(said: Said) -> None:
    said("run", *SMALL, "--out", "r")
    path = Path("r/episodes.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    line = json.loads(lines[1])
    line["episode"]["turns"][0]["appraisal"]["fit"] += 0.1
    lines[1] = json.dumps(line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, out, _ = said("verify", "r")
    assert code == 1
    assert out.startswith("episodes.jsonl:2: core/dolores:en:L0.50:s0000: turn 1: appraisal.fit is not what was sealed")
    code, out, _ = said("verify", "r", "--json")
    assert (code, json.loads(out)["good"]) == (1, False)


def test_what_was_lost_is_no_proof(said: Said) -> None:
    said("run", *SMALL, "--out", "r")
    Path("r/episodes.jsonl").unlink()
    code, out, _ = said("verify", "r")
    assert (code, len(out.splitlines()), "recomputes" in out) == (1, 2, False)
    Path("r/summary.json").unlink()
    code, out, _ = said("verify", "r")
    assert (code, out.startswith("0 episodes, 0 turns: no finished episode is stored")) == (1, True)


def test_rescoring_and_merging(said: Said) -> None:
    for index in range(2):
        assert said("run", *SMALL, "--shard", f"{index}/2", "--out", f"s{index}")[0] == 0
    assert said("merge", "s0", "s1", "--out", "m")[0] == 0
    code, out, _ = said("rescore", "m", "--reward", "padded_auc", "--json")
    assert (code, json.loads(out)["reward"]) == (0, "padded_auc")
    assert said("verify", "m-padded_auc")[0] == 0


def test_what_is_missing_and_what_was_earned_is_told_as_it_is(said: Said) -> None:
    said("run", *SMALL, "--repeats", "4", "--shard", "0/2", "--out", "s")
    code, out, _ = said("merge", "s", "--out", "m")
    assert code == 0
    assert "the rest is in none of the runs; the command that played them, without --shard and with --out m" in out
    _, out, _ = said("rescore", "m", "--reward", "2*peak_end")
    assert "the rest is not finished in m either; play it there and rescore again" in out
    lines = Path("m-2xpeak_end/episodes.jsonl").read_text(encoding="utf-8").splitlines()
    earned = [json.loads(line)["return"] for line in lines if ":L0.00:" in line]
    (row,) = (line.split() for line in out.splitlines() if line.startswith("L0.00"))
    assert f"{sum(earned) / len(earned):.3f}" in row


def test_a_search_misses_nothing_once_it_is_rescored(said: Said) -> None:
    said("frontier", "--budget", "24", "--agent", "baseline:template", "--out", "f", "--display", "none")
    _, out, _ = said("rescore", "f", "--reward", "final", "--out", "g")
    assert "24 of 24 episodes finished\n" in out
    assert said("verify", "g")[0] == 0


@pytest.mark.parametrize(
    "args",
    [
        ("run", *SMALL, "--out", "file"),
        ("run", *SMALL, "--out", "file/under"),
        ("rescore", "r", "--reward", "final", "--out", "r"),
        ("rescore", "r", "--reward", "final", "--out", "file"),
        ("merge", "r", "--out", "r"),
        ("merge", "r", "--out", "file"),
        ("verify", "file"),
        ("verify", "nowhere"),
        ("run", "--agent", "http://127.0.0.1:9/v1#fake", "--cassette", "file"),
    ],
)
def test_a_wrong_place_is_a_mistake_of_usage(said: Said, args: tuple[str, ...]) -> None:
    said("run", *SMALL, "--out", "r")
    Path("file").write_text("")
    code, out, err = said(*args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert any(step in err for step in ("choose another", "name the directory"))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("run.json", "{", "emosim: r/run.json: Invalid JSON: EOF"),
        ("run.json", "[]", "emosim: r/run.json: Input should be an object, not []; restore the file"),
        ("episodes.jsonl", "[]\n", "emosim: r/episodes.jsonl:1: Input should be an object, not []; restore the file"),
        ("episodes.jsonl", "{\n", "emosim: r/episodes.jsonl:1: the line is damaged (no JSON); restore the file"),
        ("failures.jsonl", '{"a": 1}\n', "emosim: r/failures.jsonl:1: key: Field required; restore the file"),
    ],
)
def test_damaged_files_are_named_with_their_place(said: Said, name: str, text: str, told: str) -> None:
    said("run", *SMALL, "--out", "r")
    Path("r", name).write_text(text)
    code, out, err = said("rescore", "r", "--reward", "final")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(told)


def test_a_wrong_summary_is_named_and_not_poured_out(said: Said) -> None:
    said("run", *SMALL, "--out", "r")
    Path("r/summary.json").write_text(json.dumps({"hoax": list(range(50))}))
    code, out, _ = said("verify", "r")
    assert (code, out.splitlines()[0].partition(";")[0]) == (1, "summary.json: status: Field required")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("p.json", "x", "prices file p.json: no JSON (Expecting value"),
        ("p.toml", "x", "prices file p.toml: no TOML (Expected '='"),
        ("p.json", "[]", "prices file p.json: Input should be a valid dictionary; write"),
        ("p.json", '{"m": 3}', "prices file p.json: m: Input should be a valid dictionary"),
    ],
)
def test_wrong_prices_are_told_with_an_example(said: Said, name: str, text: str, told: str) -> None:
    Path(name).write_text(text)
    code, _, err = said("run", *SMALL, "--prices", name)
    assert (code, err.count("\n"), '{"MODEL": {"input": 0.5, "output": 1.5}}' in err) == (2, 1, True)
    assert told in err


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("--level", "0,,1"), "'0,,1' has a comma too many; write it as 0,1"),
        (("--personas", "tom,"), "'tom,' has a comma too many; write it as tom"),
        (("--agent-temperature", "nan"), "--agent-temperature does nothing for the agent 'baseline:rung3'"),
        (("--agent-max-tokens", "9", "--agent", "cmd:cat"), "--agent-max-tokens does nothing for the agent 'cmd:cat'"),
        (("--think", "--agent", "attack:flattery"), "--think does nothing for the agent 'attack:flattery'"),
        (("--agent-system", "no.txt"), "--agent-system"),
        (("--think", "--agent", "baselin:rung2"), "no agent 'baselin:rung2' (did you mean 'baseline:rung2'?)"),
    ],
)
def test_what_would_be_ignored_is_refused(said: Said, typed: tuple[str, ...], told: str) -> None:
    code, out, err = said("run", *typed, "--dry-run")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


def test_an_error_names_the_variables_that_set_options(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSIM_RUN_LEVEL", "high")
    code, _, err = said("run", "--personas", "tom")
    assert (code, err) == (2, "emosim: --level: 'high' is not a number; settings were read from EMOSIM_RUN_LEVEL\n")
    assert "EMOSIM_RUN_LEVEL" not in said("verify", "nowhere")[2]


def test_a_dry_run_asks_nothing(said: Said) -> None:
    with FakeServer("I hear you.") as server:
        spec = f"{server.url}#fake"
        code, out, _ = said("run", *SMALL, "--agent", spec, "--user", f"llm:{spec}", "--dry-run", "--out", "r")
        assert server.requests == 0
    assert code == 0
    assert "4 episodes to play of 4" in out
    assert "calls, about" in out
    assert "$?" in out
    assert not Path("r").exists()


def test_a_dry_run_is_json_where_that_is_asked_for(said: Said) -> None:
    with FakeServer("I hear you.") as server:
        spec = f"{server.url}#fake"
        code, out, err = said("run", *SMALL, "--agent", spec, "--dry-run", "--json", "--out", "r")
    planned = json.loads(out)
    assert (code, err, planned["episodes"], planned["planned"], planned["done"]) == (0, "", 4, 4, 0)
    assert planned["agent"]["calls"] == planned["turns"] > 4
    assert planned["agent"]["tokens"] > planned["turns"]
    assert planned["user"] == {"name": "rules", "calls": None, "tokens": None, "cost": None}
    assert json.loads(said("frontier", "--budget", "40", "--dry-run", "--json")[1])["episodes"] == 40


def test_a_dry_run_refuses_what_the_run_would_refuse(said: Said) -> None:
    said("run", *SMALL, "--out", "r")
    assert "0 episodes to play of 4 (4 are done)" in said("run", *SMALL, "--out", "r", "--dry-run")[1]
    Path("file").write_text("")
    for wrong in (("--out", "r", "--seed", "3"), ("--out", "file"), ("--repeats", "99999999999", "--out", "s")):
        dry, real = said("run", *SMALL, *wrong, "--dry-run"), said("run", *SMALL, *wrong)
        assert dry == real
        assert (dry[0], dry[1], dry[2].count("\n")) == (2, "", 1)
    assert "399,999,999,996 episodes are more than a suite may hold (1,000,000); play parts of it" in dry[2]


def test_a_dry_run_of_a_large_suite_is_soon_done(said: Said) -> None:
    begun = time.monotonic()
    assert "100000 episodes to play of 100000" in said("run", *SMALL, "--repeats", "25000", "--dry-run")[1]
    assert time.monotonic() - begun < 10


def test_a_model_agent_plays_and_what_it_used_is_counted(said: Said) -> None:
    with FakeServer("That sounds heavy. What weighs most?") as server:
        code, out, _ = said("run", *SMALL, "--agent", f"{server.url}#fake", "--out", "r")
    assert code == 0
    turns = sum(len(record.episode.turns) for record in read_run("r"))
    assert f"agent: {turns} calls" in out
    assert said("verify", "r")[0] == 0


def test_the_budget_is_hard_and_keeps_what_is_done(said: Said) -> None:
    with FakeServer("Go on?") as server:
        spec = ("--agent", f"{server.url}#fake", "--concurrency", "1", "--out", "r")
        code, _, err = said("run", *SMALL, *spec, "--max-calls", "12")
        done = len(list(read_run("r")))
        assert code == 4
        assert "budget reached" in err
        assert 0 < done < 4
        assert said("run", *SMALL, *spec)[0] == 0
    assert len(list(read_run("r"))) == 4


def test_what_the_budget_cuts_short_is_counted_and_the_remedy_named(said: Said) -> None:
    with FakeServer("Go on?") as server:
        args = ("run", *SMALL, "--agent", f"{server.url}#fake", "--out", "r", "--max-calls", "8")
        for sitting in (1, 2):
            code, out, err = said(*args)
            summary = json.loads(Path("r/summary.json").read_text())
            assert (code, summary["finished"], summary["failed"]) == (4, 0, 0)
            assert summary["cut"]["attempts"] == 4 * sitting
            assert summary["usage"]["agent"]["calls"] == summary["cut"]["usage"]["calls"] == 8 * sitting
            assert f"agent: {8 * sitting} calls" in out
            assert f"{4 * sitting} episodes were cut short and start anew, {8 * sitting} calls" in err
            assert "--concurrency" in err
            assert "--cassette" in err
        assert said(*args[:-2])[0] == 0
    summary = json.loads(Path("r/summary.json").read_text())
    turns = sum(len(record.episode.turns) for record in read_run("r"))
    assert (summary["usage"]["agent"]["calls"], summary["faults"]["attempts"]) == (16 + turns, 0)
    said("rescore", "r", "--reward", "final", "--out", "s")
    assert json.loads(Path("s/summary.json").read_text())["usage"] == summary["usage"]


def test_the_price_is_known_or_shown_as_unknown(said: Said) -> None:
    Path("p.toml").write_text("[fake]\ninput = 10.0\noutput = 10.0\n")
    with FakeServer("Go on?") as server:
        spec = ("--agent", f"{server.url}#fake")
        code, out, _ = said("run", *SMALL, *spec, "--prices", "p.toml", "--max-cost", "100", "--out", "a")
        assert code == 0
        assert "tokens, $0." in out
        _, out, _ = said("run", *SMALL, *spec, "--out", "b")
        assert "tokens, $?" in out
        code, _, _ = said("run", *SMALL, *spec, "--prices", "p.toml", "--max-cost", "0.003", "--out", "c")
        assert code == 4


def test_an_unreachable_server_is_one_line(said: Said) -> None:
    args = ("--agent", "http://127.0.0.1:9/v1#fake", "--personas", "tom", "--level", "0", "--timeout-s", "0.5")
    code, out, err = said("run", *args, "--out", "r", "--display", "none")
    assert code == 1
    assert "unreachable" in Path("r/failures.jsonl").read_text()
    assert err.startswith("emosim: no episode could be finished; first failure: core/tom:en:L0.00:s0000, turn 1: ")
    assert "127.0.0.1:9" in err
    assert err.endswith("; see r/failures.jsonl\n")
    assert "verify" not in out


def test_text_of_a_model_cannot_steer_the_terminal(said: Said) -> None:
    with FakeServer("\x1b[2J\x07\x9b31mpwned") as server:
        _, out, err = said("run", *SMALL, "--agent", f"{server.url}#fake", "--out", "r")
    assert not any(code in out + err for code in ("\x1b", "\x07", "\x9b"))


def _hears_interrupts() -> None:
    """Undo what a shell does to what it runs in the background: interrupts would be ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_control_c_flushes_and_says_130(tmp_path: Path) -> None:
    with FakeServer("Go on?", latency_s=0.05) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", "from emosim.cli import main; main()", "run", "--agent", f"{server.url}#fake",
             "--concurrency", "2", "--out", str(tmp_path / "r")],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_hears_interrupts,
        )  # fmt: skip
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None and not _lines(tmp_path / "r"):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.endswith("emosim: stopped; what is finished is kept, the same command goes on from there\n")
    assert "Traceback" not in err
    summary = json.loads((tmp_path / "r" / "summary.json").read_text())
    assert (summary["status"], summary["finished"]) == ("interrupted", _lines(tmp_path / "r"))
    assert not (tmp_path / "r" / "run.lock").exists()


def _lines(directory: Path) -> int:
    path = directory / "episodes.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_displays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert display_of("auto") == "rich"
    monkeypatch.setenv("CI", "1")
    assert display_of("auto") == "plain"
    assert display_of("rich") == "rich"


def test_a_bar_can_be_drawn(said: Said) -> None:
    code, _, err = said("run", *SMALL, "--out", "r", "--display", "rich")
    assert code == 0
    assert "4/4" in err


def test_money_and_time() -> None:
    assert [money(cost) for cost in (None, 0.0, 0.0123, 12.3)] == ["$?", "$0.00", "$0.0123", "$12.30"]
    assert clock(59) == "0:59"


FILE = """
agent = "baseline:template"
personas = ["dolores", "tom"]
level = [0, 0.5]
gate = ["score>=0"]
repeats = 2

[knob]
skepticism = 0.2
"""


def test_settings_from_a_file_yield_to_what_is_typed(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("run.toml").write_text(FILE)
    code, out, err = said("run", "@run.toml", "--repeats", "1", "--out", "r")
    assert (code, "4 of 4 episodes finished" in out, "gate score>=0" in err) == (0, True, True)
    settings = json.loads(Path("r/run.json").read_text())["config"]["suite"]
    assert (settings["levels"], settings["knobs"]) == ([0.0, 0.5], {"skepticism": 0.2})
    monkeypatch.setenv("EMOSIM_RUN_PERSONAS", "vera")
    said("run", "@run.toml", "--out", "s")
    assert {record.key.split(":")[0] for record in read_run("s")} == {"core/vera"}


@pytest.mark.parametrize(
    ("text", "args", "message"),
    [
        ("levle = 0", ("run", "@run.toml"), "run.toml: emosim run has no setting 'levle' (did you mean 'level'?)"),
        ("level = ", ("run", "@run.toml"), "run.toml is no TOML: Invalid value (at"),
        ('repeats = "two"', ("run", "@run.toml"), "run --help; settings were read from run.toml"),
        ('level = "hard"', ("run", "@run.toml"), "--level: 'hard' is not a number; settings were read from run.toml"),
        ("", ("run", "@other.sh"), "@other.sh: a file of settings ends in .toml, such as emosim run @run.toml"),
        ("", ("run", "@other.toml"), "cannot read the settings in other.toml: No such file"),
        ("", ("@run.toml",), "one file of settings, after a command"),
        ("", ("run", "@run.toml", "@run.toml"), "one file of settings, after a command"),
    ],
)
def test_a_wrong_file_of_settings_is_named(said: Said, text: str, args: tuple[str, ...], message: str) -> None:
    Path("run.toml").write_text(text)
    code, out, err = said(*args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_answers_on_a_cassette_are_not_asked_again(said: Said) -> None:
    small = ("--personas", "dolores", "--level", "0", "--display", "none", "--cassette", "tape")
    with FakeServer(answer) as server:
        spec = f"{server.url}#fake"
        first = said("run", "--agent", spec, "--user", f"llm:{spec}", *small, "--out", "r")
        asked = server.requests
        again = said("run", "--agent", spec, "--user", f"llm:{spec}", *small, "--out", "s")
        assert (first[0], again[0], server.requests) == (0, 0, asked)
    assert asked > 0
    assert sorted(path.name for path in Path("tape").iterdir()) == ["agent.jsonl", "user.jsonl"]
    one, two = (next(iter(read_run(run))).episode for run in ("r", "s"))
    assert one == two

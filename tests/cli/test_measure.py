"""`emosim frontier`, `ceiling`, `compare` and `diversity`: verdicts, gates, resuming, and data that bear none."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emosim.analysis.boundary import Boundary, Status
from emosim.analysis.findings import ComparisonFindings
from emosim.analysis.findings.sentences import half, leaves
from emosim.analysis.report.payload import decode
from emosim.cli.app import run_args
from emosim.cli.compare import comparison_text
from emosim.testing.fake_server import FakeServer

Said = Callable[..., tuple[int, str, str]]
CAST = "amara,dolores,tom,vera,omar,priya,hanna,luis"
QUIET = ("--display", "none")
AGENTS = '''
"""Agents whose frontier is known."""

def silent(messages):
    return ""

def flat(messages):
    return "Okay."

def broken(messages):
    if len(messages) == 1 and len(messages[0]["content"]) % 10 < 4:
        raise ValueError("no answer")
    return "That sounds hard. What weighs on you most?"

def dead(messages):
    raise ValueError("never an answer")
'''


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Run a command in a directory with planted agents, return exit code, stdout and stderr."""
    (tmp_path / "planted_agents.py").write_text(AGENTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def run(*args: str) -> tuple[int, str, str]:
        code = run_args(args)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def found(directory: str) -> dict[str, object]:
    content = json.loads(Path(directory, "frontier.json").read_text())
    assert isinstance(content, dict)
    return content


def shown(directory: str) -> dict[str, Any]:
    """Return what the report of a frontier shows."""
    (data,) = re.findall(
        r'<script type="text/plain" id="data">([^<]*)</script>', Path(directory, "report.html").read_text()
    )
    content = decode(data)
    assert isinstance(content, dict)
    return content


def test_a_frontier_is_one_sentence_and_three_files(said: Said) -> None:
    code, out, err = said("frontier", "--agent", "baseline:rung2", "--budget", "64", "--out", "r")
    assert code == 0
    assert out.startswith("baseline:rung2")
    assert "explorable space" in out.splitlines()[0]
    assert "G = 8, u = .5, 64 episodes" in out.splitlines()[0]
    assert "64/64 done" in err
    assert found("r")["schema_version"] == 1
    page = Path("r/report.html").read_text()
    assert "explorable space" in page
    assert said("verify", "r")[0] == 0


def test_the_same_command_plays_nothing_again_and_says_the_same(said: Said) -> None:
    command = ("frontier", "--agent", "baseline:rung1", "--out", "r", *QUIET)
    first = said(*command, "--budget", "48")
    lines = Path("r/episodes.jsonl").read_bytes()
    assert said(*command, "--budget", "48") == first
    assert Path("r/episodes.jsonl").read_bytes() == lines
    said(*command, "--budget", "56")
    assert Path("r/episodes.jsonl").read_bytes().startswith(lines)
    assert said(*command, "--group-size", "4")[0] == 2


def test_json_is_all_that_stands_on_stdout(said: Said) -> None:
    code, out, err = said("frontier", "--agent", "baseline:rung1", "--budget", "32", "--out", "r", "--json", *QUIET)
    assert (code, err) == (0, "")
    assert json.loads(out) == found("r")


@pytest.mark.parametrize(
    ("agent", "bound", "code", "where"),
    [
        ("py:planted_agents:silent", "boundary<0", 0, "below 0"),
        ("py:planted_agents:silent", "boundary>=0", 3, "below 0"),
    ],
)
def test_off_the_scale_is_said_not_clipped(said: Said, agent: str, bound: str, code: int, where: str) -> None:
    result = said("frontier", "--agent", agent, "--budget", "80", "--out", "r", "--gate", bound, *QUIET)
    assert (result[0], where in result[1].splitlines()[0]) == (code, True), result
    assert "off the scale" in result[2]


def test_outside_everywhere_is_said_where_the_edge_is_below_the_scale_too(said: Said) -> None:
    out = said("frontier", "--agent", "py:planted_agents:silent", "--budget", "80", "--out", "r", *QUIET)[1]
    assert found("r")["edge"]["status"] == "undetermined"  # type: ignore[index]
    assert out.startswith("py:planted_agents:silent: contrast is below u at every level, and so the boundary below 0 ")
    assert "success %, not told apart" in out
    assert "hardest first" not in out
    below = Boundary.model_validate(found("r")["boundary"])
    assert "x is outside its explorable space everywhere" in leaves("x", below, below)


def test_a_knob_and_several(said: Said) -> None:
    common = ("--agent", "baseline:rung3", "--personas", CAST, "--budget", "56", *QUIET)
    code, out, _ = said("frontier", *common, "--knob", "skepticism", "--out", "one")
    assert code == 0
    assert found("one")["axis"] == "skepticism"
    knobs = ("--knob", "skepticism", "--knob", "guardedness")
    code, out, _ = said("frontier", *common, *knobs, "--out", "two", "--gate", "volume>=0")
    assert code in (0, 3)
    assert "the space of skepticism and guardedness" in out
    assert found("two")["kind"] == "surface"
    assert said("frontier", *common, "--knob", "skeptisism")[0] == 2


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--budget", "16"), "at least 24 are needed"),
        (("--agent", "py:planted_agents:broken", "--budget", "64"), "could not be scored; mend what failed"),
    ],
)
def test_too_little_is_undetermined(said: Said, args: tuple[str, ...], says: str) -> None:
    code, out, _ = said("frontier", *args, "--out", "r", "--gate", "boundary>=0", *QUIET)
    assert code == 3
    assert "undetermined" in out.splitlines()[0]
    assert says in out.splitlines()[0]
    assert "this design could see no difference" in out.splitlines()[0]
    assert out.splitlines()[0].split(" is undetermined")[1].count(":") == 0, "two sentences, not one of colons"
    assert found("r")["boundary"]["estimate"] is None  # type: ignore[index]
    rows = out.split("zone\n")[1].split("\n\n")[0].splitlines()
    assert [row.split()[3:] for row in rows] == [["-", "-", "-", "-"]] * 10, "what was assumed is no result"
    assert "no curve could be fitted, so that success, U_8 and zones are left out" in out
    assert "personas: undetermined, as these episodes bear no estimate of them" in out
    page = shown("r")
    assert page["exhibits"][0]["title"] == "Zones", "no chart of what was assumed"
    assert says in page["reasons"][0]
    assert page["reasons"][1] == f"where half of the episodes succeed is undetermined: {page['reasons'][0]}"
    assert page["figures"]["boundary"] == "undetermined"
    assert "95 %" not in page["figures"]


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("located", "half of the episodes succeed at level 0.40 (95 % 0.30..0.50)"),
        ("beyond", "more than half of the episodes succeed at every level: d50 is beyond 1 on level"),
        ("below", "fewer than half of the episodes succeed at every level: d50 is below 0 on level"),
        ("undetermined", "where half of the episodes succeed is undetermined: too few"),
    ],
)
def test_where_half_succeed_goes_by_what_is_known(status: Status, says: str) -> None:
    tally = {"axis": "level", "episodes": 80, "faults": 0, "personas": 8, "target": "d50", "group_size": None}
    d50 = Boundary.model_validate(
        {**tally, "status": status, "estimate": 0.4, "low": 0.3, "high": 0.5, "reasons": ("too few",)}
    )
    assert half(d50) == says


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("--personas", "tom"), 2, "1 persona is too few for a frontier"),
        (("--agent", "py:planted_agents:dead"), 1, "the first 20 episodes all failed"),
        (("--language", "en,zh"), 2, "one language"),
        (("--gate", "boundry>=1"), 2, "did you mean 'boundary'"),
        (("--gate", "regression"), 2, "no gate 'regression'"),
        (("--knob", "skeptisism"), 2, "did you mean 'skepticism'"),
        (("--group-size", "2", "--contrast", "0.6"), 2, "u = .6 cannot be reached with G = 2 (at most .5); take a "),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(said: Said, args: tuple[str, ...], code: int, says: str) -> None:
    result = said("frontier", "--out", "r", *args, *QUIET)
    assert (result[0], says in result[2], result[2].count("\n")) == (code, True, 1), result


def test_a_frontier_without_a_score_is_refused_with_the_first_failure(said: Said) -> None:
    for knobs in ((), ("--knob", "skepticism", "--knob", "guardedness")):
        out = f"r{len(knobs)}"
        code, shown, err = said(
            "frontier", "--agent", "py:planted_agents:dead", "--budget", "16", "--out", out, *knobs, *QUIET
        )
        assert (code, shown, err.count("\n")) == (1, "", 1)
        assert "no episode could be finished, so there is no frontier; the first failure: agent:" in err
        assert "never an answer" in err
        assert "same command again" in err
        assert not Path(out, "frontier.json").exists()
        assert not Path(out, "report.html").exists()


def test_the_budget_is_hard_and_the_same_command_goes_on(said: Said) -> None:
    with FakeServer("That sounds heavy. What weighs most?") as server:
        args = ("--agent", f"{server.url}#fake", "--budget", "32", "--out", "r", *QUIET)
        code, out, err = said("frontier", *args, "--max-calls", "40")
        done = Path("r/episodes.jsonl").read_bytes().count(b"\n")
        assert (code, "budget reached" in err, out) == (4, True, ""), "no batch was done, so that there is no curve"
        assert 0 < done < 32
        code, out, _ = said("frontier", *args)
    assert code == 0
    assert "agent: " in out
    assert Path("r/episodes.jsonl").read_bytes().count(b"\n") == 32


def test_a_search_has_bounds(said: Said) -> None:
    code, out, err = said("frontier", "--dry-run", "--budget", "100000000")
    assert (code, out) == (2, "")
    assert err == "emosim: --budget: 100,000,000 episodes are more than a run may hold (1,000,000)\n"


def test_a_simulator_is_chosen_from_a_file_only(said: Said) -> None:
    assert "--simulator is for a file of trajectories" in said("calibrate", ".", "--simulator", "x")[2]


def test_a_stored_run_is_not_played_by_other_settings(said: Said) -> None:
    code, _, err = said("ceiling", "r", "--personas", "vera")
    assert (code, err.count("\n")) == (2, 1)
    assert "--personas does nothing here: a stored run has been played; it goes with --agent" in err


def test_a_dry_run_plays_nothing(said: Said) -> None:
    code, out, _ = said("frontier", "--dry-run", "--budget", "40", "--out", "r")
    assert code == 0
    assert "40 episodes to play of 40" in out
    assert not Path("r").exists()


@pytest.fixture
def runs(said: Said) -> Said:
    """Two runs on the same keys."""
    for name, agent in (("base", "baseline:rung1"), ("trained", "baseline:rung4")):
        args = ("--personas", CAST, "--level", "0.3", "-n", "4", "--out", name, *QUIET)
        assert said("run", "--agent", agent, *args)[0] == 0
    return said


def test_ceilings_of_a_run(runs: Said) -> None:
    code, out, _ = runs("ceiling", "trained")
    assert code == 0
    assert out.startswith("baseline:rung4 at L0.30: best of 4 reaches")
    assert "model-based" in out
    assert "L0.30: best of 4 is 0." in out
    assert " if stopped after 3 turns, 0." in out
    assert "within" not in out, "what is not kept is not reached within so many turns"
    content = json.loads(runs("ceiling", "trained", "--json")[1])
    assert content["cells"][0]["best"]["at"] == [1, 2, 4]
    assert "8 personas x 4 rollouts" in content["verdict"]
    code, _, err = runs("ceiling", "trained", "--level", "0.9")
    assert (code, "nothing was played there in trained; its levels are 0.3" in err) == (2, True)


def test_languages_are_cells_of_their_own(said: Said) -> None:
    args = ("--personas", CAST, "--language", "en,zh", "--level", "0", "-n", "2", "--out", "r", *QUIET)
    assert said("run", "--agent", "baseline:rung3", *args)[0] == 0
    ceilings, gains = said("ceiling", "r")[1].splitlines(), said("compare", "r", "r")[1].splitlines()
    for line, language in zip(ceilings, ("en", "zh"), strict=False):
        assert f"at L0.00 {language}: " in line
        assert "8 personas x 2 rollouts" in line
    assert ["at L0.00 en: " in gains[0], "at L0.00 zh: " in gains[1]] == [True, True]


def test_a_comparison_and_its_gates(runs: Said) -> None:
    code, out, _ = runs("compare", "base", "trained", "--gate", "regression", "--gate", "gain>=0.1")
    assert code == 0
    assert "gain 0." in out.splitlines()[0]
    assert "undetermined" in out.splitlines()[0], "4 rollouts show no support"
    code, _, err = runs("compare", "trained", "base", "--gate", "regression")
    assert (code, "gate regression: FAILED" in err) == (3, True)
    assert runs("compare", "trained", "base")[0] == 0
    assert json.loads(runs("compare", "base", "trained", "--json")[1])["cells"][0]["episodes"] == 32


def test_who_entered_the_support_is_not_called_created_without_a_verdict(runs: Said) -> None:
    content = json.loads(runs("compare", "base", "trained", "--json")[1])
    content["cells"][0] |= {"created": ["core/dolores"], "lost": ["core/tom"]}
    found = ComparisonFindings.model_validate(content)
    assert found.cells[0].verdict.kind == "undetermined"
    lines = comparison_text(found).splitlines()
    assert "L0.30: entered the support: core/dolores" in lines
    assert "L0.30: left the support: core/tom" in lines
    assert "created" not in "".join(lines[1:])


def test_an_agent_against_itself_has_gained_nothing(runs: Said) -> None:
    code, out, err = runs("compare", "base", "base", "--gate", "gain.low>=-0.05", "--gate", "regression")
    assert code == 0
    assert "unchanged: every pair of episodes is identical, over 8 personas" in out.splitlines()[0]
    head, row = (line.split() for line in out.split("\n\n")[1].splitlines())
    assert row[head.index("detectable") - 1] == "-", "the head's '95 %' is two words"
    assert err.count("passed") == 2


def test_one_persona_passes_no_gate_on_a_gain_and_says_why(said: Said) -> None:
    args = ("run", "--personas", "tom", "--level", "0", *QUIET)
    said(*args, "--agent", "baseline:oracle", "--out", "base")
    said(*args, "--agent", "py:planted_agents:silent", "--out", "trained")
    code, out, err = said("compare", "base", "trained", "--gate", "regression", "--gate", "gain>=-1")
    assert code == 3
    assert err.count("FAILED") == 2
    assert "one persona is no sample of personas" in out.splitlines()[0]
    assert "1 personas" not in out
    assert out.count("say") == 1, "what is missing is said once"


def test_diversity_alone_and_against_another(runs: Said) -> None:
    code, out, _ = runs("diversity", "trained")
    assert code == 0
    assert out.startswith("baseline:rung4 uses ")
    code, out, _ = runs("diversity", "trained", "base")
    assert code == 0
    assert "I(strategy; need)" in out
    assert "of narrowing" in out
    assert "widened: widened" not in out
    assert json.loads(runs("diversity", "trained", "base", "--json")[1])["change"]["kind"]


def test_a_ceiling_can_play_first(said: Said) -> None:
    args = ("--agent", "baseline:rung2", "-n", "3", "--level", "0.1", "--personas", "tom,vera", "--out", "r")
    code, out, _ = said("ceiling", *args, *QUIET)
    assert code == 0
    assert "best of 3" in out
    assert said("ceiling")[0] == 2


@pytest.mark.parametrize(
    ("agent", "personas", "repeats", "says"),
    [
        ("baseline:rung2", "tom", "4", "1 persona gives no interval"),
        ("baseline:rung2", "tom", "1", "(1 persona x 1 rollout)"),
        ("baseline:rung2", "tom,vera", "1", "1 rollout a persona shows no best of k"),
        ("py:planted_agents:silent", "tom,vera", "4", "no rollout reaches 0.7"),
    ],
)
def test_a_ceiling_that_the_data_do_not_bear(said: Said, agent: str, personas: str, repeats: str, says: str) -> None:
    said("run", "--agent", agent, "--personas", personas, "--level", "0", "-n", repeats, "--out", "r", *QUIET)
    code, out, _ = said("ceiling", "r")
    assert code == 0
    assert "undetermined" in out.splitlines()[0]
    assert says in out.splitlines()[0]


def test_constant_returns_compare_all_the_same(said: Said) -> None:
    args = ("run", "--agent", "py:planted_agents:silent", "--personas", CAST, "--level", "0", "-n", "2", *QUIET)
    for name in ("a", "b"):
        said(*args, "--out", name)
    code, out, _ = said("compare", "a", "b", "--gate", "gain.low>=0")
    assert code == 0
    assert "unchanged: every pair of episodes is identical" in out.splitlines()[0]
    code, out, _ = said("diversity", "a", "b")
    assert (code, "its replies are all empty; the baseline's replies are all empty" in out) == (0, True)


def test_mixed_versions_are_refused_unless_forced(runs: Said) -> None:
    path = Path("base/run.json")
    path.write_text(path.read_text().replace('"emosim": "', '"emosim": "9.'))
    code, _, err = runs("compare", "base", "trained")
    assert (code, "base and trained are not comparable" in err, "--force" in err) == (2, True, True)
    code, out, _ = runs("compare", "base", "trained", "--force")
    assert code == 0
    assert "the runs differ in version" in out
    lines = Path("base/episodes.jsonl").read_text().splitlines()
    lines[0] = lines[0].replace('"versions":{"emosim":"', '"versions":{"emosim":"9.')
    Path("base/episodes.jsonl").write_text("\n".join(lines) + "\n")
    code, _, err = runs("ceiling", "base")
    assert (code, "episodes of several versions" in err) == (1, True)


def test_a_run_still_being_written_is_refused(runs: Said) -> None:
    start = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19]
    Path("base/run.lock").write_text(f"{socket.gethostname()} {os.getpid()} {start}")
    for args in (("ceiling", "base"), ("rescore", "base", "--reward", "final"), ("merge", "base", "--out", "m")):
        code, _, err = runs(*args)
        assert (code, "still being written" in err) == (1, True)


def test_too_many_faults_are_refused(said: Said) -> None:
    agent = ("--agent", "py:planted_agents:broken", "--personas", CAST, "--level", "0", "-n", "2")
    said("run", *agent, "--out", "r", *QUIET)
    assert Path("r/failures.jsonl").read_bytes().count(b"\n") > 3
    for command in (("ceiling", "r"), ("diversity", "r"), ("compare", "r", "r"), ("calibrate", "r")):
        code, _, err = said(*command)
        assert (code, "r: 6 of 16 episodes are unscorable; mend the agent" in err) == (2, True), err
    out = said("frontier", *agent[:4], "--budget", "48", "--out", "f", *QUIET)[1]
    assert "could not be finished (agent:agent " in out
    assert said("ceiling", "nowhere")[0] == 2

"""Trajectories of any simulator: reading, reshaping, what is wrong with a line, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emosim.analysis.findings.calibration import CalibrationFindings, calibrate_file, calibration_findings
from emosim.analysis.trajectories import Trajectory, gather, read_trajectories
from emosim.cli.app import run_args
from emosim.errors import UsageError
from emosim.testing.planted import MoodWalk

DATA = Path(__file__).parents[1] / "data" / "sage_deepseek_v3_trajectories.jsonl"
LINES = DATA.read_text(encoding="utf-8").splitlines()
GOOD = {"agent": "a", "profile": 0, "emotions": [40, 45, 55]}


@pytest.fixture(scope="module")
def whole() -> CalibrationFindings:
    return calibrate_file(DATA)


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_sage_in_one_call(whole: CalibrationFindings) -> None:
    assert "variance agent 16%, persona 23%, residual 62%" in whole.verdict
    assert [one.name for one in whole.agents][:2] == ["gpt-4.1", "gpt-4.5"]
    assert {one.name: one.score for one in whole.agents}["gpt-4.1"] == pytest.approx(68.2, abs=0.1)
    assert whole.personas[0].name == "69"
    assert whole.personas[0].need == "understand_others"
    assert (whole.told_apart, whole.notes, whole.simulator) == (2, (), "deepseek-v3-2024-1227")
    assert whole.ranking is not None
    assert whole.ranking.median >= 0.90
    assert {one.level: one.episodes for one in whole.basins}[30.0] == 669
    assert whole.detectable == pytest.approx(12.2, abs=0.15)
    assert CalibrationFindings.model_validate_json(whole.model_dump_json()) == whole


def test_a_reshaped_file_says_the_same(tmp_path: Path, whole: CalibrationFindings) -> None:
    """Other order, named profiles, fewer and more fields, floats, blank lines, a byte order mark."""
    rows = [json.loads(line) for line in LINES]
    kept = [
        {
            "judge": {"x": [1]},
            "emotions": [float(x) for x in row["emotions"]],
            "profile": f"p{row['profile']:03}",
            "agent": row["agent"],
        }
        for row in rows
    ]
    np.random.default_rng(0).shuffle(kept)  # type: ignore[arg-type]
    path = written(tmp_path / "other.jsonl", ["\ufeff" + json.dumps(kept[0]), "", *kept[1:], "   "])
    found = calibrate_file(path)
    assert found.shares == pytest.approx(whole.shares)
    assert [one.name for one in found.agents] == [one.name for one in whole.agents]
    assert found.basins == whole.basins
    assert found.personas[0].name == "p069"
    assert found.simulator == ""


def test_a_partial_file_splits_what_all_finished(tmp_path: Path) -> None:
    rows = [row for row in map(json.loads, LINES) if not (row["agent"] == "gpt-4.1" and row["profile"] >= 60)]
    found = calibrate_file(written(tmp_path / "part.jsonl", rows))
    assert "60 of 100 personas" in found.notes[0]
    assert found.components is not None
    assert found.components.personas == 60
    assert len(found.personas) == 100
    assert {one.name: one.episodes for one in found.agents}["gpt-4.1"] == 60


def test_agents_that_share_no_persona_are_still_placed(tmp_path: Path) -> None:
    rows = [row for row in map(json.loads, LINES) if (row["profile"] < 50) == (row["agent"] < "gpt")]
    found = calibrate_file(written(tmp_path / "split.jsonl", rows))
    assert found.components is None
    assert "undetermined" in found.verdict
    assert all(one.placed is not None for one in found.agents)


def test_a_single_agent_has_no_scale(tmp_path: Path) -> None:
    rows = [row for row in map(json.loads, LINES) if row["agent"] == "openai-o1"]
    found = calibrate_file(written(tmp_path / "one.jsonl", rows))
    assert "undetermined: 1 agent x 100 personas" in found.verdict
    assert (found.components, found.ranking, found.told_apart, found.detectable) == (None, None, None, None)
    assert found.agents[0].score == pytest.approx(29.0, abs=0.1)
    assert [one.score for one in found.personas] == sorted(one.score for one in found.personas)
    assert found.basins[0].episodes > 0


def test_two_agents_one_persona_and_one_turn(tmp_path: Path) -> None:
    rows = [{"agent": name, "profile": 7, "emotions": [40]} for name in ("a", "b")]
    found = calibrate_file(written(tmp_path / "tiny.jsonl", rows))
    assert "undetermined: 2 agents x 1 persona" in found.verdict
    assert found.first_changes == ()


@pytest.mark.parametrize(("agents", "personas", "bears"), [("ab", 7, False), ("a", 40, False), ("ab", 8, True)])
def test_a_design_that_is_too_small_splits_no_variance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], agents: str, personas: int, bears: bool
) -> None:
    rng = np.random.default_rng(1)
    rows = [
        {"agent": a, "profile": p, "emotions": [40, int(rng.integers(101))]} for a in agents for p in range(personas)
    ]
    path = written(tmp_path / "small.jsonl", rows)
    found = calibrate_file(path)
    numbers = found.components, found.detectable, found.told_apart, found.persona_sd, found.agents[0].placed
    assert [number is not None for number in numbers] == [bears] * 5
    assert (bool(found.shares), bool(found.generalizability), bool(found.cuts)) == (bears,) * 3
    assert run_args(["calibrate", str(path)]) == 0
    shown = capsys.readouterr().out
    if bears:
        assert "note: the agents' share and the generalizability rest on a single difference" in shown
        return
    assert "shares of the variance at least 2 agents x 8 personas are needed" in shown.splitlines()[0]
    assert "told apart: undetermined" in shown
    assert "generalizability of a mean over personas: undetermined" in shown


def test_too_few_personas_that_all_finished_split_no_variance(tmp_path: Path) -> None:
    rows = [row for row in map(json.loads, LINES) if not (row["agent"] == "gpt-4.1" and row["profile"] >= 5)]
    found = calibrate_file(written(tmp_path / "few.jsonl", rows))
    assert (found.components, found.shares, found.told_apart, found.ranking) == (None, {}, None, None)
    assert "all agents finished 5 of 100 personas; to split the variance at least 8 are needed" in found.verdict
    assert found.agents[0].placed is not None


def test_constant_outcomes_are_said_to_be_constant(tmp_path: Path) -> None:
    rows = [{"agent": a, "profile": p, "emotions": [40, 35, 5]} for a in "abc" for p in range(10)]
    found = calibrate_file(written(tmp_path / "flat.jsonl", rows))
    assert "one grade" in found.notes[0]
    assert "undetermined" in found.verdict


def test_repeats_split_the_interaction_off() -> None:
    rng = np.random.default_rng(0)
    lifts = {(a, p): 0.4 * a + rng.normal(0, 0.3) for a in range(3) for p in range(24)}
    rows = [
        Trajectory(agent=f"a{a}", profile=p, emotions=tuple(MoodWalk().play(rng, [lift])[0]))
        for (a, p), lift in lifts.items()
        for _ in range(3)
    ]
    found = calibration_findings(gather(rows[:-1]))
    assert found.components is not None
    assert (found.components.repeats, found.components.personas) == (2, 24)
    said = "left out where the variance is split: 71 repeats beyond the 2 that every agent has with every persona"
    assert found.notes == (said,)
    assert calibration_findings(gather(rows)).notes == ()
    assert found.components.interaction is not None
    assert [one.name for one in found.agents] == ["a2", "a1", "a0"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "t.jsonl:3: no JSON object"),
        ("[1, 2]", "t.jsonl:3: the line: "),
        ({"agent": "a", "profile": 0}, "emotions: is missing"),
        (GOOD | {"agent": 5}, "agent: input should be a valid string"),
        (GOOD | {"profile": 0.5}, "t.jsonl:3: profile: "),
        (GOOD | {"profile": None}, "t.jsonl:3: profile: "),
        (GOOD | {"emotions": []}, "emotions: is empty"),
        (GOOD | {"emotions": "40,50"}, "t.jsonl:3: emotions: "),
        (GOOD | {"emotions": [40, "50"]}, r"emotions\[1\]: input should be a valid number"),
        (GOOD | {"emotions": [40, 105]}, r"emotions\[1\]: input should be less than or equal to 100"),
        (GOOD | {"emotions": [40, None]}, r"emotions\[1\]: "),
        ('{"agent": "a", "profile": 0, "emotions": [40, NaN]}', r"emotions\[1\]: "),
        (GOOD | {"final": 50}, "final: 50 is not the last of emotions, 55"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: object, words: str) -> None:
    path = written(tmp_path / "t.jsonl", [GOOD, "", line, GOOD])
    with pytest.raises(UsageError, match=words) as caught:
        read_trajectories(path)
    assert "\n" not in str(caught.value)


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name, words in (("none.jsonl", "cannot be read: No such file"), ("bytes", "not UTF-8"), ("", "cannot be read")):
        with pytest.raises(UsageError, match=words):
            read_trajectories(tmp_path / name)
    with pytest.raises(UsageError, match="holds no trajectory"):
        read_trajectories(written(tmp_path / "empty", ["", " "]))


def test_moods_of_another_scale_are_refused(tmp_path: Path) -> None:
    rows = [{"agent": a, "profile": p, "emotions": [0.4, 0.1 * p, 1]} for a in "ab" for p in range(9)]
    path = written(tmp_path / "unit.jsonl", rows)
    with pytest.raises(
        UsageError, match=r"unit.jsonl: emotions: every mood lies within 0..1 \(0 to 1 were seen\).*by 100"
    ):
        read_trajectories(path)
    assert len(read_trajectories(written(path, [*rows, GOOD])).rows) == 19


def test_simulators_are_not_mixed(tmp_path: Path) -> None:
    path = written(tmp_path / "two.jsonl", [GOOD | {"simulator": name} for name in ("deepseek", "gpt")])
    with pytest.raises(UsageError, match=r"deepseek, gpt\); choose one"):
        read_trajectories(path)
    assert read_trajectories(path, "gpt").simulator == "gpt"
    with pytest.raises(UsageError, match="did you mean 'deepseek'"):
        read_trajectories(path, "deepsek")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_args(["calibrate", str(DATA)]) == 0
    shown = capsys.readouterr().out
    assert "variance agent 16%" in shown
    assert "hardest personas" in shown
    assert run_args(["calibrate", str(DATA), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "calibration"
    bad = written(tmp_path / "t.jsonl", [GOOD | {"emotions": [40, 120]}])
    assert run_args(["calibrate", str(bad)]) == 2
    assert "t.jsonl:1: emotions[1]" in capsys.readouterr().err
    assert run_args(["calibrate", str(DATA), str(DATA)]) == 2


def test_the_command_on_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(tmp_path / rung) for rung in ("rung2", "rung4")]
    for run in runs:
        made = ["run", "core", "--agent", f"baseline:{Path(run).name}", "--level", "0.2,0.6", "--out", run]
        assert run_args([*made, "--personas", "dolores,feng,omar", "--display", "none"]) == 0
    capsys.readouterr()
    assert run_args(["calibrate", *runs, "--level", "0.6"]) == 0
    shown = capsys.readouterr().out
    assert "2 agents x 3 personas" in shown
    assert "core/omar L0.60 en" in shown
    assert run_args(["calibrate", runs[0], str(DATA)]) == 2

"""`emosim calibrate` and `emosim diversity`: only what was played alike is set side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Said = Callable[..., tuple[int, str, str]]
CAST = "amara,dolores,tom,vera,omar,priya,hanna,luis"
QUIET = ("--display", "none")
FAILS_ONCE = """
calls = []

def agent(messages):
    calls.append(messages)
    if len(calls) == 1:
        raise ValueError("not yet")
    return "That sounds hard. What weighs on you most?"
"""


def test_calibrating_takes_one_difficulty_and_no_episode_twice(said: Said) -> None:
    cast = ("--personas", CAST, *QUIET)
    for rung, level, user in (
        ("1", "0", "rules"),
        ("3", "0", "rules"),
        ("5", "0,0.5", "rules"),
        ("2", "0", "rules:sage"),
    ):
        said("run", "--agent", f"baseline:rung{rung}", "--level", level, "--user", user, "--out", f"r{rung}", *cast)
    code, out, _ = said("calibrate", "r1", "r3")
    assert (code, "2 agents x 8 personas" in out) == (0, True)
    code, _, err = said("calibrate", "r1", "r5")
    assert (code, "several difficulties do not mix (r1: L0.00; r5: L0.00, L0.50); pick one level" in err) == (2, True)
    assert said("calibrate", "r1", "r5", "--level", "0")[0] == 0
    code, _, err = said("calibrate", "r1", "r3", "r1")
    assert (code, "is in r1 and in r1; give one of the two" in err) == (2, True)
    code, _, err = said("calibrate", "r1", "nowhere")
    assert (code, "nowhere is no directory of a run" in err) == (2, True)
    code, _, err = said("calibrate", "r1", "r3", "r2")
    assert (code, "r1 and r2 are not comparable (user: rules@4 and rules-sage@4; " in err) == (2, True)
    code, out, _ = said("calibrate", "r1", "r2", "--force")
    assert (code, "note: r1 and r2 differ in user: rules@4 and rules-sage@4" in out) == (0, True)


def test_diversity_is_compared_on_the_users_that_both_runs_met(said: Said) -> None:
    for out, level, people in (
        ("easy", "0", CAST),
        ("hard", "1", CAST),
        ("both", "0,1", CAST),
        ("few", "0", "dolores,tom"),
    ):
        said("run", "--agent", "baseline:rung3", "--level", level, "--personas", people, "--out", out, *QUIET)
    code, _, err = said("diversity", "easy", "hard")
    assert (code, "easy and hard share no persona at one difficulty" in err) == (2, True)
    code, _, err = said("compare", "easy", "hard")
    assert (code, "easy and hard share no episode key" in err) == (2, True)
    code, out, _ = said("diversity", "both", "few")
    assert (code, "14 episodes of users whom the other run did not meet" in out) == (0, True)
    assert "baseline:rung3 (run)" in out
    assert "baseline:rung3 (baseline)" in out


@pytest.mark.parametrize(("says", "replies"), [("", "all empty"), ("Okay.", "all the same")])
def test_an_agent_that_always_says_the_same_is_said_to(
    said: Said, monkeypatch: pytest.MonkeyPatch, says: str, replies: str
) -> None:
    name = replies.replace(" ", "_")
    Path(f"{name}.py").write_text(f"def agent(messages):\n    return {says!r}\n")
    monkeypatch.syspath_prepend(".")
    for out, agent, people in (("same", f"py:{name}:agent", CAST), ("other", "baseline:rung3", CAST)):
        said("run", "--agent", agent, "--personas", people, "--level", "0", "-n", "2", "--out", out, *QUIET)
    code, out, err = said("diversity", "same")
    assert (code, err) == (0, "")
    assert f"undetermined (64 acts in 16 episodes). Its replies are {replies}; all episodes show the same" in out
    assert "acts that come in fewer than 17% of episodes could go unseen" in out
    assert "(1.00..1.00)" not in out
    code, out, err = said("diversity", "other", "same")
    assert (code, err, f"; the baseline's replies are {replies}" in out) == (0, "", True)


def cut(run: str, kept: int) -> None:
    """Leave the first episodes of a run, as if it had been stopped there."""
    lines = Path(run, "episodes.jsonl").read_text().splitlines(keepends=True)
    Path(run, "episodes.jsonl").write_text("".join(lines[:kept]))


@pytest.mark.parametrize("killed", [False, True])
def test_a_run_that_is_not_complete_is_said_to_be_so(said: Said, killed: bool) -> None:
    for rung in ("rung2", "rung4"):
        args = ("run", "--agent", f"baseline:{rung}", "--personas", CAST, "--level", "0.3", "-n", "2", "--out", rung)
        said(*args, *QUIET)
    commands = (
        ("ceiling", "rung4"),
        ("diversity", "rung4"),
        ("compare", "rung2", "rung4"),
        ("calibrate", "rung2", "rung4"),
    )
    for command in commands:
        assert said(*command)[2] == ""
    cut("rung4", 13)
    if killed:
        Path("rung4/summary.json").unlink()
    for command in commands:
        code, _, err = said(*command, "--json")
        assert (code, err.count("\n")) == (0, 1)
        assert "rung4 holds 13 of the 16 episodes that were to be played; the numbers are of those" in err


def test_a_search_that_was_cut_off_is_said_to_be_so(said: Said) -> None:
    said("frontier", "--agent", "baseline:rung3", "--personas", CAST, "--budget", "24", "--out", "f", *QUIET)
    assert said("diversity", "f")[2] == ""
    cut("f", 20)
    assert "f holds 20 of the 24 episodes" in said("diversity", "f")[2]


def test_episodes_that_failed_are_counted_and_said(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("fails_once.py").write_text(FAILS_ONCE)
    monkeypatch.syspath_prepend(".")
    for out, agent in (("whole", "baseline:rung3"), ("flaky", "py:fails_once:agent")):
        said("run", "--agent", agent, "--personas", CAST, "--level", "0.3", "--out", out, *QUIET)
    for command in (("calibrate", "whole", "flaky"), ("diversity", "flaky"), ("ceiling", "flaky")):
        code, out, err = said(*command)
        assert (code, "1 episode could not be finished, in no number" in out) == (0, True)
        assert "flaky holds 7 of the 8 episodes that were to be played; 1 failed; the numbers" in err

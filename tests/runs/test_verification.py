"""Verifying: untouched runs pass, and an altered digit is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import OFFLINE, Listener, Talker, keys, run

from emosim.episode import Rulebook
from emosim.errors import UsageError
from emosim.runs import Players, read_failures, verify
from emosim.runs.records import Record, record_of
from emosim.runs.store import read_run
from emosim.suite import Suite

Place = tuple[str | int, ...]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    run(out, Suite(personas=("dolores", "tom"), levels=(0.3,), repeats=2), reward="padded_auc")
    return out


def altered(number: float | int, position: int, digit: int) -> float | int:
    """Return a number with one digit of its text replaced."""
    text = json.dumps(number)
    places = [index for index, character in enumerate(text) if character.isdigit()]
    place = places[position % len(places)]
    if text[place] == str(digit):
        digit = (digit + 1) % 10
    text = f"{text[:place]}{digit}{text[place + 1 :]}"
    if text.lstrip("-").startswith("0") and not text.lstrip("-").startswith("0.") and len(text.lstrip("-")) > 1:
        text = text.replace("0", "1", 1)
    value: float | int = json.loads(text)
    return value


def numbers_of(line: dict[str, object]) -> dict[Place, tuple[float | int, str]]:
    """Return every number of mood, change, trust, patience, evidence and reward, with the name it must be given."""
    episode = line["episode"]
    assert isinstance(episode, dict)
    found: dict[Place, tuple[float | int, str]] = {}
    for number, turn in enumerate(episode["turns"]):
        for name in ("mood", "trust", "patience", "last_change"):
            found["episode", "turns", number, "emotion", name] = (
                turn["emotion"][name],
                f"turn {number + 1}: emotion.{name} is stored as",
            )
        for name in ("fit", "specificity"):
            found["episode", "turns", number, "appraisal", name] = (
                turn["appraisal"][name],
                f"turn {number + 1}: appraisal.{name} is not what was sealed",
            )
    for name in ("mood", "trust", "patience"):
        found["episode", "start", name] = (episode["start"][name], f"turn 0: emotion.{name} is stored as")
    rewards = line["rewards"]
    assert isinstance(rewards, list)
    for number, reward in enumerate(rewards):
        found["rewards", number] = (reward, f"turn {number + 1}: reward is stored as")
    for name in ("return", "score"):
        found[name,] = (line[name], f"{name} is stored as")  # type: ignore[assignment]
    return found


def put(line: object, place: Place, value: object) -> None:
    for step in place[:-1]:
        line = line[step]  # type: ignore[index]
    line[place[-1]] = value  # type: ignore[index]


def rewritten(source: Path, target: Path, number: int, line: str) -> Path:
    """Return a copy of a run in which one line is another."""
    target.mkdir(exist_ok=True)
    (target / "run.json").write_bytes((source / "run.json").read_bytes())
    lines = (source / "episodes.jsonl").read_text(encoding="utf-8").splitlines()
    lines[number] = line
    (target / "episodes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_altered_digit_is_named(played: Path, tmp_path: Path, data: st.DataObject) -> None:
    lines = (played / "episodes.jsonl").read_text(encoding="utf-8").splitlines()
    number = data.draw(st.integers(0, len(lines) - 1), "line")
    line = json.loads(lines[number])
    place, (value, name) = data.draw(st.sampled_from(sorted(numbers_of(line).items(), key=str)), "place")
    changed = altered(value, data.draw(st.integers(0, 20), "position"), data.draw(st.integers(0, 9), "digit"))
    if changed == value:
        return
    put(line, place, changed)
    verdict = verify(rewritten(played, tmp_path / "copy", number, json.dumps(line, ensure_ascii=False)))
    assert len(verdict.problems) == 1
    assert verdict.problems[0].startswith(f"episodes.jsonl:{number + 1}: {line['key']}: {name}"), verdict.problems


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_altered_digit_anywhere_is_found(played: Path, tmp_path: Path, data: st.DataObject) -> None:
    lines = (played / "episodes.jsonl").read_text(encoding="utf-8").splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    digits = [index for index, character in enumerate(lines[number]) if character.isdigit()]
    place, digit = data.draw(st.sampled_from(digits)), str(data.draw(st.integers(0, 9)))
    line = f"{lines[number][:place]}{digit}{lines[number][place + 1 :]}"
    try:
        is_same = json.loads(line) == json.loads(lines[number])
    except ValueError:
        is_same = False
    assert verify(rewritten(played, tmp_path / "copy", number, line)).is_good is is_same


def test_the_message_names_file_line_key_turn_field_and_both_numbers(played: Path, tmp_path: Path) -> None:
    line = json.loads((played / "episodes.jsonl").read_text(encoding="utf-8").splitlines()[1])
    mood = line["episode"]["turns"][2]["emotion"]["mood"]
    line["episode"]["turns"][2]["emotion"]["mood"] = 99.9
    verdict = verify(rewritten(played, tmp_path / "copy", 1, json.dumps(line)))
    assert verdict.problems == [
        f"episodes.jsonl:2: core/dolores:en:L0.30:s0001: turn 3: emotion.mood is stored as 99.9, recomputes to {mood}"
    ]


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("episode", "turns", 0, "reply", "raw"), "Something kind.", "turn 1: reply is not what was sealed"),
        (("episode", "turns", 1, "spoken", "text"), "Thanks!", "turn 2: spoken is not what was sealed"),
        (("episode", "turns", 0, "appraisal", "evidence", 1, "quote"), "x", "turn 1: appraisal.evidence[1] is not"),
        (("episode", "turns", 0, "appraisal", "thought"), "x", "turn 1: appraisal.thought is not"),
        (("episode", "persona", "temperament", "inertia"), 0.31, "persona is not what was sealed"),
        (("episode", "scenario", "max_turns"), 3, "scenario is not what was sealed"),
        (("episode", "difficulty", "skepticism"), 0.31, "difficulty is not what was sealed"),
        (("episode", "seed"), 4, "seed is not what was sealed"),
        (("episode", "ending"), "satisfied", "ending is stored as satisfied"),
        (("key",), "core/dolores:en:L0.30:s0009", "key names another persona"),
        (("key",), "dolores", "'dolores' is no episode key"),
        (("agent",), "test:better", "agent is stored as test:better, the run's is test:talker"),
        (("rewards",), [], "0 rewards are stored for"),
        (("usage", "agent", "calls"), 7, "sha256 is stored as"),
        (("sha256",), "0" * 64, "sha256 is stored as 000000000000…"),
        (("schema_version",), 2, "schema_version 2 is not known here"),
        (("episode", "turns", 0, "emotion", "mood"), "high", "episode.turns.0.emotion.mood: Input should be a valid"),
    ],
)
def test_other_changes_are_named_too(played: Path, tmp_path: Path, place: Place, value: object, named: str) -> None:
    line = json.loads((played / "episodes.jsonl").read_text(encoding="utf-8").splitlines()[0])
    put(line, place, value)
    verdict = verify(rewritten(played, tmp_path / "copy", 0, json.dumps(line)))
    assert len(verdict.problems) == 1
    assert named in verdict.problems[0]
    assert verdict.problems[0].startswith("episodes.jsonl:1: ")


def test_what_only_looks_different_is_no_difference(played: Path, tmp_path: Path) -> None:
    line = json.loads((played / "episodes.jsonl").read_text(encoding="utf-8").splitlines()[0])
    spaced = json.dumps(line, sort_keys=True, indent=None, separators=(" , ", " : "))
    assert verify(rewritten(played, tmp_path / "copy", 0, spaced)).is_good


def test_a_summary_that_does_not_follow_is_named(tmp_path: Path) -> None:
    run(tmp_path / "run")
    path = tmp_path / "run" / "summary.json"
    summary = json.loads(path.read_text())
    summary["score"]["mean"] += 0.25
    path.write_text(json.dumps(summary))
    assert "summary.json: score.mean: " in verify(tmp_path / "run").problems[0]


@pytest.mark.parametrize("left", [0, 1, 15])
def test_lost_episodes_are_told_and_can_be_played_again(tmp_path: Path, left: int) -> None:
    run(tmp_path / "run")
    path = tmp_path / "run" / "episodes.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:left]) + lines[left][:-40])
    (problem,) = verify(tmp_path / "run").problems
    assert problem.startswith(f"summary.json: tells of 16 finished episodes, episodes.jsonl holds {left}; restore")
    path.unlink()
    assert "episodes.jsonl holds 0" in verify(tmp_path / "run").problems[0]
    run(tmp_path / "run")
    assert verify(tmp_path / "run").is_good
    assert path.read_bytes() == whole


def test_a_run_that_goes_on_after_its_summary_is_not_called_broken(tmp_path: Path) -> None:
    summary = tmp_path / "run" / "summary.json"
    run(tmp_path / "run")
    lines = (tmp_path / "run" / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "run" / "episodes.jsonl").write_bytes(b"".join(lines[:9]))
    fail = Talker(say=lambda view: 7 if view.turn == 2 else "Go on?")  # type: ignore[arg-type,return-value]
    run(tmp_path / "run", players=Players(fail, OFFLINE.user))
    failures = (tmp_path / "run" / "failures.jsonl").read_bytes().splitlines(keepends=True)
    assert json.loads(summary.read_text())["failed"] == len(failures) == 7
    (tmp_path / "run" / "episodes.jsonl").write_bytes(b"".join(lines))
    (tmp_path / "run" / "failures.jsonl").write_bytes(b"".join([*failures, failures[0]]))
    assert verify(tmp_path / "run").is_good
    forged = json.loads(summary.read_text())
    forged["score"]["mean"] += 0.25
    summary.write_text(json.dumps(forged))
    assert "summary.json: score.mean: " in verify(tmp_path / "run").problems[0]


def test_nothing_is_no_proof(tmp_path: Path) -> None:
    run(tmp_path / "run")
    for name in ("episodes.jsonl", "summary.json"):
        (tmp_path / "run" / name).unlink()
    verdict = verify(tmp_path / "run")
    assert (verdict.is_good, verdict.problems) == (False, [])


def test_a_line_twice_is_named(tmp_path: Path) -> None:
    run(tmp_path / "run")
    path = tmp_path / "run" / "episodes.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[0]]), encoding="utf-8")
    assert verify(tmp_path / "run").problems == [f"episodes.jsonl:17: {keys(tmp_path / 'run')[0]}: is there twice"]


def test_a_damaged_line_is_named_and_the_rest_is_checked(played: Path, tmp_path: Path) -> None:
    verdict = verify(rewritten(played, tmp_path / "copy", 1, '{"key": '))
    assert verdict.episodes == 4
    assert [problem.partition(": ")[0] for problem in verdict.problems] == ["episodes.jsonl:2"]


def test_an_offline_user_perceives_again(tmp_path: Path) -> None:
    run(tmp_path / "run")
    assert verify(tmp_path / "run", Listener()).is_good

    class Other(Listener):
        def speak(self, felt):  # type: ignore[no-untyped-def]
            spoken = yield from super().speak(felt)
            return spoken.model_copy(update={"text": "Otherwise."})

    assert "turn 1: spoken is said otherwise by test@1 now" in verify(tmp_path / "run", Other()).problems[0]
    with pytest.raises(UsageError, match="was played by test@1, not by test@2"):
        verify(tmp_path / "run", Listener("test@2"))


def test_forged_numbers_with_fresh_seals_and_hashes_still_do_not_recompute(played: Path, tmp_path: Path) -> None:
    record = next(read_run(played))
    turn = record.episode.turns[0]
    better = turn.model_copy(update={"emotion": turn.emotion.model_copy(update={"mood": 90.0})})
    episode = record.episode.model_copy(update={"turns": (better, *record.episode.turns[1:])})
    from emosim.rewards import reward

    forged: Record = record_of(
        record.key, record.agent, episode, (record.reward, reward(record.reward)), record.versions
    )
    verdict = verify(rewritten(played, tmp_path / "copy", 0, forged.line()))
    assert "turn 1: emotion.mood is stored as 90.0" in verdict.problems[0]


def test_what_is_no_run_is_said_so(tmp_path: Path) -> None:
    for read in (verify, read_run, read_failures):
        with pytest.raises(UsageError, match=r"is no run: it has no run\.json"):
            read(tmp_path)


def test_stated_changes_are_sealed(tmp_path: Path) -> None:
    class Stating(Listener):
        def respond(self, heard):  # type: ignore[no-untyped-def]
            appraisal, speech = yield from super().respond(heard)
            return appraisal.model_copy(update={"stated_change": 15}), speech

    user = Stating(rules=Rulebook(name="sage", dynamics="stated", start_mood=40.0))
    run(tmp_path / "run", Suite(personas=("tom",)), Players(OFFLINE.agent, user))
    assert verify(tmp_path / "run").is_good
    line = json.loads((tmp_path / "run" / "episodes.jsonl").read_text())
    put(line, ("episode", "turns", 1, "appraisal", "stated_change"), 16)
    verdict = verify(rewritten(tmp_path / "run", tmp_path / "copy", 0, json.dumps(line)))
    assert "turn 2: appraisal.stated_change is not what was sealed" in verdict.problems[0]

"""Rescoring and merging: new runs from stored ones, without a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from stage import OFFLINE, SUITE, Listener, Talker, keys, run

from emosim.errors import UsageError
from emosim.rewards import REWARDS
from emosim.runs import ChangedSettings, Players, merge, read_config, read_run, rescore, verify
from emosim.suite import Suite

ALL = [str(key) for key in SUITE.episode_keys()]


@pytest.mark.parametrize("reward", [*sorted(REWARDS), "final+0.5*delta"])
def test_a_rescored_run_is_a_run_played_with_that_reward(tmp_path: Path, reward: str) -> None:
    run(tmp_path / "old")
    played = run(tmp_path / "played", reward=reward)
    before = (tmp_path / "old" / "episodes.jsonl").read_bytes()
    target, summary = rescore(tmp_path / "old", reward, tmp_path / "new")
    assert target == tmp_path / "new"
    assert (tmp_path / "new" / "episodes.jsonl").read_bytes() == (tmp_path / "played" / "episodes.jsonl").read_bytes()
    assert summary == played
    assert verify(tmp_path / "new", Listener()).is_good
    assert read_config(target).rescored_from == "delta"
    assert (tmp_path / "old" / "episodes.jsonl").read_bytes() == before


def test_rescoring_finds_its_own_place_and_refuses_the_run_itself(tmp_path: Path) -> None:
    run(tmp_path / "old")
    target, _ = rescore(tmp_path / "old", "final+0.5*delta")
    assert target.name == "old-final+0.5xdelta"
    rescore(tmp_path / "old", "final+0.5*delta")
    assert keys(target) == ALL
    with pytest.raises(UsageError, match="is the run itself"):
        rescore(tmp_path / "old", "final", tmp_path / "old")
    with pytest.raises(UsageError, match="did you mean 'final'"):
        rescore(tmp_path / "old", "finl")


def test_failures_come_along(tmp_path: Path) -> None:
    broken = Players(Talker(say=lambda view: 7 if view.turn == 2 else "Go on?"), Listener())  # type: ignore[arg-type,return-value]
    run(tmp_path / "old", Suite(personas=("tom",)), broken)
    for _ in range(2):
        _, summary = rescore(tmp_path / "old", "final", tmp_path / "new")
        assert summary.faults.by_cause == {"agent:bad_reply": 1}


def test_failures_that_a_broken_off_copying_left_out_come_along_the_next_time(tmp_path: Path) -> None:
    broken = Players(Talker(say=lambda view: 7), Listener())  # type: ignore[arg-type,return-value]
    for number in range(2):
        run(tmp_path / str(number), SUITE, broken, shard=f"{number}/2")
    parts = [tmp_path / str(number) for number in range(2)]
    whole = merge(parts, tmp_path / "out")
    assert whole.faults.attempts > 2
    copied = (tmp_path / "out" / "failures.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "out" / "failures.jsonl").write_text("".join(copied[:2]))
    (tmp_path / "out" / "summary.json").unlink()
    assert merge(parts, tmp_path / "out") == whole
    assert (tmp_path / "out" / "failures.jsonl").read_text() == "".join(copied)


def test_merged_shards_are_the_whole_run(tmp_path: Path) -> None:
    parts = [tmp_path / str(index) for index in range(3)]
    for index, part in enumerate(parts):
        run(part, shard=f"{index}/3")
    whole = run(tmp_path / "whole")
    for _ in range(2):
        assert merge(parts, tmp_path / "merged") == whole
        merged = (tmp_path / "merged" / "episodes.jsonl").read_bytes()
        assert merged == (tmp_path / "whole" / "episodes.jsonl").read_bytes()
    assert verify(tmp_path / "merged").is_good


def test_a_missing_shard_is_counted_and_can_be_played(tmp_path: Path) -> None:
    for index in (0, 2):
        run(tmp_path / str(index), shard=f"{index}/3")
    summary = merge([tmp_path / "0", tmp_path / "2"], tmp_path / "merged")
    assert summary.status == "incomplete"
    assert 0 < summary.missing < 16
    assert run(tmp_path / "merged").status == "complete"
    assert sorted(keys(tmp_path / "merged")) == ALL
    assert verify(tmp_path / "merged").is_good


def test_an_episode_of_two_runs_is_taken_once(tmp_path: Path) -> None:
    run(tmp_path / "a", shard="0/2")
    run(tmp_path / "b")
    assert merge([tmp_path / "a", tmp_path / "b"], tmp_path / "merged").finished == 16
    assert len(list(read_run(tmp_path / "merged"))) == 16


def test_other_runs_do_not_merge(tmp_path: Path) -> None:
    run(tmp_path / "a", shard="0/2")
    run(tmp_path / "b", shard="1/2", players=Players(Talker("test:other"), OFFLINE.user))
    with pytest.raises(ChangedSettings, match="agent: test:talker -> test:other"):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "merged")
    with pytest.raises(UsageError, match="nothing to merge"):
        merge([], tmp_path / "merged")
    with pytest.raises(UsageError, match="is one of the runs"):
        merge([tmp_path / "a"], tmp_path / "a")

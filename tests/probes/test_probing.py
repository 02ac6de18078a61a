"""Playing what a search asks for: stored, resumed without cost, failures told as such."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from stage import OFFLINE, Counting, Listener, Talker, answered, keys

from emosim.errors import BackendError, RunError, UsageError
from emosim.flow import ChatRequest, ChatResponse
from emosim.policies.chat import ChatPolicy
from emosim.probes import probe, probe_config
from emosim.runs import ChangedSettings, Pace, Players, read_run, verify
from emosim.suite import Trial


@dataclass
class Ladder:
    """Asks for two personas at a level that falls with every batch's mean, and remembers what it is told."""

    budget: int = 12
    told: list[tuple[Trial, float]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return len(self.told) >= self.budget

    def propose(self) -> Sequence[Trial]:
        turn = len(self.told) // 2
        known = [score for _, score in self.told if math.isfinite(score)]
        level = round(sum(known) / len(known), 2) if known else 0.0
        return [Trial((level,), persona, turn) for persona in ("dolores", "tom")]

    def observe(self, trials: Sequence[Trial], returns: Sequence[float]) -> None:
        self.told += zip(trials, returns, strict=True)


CONFIG = probe_config(OFFLINE, {"search": "ladder"}, personas=("dolores", "tom"))


def test_everything_asked_for_is_played_once_and_told(tmp_path: Path) -> None:
    ladder = Ladder()
    summary = probe(CONFIG, OFFLINE, ladder, tmp_path)
    scores = {record.key: record.score for record in read_run(tmp_path)}
    assert (summary.finished, summary.planned, summary.status) == (12, 12, "complete")
    assert [score for _, score in ladder.told] == [scores[key] for key in keys(tmp_path)]
    assert verify(tmp_path).is_good


def test_the_same_call_costs_nothing_and_a_larger_budget_goes_on(tmp_path: Path) -> None:
    first, again, more, whole = Ladder(6), Ladder(6), Ladder(12), Ladder(12)
    probe(CONFIG, OFFLINE, first, tmp_path / "a")
    before = keys(tmp_path / "a")
    silent = Players(Talker(say=lambda view: pytest.fail("nothing is left to play")), Listener())
    probe(CONFIG, silent, again, tmp_path / "a")
    assert again.told == first.told
    assert keys(tmp_path / "a") == before
    probe(CONFIG, OFFLINE, more, tmp_path / "a")
    probe(CONFIG, OFFLINE, whole, tmp_path / "b")
    assert more.told == whole.told


def test_a_stopped_probe_goes_on_within_its_batch(tmp_path: Path) -> None:
    played = 0

    def say(view: object) -> str:
        nonlocal played
        played += 1
        if played > 30:
            raise UsageError("stopped")
        return "What happened then?"

    stopped = Players(Talker(say=say), Listener())
    with pytest.raises(UsageError, match="stopped"):
        probe(CONFIG, stopped, Ladder(), tmp_path / "a", Pace(concurrency=1))
    assert 0 < len(keys(tmp_path / "a")) < 12
    through = Players(Talker(say=lambda view: "What happened then?"), Listener())
    resumed, whole = Ladder(), Ladder()
    probe(CONFIG, through, resumed, tmp_path / "a")
    probe(CONFIG, through, whole, tmp_path / "b")
    assert resumed.told == whole.told


def test_a_failure_is_no_observation_and_is_tried_again(tmp_path: Path) -> None:
    calls = 0

    def answer(request: ChatRequest) -> ChatResponse | Exception:
        nonlocal calls
        calls += 1
        return BackendError("gone", cause="server") if calls in (1, 3) else answered()

    agent = ChatPolicy("test:chat")
    broken = Players(agent, Listener(), agent_backend=Counting(answer))
    config = probe_config(broken, {"search": "ladder"}, personas=("dolores", "tom"))
    ladder = Ladder(4)
    summary = probe(config, broken, ladder, tmp_path, Pace(concurrency=1))
    lost = sum(math.isnan(score) for _, score in ladder.told)
    assert (summary.failed, summary.finished, summary.status) == (lost, 4 - lost, "incomplete")
    assert lost > 0
    mended = Players(agent, Listener(), agent_backend=Counting(lambda request: answered()))
    again = Ladder(4)
    assert probe(config, mended, again, tmp_path).finished == 4
    assert [trial for trial, _ in again.told] == [trial for trial, _ in ladder.told]
    assert all(math.isfinite(score) for _, score in again.told)


def test_nothing_but_failures_ends_in_one_line(tmp_path: Path) -> None:
    down = Counting(lambda request: BackendError("no route", cause="server"))
    players = Players(ChatPolicy("test:chat"), Listener(), agent_backend=down)
    config = probe_config(players, {"search": "ladder"}, personas=("dolores", "tom"))
    with pytest.raises(RunError, match="the first 20 episodes all failed"):
        probe(config, players, Ladder(100), tmp_path)


def test_another_design_is_another_run(tmp_path: Path) -> None:
    probe(CONFIG, OFFLINE, Ladder(2), tmp_path)
    other = probe_config(OFFLINE, {"search": "other"}, personas=("dolores", "tom"))
    with pytest.raises(ChangedSettings, match=r"probe\.search: ladder -> other"):
        probe(other, OFFLINE, Ladder(2), tmp_path)

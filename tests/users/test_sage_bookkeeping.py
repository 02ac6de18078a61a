"""The `sage` rulebook keeps the books of all released dialogues: changes in, moods and endings out."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from emosim.acts import Need
from emosim.difficulty import Difficulty
from emosim.engine import advance, open_episode
from emosim.episode import Ending, Episode, Utterance
from emosim.flow import ChatResponse
from emosim.packs import cast
from emosim.rulebook import replay
from emosim.users.presets import PresetUser

DATA = Path(__file__).parents[1] / "data" / "sage_deepseek_v3_trajectories.jsonl"
ROWS = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
NEEDS = {"understand_others": "understanding_others"}
USER = PresetUser("sage")
MIKE = cast("core/big_mike", "en")


def opened(need: str) -> Episode:
    scenario = MIKE.scenario.model_copy(update={"need": Need(NEEDS.get(need, need))})
    return open_episode(MIKE.persona, scenario, Difficulty(), 1, USER)


def expected_ending(row: dict[str, object]) -> Ending:
    final, turns = row["final"], row["agent_turns"]
    assert isinstance(final, int)
    if final >= 100:
        return "satisfied"
    return "out_of_turns" if final >= 10 and turns == 10 else "left"


def step(episode: Episode, change: int | None, *, goodbye: bool) -> Episode:
    """Play one reply by hand; None stands for a reply that the protocol leaves unscored."""
    number = len(episode.turns) + 1
    flow = advance(episode, Utterance(raw=f"Reply number {number}."), USER)
    analysis = json.dumps({"meaning": "", "fitting": "", "activity": "", "feeling": "", "change": change})
    action = json.dumps({"reply": f"Line number {number}, and nothing more.", "goodbye": goodbye})
    answers = [] if change is None else [analysis, action]
    try:
        assert len(next(flow)) == 1
        for answer in answers:
            flow.send([ChatResponse(answer)])
    except StopIteration as done:
        after: Episode = done.value.after
        return after
    raise AssertionError("more was asked than the protocol asks")


def test_all_scored_turns(capsys: pytest.CaptureFixture[str]) -> None:
    turns = 0
    for row in ROWS:
        episode = opened(row["need"])
        changes: list[int | None] = [b - a for a, b in pairwise(row["emotions"])]
        turns += len(changes)
        unscored = row["agent_turns"] - len(changes)
        says_goodbye = expected_ending(row) == "left" and row["final"] >= 10
        for number, change in enumerate(changes + [None] * unscored, 1):
            assert episode.ending is None
            episode = step(episode, change, goodbye=says_goodbye and number == len(changes))
        assert list(episode.moods[: len(row["emotions"])]) == row["emotions"]
        assert episode.emotion.mood == row["final"]
        assert episode.ending == expected_ending(row)
        assert len(episode.turns) == row["agent_turns"]
        assert [turn.appraisal is None for turn in episode.turns] == [False] * len(changes) + [True] * unscored
        assert not list(replay(episode))
    with capsys.disabled():
        print(f"\nSAGE bookkeeping: {len(ROWS)} dialogues, {turns} scored turns, all moods and endings equal")
    assert (len(ROWS), turns) == (1200, 9425)

"""The state of a run in a few numbers an episode: what progress, resuming and summaries need."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from emosim.episode import unbacked
from emosim.errors import CUT_SHORT
from emosim.flow import Seat
from emosim.runs.records import Failure, Record, SpentBySeat
from emosim.usage import Usage, UsageSum


class Row(NamedTuple):
    """A finished episode in brief."""

    key: str
    score: float
    return_: float
    ending: str
    turns: int

    @property
    def persona(self) -> str:
        """Global name of the persona."""
        return self.key.split(":", 1)[0]

    @property
    def language(self) -> str:
        """Language."""
        return self.key.split(":")[1]

    @property
    def cell(self) -> str:
        """Difficulty, `L0.50`."""
        return self.key.split(":")[2]


class Tally:
    """Counts of a run, kept up to date while it goes on.

    Attributes:
        planned: Episodes of the suite, or of its shard.
        rows: Finished episodes.
        failed: What happened in the last attempt at each episode that failed, by key.
        faults: Failed attempts by `seat:cause`.
        unbacked: Findings of the user's model, in finished episodes, that no words of the reply backed.
        cut: Attempts that the budget, or the end of the run, cut short.
        resumed: Finished episodes that were there at the start.
    """

    def __init__(self, planned: int) -> None:
        self.planned = planned
        self.rows: list[Row] = []
        self.failed: dict[str, str] = {}
        self.faults: Counter[str] = Counter()
        self.unbacked = 0
        self.cut = 0
        self._lost = UsageSum()
        self._spent: dict[Seat, UsageSum] = {"agent": UsageSum(), "user": UsageSum()}
        self._live: dict[Seat, UsageSum] = {"agent": UsageSum(), "user": UsageSum()}
        self.resumed = 0
        self._score = 0.0
        self._begun = time.monotonic()

    def finish(self, record: Record) -> None:
        """Count a finished episode."""
        episode = record.episode
        row = Row(record.key, record.score, record.return_, episode.ending or "", len(episode.turns))
        self.count(row, record.usage, sum([unbacked(turn.spoken.kinds) for turn in episode.turns]))

    def count(self, row: Row, usage: SpentBySeat, unbacked: int) -> None:
        """Count a finished episode by its row."""
        self.rows.append(row)
        self.unbacked += unbacked
        self.failed.pop(row.key, None)
        self._score += row.score
        self._spend(usage)

    def fail(self, failure: Failure) -> None:
        """Count a failed attempt, or one that was cut short, which is no fault."""
        if failure.cause in CUT_SHORT:
            self.cut += 1
            self._lost.add(failure.usage.agent.usage + failure.usage.user.usage)
            self._spend(failure.usage)
            return
        self.failed[failure.key] = failure.told
        self.faults[f"{failure.seat}:{failure.cause}"] += 1
        self._spend(failure.usage)

    def heard(self, seat: Seat, usage: Usage) -> None:
        """Count what a question to a model used."""
        self._live[seat].add(usage)

    @property
    def lost(self) -> Usage:
        """What the attempts used that were cut short; part of what was spent."""
        return self._lost.usage()

    @property
    def spent(self) -> dict[Seat, Usage]:
        """What stored attempts used, by seat."""
        return {seat: used.usage() for seat, used in self._spent.items()}

    @property
    def live(self) -> dict[Seat, Usage]:
        """What this process used, unfinished episodes included."""
        return {seat: used.usage() for seat, used in self._live.items()}

    def resume(self) -> None:
        """Start counting what this process does."""
        self.resumed, self._begun = len(self.rows), time.monotonic()

    def plan_what_was_played(self) -> None:
        """Take what was played as planned, where a search or a trainer chose the episodes."""
        self.planned = len(self.rows) + len(self.failed)

    @property
    def mean_score(self) -> float | None:
        """Mean score of the finished episodes."""
        return self._score / len(self.rows) if self.rows else None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start or resumption."""
        return time.monotonic() - self._begun

    @property
    def eta_s(self) -> float | None:
        """Seconds left at the pace so far."""
        done = len(self.rows) - self.resumed
        left = self.planned - len(self.rows) - len(self.failed)
        return self.elapsed_s * left / done if done else None

    def _spend(self, usage: SpentBySeat) -> None:
        self._spent["agent"].add(usage.agent.usage)
        self._spent["user"].add(usage.user.usage)


Watch: TypeAlias = Callable[[Tally], None]
"""Is shown the tally about twice a second, and once at the end."""

"""`summary.json`: what a run found, failures kept apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Literal, TypeAlias

from pydantic import ConfigDict, Field

from emosim.runs.config import RunConfig
from emosim.runs.interval import Mean, mean_of
from emosim.runs.records import Spent, SpentBySeat, Versions
from emosim.runs.tally import Row, Tally
from emosim.value import Value

Status: TypeAlias = Literal["complete", "incomplete", "budget", "interrupted"]
"""All episodes finished; some failed or are missing; the budget was reached; Ctrl-C."""


class Cell(Value):
    """Episodes that share a level, a language or a persona."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    episodes: int
    """Finished episodes."""
    score: Mean
    """Final mood over 100."""
    return_: Mean = Field(alias="return")
    """Sum of rewards."""
    endings: dict[str, int]
    """How they ended."""
    turns: float
    """Mean number of turns."""


class Faults(Value):
    """Attempts that could not be finished; none is in any mean."""

    attempts: int
    """Failed attempts, those that were repaired by a later run included."""
    rate: float | None
    """Failed attempts over all attempts."""
    by_cause: dict[str, int]
    """Failed attempts by `seat:cause`."""
    unbacked: int = 0
    """Findings of the user's model, in finished episodes, that it could not quote from the reply; left out of them."""
    first: str = ""
    """What happened in the first episode that is still failed."""


class Cut(Value):
    """Attempts that the budget, or the end of the run, cut short; no faults, and what they learned is lost."""

    attempts: int = 0
    """How many, in all sittings of the run."""
    usage: Spent = Spent()
    """What they used; part of the run's usage."""


class Summary(Value):
    """What a run found."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    schema_version: Literal[1] = 1
    """Version of the stored form."""
    status: Status
    """How the run stands."""
    agent: str
    """Spec of the agent."""
    privileged: bool
    """Whether the agent reads hidden fields."""
    user: str
    """Name and version of the user."""
    reward: str
    """Name of the reward function."""
    versions: Versions
    """What the records depend on."""
    planned: int
    """Episodes of the suite, or of its shard."""
    finished: int
    """Episodes in the means."""
    failed: int
    """Episodes whose last attempt failed."""
    missing: int
    """Episodes not finished, failed ones included."""
    score: Mean | None
    """Final mood over 100."""
    return_: Mean | None = Field(alias="return")
    """Sum of rewards."""
    turns: float | None
    """Mean number of turns."""
    endings: dict[str, int]
    """How episodes ended."""
    by_level: dict[str, Cell]
    """By difficulty."""
    by_language: dict[str, Cell]
    """By language."""
    by_persona: dict[str, Cell]
    """By persona."""
    faults: Faults
    """What could not be finished."""
    cut: Cut = Cut()
    """What was cut short."""
    usage: SpentBySeat
    """Tokens and money of all stored attempts."""


def summarise(tally: Tally, config: RunConfig, status: Status) -> Summary:
    """Return the summary of what a tally holds."""
    rows = sorted(tally.rows)
    attempts = sum(tally.faults.values())
    missing = tally.planned - len(rows)
    return Summary(
        status="incomplete" if status == "complete" and missing else status,
        agent=config.agent,
        privileged=config.privileged,
        user=config.user,
        reward=config.reward,
        versions=config.versions,
        planned=tally.planned,
        finished=len(rows),
        failed=len(tally.failed),
        missing=missing,
        score=_mean(rows, lambda row: row.score, (0.0, 1.0)),
        return_=_mean(rows, lambda row: row.return_),
        turns=sum(row.turns for row in rows) / len(rows) if rows else None,
        endings=_endings(rows),
        by_level=_cells(rows, lambda row: row.cell),
        by_language=_cells(rows, lambda row: row.language),
        by_persona=_cells(rows, lambda row: row.persona),
        faults=Faults(
            attempts=attempts,
            rate=attempts / (attempts + len(rows)) if attempts + len(rows) else None,
            by_cause=dict(sorted(tally.faults.items())),
            unbacked=tally.unbacked,
            first=next(iter(tally.failed.values()), ""),
        ),
        cut=Cut(attempts=tally.cut, usage=Spent.of(tally.lost)),
        usage=SpentBySeat(agent=Spent.of(tally.spent["agent"]), user=Spent.of(tally.spent["user"])),
    )


def _cells(rows: Iterable[Row], name: Callable[[Row], str]) -> dict[str, Cell]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[name(row)].append(row)
    return {name: _cell(group) for name, group in sorted(groups.items())}


def _cell(rows: list[Row]) -> Cell:
    score, earned = _mean(rows, lambda row: row.score, (0.0, 1.0)), _mean(rows, lambda row: row.return_)
    assert score is not None
    assert earned is not None
    return Cell(
        episodes=len(rows),
        score=score,
        return_=earned,
        endings=_endings(rows),
        turns=sum(row.turns for row in rows) / len(rows),
    )


def _mean(
    rows: Collection[Row], value: Callable[[Row], float], within: tuple[float, float] | None = None
) -> Mean | None:
    """Return the mean over personas; several difficulties or languages of one persona are no sample of anything."""
    groups: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        groups[row.persona].append(value(row))
    mean = mean_of(groups, within)
    if mean is not None and len(groups) == 1 and len({(row.cell, row.language) for row in rows}) > 1:
        return mean.model_copy(update={"low": None, "high": None})
    return mean


def _endings(rows: Iterable[Row]) -> dict[str, int]:
    return dict(sorted(Counter(row.ending for row in rows).items()))

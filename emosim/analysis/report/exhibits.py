"""Exhibits made from transcripts: what every report of stored episodes shows, whatever else it adds.

Episodes of one persona resemble each other, so intervals are over personas (SCIENCE.md 1); episodes that the
environment spoiled are in no number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from emosim.analysis.intervals import mean_interval
from emosim.analysis.persona_levels import PersonaLevels
from emosim.analysis.report.charts import (
    Axis,
    Bar,
    BarChart,
    HeatCell,
    HeatMap,
    MoodLines,
    Point,
    Series,
    ShadedRow,
    ShadedTable,
    Table,
)
from emosim.analysis.report.payload import difficulty_label
from emosim.analysis.report.values import Transcript

THREADS: Final = 240
"""Thin lines that a mood chart can carry."""
_ENDINGS: Final = ("satisfied", "out_of_turns", "left", "agent_left", "invalid")


def score_map(episodes: Sequence[Transcript], title: str = "Score by persona and level") -> HeatMap:
    """Return mean scores by persona and difficulty, the easiest personas on top; a click lists a cell's episodes."""
    cells = _grouped(episodes, lambda one: (_persona(one), difficulty_label(one.episode)))
    rows = sorted(
        {row for row, _ in cells}, key=lambda row: -_mean([s for at, v in cells.items() if at[0] == row for s in v])
    )
    columns = tuple(sorted({column for _, column in cells}))
    return HeatMap(
        title=title,
        note="Mean final mood over 100. A click on a cell lists its episodes.",
        rows=tuple(rows),
        columns=columns,
        cells=tuple(tuple(_cell(cells.get((row, column), []), row, column) for column in columns) for row in rows),
    )


def mood_by_level(episodes: Sequence[Transcript], title: str = "Mood turn by turn") -> MoodLines:
    """Return the median mood at each turn by difficulty, with the middle half of the episodes as a band."""
    groups: dict[str, list[Transcript]] = defaultdict(list)
    for one in _scored(episodes):
        groups[difficulty_label(one.episode)].append(one)
    step = max(1, -(-len(episodes) // THREADS))
    shown = "each thin line is an episode" if step == 1 else f"each thin line is one in {step} episodes"
    return MoodLines(
        title=title,
        note=f"Median by level, band: middle half; an ended episode keeps its last mood; {shown}.",
        episodes=tuple(range(0, len(episodes), step)),
        series=tuple(_quartiles(f"level {label}", of) for label, of in sorted(groups.items())[:6]),
    )


def ending_bars(episodes: Sequence[Transcript], title: str = "How episodes ended") -> BarChart:
    """Return the share of each ending."""
    total = max(1, len(episodes))
    count = {name: sum(one.episode.ending == name for one in episodes) for name in _ENDINGS}
    return BarChart(
        title=title,
        axis=Axis(label="share of episodes", low=0, high=1),
        bars=tuple(
            Bar(name=name.replace("_", " "), value=n / total, n=n, find=name.replace("_", " "))
            for name, n in count.items()
            if n
        ),
    )


def level_table(episodes: Sequence[Transcript], title: str = "Score by level") -> Table:
    """Return counts, mean score and its 95 % interval over personas, by difficulty."""
    cells = _grouped(episodes, lambda one: (difficulty_label(one.episode), _persona(one)))
    levels = sorted({level for level, _ in cells})
    by_level = {level: {who: s for (at, who), s in cells.items() if at == level} for level in levels}
    return Table(
        title=title,
        note="Intervals are t intervals over persona means; one persona gives none.",
        headers=("level", "episodes", "personas", "score", "95 % interval"),
        rows=tuple(_level_row(level, by_level[level]) for level in levels),
    )


def persona_table(found: PersonaLevels, axis: str = "level") -> ShadedTable:
    """Return who is hardest for an agent at which place of an axis; a click on a name lists its episodes."""
    order = "the hardest persona first" if found.told_apart else "personas not told apart"
    return ShadedTable(
        title=f"Success by persona and {axis}, in percent, {order}",
        note="Inferred from all episodes of a persona and the curve, with its 95 % credible interval: a persona that "
        "was seen little stays near the middle of the cast. A click on a name lists its episodes.",
        headers=("persona", "episodes", *(f"{axis} {at:g}" for at in found.levels)),
        rows=tuple(
            ShadedRow(name=row.persona, n=row.episodes, cells=row.success, find=row.persona) for row in found.rows
        ),
    )


def _level_row(level: str, groups: Mapping[str, Sequence[float]]) -> tuple[str, int, int, float, str]:
    means = [_mean(scores) for scores in groups.values()]
    played = sum(len(scores) for scores in groups.values())
    if len(means) < 2:
        return level, played, len(means), _mean(means), "undetermined"
    found = mean_interval(means, bounds=(0.0, 1.0))
    return level, played, len(means), found.estimate, f"{found.low:.3f} to {found.high:.3f}"


def _cell(scores: Sequence[float], row: str, column: str) -> HeatCell:
    if not scores:
        return HeatCell(value=None)
    find = f"{row} L{column}" if "," not in column else row
    low, high = (min(scores), max(scores)) if len(scores) > 1 else (None, None)
    return HeatCell(value=_mean(scores), low=low, high=high, n=len(scores), find=find)


def _quartiles(name: str, of: Sequence[Transcript]) -> Series:
    turns = max(len(one.episode.moods) for one in of)
    moods = np.array([_stretched(one.episode.moods, turns) for one in of])
    low, middle, high = np.quantile(moods, (0.25, 0.5, 0.75), axis=0)
    return Series(
        name=name,
        points=tuple(
            Point(x=turn, y=float(middle[turn]), low=float(low[turn]), high=float(high[turn]), n=len(of))
            for turn in range(turns)
        ),
    )


def _stretched(moods: Sequence[float], turns: int) -> list[float]:
    return [*moods, *[moods[-1]] * (turns - len(moods))]


def _scored(episodes: Iterable[Transcript]) -> list[Transcript]:
    return [one for one in episodes if one.is_scored]


def _persona(one: Transcript) -> str:
    return one.episode.persona.ref


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _grouped(
    episodes: Sequence[Transcript], key: Callable[[Transcript], tuple[str, str]]
) -> dict[tuple[str, str], list[float]]:
    """Return scores by key, spoiled episodes left out."""
    groups: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in _scored(episodes):
        groups[key(one)].append(one.episode.score)
    return dict(groups)

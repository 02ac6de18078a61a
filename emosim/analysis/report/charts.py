"""What a report can show besides transcripts: line charts, the frontier, heat maps, bars and tables, as values.

Colours, sizes and marks are the page's business (`report.js`); a chart holds numbers, names and one sentence that says
what to see. Numbers that are not finite are gaps.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from emosim.value import Value

Cell: TypeAlias = str | int | float | None
"""A table's cell; None is shown as a dash."""
CONTRAST_INSIDE: Final = 0.5
"""U_G from which a level is inside the explorable space. Source: SCIENCE.md 2.1."""
CONTRAST_OUTSIDE: Final = 0.2
"""U_G below which a level is outside it. Source: SCIENCE.md 2.1."""


class Axis(Value):
    """What a direction measures."""

    label: str
    """Quantity, with its unit."""
    low: float | None = None
    """Least value shown; None fits the data."""
    high: float | None = None
    """Largest value shown; None fits the data."""


UNIT: Final = (0.0, 1.0)
LEVEL: Final = Axis(label="level on the reference ray", low=UNIT[0], high=UNIT[1])
MOOD: Final = Axis(label="mood", low=0.0, high=100.0)


class Point(Value):
    """One measured value."""

    x: float
    """Place."""
    y: float | None
    """Value; None is a gap."""
    low: float | None = None
    """Lower end of its interval."""
    high: float | None = None
    """Upper end."""
    n: int | None = None
    """Units behind it."""


class Series(Value):
    """Points that belong together."""

    name: str
    """What they are, for the label at the line's end."""
    points: tuple[Point, ...]
    """The points, by x."""
    marks: Literal["line", "dots"] = "line"
    """Joined, with a band; or single measurements, with whiskers."""


class Guide(Value):
    """A reference line, or a band if it has two ends."""

    label: str
    """What it is."""
    at: float
    """Where the line or the band's lower end is."""
    to: float | None = None
    """The band's upper end."""
    axis: Literal["x", "y"] = "y"
    """Which axis it is read on."""


class _Exhibit(Value):
    title: str
    """What it shows, a phrase."""
    note: str = ""
    """What to see in it, how it was made, the interval's meaning: one or two sentences."""


class LineChart(_Exhibit):
    """Lines with interval bands."""

    kind: Literal["lines"] = "lines"
    """Which exhibit this is."""
    x: Axis
    """The horizontal axis."""
    y: Axis
    """The vertical axis."""
    series: tuple[Series, ...]
    """The lines, six at most can be told apart."""
    guides: tuple[Guide, ...] = ()
    """Reference lines."""


class MoodLines(_Exhibit):
    """Mood turn by turn: episodes as thin lines, summaries over them as thick ones."""

    kind: Literal["moods"] = "moods"
    """Which exhibit this is."""
    episodes: tuple[int, ...]
    """Positions in `Report.episodes` of the thin lines; a click on one opens its turn."""
    series: tuple[Series, ...] = ()
    """Summaries, x is the turn and y the mood."""


class Boundary(Value):
    """Where the agent leaves its explorable space."""

    estimate: float | None
    """Level of the boundary; None if it is off the scale."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end."""
    censored: Literal["above", "below"] | None = None
    """Beyond which end of the scale it lies."""
    level: float = 0.95
    """Nominal coverage of the interval."""


class FrontierChart(_Exhibit):
    """Contrast U_G against difficulty, with the boundary's interval as an upright band."""

    kind: Literal["frontier"] = "frontier"
    """Which exhibit this is."""
    x: Axis = LEVEL
    """Difficulty."""
    group_size: int
    """G: the boundary depends on it."""
    series: tuple[Series, ...]
    """The curve, and measured levels if they are kept apart."""
    boundary: Boundary | None = None
    """The boundary; None if undetermined."""
    thresholds: tuple[float, float] = (CONTRAST_OUTSIDE, CONTRAST_INSIDE)
    """U_G below which a level is outside, and from which it is inside."""


class HeatCell(Value):
    """One cell of a heat map."""

    value: float | None
    """Value, 0..1; None if nothing was played."""
    low: float | None = None
    """Lower end of its interval."""
    high: float | None = None
    """Upper end."""
    n: int = 0
    """Units behind it."""
    find: str = ""
    """Words that list its episodes; a click on the cell searches for them."""


class HeatMap(_Exhibit):
    """Values by row and column, such as score by persona and level."""

    kind: Literal["heat"] = "heat"
    """Which exhibit this is."""
    rows: tuple[str, ...]
    """Names of the rows."""
    columns: tuple[str, ...]
    """Names of the columns."""
    cells: tuple[tuple[HeatCell, ...], ...]
    """Cells, row by row."""
    unit: str = "score"
    """What the values are."""


class Bar(Value):
    """One bar."""

    name: str
    """What it is."""
    value: float | None
    """Its length."""
    low: float | None = None
    """Lower end of its interval."""
    high: float | None = None
    """Upper end."""
    n: int | None = None
    """Units behind it."""
    find: str = ""
    """Words that list its episodes."""


class BarChart(_Exhibit):
    """Values by name."""

    kind: Literal["bars"] = "bars"
    """Which exhibit this is."""
    axis: Axis
    """What the bars measure."""
    bars: tuple[Bar, ...]
    """The bars, in order."""


class Table(_Exhibit):
    """Numbers and words in rows."""

    kind: Literal["table"] = "table"
    """Which exhibit this is."""
    headers: tuple[str, ...]
    """Names of the columns."""
    rows: tuple[tuple[Cell, ...], ...]
    """The rows, as long as the headers."""


class ShadedRow(Value):
    """One row of a shaded table."""

    name: str
    """What it is."""
    n: int
    """Units behind it."""
    cells: tuple[tuple[float, float, float], ...]
    """Shares, 0..1, as long as the columns: estimate, lower and upper end of its interval."""
    find: str = ""
    """Words that list its episodes; the name becomes a button that searches for them."""


class ShadedTable(_Exhibit):
    """Shares with their intervals, row by row; the larger, the darker (on paper) or lighter (on a dark screen)."""

    kind: Literal["shaded"] = "shaded"
    """Which exhibit this is."""
    headers: tuple[str, ...]
    """What the rows are, what n counts, and the names of the columns."""
    rows: tuple[ShadedRow, ...]
    """The rows, in order."""


Exhibit: TypeAlias = Annotated[
    LineChart | MoodLines | FrontierChart | HeatMap | BarChart | Table | ShadedTable, Field(discriminator="kind")
]
"""One chart or table of a report."""

"""PNG files of the frontier and of line charts, for papers. Needs the extra `plots`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emosim.analysis.report.charts import Boundary, FrontierChart, Guide, LineChart, Point, Series
from emosim.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = ("#0072b2", "#c04f00", "#00795a", "#a8487f", "#7a6a00", "#56616b")
"""The page's own, told apart by people with colour-blindness."""
_DASHES: Final = ("-", "--", ":", "-.", (0, (4, 2)), (0, (1, 3)))


def write_png(path: str | os.PathLike[str], chart: FrontierChart | LineChart, dpi: int = 200) -> Path:
    """Write a chart as PNG.

    Args:
        path: The file.
        chart: The frontier or a line chart, as the report shows it.
        dpi: Dots an inch; the picture is 6.4 by 3.8 inches.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figure = _figure()
    axes = figure.add_subplot()
    if isinstance(chart, FrontierChart):
        _frontier(axes, chart)
        axes.set(xlabel=chart.x.label, ylabel=f"contrast U, G = {chart.group_size}", ylim=(0, 1))
    else:
        _guides(axes, chart.guides)
        axes.set(xlabel=chart.x.label, ylabel=chart.y.label)
    for at, series in enumerate(chart.series):
        _draw(axes, series, at)
    axes.spines[["top", "right"]].set_visible(False)
    if len(chart.series) > 1:
        axes.legend(frameon=False, fontsize=8)
    axes.set_title(chart.title, loc="left", fontsize=10)
    figure.savefig(path, dpi=dpi, metadata={"Software": "emosim"})
    return Path(path)


def _figure() -> Figure:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("PNG charts", "plots") from None
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _draw(axes: Axes, series: Series, at: int) -> None:
    seen = [point for point in series.points if point.y is not None]
    xs, ys = [point.x for point in series.points], [point.y for point in series.points]
    colour = COLOURS[at % len(COLOURS)]
    style = "" if series.marks == "dots" else _DASHES[at % 6]
    marker = "o" if len(seen) <= 24 else ""
    numbers = [float("nan") if y is None else y for y in ys]
    axes.plot(xs, numbers, linestyle=style, color=colour, marker=marker, markersize=3.5, label=series.name)
    banded = [(point.x, *ends) for point in seen if (ends := _ends(point))]
    if len(banded) > 1 and series.marks == "line":
        x, low, high = zip(*banded, strict=True)
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    elif series.marks == "dots":
        for place, bottom, top in banded:
            axes.plot((place, place), (bottom, top), color=colour, linewidth=1)


def _ends(point: Point) -> tuple[float, float] | None:
    return None if point.low is None or point.high is None else (point.low, point.high)


def _frontier(axes: Axes, chart: FrontierChart) -> None:
    for threshold in chart.thresholds:
        axes.axhline(threshold, color="#56616b", linewidth=0.7, linestyle=":")
    if chart.boundary is not None:
        _boundary(axes, chart.boundary)


def _boundary(axes: Axes, found: Boundary) -> None:
    axes.axvspan(found.low, found.high, color=COLOURS[1], alpha=0.18, linewidth=0)
    if found.estimate is not None:
        axes.axvline(found.estimate, color=COLOURS[1], linewidth=1.2)


def _guides(axes: Axes, guides: tuple[Guide, ...]) -> None:
    for guide in guides:
        line, band = (axes.axhline, axes.axhspan) if guide.axis == "y" else (axes.axvline, axes.axvspan)
        if guide.to is None:
            line(guide.at, color="#56616b", linewidth=0.7, linestyle=":")
        else:
            band(guide.at, guide.to, color="#56616b", alpha=0.1, linewidth=0)

"""Small line charts as inline SVG, readable on light and on dark pages and without colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH, HEIGHT = 330, 236
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 30, 38
MARKS: Final = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True)
class Series:
    """One line; `style` 0..3 gives colour, mark and dashes."""

    label: str
    style: int
    points: Sequence[tuple[float, float]]
    bars: Sequence[tuple[float, float]] = ()
    """Lower and upper end at each point."""
    flat: float | None = None
    """A thin horizontal line of the same style, such as the base's score."""


@dataclass(frozen=True)
class Axes:
    """What the axes show."""

    x: str
    ticks: Sequence[float]
    top: float = 1.0
    doubling: bool = False
    """Whether x goes by doublings."""

    def across(self, value: float) -> float:
        """Return the horizontal place of a value."""
        low, high, at = (math.log2(v) if self.doubling else v for v in (self.ticks[0], self.ticks[-1], value))
        return _LEFT + (at - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    def up(self, value: float) -> float:
        """Return the vertical place of a value."""
        return HEIGHT - _BOTTOM - value / self.top * (HEIGHT - _TOP - _BOTTOM)


def chart(title: str, axes: Axes, lines: Sequence[Series]) -> str:
    """Return one chart."""
    said = "; ".join(f"{one.label}: {one.points[0][1]:.2f} to {one.points[-1][1]:.2f}" for one in lines if one.points)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(f"{title}. {said}")}">'
        f'<text class="name" x="{_LEFT}" y="16">{escape(title)}</text>{_frame(axes)}'
        f"{''.join(_line(one, axes) for one in lines)}</svg>"
    )


def legend(lines: Sequence[tuple[str, int]]) -> str:
    """Return what the styles stand for."""
    parts = [
        f'<span class="key"><svg viewBox="0 0 34 12" aria-hidden="true"><line class="c{style}" x1="1" x2="33" y1="6" '
        f'y2="6"/>{_mark(17, 6, style, "")}</svg>{escape(label)}</span>'
        for label, style in lines
    ]
    return f'<p class="legend">{"".join(parts)}</p>'


def _frame(axes: Axes) -> str:
    right, base = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y, label = axes.up(share * axes.top), f"{share * axes.top:.2f}".rstrip("0").rstrip(".")
        parts.append(
            f'<line class="{"axis" if not share else "grid"}" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for tick in axes.ticks:
        parts.append(f'<text x="{axes.across(tick):.1f}" y="{base + 16}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{(_LEFT + right) / 2}" y="{HEIGHT - 5}" text-anchor="middle">{escape(axes.x)}</text>')
    return "".join(parts)


def _line(one: Series, axes: Axes) -> str:
    places = [(axes.across(x), axes.up(y)) for x, y in one.points]
    parts = []
    if one.flat is not None:
        y = axes.up(one.flat)
        parts.append(f'<line class="c{one.style} base" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    for (x, _), (low, high) in zip(places, one.bars, strict=False):
        ends = f'y1="{axes.up(low):.1f}" y2="{axes.up(high):.1f}"'
        parts.append(f'<line class="c{one.style} bar" x1="{x:.1f}" x2="{x:.1f}" {ends}/>')
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline class="c{one.style}" points="{path}"/>')
    titles = (f"{one.label}, {x:g}: {y:.3f}" for x, y in one.points)
    parts += [_mark(x, y, one.style, title) for (x, y), title in zip(places, titles, strict=True)]
    return "".join(parts)


def _mark(x: float, y: float, style: int, title: str) -> str:
    inside = f"<title>{escape(title)}</title>" if title else ""
    shapes = {
        "circle": f'<circle class="f{style}" cx="{x:.1f}" cy="{y:.1f}" r="3.2">{inside}</circle>',
        "square": f'<rect class="f{style}" x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6">{inside}</rect>',
        "diamond": f'<path class="f{style}" d="M{x:.1f} {y - 4:.1f}l4 4l-4 4l-4 -4z">{inside}</path>',
        "triangle": f'<path class="f{style}" d="M{x:.1f} {y - 4:.1f}l4 7h-8z">{inside}</path>',
    }
    return shapes[MARKS[style % len(MARKS)]]


STYLE: Final = """
:root { color-scheme: light dark; --paper: #fbfbf9; --ink: #1b2126; --soft: #56616b; --rule: #dcdfe0; --s0: #0072b2;
  --s1: #c04f00; --s2: #00795a; --s3: #a8487f; --note: #fdf6e3; --in: #cfe8d8; --edge: #fbe9c6; --out: #f3d6cf;
  --easy: #d9e6f2; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181b; --ink: #e4e7e8; --soft: #9aa5ad; --rule: #363e44;
  --s0: #5fb0e5; --s1: #f0935a; --s2: #3cc79d; --s3: #de8fbe; --note: #2b2718; --in: #1d4030; --edge: #4a3c15;
  --out: #4c2620; --easy: #1d3346; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 82rem; padding: 2rem clamp(1rem, 3vw, 2.5rem) 5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; max-width: 50rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 0.6rem; } p, li { max-width: 48rem; } .soft { color: var(--soft); }
.small { font-size: 0.85rem; color: var(--soft); }
ul.summary { max-width: 52rem;
  background: var(--note); border-left: 3px solid var(--s1); padding: 0.6rem 1rem 0.6rem 2rem; margin: 0; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 0.6rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.88rem; margin: 0.6rem 0; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th { font-weight: 600; white-space: normal; vertical-align: bottom; }
  th:first-child, td:first-child { text-align: left; } td.words { white-space: normal;
  text-align: left; min-width: 22rem; } .inside { background: var(--in); } .edge { background: var(--edge); }
.outside { background: var(--out); } .beneath { background: var(--easy); }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 11px; fill: var(--soft); }
svg .name { font-size: 13px; font-weight: 600; fill: var(--ink); } .grid { stroke: var(--rule); stroke-width: 0.6; }
.axis { stroke: var(--soft); } svg [class^="c"] { fill: none; stroke-width: 2; } .c0 { stroke: var(--s0); }
.c1 { stroke: var(--s1); stroke-dasharray: 7 3; } .c2 { stroke: var(--s2); stroke-dasharray: 2 3; }
.c3 { stroke: var(--s3); stroke-dasharray: 9 3 2 3; } svg .base { stroke-width: 1; opacity: 0.6; }
svg .bar { stroke-width: 1.4; stroke-dasharray: none; } .f0 { fill: var(--s0); } .f1 { fill: var(--s1); }
.f2 { fill: var(--s2); } .f3 { fill: var(--s3); } .legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem;
  font-size: 0.85rem; margin: 0.3rem 0; } .key svg { width: 34px; display: inline-block; margin-right: 0.4rem; }
code { font-size: 0.9em; overflow-wrap: anywhere; }
"""
"""Of the whole page."""

"""Moods as a static picture: SVG text for README and Jupyter, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Final

from emosim.episode import Episode

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 150, 16, 38
_STYLE: Final = """\
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: #56616b }
.grid { stroke: #e4e7e8 } .axis { stroke: #b9c0c4 }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round }
.name { font-weight: 600 }
.c0 { stroke: #0072b2 } .c1 { stroke: #c04f00; stroke-dasharray: 7 4 } .c2 { stroke: #00795a; stroke-dasharray: 2 4 }
.f0 { fill: #0072b2 } .f1 { fill: #c04f00 } .f2 { fill: #00795a }
@media (prefers-color-scheme: dark) {
text { fill: #9aa5ad } .grid { stroke: #2b3338 } .axis { stroke: #4a545b }
.c0 { stroke: #5fb0e5 } .c1 { stroke: #f0935a } .c2 { stroke: #3cc79d }
.f0 { fill: #5fb0e5 } .f1 { fill: #f0935a } .f2 { fill: #3cc79d }
}"""


def svg_moods(episodes: Mapping[str, Episode], width: int = 720, height: int = 300) -> str:
    """Return the moods of up to three episodes as an SVG picture.

    Args:
        episodes: Episodes by the label that their line carries.
        width: In pixels.
        height: In pixels.
    """
    lines = {label: episode.moods for label, episode in episodes.items()}
    last = max([1, *(len(moods) - 1 for moods in lines.values())])

    def x(turn: float) -> float:
        return _LEFT + turn / last * (width - _LEFT - _RIGHT)

    def y(mood: float) -> float:
        return height - _BOTTOM - mood / 100 * (height - _TOP - _BOTTOM)

    said = "; ".join(f"{label}: {moods[0]:.0f} to {moods[-1]:.0f}" for label, moods in lines.items())
    drawn = [_line(at, label, moods, x, y) for at, (label, moods) in enumerate(lines.items())]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(f"Mood turn by turn. {said}")}">',
            f"<style>\n{_STYLE}\n</style>",
            *_axes(last, width, height, x, y),
            *drawn,
            "</svg>\n",
        ]
    )


def _axes(
    last: int, width: int, height: int, x: Callable[[float], float], y: Callable[[float], float]
) -> Sequence[str]:
    """Return grid, ticks and labels."""
    end, base = width - _RIGHT, height - _BOTTOM
    parts = []
    for mood in (0, 25, 50, 75, 100):
        css = "grid" if mood else "axis"
        parts.append(f'<line class="{css}" x1="{_LEFT}" x2="{end}" y1="{y(mood):.1f}" y2="{y(mood):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y(mood) + 4:.1f}" text-anchor="end">{mood}</text>')
    for turn in range(0, last + 1, max(1, -(-last // 10))):
        parts.append(f'<text x="{x(turn):.1f}" y="{base + 18}" text-anchor="middle">{turn}</text>')
    parts.append(f'<text x="{(_LEFT + end) / 2:.0f}" y="{height - 4}" text-anchor="middle">turn</text>')
    middle = (_TOP + base) / 2
    parts.append(f'<text transform="translate(12 {middle:.0f}) rotate(-90)" text-anchor="middle">mood</text>')
    return parts


def _line(at: int, label: str, moods: Sequence[float], x: Callable[[float], float], y: Callable[[float], float]) -> str:
    """Return one episode: its line, its turns, its label at the end."""
    places = [(x(turn), y(mood)) for turn, mood in enumerate(moods)]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    dots = "".join(
        f'<circle class="f{at % 3}" cx="{a:.1f}" cy="{b:.1f}" r="3.5">'
        f"<title>turn {turn}: {moods[turn]:.1f}</title></circle>"
        for turn, (a, b) in enumerate(places)
    )
    end_x, end_y = places[-1]
    name = f'<text class="name f{at % 3}" x="{end_x + 10:.1f}" y="{end_y + 4:.1f}">{escape(label)}</text>'
    return f'<polyline class="line c{at % 3}" points="{path}"/>{dots}{name}'

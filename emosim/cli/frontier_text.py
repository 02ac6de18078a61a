"""A frontier as text: the verdict first, then the table it rests on."""

from __future__ import annotations

from pathlib import Path

from emosim.analysis.boundary import Boundary
from emosim.analysis.counted import counted
from emosim.analysis.findings import FrontierFindings, SurfaceFindings
from emosim.analysis.findings.frontier import Level
from emosim.analysis.findings.sentences import between, mark, sight, span
from emosim.analysis.intervals import Interval
from emosim.analysis.persona_levels import PersonaLevels, PersonaRow
from emosim.cli.options import columns
from emosim.cli.report import causes, spending
from emosim.runs import Summary

HARDEST = 4
"""Personas shown at each end; frontier.json has all."""


def text(found: FrontierFindings | SurfaceFindings, summary: Summary, out: Path) -> str:
    """Return what was found as a few lines."""
    lines = _axis(found) if isinstance(found, FrontierFindings) else _cube(found)
    if found.faults:
        failed = f"{counted(found.faults, 'episode')} could not be finished ({causes(summary)}), in no number"
        lines.append(f"{failed}; the same command tries again")
    lines += [*spending(summary), f"stored in {out}: frontier.json, report.html, episodes.jsonl"]
    return "\n".join([found.verdict, "", *lines])


def _axis(found: FrontierFindings) -> list[str]:
    rows = [(found.axis, "n", "score", "success", f"U_{found.group_size}", "95 %", "zone")]
    lines = [columns(rows + [_row(level) for level in found.levels]), ""]
    if found.curve is None:
        lines.append(f"no curve could be fitted, so that success, U_{found.group_size} and zones are left out")
    lines += [_boundary("ends", found.boundary), _boundary("outside from", found.edge), _boundary("d50", found.d50)]
    lines += [
        f"best of {one.k} at {one.low:.1f} to {one.high:.1f}: {between(one.best)}, one try {between(one.once)}, "
        f"{one.best.n} personas"
        for one in found.ceilings
    ]
    if not any(one.k >= found.group_size for one in found.ceilings):
        size = found.group_size
        lines.append(
            f"best of {size} undetermined, as no part of the axis saw enough personas {size} times; "
            f"'emosim ceiling --agent {found.agent} -n {2 * size}' plays that at one level (--level)"
        )
    lines.append(_differing(found))
    if found.by_persona is not None:
        lines += ["", _hardest(found.by_persona)]
    return [*lines, *(f"note: {note}" for note in found.notes)]


def _differing(found: FrontierFindings) -> str:
    """Return which personas are harder or easier than the middle one."""
    if found.personas is None:
        return "harder or easier personas: undetermined, as these episodes bear no estimate of them"
    if not found.personas:
        return "harder or easier personas: undetermined, none differs from the middle one beyond its interval"
    shown = ", ".join(f"{one.name} {one.estimate:+.1f}" for one in found.personas)
    return f"harder (+) or easier than the middle persona, logits: {shown}"


def _hardest(found: PersonaLevels) -> str:
    """Return the hardest and the easiest personas with their success along the axis, in percent."""
    order = "hardest first" if found.told_apart else "not told apart"
    head = (f"success %, {order}", "n", *(f"at {level:g}" for level in found.levels))
    few = found.rows if len(found.rows) <= 2 * HARDEST else (*found.rows[:HARDEST], None, *found.rows[-HARDEST:])
    rows = [("...", *("" for _ in head[1:])) if row is None else _persona(row) for row in few]
    return columns([head, *rows])


def _persona(row: PersonaRow) -> tuple[str, ...]:
    cells = (f"{100 * at:.0f} ({100 * low:.0f}..{100 * high:.0f})" for at, low, high in row.success)
    return row.persona, str(row.episodes), *cells


def _row(level: Level) -> tuple[str, ...]:
    return (
        f"{level.low:.1f}-{level.high:.1f}",
        str(level.episodes),
        "-" if level.score is None else f"{level.score.estimate:.2f}",
        "-" if level.success is None else f"{level.success[0]:.2f}",
        "-" if level.contrast is None else f"{level.contrast[0]:.2f}",
        "-" if level.contrast is None else f"{level.contrast[1]:.2f}..{level.contrast[2]:.2f}",
        zone_named(level),
    )


def zone_named(level: Level) -> str:
    """Return the zone of a level, where it is undetermined with the likeliest one; `-` where there is no curve."""
    if level.zone == "undetermined":
        return f"undetermined ({level.likely}?)"
    return level.zone or "-"


def _boundary(name: str, found: Boundary) -> str:
    head = f"{name:<13}{found.target}"
    if found.status == "undetermined":
        return f"{head} undetermined: {'; '.join(found.reasons)}"
    places = {"beyond": "beyond 1", "below": "below 0"}
    seen = "" if found.detectable is None else f"; {sight(found)}"
    where = places.get(found.status) or f"{mark(found.estimate)} (95 % {span(found)}{seen})"
    return f"{head} {where}"


def _cube(found: SurfaceFindings) -> list[str]:
    volume = found.volume
    parts = {"too easy": volume.beneath, "explorable": volume.explorable, "too hard": volume.outside}
    rows = [("share", "", "95 %"), *(_share(name, part) for name, part in parts.items())]
    lines = [columns(rows), ""]
    if found.costs:
        costs = [(name, f"{one.estimate:.1f}", f"{one.low:.1f}..{one.high:.1f}") for name, one in found.costs.items()]
        lines += [columns([("knob", "logits", "95 %"), *costs]), ""]
    lines.append(_boundary("all equal", found.ray))
    return lines + [_boundary(knob, one) for knob, one in found.axes.items()]


def _share(name: str, part: Interval | None) -> tuple[str, ...]:
    if part is None:
        return name, "-", "undetermined"
    return name, f"{part.estimate:.2f}", f"{part.low:.2f}..{part.high:.2f}"

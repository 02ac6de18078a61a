"""`emosim calibrate`: how hard personas are and how able agents, from trajectories of any simulator or from runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emosim.analysis.counted import counted
from emosim.cli import options

if TYPE_CHECKING:
    from emosim.analysis.findings.calibration import CalibrationFindings, Standing
    from emosim.analysis.intervals import Interval
    from emosim.analysis.table import Table
    from emosim.analysis.trajectories import Trajectories, Trajectory
    from emosim.suite import EpisodeKey

SHOWN = 8
"""Personas shown at each end; --json has all."""


def calibrate_command(
    paths: Annotated[
        list[Path],
        typer.Argument(help="A file of trajectories (JSON lines), or runs of several agents.", metavar="PATH..."),
    ],
    simulator: Annotated[str, typer.Option(help="Of a file with several simulators, the one to take.")] = "",
    level: options.Levels = "",
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Place agents and personas on one scale, split the variance, and say what differences can be seen.

    A line needs agent, profile and emotions (moods 0..100 from the opening on); other fields are left alone. Runs of
    several levels need --level, as one persona at two levels is not two personas.
    """
    from emosim.analysis.findings.calibration import calibration_findings

    moods, faults, notes = _trajectories(paths, simulator, level, force)
    found = calibration_findings(moods, faults=faults, notes=notes)
    typer.echo(found.model_dump_json(indent=2)) if json else options.echo(text(found))


def _trajectories(
    paths: list[Path], simulator: str, level: str, force: bool
) -> tuple[Trajectories, int, tuple[str, ...]]:
    """Return what was played, how much could not be finished, and what is to be said of it."""
    from emosim.analysis.trajectories import gather, read_trajectories
    from emosim.errors import UsageError

    if not any(path.is_dir() for path in paths):
        if len(paths) > 1:
            raise UsageError(f"{len(paths)} files were given; put the lines of one simulator into one file")
        return read_trajectories(paths[0], simulator), 0, ()
    other = next((path for path in paths if not path.is_dir()), None)
    if simulator:
        raise UsageError("--simulator is for a file of trajectories; runs of one simulator are compared as they are")
    if other is not None:
        raise UsageError(f"{other} is no directory of a run as the others are; give one file, or directories of runs")
    from emosim.cli.stored import check_comparable, table_of

    differ = [
        f"{paths[0]} and {path} differ in {note}"
        for path in paths[1:]
        for note in check_comparable(paths[0], path, force=force)
    ]
    tables = [table_of(path, levels=level, force=force) for path in paths]
    _check_once(paths, tables)
    played = gather(row for table in tables for row in _rows(table))
    return played, sum(table.faults for table in tables), tuple(differ)


def _check_once(paths: list[Path], tables: list[Table]) -> None:
    """Refuse several difficulties, and an episode that is in two of the runs."""
    from emosim.errors import UsageError

    played = {path: sorted({key.cell for key in table.keys}) for path, table in zip(paths, tables, strict=True)}
    if len({cell for cells in played.values() for cell in cells}) > 1:
        shown = "; ".join(f"{path}: {', '.join(cells[:4])}" for path, cells in played.items())
        raise UsageError(f"several difficulties do not mix ({shown}); pick one level with --level")
    found: dict[tuple[str, EpisodeKey], Path] = {}
    for path, table in zip(paths, tables, strict=True):
        for place in zip(table.agents, table.keys, strict=True):
            if place in found:
                raise UsageError(f"{place[1]} of '{place[0]}' is in {found[place]} and in {path}; give one of the two")
            found[place] = path


def _rows(table: Table) -> Iterable[Trajectory]:
    from emosim.analysis.trajectories import Trajectory

    for agent, key, persona, episode in zip(table.agents, table.keys, table.personas, table.episodes, strict=True):
        yield Trajectory(
            agent=agent,
            profile=f"{persona} {key.cell} {key.language}",
            emotions=tuple(float(mood) for mood in episode.moods),
            need=episode.scenario.need.value,
        )


def text(found: CalibrationFindings) -> str:
    """Return what was found as a few lines."""
    lines = [found.verdict, "", options.columns([_head("agent", "ability"), *map(_row, found.agents)]), ""]
    hard = found.personas[:SHOWN]
    easy = found.personas[max(len(hard), len(found.personas) - SHOWN) :]
    lines.append(options.columns([_head("hardest personas", "difficulty"), *map(_row, hard)]))
    if easy:
        lines += ["", options.columns([_head("easiest personas", "difficulty"), *map(_row, easy)])]
    lines += ["", *_dynamics(found), *options.unfinished(found.faults)]
    told = [note for note in found.notes if note not in found.verdict]
    return "\n".join([*lines, *(f"note: {note}" for note in told)])


def _head(what: str, place: str) -> tuple[str, ...]:
    return what, "n", "mean", "95 %", f"{place}, logits", "95 %", "need"


def _row(one: Standing) -> tuple[str, ...]:
    placed = one.placed
    return (
        one.name,
        str(one.episodes),
        f"{one.score:.1f}",
        _ends(one.mean),
        "undetermined" if placed is None else f"{placed.estimate:+.2f}{'' if placed.bounded else ' (one-sided)'}",
        "-" if placed is None else f"{placed.low:+.2f}..{placed.high:+.2f}",
        one.need,
    )


def _dynamics(found: CalibrationFindings) -> list[str]:
    """Return what trajectories do whoever speaks: ranking, neighbours, basins."""
    apart = "undetermined" if found.told_apart is None else f"{found.told_apart} of {len(found.agents) - 1}"
    shown = ", ".join(f"{value:.2f} with {n}" for n, value in found.generalizability.items())
    lines = [
        f"neighbours in the ranking that are told apart: {apart}",
        f"generalizability of a mean over personas: {shown or 'undetermined'}",
    ]
    for one in found.basins:
        if one.recovered is not None and one.succeeded is not None:
            end = f"{_share(one.recovered)} end at 40 or above, {_share(one.succeeded)} at 100"
            lines.append(f"ever {'at or ' + one.side} {one.level:g}: {counted(one.episodes, 'episode')}, {end}")
    return lines


def _ends(found: Interval | None) -> str:
    return "undetermined" if found is None else f"{found.low:.1f}..{found.high:.1f}"


def _share(found: Interval) -> str:
    return f"{found.estimate:.0%} ({found.low:.0%}..{found.high:.0%})"

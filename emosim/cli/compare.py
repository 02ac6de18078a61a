"""`emosim compare` and `emosim diversity`: one run against another, on stored episodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emosim.analysis.counted import counted
from emosim.cli import options

if TYPE_CHECKING:
    from emosim.analysis.ceiling import Crossing
    from emosim.analysis.findings import ComparisonFindings, VarietyFindings
    from emosim.analysis.findings.comparison import ComparisonCell
    from emosim.analysis.findings.variety import Portrait
    from emosim.analysis.intervals import Interval
    from emosim.analysis.reliability import Paired

Gates = Annotated[
    list[str] | None, typer.Option(help="Exit 3 unless it holds: regression (not worse), or 'gain.low>=-0.05'.")
]


def compare_command(
    base: Annotated[Path, typer.Argument(help="Run of the base agent.", metavar="BASE")],
    trained: Annotated[Path, typer.Argument(help="Run of the trained agent.", metavar="TRAINED")],
    level: options.Levels = "",
    gate: Gates = None,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Say whether training selected what the base could do or created more; paired by persona and seed."""
    from emosim.analysis.findings import comparison_findings
    from emosim.cli.bars import OF_COMPARISONS, Bar
    from emosim.cli.frontier import conclude
    from emosim.cli.stored import check_comparable, table_of

    bars = [Bar.parse(text, OF_COMPARISONS) for text in gate or ()]
    notes = check_comparable(base, trained, force=force)
    tables = [table_of(run, levels=level, force=force) for run in (base, trained)]
    found = comparison_findings(*tables, notes=notes)
    typer.echo(found.model_dump_json(indent=2)) if json else options.echo(comparison_text(found))
    code = conclude(found, bars)
    if code:
        raise typer.Exit(code)


def diversity_command(
    run: Annotated[Path, typer.Argument(help="Run of the agent.", metavar="RUN")],
    baseline: Annotated[
        Path | None, typer.Argument(help="Run to compare with, such as the base's.", metavar="BASELINE")
    ] = None,
    level: options.Levels = "",
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Say how varied an agent's acts and words are, and whether they collapsed against a baseline."""
    from emosim.analysis.findings import variety_findings
    from emosim.cli.stored import check_comparable, table_of

    notes = check_comparable(baseline, run, force=force) if baseline else ()
    table = table_of(run, levels=level, force=force)
    other = table_of(baseline, levels=level, force=force) if baseline else None
    found = variety_findings(table, other, notes=notes)
    typer.echo(found.model_dump_json(indent=2)) if json else options.echo(variety_text(found))


def comparison_text(found: ComparisonFindings) -> str:
    """Return a comparison as a few lines."""
    head = ("difficulty", "pairs", "gain", "95 %", "detectable", "k_eq", "crossover", "entered", "left", "verdict")
    lines = [found.verdict, "", options.columns([head, *map(_comparison_row, found.cells)]), ""]
    for cell in found.cells:
        if cell.verdict.kind != "undetermined":
            lines += [f"{cell.cell}: {reason}" for reason in cell.verdict.reasons[:4]]
        lines += [f"{cell.cell}: entered the support: {', '.join(cell.created)}"] if cell.created else []
        lines += [f"{cell.cell}: left the support: {', '.join(cell.lost)}"] if cell.lost else []
    if found.unpaired:
        lines.append(f"{counted(found.unpaired, 'episode')} without a partner in the other run, in no number")
    return "\n".join([*lines, *(f"note: the runs differ in {note}" for note in found.notes)])


def _comparison_row(cell: ComparisonCell) -> tuple[str, ...]:
    gain, moved = cell.difference, cell.verdict.evidence
    return (
        cell.cell,
        str(cell.episodes),
        "undetermined" if gain is None else f"{gain.difference.estimate:+.3f}",
        "-" if gain is None else _ends(gain),
        "-" if gain is None or gain.kind == "unchanged" else f"{gain.detectable:.3f}",
        "-" if moved is None else _crossing(moved.multiple),
        "-" if moved is None else _crossing(moved.crossing),
        "-" if moved is None else str(moved.entered.count),
        "-" if moved is None or moved.left is None else str(moved.left.count),
        cell.verdict.kind if gain is None or gain.kind != "unchanged" else gain.kind,
    )


def _ends(gain: Paired) -> str:
    if gain.kind == "unchanged":
        return "identical"
    return f"{gain.difference.low:+.3f}..{gain.difference.high:+.3f}"


def _crossing(found: Crossing) -> str:
    return f">{found.largest}" if found.estimate is None else f"{found.estimate:.1f}"


def variety_text(found: VarietyFindings) -> str:
    """Return how varied an agent is as a few lines."""
    portraits = [found.agent, *([found.baseline] if found.baseline else [])]
    lines = [found.verdict, "", options.columns(_table(portraits))]
    if found.left_out:
        lines.append(f"{counted(found.left_out, 'episode')} of users whom the other run did not meet, in no number")
    lines += options.unfinished(found.faults)
    return "\n".join([*lines, *(f"note: the runs differ in {note}" for note in found.notes)])


def _table(portraits: list[Portrait]) -> list[tuple[str, ...]]:
    columns = [_portrait(one) for one in portraits]
    head = ("", *(one.agent for one in portraits))
    if len(set(head)) < len(head):
        head = ("", f"{head[1]} (run)", f"{head[2]} (baseline)")
    return [head, *((name, *(column[name] for column in columns)) for name in columns[0])]


def _portrait(one: Portrait) -> dict[str, str]:
    acts, ways = one.acts, one.ways
    return {
        "episodes": str(acts.episodes),
        "acts": str(acts.acts),
        "kinds of acts, q=0": f"{acts.richness:.1f}",
        "kinds of acts, q=1": _effective(acts.effective),
        "kinds of acts, q=2": _number(acts.dominant),
        "H(strategy | need), nats": _number(acts.given_need),
        "I(strategy; need), nats": _number(acts.adaptivity),
        "replies": one.replies,
        "distinct-1": _share(one.distinct[1]),
        "distinct-2": _share(one.distinct[2]),
        f"Vendi, {one.texts} episodes": f"{one.vendi:.1f}",
        "clusters (holding a success, holding a failure)": f"{ways.clusters} ({ways.correct}, {ways.incorrect})",
    }


def _effective(found: Interval | None) -> str:
    return "undetermined" if found is None else f"{found.estimate:.2f} ({found.low:.2f}..{found.high:.2f})"


def _share(value: float | None) -> str:
    return "undetermined" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"

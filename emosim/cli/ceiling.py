"""`emosim ceiling`: how far does an agent get when the best of k rollouts counts?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emosim.analysis.counted import counted
from emosim.cli import options
from emosim.cli.options import Option

if TYPE_CHECKING:
    from emosim.analysis.findings import CeilingFindings
    from emosim.analysis.findings.ceiling import CeilingCell
    from emosim.analysis.intervals import Band


_PLAYING: Final = (
    "repeats", "user", "pack", "personas", "language", "seed", "out", "concurrency", "max_cost", "max_calls",
    "max_tokens", "prices", "base_url", "timeout_s",
)  # fmt: skip
"""Options that say how an agent is played."""


def ceiling_command(
    context: typer.Context,
    run: Annotated[Path | None, typer.Argument(help="Directory of a run; or give --agent.", metavar="RUN")] = None,
    agent: Annotated[str, Option(help="Play this agent first.")] = "",
    repeats: Annotated[int, Option("--repeats", "-n", min=1, help="Rollouts a persona and level to play.")] = 16,
    level: options.Levels = "",
    user: options.User = "rules",
    pack: options.PackName = "core",
    personas: options.Personas = None,
    language: options.Language = "en",
    seed: options.Seed = 0,
    out: options.Out = None,
    concurrency: options.Concurrency = 64,
    max_cost: options.MaxCost = None,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    prices: options.Prices = None,
    base_url: options.BaseUrl = "",
    timeout_s: options.Timeout = 60.0,
    display: options.Display = "auto",
    json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Show the ceiling C(k) and pass@k of a run, or of an agent that is played first (at level 0.5 by default)."""
    from emosim.analysis.findings import ceiling_findings
    from emosim.cli.lineup import Limits, players_of
    from emosim.cli.parsing import languages, names, numbers
    from emosim.cli.stored import table_of
    from emosim.errors import UsageError
    from emosim.runs import config_of
    from emosim.suite import Suite

    if (run is None) == (not agent):
        raise UsageError("give either the directory of a run or --agent; see emosim ceiling --help")
    if run is not None:
        options.refuse_typed(context, _PLAYING, "a stored run has been played; it goes with --agent")
    code = 0
    if run is None:
        suite = Suite(
            pack=pack,
            personas=names(personas, pack),
            languages=languages(language),
            levels=numbers(level or "0.5", "--level"),
            seed=seed,
            repeats=repeats,
        )
        limits = Limits(max_cost, max_calls, max_tokens, prices, concurrency, timeout_s, base_url)
        players = players_of(agent, user, limits, limits.meter())
        config = config_of(suite, players, user_spec=user)
        run = out or Path("runs") / config.slug
        code = options.played(config, players, run, concurrency, display)
    found = ceiling_findings(table_of(run, levels=level, force=force))
    typer.echo(found.model_dump_json(indent=2)) if json else options.echo(text(found))
    if code:
        raise typer.Exit(code)


def text(found: CeilingFindings) -> str:
    """Return what was found as a few lines."""
    lines = [found.verdict, ""]
    cells = [cell for cell in found.cells if cell.best is not None and cell.success is not None]
    if cells:
        rows = [row for cell in cells for row in _rows(cell)]
        lines += [options.columns([("difficulty", "k", "C(k)", "95 %", "pass@k", "95 %"), *rows]), ""]
    lines += [line for cell in cells for line in _more(cell)]
    lines += options.unfinished(found.faults)
    return "\n".join(lines).rstrip()


def _rows(cell: CeilingCell) -> list[tuple[str, ...]]:
    assert cell.best is not None
    assert cell.success is not None
    curves = cell.best, cell.success
    return [
        (cell.cell, f"{k:g}", *(text for curve in curves for text in (f"{curve.mean[i]:.2f}", _ends(curve, i))))
        for i, k in enumerate(cell.best.at)
    ]


def _more(cell: CeilingCell) -> list[str]:
    stops = ((band.mean[-1], counted(cap, "turn")) for cap, band in cell.by_turns.items())
    caps = ", ".join(f"{best:.2f} if stopped after {turns}" for best, turns in stops)
    lines = [f"{cell.cell}: best of {cell.rollouts} is {caps}"] if caps else []
    if cell.beyond is not None:
        shown = ", ".join(
            f"pass@{k} {plain:.2f} to {inflated:.2f}"
            for k, plain, inflated in zip(cell.beyond.at, cell.beyond.beta, cell.beyond.inflated, strict=True)
        )
        lines.append(
            f"{cell.cell}: beyond what was played, model-based (beta without and with impossible ones): {shown}"
        )
    return lines


def _ends(band: Band, at: int) -> str:
    return f"{band.low[at]:.2f}..{band.high[at]:.2f}"

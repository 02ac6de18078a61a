"""`emosim verify`, `rescore` and `merge`: what can be done with a run later, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emosim.cli import options

if TYPE_CHECKING:
    from emosim.runs import Summary, Verdict

Run = Annotated[Path, typer.Argument(help="Directory of the run.", metavar="RUN")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
SHOWN = 20
"""Wrong numbers printed; the rest is counted."""


def verify_command(
    run: Run,
    reperceive: Annotated[
        bool, typer.Option("--reperceive", help="Also let the offline user perceive and speak anew.")
    ] = False,
    json: Json = False,
) -> None:
    """Recompute every mood, change, ending and reward of a run, to the bit; names the first wrong number."""
    from emosim.render import plain
    from emosim.runs import verify
    from emosim.runs.store import read_config

    user = None
    if reperceive:
        from emosim.cli.lineup import offline_user

        user = offline_user(read_config(run))
    verdict = verify(run, user)
    if json:
        from pydantic_core import to_json

        fields = {"good": verdict.is_good, "episodes": verdict.episodes, "turns": verdict.turns}
        typer.echo(to_json({**fields, "problems": verdict.problems}).decode())
    else:
        for problem in verdict.problems[:SHOWN]:
            typer.echo(plain(problem))
        if len(verdict.problems) > SHOWN:
            typer.echo(f"… and {len(verdict.problems) - SHOWN} more episodes")
        typer.echo(f"{verdict.episodes} episodes, {verdict.turns} turns: {_found(verdict)}")
    if not verdict.is_good:
        raise typer.Exit(1)


def _found(verdict: Verdict) -> str:
    if verdict.problems:
        return "NOT as it was played"
    if not verdict.episodes:
        return "no finished episode is stored, so nothing was recomputed; play the run first"
    return "every number recomputes"


def rescore_command(
    run: Run,
    reward: Annotated[str, typer.Option("--reward", help="Name, or a sum such as final+0.5*delta.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory of the new run.", parser=options.directory)
    ] = None,
    json: Json = False,
) -> None:
    """Recompute the rewards of a run under another reward function into a new run."""
    from emosim.cli.stored import check_finished
    from emosim.runs import rescore

    check_finished(run)
    target, summary = rescore(run, reward, out)
    _print(summary, target, json, f"the rest is not finished in {run} either; play it there and rescore again")


def merge_command(
    runs: Annotated[list[Path], typer.Argument(help="Directories of the shards.", metavar="RUN...")],
    out: Annotated[Path, typer.Option("--out", help="Directory of the merged run.", parser=options.directory)],
    json: Json = False,
) -> None:
    """Merge shards, or parts of one suite, into one run; episodes are taken once."""
    from emosim.cli.stored import check_finished
    from emosim.runs import merge

    for run in runs:
        check_finished(run)
    summary = merge(runs, out)
    rest = (
        f"the rest is in none of the runs; the command that played them, without --shard and with --out {out}, plays it"
    )
    _print(summary, out, json, rest)


def _print(summary: Summary, directory: Path, json: bool, rest: str) -> None:
    from emosim.cli.report import report
    from emosim.render import plain

    typer.echo(summary.model_dump_json(indent=2) if json else plain(report(summary, directory, rest)))

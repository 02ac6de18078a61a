"""Options that several commands share: who plays, what may be spent, what is printed."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emosim.errors import UsageError

if TYPE_CHECKING:
    from emosim.runs import Players, RunConfig, Summary

Option = partial(typer.Option, show_envvar=False)
"""An option that can also be set in the environment; help need not repeat that."""


def directory(name: str) -> Path:
    """Return the directory of that name.

    Raises:
        BadParameter: The name is empty, as an unset variable is, or no text.
    """
    if not name:
        raise typer.BadParameter("it is empty; name a directory")
    if not name.isprintable():
        raise typer.BadParameter(f"{name!r} holds characters that are no text; name another directory")
    return Path(name)


Agent = Annotated[str, Option(help="Who is tested; see emosim list agents.")]
User = Annotated[str, Option(help="Who plays the personas; see emosim list users.")]
PackName = Annotated[str, Option("--pack", help="Name of a pack, or path of its folder.")]
Personas = Annotated[str | None, Option(help="Ids of personas, with commas; all by default.")]
Language = Annotated[str, Option(help="Language of the episodes.")]
Seed = Annotated[int, Option(min=0, help="Number of the first seed, and of the order of the cast.")]
Out = Annotated[
    Path | None, Option(help="Directory of the run; by default one named by the settings.", parser=directory)
]
Concurrency = Annotated[int, Option(min=1, help="Episodes at once.")]
MaxCost = Annotated[float | None, Option(min=0, help="Stop at this many US dollars.")]
MaxCalls = Annotated[int | None, Option(min=0, help="Stop at this many model calls.")]
MaxTokens = Annotated[int | None, Option(min=0, help="Stop at this many tokens.")]
Prices = Annotated[Path | None, Option(help="Prices of models, JSON or TOML.")]
BaseUrl = Annotated[str, Option(help="Server for openai: and litellm: specs.")]
Timeout = Annotated[float, Option(min=0.01, help="Longest wait for one answer of a model or cmd: agent.")]
Deadline = Annotated[float, Option(min=0.01, help="Longest time for one episode.")]
AgentSystem = Annotated[Path | None, Option(help="File with the agent's system prompt.")]
AgentTemperature = Annotated[float | None, Option(help="Sampling temperature of the agent.")]
AgentMaxTokens = Annotated[int | None, Option(min=1, help="Longest reply of the agent.")]
Think = Annotated[bool, Option("--think", help="Ask the agent to reason in <think> first.")]
Display = Annotated[str, Option(help="Progress: auto, rich, plain or none.")]
Json = Annotated[bool, Option("--json", help="Print the findings as JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Use runs of different versions or users all the same.")]
Levels = Annotated[
    str, typer.Option("--level", help="Only these levels, with commas; all that were played by default.")
]


def echo(text: str) -> None:
    """Print text on stdout, with nothing in it that could steer the terminal."""
    from emosim.render import plain

    typer.echo(plain(text))


def unfinished(faults: int) -> list[str]:
    """Return, in one line if there are any, how many episodes could not be finished."""
    from emosim.analysis.counted import counted

    return [f"{counted(faults, 'episode')} could not be finished, in no number"] if faults else []


def columns(rows: list[tuple[str, ...]]) -> str:
    """Return rows as aligned text, the first being the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def played(config: RunConfig, players: Players, out: Path, concurrency: int, display: str) -> int:
    """Play what is missing of a run, showing progress, and return the exit code."""
    from emosim.cli.display import display_of, watching
    from emosim.runs import Pace, play

    with watching(display_of(display)) as watch:
        summary = play(config, players, out, Pace(concurrency, watch=watch))
    return shortfall(summary, out)


def shortfall(summary: Summary, out: Path) -> int:
    """Say on stderr what a run could not do, and return the exit code of that, 0 if there is nothing."""
    from emosim.cli.report import budget, unfinished
    from emosim.render import plain

    if summary.status == "budget":
        typer.echo(f"emosim: {budget(summary)}", err=True)
        return 4
    if not summary.finished and summary.planned:
        typer.echo(f"emosim: {plain(unfinished(summary, out))}", err=True)
        return 1
    return 0


def refuse_typed(context: typer.Context, names: Collection[str], reason: str) -> None:
    """Refuse options that do not apply, if they were typed; what a file or the environment sets for all is no mistake.

    Raises:
        UsageError: One was typed.
    """
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UsageError(f"--{name.replace('_', '-')} does nothing here: {reason}")

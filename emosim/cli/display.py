"""Progress on stderr: a bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import typer

from emosim.errors import UsageError, did_you_mean
from emosim.runs import Tally, Watch

Display: TypeAlias = Literal["rich", "plain", "none"]
_KINDS = ("auto", "rich", "plain", "none")
PLAIN_EVERY_S = 5.0
"""Seconds between two plain lines."""


def display_of(name: str) -> Display:
    """Return the display that a name stands for; `auto` is a bar on a terminal outside CI, else plain.

    Raises:
        UsageError: No such display.
    """
    if name == "rich" or (name == "auto" and _is_lively()):
        return "rich"
    if name in ("auto", "plain"):
        return "plain"
    if name == "none":
        return "none"
    raise UsageError(f"no display '{name}'{did_you_mean(name, _KINDS)}")


@contextmanager
def watching(display: Display) -> Iterator[Watch]:
    """Yield what shows the progress while a run is played."""
    if display == "rich":
        with _bar() as watch:
            yield watch
    elif display == "plain":
        yield _plain()
    else:
        yield lambda tally: None


def status(tally: Tally) -> str:
    """Return the state of a run in one line, without done and total.

    Tokens and cost are those of this process; an unknown price is shown as `?`.
    """
    both = tally.live["agent"] + tally.live["user"]
    parts = [f"{len(tally.failed)} failed"] if tally.failed else []
    if tally.mean_score is not None:
        parts.append(f"score {tally.mean_score:.3f}")
    if both.calls:
        parts += [f"{both.tokens:,} tokens", money(both.cost), f"{both.calls / max(tally.elapsed_s, 1e-9):.1f} calls/s"]
    if tally.eta_s is not None and tally.eta_s >= 1:
        parts.append(f"{clock(tally.eta_s)} left")
    return " · ".join(parts)


def money(cost: float | None) -> str:
    """Return US dollars as text, `$?` where a price is unknown."""
    return "$?" if cost is None else f"${cost:,.4f}" if 0 < cost < 1 else f"${cost:,.2f}"


def clock(seconds: float) -> str:
    """Return a duration as text.

    >>> clock(3723)
    '1:02:03'
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _plain() -> Watch:
    begun = time.monotonic()
    last = ""

    def show(tally: Tally) -> None:
        nonlocal begun, last
        is_over = len(tally.rows) + len(tally.failed) >= tally.planned
        line = f"emosim: {len(tally.rows)}/{tally.planned} done"
        rest = status(tally)
        line = f"{line} · {rest}" if rest else line
        if line != last and (is_over or time.monotonic() - begun >= PLAIN_EVERY_S):
            begun, last = time.monotonic(), line
            typer.echo(line, err=True)

    return show


@contextmanager
def _bar() -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    text = TextColumn("{task.description}", markup=False)
    with Progress(BarColumn(), MofNCompleteColumn(), text, console=Console(stderr=True), auto_refresh=False) as bar:
        task = bar.add_task("", total=None)

        def show(tally: Tally) -> None:
            bar.update(task, total=tally.planned, completed=len(tally.rows), description=status(tally), refresh=True)

        yield show


def _is_lively() -> bool:
    dull = any(os.environ.get(name) for name in ("CI", "NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return sys.stderr is not None and sys.stderr.isatty() and not dull

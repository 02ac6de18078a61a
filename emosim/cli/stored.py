"""Runs on disk as tables for the instruments, refused in one line where they cannot bear a conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import typer
from pydantic import ValidationError

from emosim.analysis.table import Table, tabulate
from emosim.cli.parsing import numbers
from emosim.errors import EmosimError, RunError, UsageError
from emosim.probes.probing import TRIALS, Batch
from emosim.render import plain
from emosim.runs import Record, RunConfig, Summary, keys_of, read_config, read_failures, read_run
from emosim.runs.ledger import read_values
from emosim.runs.lock import writer_of
from emosim.runs.records import Versions
from emosim.runs.store import SUMMARY


def table_of(run: Path, *, levels: str = "", force: bool = False) -> Table:
    """Return the finished episodes of a run; says on stderr if it was to hold more.

    Args:
        run: Its directory.
        levels: Only these levels, with commas; empty for all.
        force: Whether to take episodes of several versions.

    Raises:
        RunError: It is no run, is still being written, or holds several versions.
        UsageError: It holds no finished episode, none at a level, or too many that could not be scored.
    """
    config = read_config(run)
    check_finished(run)
    records = list(read_run(run))
    if not force:
        _check_versions(run, records)
    done = {record.key for record in records}
    failed = {failure.key: failure.seat for failure in read_failures(run) if failure.key not in done}
    rows = ((record.agent, record.key, record.episode) for record in records)
    table = tabulate(rows, failed=tuple(failed.values()), source=run)
    _say_missing(run, len(done), _planned(run, config), len(failed))
    return _at(table, numbers(levels, "--level")) if levels else table


def check_comparable(first: Path, second: Path, *, force: bool = False) -> tuple[str, ...]:
    """Return what two runs differ in besides their agents, one line each, if they may be compared all the same.

    Raises:
        UsageError: They were played by different users or versions, and `force` was not given.
    """
    differ = tuple(_differences(read_config(first), read_config(second)))
    if differ and not force:
        raise UsageError(
            f"{first} and {second} are not comparable ({'; '.join(differ)}); play one again, or use --force"
        )
    return differ


def _differences(first: RunConfig, second: RunConfig) -> list[str]:
    pairs = {
        "user": (first.user, second.user),
        "user's model": (first.user_spec, second.user_spec),
        "user's settings": (str(first.user_settings), str(second.user_settings)),
        "version": (first.versions.emosim, second.versions.emosim),
        "pack": (first.versions.pack, second.versions.pack),
    }
    return [f"{name}: {one} and {two}" for name, (one, two) in pairs.items() if one != two]


def check_finished(run: Path) -> None:
    """Refuse a run that is still being written.

    Raises:
        RunError: It is.
    """
    writer = writer_of(run)
    if writer:
        raise RunError(f"{run} is still being written ({writer}); wait until it is done")


def _planned(run: Path, config: RunConfig) -> int | None:
    """Return how many episodes a run was to hold; None where a trainer asked for them, or nothing tells any more."""
    if config.probe:
        return sum(len(batch.keys) for _, batch in read_values(run / TRIALS, Batch)) or None
    with suppress(OSError, ValidationError):
        return Summary.model_validate_json((run / SUMMARY).read_bytes()).planned
    with suppress(EmosimError):
        return len(keys_of(config))
    return None


def _say_missing(run: Path, done: int, planned: int | None, failed: int) -> None:
    if planned is None or done >= planned:
        return
    parts = f"; {failed} failed" if failed else ""
    line = f"{run} holds {done} of the {planned} episodes that were to be played{parts}"
    typer.echo(f"emosim: {plain(line)}; the numbers are of those, the command that played it plays the rest", err=True)


def _check_versions(run: Path, records: Sequence[Record]) -> None:
    made: set[Versions] = {record.versions for record in records}
    if len(made) > 1:
        shown = " and ".join(sorted(f"{one.emosim}, {one.pack}" for one in made)[:2])
        raise RunError(f"{run} holds episodes of several versions ({shown}); play it again with one, or use --force")


def _at(table: Table, wanted: Sequence[float]) -> Table:
    kept = table.where([key.level in wanted for key in table.keys])
    if not len(kept):
        levels = ", ".join(f"{level:g}" for level in table.levels)
        raise UsageError(f"--level: nothing was played there in {table.source}; its levels are {levels}")
    return kept

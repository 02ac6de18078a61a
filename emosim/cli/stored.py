"""Runs on disk as tables for the instruments, refused in one line where they cannot bear a conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emosim.analysis.table import Table, tabulate
from emosim.cli.parsing import numbers
from emosim.errors import RunError, UsageError
from emosim.runs import Record, RunConfig, read_config, read_failures, read_run
from emosim.runs.lock import writer_of
from emosim.runs.records import Versions


def table_of(run: Path, *, levels: str = "", force: bool = False) -> Table:
    """Return the finished episodes of a run.

    Args:
        run: Its directory.
        levels: Only these levels, with commas; empty for all.
        force: Whether to take episodes of several versions.

    Raises:
        RunError: It is no run, is still being written, or holds several versions.
        UsageError: It holds no finished episode, none at a level, or too many that could not be scored.
    """
    read_config(run)
    check_finished(run)
    records = list(read_run(run))
    if not force:
        _check_versions(run, records)
    done = {record.key for record in records}
    failed = {failure.key: failure.seat for failure in read_failures(run) if failure.key not in done}
    rows = ((record.agent, record.key, record.episode) for record in records)
    table = tabulate(rows, failed=tuple(failed.values()), source=run)
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

"""The directory of a run: its settings, its two ledgers, its lock, and how it is read again.

`run.json` settings, versions, command · `episodes.jsonl` one `Record` for each finished episode · `failures.jsonl` one
`Failure` for each attempt that failed · `cut.jsonl` one for each that the budget, or the end of the run, cut short ·
`summary.json` what the run found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emosim.episode import unbacked
from emosim.errors import CUT_SHORT, RunError, UsageError
from emosim.runs.config import ChangedSettings, RunConfig, RunFile, differences, masked
from emosim.runs.ledger import Ledger, detail_of, other_form, read_lines, read_values
from emosim.runs.lock import Lock
from emosim.runs.records import Failure, Record, SpentBySeat
from emosim.runs.summary import Summary
from emosim.runs.tally import Row, Tally

SETTINGS: Final = "run.json"
EPISODES: Final = "episodes.jsonl"
FAILURES: Final = "failures.jsonl"
CUT: Final = "cut.jsonl"
SUMMARY: Final = "summary.json"


def read_run(directory: str | Path) -> Iterator[Record]:
    """Yield the records of a run; a torn last line is passed over.

    Raises:
        UsageError: The directory is no run.
        RunError: A line is damaged; the message names file, line and field.
    """
    return (record for _, record in read_values(_run(directory) / EPISODES, Record))


def read_failures(directory: str | Path) -> Iterator[Failure]:
    """Yield the failed attempts of a run.

    Raises:
        UsageError: The directory is no run.
        RunError: A line is damaged.
    """
    return (failure for _, failure in read_values(_run(directory) / FAILURES, Failure))


def read_attempts(directory: Path) -> Iterator[Failure]:
    """Yield all attempts at episodes that were not finished: failed ones, then those that were cut short.

    Raises:
        RunError: A line is damaged.
    """
    for name in (FAILURES, CUT):
        for _, failure in read_values(directory / name, Failure):
            yield failure


def read_config(directory: str | Path) -> RunConfig:
    """Return the settings of a run.

    Raises:
        UsageError: The directory is no run.
        RunError: Its `run.json` is damaged.
    """
    path = _run(directory) / SETTINGS
    try:
        return RunFile.model_validate_json(path.read_bytes()).config
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        damaged = f"{detail_of(error)}; restore the file, or play into another --out"
        raise RunError(f"{path}: {other_form(error) or damaged}") from None


class RunStore:
    """A run directory opened for writing; use it as a context manager.

    Args:
        directory: Made if missing.
        config: The settings; those of an existing run must be the same.
        planned: Number of episodes that the settings stand for.

    Raises:
        ChangedSettings: The directory holds a run with other settings; the message is the difference.
        UsageError: It is a file.
        RunError: It cannot be written, is locked or damaged.
    """

    def __init__(self, directory: str | Path, config: RunConfig, planned: int) -> None:
        self.directory, self.config = Path(directory), config
        self.tally = Tally(planned)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            try:
                _check_place(self.directory)
                self.directory.mkdir(parents=True, exist_ok=True)
                stack.enter_context(Lock(self.directory))
                self._settle()
            except OSError as error:
                raise RunError(f"cannot write {self.directory}: {error.strerror}") from None
            self._episodes = Ledger(self.directory / EPISODES)
            stack.callback(self._episodes.close)
            self._failures = Ledger(self.directory / FAILURES)
            stack.callback(self._failures.close)
            load_tally(self.directory, self.tally)
            self.tally.resume()
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def finished(self) -> frozenset[str]:
        """Keys of the episodes that need not be played."""
        return frozenset(row.key for row in self.tally.rows)

    def add(self, entry: Record | Failure) -> None:
        """Write one finished or failed episode, or one that was cut short.

        Raises:
            RunError: The disk is full; what was there before is whole.
        """
        if isinstance(entry, Record):
            self._episodes.add(entry.line())
            self.tally.finish(entry)
            return
        if entry.cause in CUT_SHORT:
            with closing(Ledger(self.directory / CUT)) as ledger:
                ledger.add(entry.line())
        else:
            self._failures.add(entry.line())
        self.tally.fail(entry)

    def sync(self) -> None:
        """Wait until everything written is on the disk."""
        self._episodes.sync()
        self._failures.sync()

    def conclude(self, summary: Summary) -> None:
        """Write the summary."""
        self.sync()
        write_whole(self.directory / SUMMARY, summary.model_dump_json(indent=2))

    def _settle(self) -> None:
        if not holds_run(self.directory, self.config):
            command = tuple(masked(word) for word in sys.argv)
            file = RunFile(config=self.config, argv=command, started=datetime.now(UTC).isoformat(timespec="seconds"))
            write_whole(self.directory / SETTINGS, file.model_dump_json(indent=2))


def holds_run(directory: Path, config: RunConfig) -> bool:
    """Return whether a directory holds the run with these settings already; it may also be missing or empty.

    Raises:
        ChangedSettings: It holds a run with other settings; the message is the difference.
        UsageError: It is a file, or would lie under one.
        RunError: It holds episodes without settings, or damaged settings.
    """
    _check_place(directory)
    if not (directory / SETTINGS).exists():
        if (directory / EPISODES).exists():
            raise RunError(f"{directory} holds episodes but no {SETTINGS}; choose another directory")
        return False
    changes = list(differences(read_config(directory), config))
    if changes:
        raise ChangedSettings(
            f"{directory} holds a run with other settings ({'; '.join(changes)}); choose another --out"
        )
    return True


def load_tally(
    directory: Path, tally: Tally, episodes: int | None = None, failures: int | None = None, cut: int | None = None
) -> None:
    """Count what a directory holds: failures first, so that what a later attempt finished is not counted as failed.

    Args:
        directory: The run's directory.
        tally: Is told.
        episodes: Count the first so many finished episodes; None for all.
        failures: Count the first so many failures; None for all.
        cut: Count the first so many attempts that were cut short; None for all.

    Raises:
        RunError: A line is damaged.
    """
    for name, most in ((FAILURES, failures), (CUT, cut)):
        for _, failure in islice(read_values(directory / name, Failure), most):
            tally.fail(failure)
    seen: set[str] = set()
    for number, line in islice(read_lines(directory / EPISODES), episodes):
        try:
            brief = _Brief.model_validate_json(line)
        except ValidationError:
            where = f"{directory / EPISODES}:{number}"
            raise RunError(
                f"{where}: the line is damaged; restore the file, or delete the line and run again"
            ) from None
        if brief.key in seen:
            raise RunError(f"{directory / EPISODES}:{number}: {brief.key} is there twice; delete one of the lines")
        seen.add(brief.key)
        ended = brief.episode
        row = Row(brief.key, brief.score, brief.return_, ended.ending, len(ended.turns))
        tally.count(row, brief.usage, sum(unbacked(turn.spoken.kinds) for turn in ended.turns))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        RunError: The disk is full or the directory cannot be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise RunError(f"cannot write {path}: {error.strerror}; make room and run the same command again") from None


class _Spoken(BaseModel):
    model_config = ConfigDict(extra="ignore")
    kinds: tuple[str, ...]


class _Turn(BaseModel):
    model_config = ConfigDict(extra="ignore")
    spoken: _Spoken


class _Ended(BaseModel):
    model_config = ConfigDict(extra="ignore")
    ending: str
    turns: tuple[_Turn, ...]


class _Brief(BaseModel):
    """The few fields of a record that resuming needs: reading them costs a quarter of reading all."""

    model_config = ConfigDict(extra="ignore")
    key: str
    score: float
    return_: float = Field(alias="return")
    usage: SpentBySeat
    episode: _Ended


def _check_place(directory: Path) -> None:
    if any(place.exists() and not place.is_dir() for place in (directory, *directory.parents)):
        raise UsageError(f"{directory} is a file, or lies under one; a run needs a directory: choose another --out")


def _run(directory: str | Path) -> Path:
    path = Path(directory)
    if not (path / SETTINGS).is_file():
        raise UsageError(f"{path} is no run: it has no {SETTINGS}; name the directory that emosim run --out wrote")
    return path

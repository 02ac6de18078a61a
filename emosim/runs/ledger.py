"""Append-only files of one JSON object a line: written so that a kill loses nothing that was finished.

A line goes to the kernel in one write before the next episode is taken, so SIGKILL loses at most the line in flight; a
torn last line is repaired on the next opening. `sync` puts lines on the disk, which only a power cut makes necessary.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from emosim.errors import RunError
from emosim.value import Value

V = TypeVar("V", bound=Value)


class Ledger:
    """A file to which lines are added.

    Args:
        path: The file; made if missing. A torn last line is cut off, or finished if only its end is missing.

    Raises:
        RunError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            repair(path)
            self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
        except OSError as error:
            raise RunError(f"cannot write {path}: {error.strerror}") from None
        self._dirty = False

    def add(self, line: str) -> None:
        """Write one line.

        Raises:
            RunError: The disk is full or gone; what was there before is whole.
        """
        data = f"{line}\n".encode()
        before = os.fstat(self._file).st_size
        try:
            self._dirty = True
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self._cut(before)
            raise RunError(
                f"cannot write {self.path}: {error.strerror}; make room and run the same command again"
            ) from None

    def sync(self) -> None:
        """Wait until everything written is on the disk, if anything is not."""
        if self._dirty:
            self._dirty = False
            try:
                os.fsync(self._file)
            except OSError as error:
                raise RunError(f"cannot write {self.path}: {error.strerror}") from None

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _cut(self, size: int) -> None:
        try:
            os.ftruncate(self._file, size)
        except OSError:
            return  # Not a regular file; the next opening repairs what can be repaired.


def repair(path: Path) -> None:
    """Finish or cut off a torn last line."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        start = _last_line(file.fileno(), path.stat().st_size)
        file.seek(start)
        tail = file.read()
        if not tail:
            return
        if _is_whole(tail):
            file.write(b"\n")
        else:
            file.truncate(start)


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of every line that ends; a torn last line counts only if it is whole.

    Raises:
        RunError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n") or _is_whole(line):
                    yield number, line
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from None


def read_values(path: Path, form: type[V]) -> Iterator[tuple[int, V]]:
    """Yield number and value of every line.

    Raises:
        RunError: A line is damaged; the message names file, line and field.
    """
    for number, line in read_lines(path):
        try:
            yield number, form.model_validate_json(line)
        except ValidationError as error:
            raise RunError(f"{path}:{number}: {problem_of(error)}") from None


def problem_of(error: ValidationError) -> str:
    """Return what is wrong with a stored line, in one line that names the field."""
    if other := other_form(error):
        return other
    is_text = error.errors()[0]["type"] == "json_invalid"
    problem = "the line is damaged (no JSON)" if is_text else detail_of(error)
    return f"{problem}; restore the file, or delete the line and run the same command again"


def other_form(error: ValidationError) -> str | None:
    """Return what to do where the stored form is another version's, None where it is not."""
    for wrong in error.errors(include_url=False):
        if (
            wrong["type"] == "literal_error"
            and wrong["loc"][-1] == "schema_version"
            and isinstance(wrong["input"], int)
        ):
            return (
                f"schema_version {wrong['input']} is not known here; read it with the version of emosim that wrote it"
            )
    return None


def detail_of(error: ValidationError) -> str:
    """Return the first thing that is wrong with a stored value: the field, what it should be, and what it is."""
    first = error.errors(include_url=False)[0]
    place = "".join(f"{part}." for part in first["loc"]).removesuffix(".")
    found = first.get("input")
    is_told = first["type"] not in ("missing", "json_invalid") and not (isinstance(found, (dict, list)) and found)
    return f"{f'{place}: ' if place else ''}{first['msg']}{f', not {found!r}' if is_told else ''}"[:300]


def _last_line(file: int, size: int) -> int:
    """Return where the last, unfinished line begins."""
    end = size
    while end > 0:
        begin = max(0, end - 65536)
        found = os.pread(file, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(from_json(line), dict)
    except ValueError:
        return False

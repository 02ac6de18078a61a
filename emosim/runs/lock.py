"""One writer for each directory: a lock file that names its owner, taken over when the owner is dead."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from emosim.errors import RunError

LOCK: Final = "run.lock"
_BIRTH_S: Final = 5.0
"""Age from which a lock without an owner was left by a process that died while writing it."""


class Lock:
    """An exclusive lock on a directory; use it as a context manager.

    The file holds host, process id and the process's start, so that a lock left by a killed process, or by one whose id
    somebody else has now, is recognised on the same host and taken over.

    Raises:
        RunError: Somebody else holds it.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / LOCK
        self._owner = f"{socket.gethostname()} {os.getpid()} {_start_of(os.getpid())}"

    def __enter__(self) -> Self:
        for _ in range(3):
            try:
                self._create()
                return self
            except FileExistsError:
                self._clear_stale()
        raise RunError(f"{self.path} is being fought over; try again")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _read(self.path) == self._owner:
            self.path.unlink(missing_ok=True)

    def _create(self) -> None:
        file = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        try:
            os.write(file, self._owner.encode())
        finally:
            os.close(file)

    def _clear_stale(self) -> None:
        owner = _read(self.path)
        if not self._is_stale(owner):
            host, pid = (*owner.split(), "?", "?")[:2]
            hint = "wait for it" if host == socket.gethostname() else "if it is dead, delete the file"
            raise RunError(f"another run writes here ({self.path}: process {pid} on {host}); {hint}")
        aside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            os.rename(self.path, aside)
            if _read(aside) != owner:
                os.link(aside, self.path)
            aside.unlink()
        except FileNotFoundError:
            return

    def _is_stale(self, owner: str) -> bool:
        if owner:
            return is_dead(owner)
        try:
            return time.time() - self.path.stat().st_mtime > _BIRTH_S
        except FileNotFoundError:
            return True


def writer_of(directory: Path) -> str | None:
    """Return who writes to a directory now, `process 12 on host`, or None."""
    owner = _read(directory / LOCK)
    if not owner or is_dead(owner):
        return None
    host, pid = (*owner.split(), "?", "?")[:2]
    return f"process {pid} on {host}"


def is_dead(owner: str) -> bool:
    """Return whether the process that a lock names is known to be gone; never for another host."""
    host, pid, start = (*owner.split(), "", "", "")[:3]
    if not pid.isdecimal():
        return True
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return start != _start_of(int(pid))


def _start_of(pid: int) -> str:
    """Return when a process started, in the kernel's ticks, or `-` where that cannot be told."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "-"


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

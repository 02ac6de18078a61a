"""Any command as an agent: one JSON line in for each reply wanted, one JSON line out.

The line in is `{"messages": [{"role": "user", "content": "…"}], "turn": 1, "seed": 7}`, the line out `{"reply": "…"}`,
or `{"reply": null}` to hang up.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import weakref
from contextlib import suppress
from threading import Event, Thread
from typing import IO, Final

from emosim.backends.loops import Gate, ProcessLock
from emosim.errors import BackendError, UsageError
from emosim.flow import Answer, Answers, ChatRequest, Requests
from emosim.policies.aside import run_aside
from emosim.policies.callable import response

REPLY_TIMEOUT_S: Final = 120.0
"""Seconds that a command may take for one reply."""
GRACE_S: Final = 0.5
"""Seconds that a command gets to end by itself when told to."""
_POSIX: Final = os.name == "posix"


class CommandBackend:
    """Answers an agent's questions by asking a command over stdin and stdout.

    The process starts with the first question and answers one at a time until the backend is closed or collected. When
    it dies, hangs or writes something else than a reply, that turn is a `BackendError` with cause `agent`, and the next
    question starts the command again; so it is when nobody waits for the reply any more. A copy (pickle, fork) starts a
    process of its own.

    Args:
        command: Program and arguments, quoted as for a shell; no shell reads it.
        timeout_s: Seconds for one reply.

    Raises:
        UsageError: There is no such program.
    """

    def __init__(self, command: str, timeout_s: float = REPLY_TIMEOUT_S) -> None:
        self.command, self.timeout_s = command, timeout_s
        self._words = _split(command)
        self._lock, self._gate = ProcessLock(), Gate(1)
        self._process: _Process | None = None

    def __reduce__(self) -> tuple[type[CommandBackend], tuple[str, float]]:
        return CommandBackend, (self.command, self.timeout_s)

    def __repr__(self) -> str:
        return f"CommandBackend({self.command!r})"

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests, one after another."""
        return self._complete(requests, Event())

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests in a worker thread, one after another; cancelling ends the process."""
        await self._gate.enter()
        given_up = Event()
        try:
            return await run_aside(lambda: self._complete(requests, given_up), f"cmd:{self.command}")
        except BaseException:
            given_up.set()
            self._drop()
            raise
        finally:
            self._gate.leave()

    def close(self) -> None:
        """End the process; the next question starts it again."""
        with self._lock:
            self._drop()

    def _complete(self, requests: Requests, given_up: Event) -> Answers:
        return [self._answer(request, given_up) for request in requests]

    def _answer(self, request: ChatRequest, given_up: Event) -> Answer:
        line = json.dumps(question(request), ensure_ascii=True)
        with self._lock:
            try:
                process = self._running()
                if given_up.is_set():  # while the process was starting, so that nobody could end it
                    raise _Failed("was not waited for")
                return response(_read(process.ask(line, self.timeout_s)), f"cmd:{self.command}")
            except (_Failed, OSError) as failure:
                self._drop()
                return BackendError(f"agent cmd:{self.command} {failure}", cause="agent")
            except BaseException:
                self._drop()
                raise

    def _running(self) -> _Process:
        if self._process is None or self._process.owner != os.getpid():
            self._process = _Process(self._words)
        return self._process

    def _drop(self) -> None:
        if self._process is not None and self._process.owner == os.getpid():
            self._process.stop()
        self._process = None


class _Failed(Exception):
    """The command did not answer; the message goes after its name."""


class _Process:
    """A running command, in a process group of its own, its complaints kept in a file."""

    def __init__(self, words: list[str]) -> None:
        self.owner = os.getpid()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115, lives as long as the process
        self._child = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, start_new_session=_POSIX
        )
        self.stop = weakref.finalize(self, _stop, self._child, self._errors, self.owner)

    def ask(self, line: str, timeout_s: float) -> str:
        """Send one line and return the line that comes back, within the time."""
        heard: list[str] = []
        worker = Thread(target=self._exchange, args=(line, heard), daemon=True)
        worker.start()
        worker.join(timeout_s)
        if worker.is_alive():
            raise _Failed(f"gave no reply within {timeout_s:g} s")
        if not heard or not heard[0]:
            raise _Failed(f"ended{self._last_words()}")
        return heard[0]

    def _exchange(self, line: str, heard: list[str]) -> None:
        with suppress(OSError, ValueError):
            assert self._child.stdin is not None
            assert self._child.stdout is not None
            self._child.stdin.write(line.encode() + b"\n")
            self._child.stdin.flush()
            heard.append(self._child.stdout.readline().decode("utf-8", "replace"))

    def _last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(1.0)
        self._errors.seek(0)
        said = self._errors.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
        return f" (exit code {self._child.returncode})" + (f": {said[-1][:200]}" if said else "")


def question(request: ChatRequest) -> dict[str, object]:
    """Return what a command is asked: the messages, the one-based number of the reply, the agent's seed."""
    return {
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "turn": 1 + sum(m.role == "assistant" for m in request.messages),
        "seed": request.seed,
    }


def _read(line: str) -> object:
    try:
        answer = json.loads(line)
    except ValueError:
        raise _Failed(f"wrote something that is not JSON: {line.strip()[:80]!r}") from None
    if not isinstance(answer, dict) or "reply" not in answer:
        raise _Failed(f"wrote a line without 'reply': {line.strip()[:80]!r}")
    return answer["reply"]


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command, posix=_POSIX)
    except ValueError as error:
        raise UsageError(f"agent cmd:{command}: {error}; quote it as for a shell") from None
    if not words:
        raise UsageError("agent 'cmd:' names no command; write cmd:'python my_agent.py'")
    if shutil.which(words[0]) is None:
        raise UsageError(f"agent cmd:{command}: no program '{words[0]}' on the path")
    return words


def _stop(child: subprocess.Popen[bytes], errors: IO[bytes], owner: int) -> None:
    if os.getpid() != owner:
        return
    _signal(child, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_S)
    _signal(child, getattr(signal, "SIGKILL", signal.SIGTERM))
    child.wait()
    for pipe in (child.stdin, child.stdout, errors):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with suppress(OSError):
        os.killpg(child.pid, number) if _POSIX else child.terminate()

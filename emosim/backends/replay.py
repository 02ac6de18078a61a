"""Cassettes: a JSON-lines file of answers by request key, recorded once, replayed without a model."""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Literal, TypeAlias

from emosim.backends.keys import one_line
from emosim.backends.loops import ProcessLock
from emosim.errors import BackendError, RunError, UsageError
from emosim.flow import Answer, Answers, Backend, ChatRequest, ChatResponse, Requests
from emosim.usage import Usage

Mode: TypeAlias = Literal["replay", "record", "auto"]
Tape: TypeAlias = dict[str, dict[int, ChatResponse]]
"""Answers by key and by how often the key had been asked before."""


class ReplayBackend:
    """Answers from a cassette, and records what another backend answers.

    A request that is asked n times gets the answer to the n-th question of its key, whichever came first, and the last
    one after that. Errors are not recorded. Lines are appended whole, so a run that is killed, or a disk that is full,
    leaves a usable cassette.

    Args:
        path: The cassette.
        inner: The backend to record from; needed for `record` and `auto`.
        mode: `replay` never asks `inner`; `record` starts a new cassette and always asks; `auto` asks for what is
            missing.

    Raises:
        UsageError: The cassette is missing, damaged or cannot be kept there, or there is nothing to record from.
    """

    def __init__(self, path: str | Path, inner: Backend | None = None, *, mode: Mode = "replay") -> None:
        if mode not in ("replay", "record", "auto"):
            raise UsageError(f"no cassette mode {mode!r} (known: auto, record, replay)")
        if mode != "replay" and inner is None:
            raise UsageError(f"cassette mode {mode!r} needs a backend to record from: pass inner=…")
        self.path, self.mode, self._inner = Path(path), mode, inner
        self._lock = ProcessLock()
        self._asked: dict[str, _Places] = {}
        try:
            self._tape: Tape = self._begin() if mode == "record" else self._load()
        except OSError as error:
            problem = f"no cassette can be kept at {self.path} ({error.strerror}: {error.filename})"
            raise UsageError(f"{problem}; choose another place") from None

    def __repr__(self) -> str:
        return f"<ReplayBackend {self.path} {self.mode}>"

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests, blocking.

        Raises:
            RunError: An answer cannot be written; what was recorded before it is whole.
        """
        answers, missing = self._look_up(requests)
        asked: Sequence[Answer] = ()
        try:
            if missing and self._inner:
                asked = self._inner.complete([requests[i] for i in missing])
        finally:
            self._fill(requests, answers, missing, asked)
        return answers

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests, awaiting.

        Raises:
            RunError: An answer cannot be written; what was recorded before it is whole.
        """
        answers, missing = self._look_up(requests)
        asked: Sequence[Answer] = ()
        try:
            if missing and self._inner:
                asked = await self._inner.acomplete([requests[i] for i in missing])
        finally:
            self._fill(requests, answers, missing, asked)
        return answers

    def _look_up(self, requests: Requests) -> tuple[list[Answer], dict[int, int]]:
        """Return answers, with errors at the places still to be asked, and for those the number of the question."""
        answers: list[Answer] = []
        missing: dict[int, int] = {}
        with self._lock:
            for i, request in enumerate(requests):
                number = self._asked.setdefault(request.key, _Places()).take()
                answer = self._recorded(request.key, number)
                if answer is None and self.mode != "replay":
                    missing[i] = number
                answers.append(answer or self._miss(request))
        return answers, missing

    def _recorded(self, key: str, number: int) -> ChatResponse | None:
        answers = self._tape.get(key)
        if self.mode == "record" or not answers:
            return None
        if self.mode == "auto" or number in answers:
            return answers.get(number)
        return answers[max(answers)]

    def _miss(self, request: ChatRequest) -> BackendError:
        last = one_line(request.messages[-1].content, 60) if request.messages else ""
        missing = f"has no answer for key {request.key} ({request.seat}: {last!r})"
        return BackendError(f"cassette {self.path} {missing}: record it with mode='auto'", cause="cassette")

    def _fill(
        self, requests: Requests, answers: list[Answer], missing: dict[int, int], asked: Sequence[Answer]
    ) -> None:
        """Put the answers of the other backend where they belong, and keep them; what has none may be asked again."""
        with self._lock:
            try:
                for answer, (i, number) in zip(asked, missing.items(), strict=False):
                    if isinstance(answer, ChatResponse):
                        self._write(requests[i].key, number, requests[i].seat, answer)
                    answers[i] = answer
            finally:
                for i, number in missing.items():
                    if not isinstance(answers[i], ChatResponse):
                        self._asked[requests[i].key].give_back(number)

    def _write(self, key: str, number: int, seat: str, answer: ChatResponse) -> None:
        if self.mode == "auto":
            self._tape.setdefault(key, {})[number] = answer
        line = json.dumps({"key": key, "number": number, "seat": seat, "answer": asdict(answer)}).encode("ascii")
        try:
            with self.path.open("ab", buffering=0) as tape:
                whole = tape.seek(0, os.SEEK_END)
                try:
                    rest = memoryview(line + b"\n")
                    while rest:
                        rest = rest[tape.write(rest) :]
                except OSError:
                    with suppress(OSError):
                        tape.truncate(whole)
                    raise
        except OSError as error:
            problem = f"cannot write {self.path}: {error.strerror}"
            raise RunError(f"{problem}; make room and run the same command again") from None

    def _begin(self) -> Tape:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        return {}

    def _load(self) -> Tape:
        if not self.path.exists():
            if self.mode == "auto":
                self.path.parent.mkdir(parents=True, exist_ok=True)
                return {}
            raise UsageError(f"no cassette at {self.path}: record one with mode='record' and inner=…")
        tape: Tape = {}
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if self.mode == "auto" and len(whole) < len(content):
            os.truncate(self.path, len(whole))  # a line that a killed run left unfinished
        for number, line in enumerate(whole.splitlines(), 1):
            key, place, answer = self._read(line, number)
            tape.setdefault(key, {})[place] = answer
        return tape

    def _read(self, line: bytes, number: int) -> tuple[str, int, ChatResponse]:
        try:
            entry = json.loads(line)
            fields = dict(entry["answer"])
            answer = ChatResponse(**{**fields, "usage": Usage(**fields["usage"])})
            return str(entry["key"]), int(entry["number"]), answer
        except (KeyError, TypeError, ValueError):
            problem = f"{self.path}:{number}: no cassette line (key, number and answer expected)"
            raise UsageError(f"{problem}; delete the line, or record anew") from None


class _Places:
    """Numbers of questions in order; one that was given back comes next."""

    def __init__(self) -> None:
        self._next, self._back = 0, list[int]()

    def take(self) -> int:
        if self._back:
            return heapq.heappop(self._back)
        self._next += 1
        return self._next - 1

    def give_back(self, number: int) -> None:
        heapq.heappush(self._back, number)

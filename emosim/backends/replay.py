"""Cassettes: a JSON-lines file of answers by request key, recorded once, replayed without a model."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic_core import from_json, to_json

from emosim.backends.keys import one_line
from emosim.backends.loops import ProcessLock
from emosim.errors import BackendError, UsageError
from emosim.flow import Answer, Answers, Backend, ChatRequest, ChatResponse, Requests, Usage

Mode: TypeAlias = Literal["replay", "record", "auto"]


class ReplayBackend:
    """Answers from a cassette, and records what another backend answers.

    A request that is asked n times gets the n-th answer recorded for its key, and the last one after that. Errors
    are not recorded. Lines are appended whole, so a run that is killed leaves a usable cassette.

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
        self._asked: Counter[str] = Counter()
        try:
            self._tape: dict[str, list[ChatResponse]] = self._begin() if mode == "record" else self._load()
        except OSError as error:
            problem = f"no cassette can be kept at {self.path} ({error.strerror}: {error.filename})"
            raise UsageError(f"{problem}; choose another place") from None

    def __repr__(self) -> str:
        return f"<ReplayBackend {self.path} {self.mode}>"

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests, blocking."""
        answers, missing = self._look_up(requests)
        asked = self._inner.complete([requests[i] for i in missing]) if missing and self._inner else ()
        return self._fill(requests, answers, missing, asked)

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests, awaiting."""
        answers, missing = self._look_up(requests)
        asked = await self._inner.acomplete([requests[i] for i in missing]) if missing and self._inner else ()
        return self._fill(requests, answers, missing, asked)

    def _look_up(self, requests: Requests) -> tuple[list[Answer], list[int]]:
        """Return answers, with errors at the places still to be asked, and those places."""
        answers: list[Answer] = []
        missing = []
        with self._lock:
            for i, request in enumerate(requests):
                answer = self._recorded(request)
                if answer is None and self.mode != "replay":
                    missing.append(i)
                answers.append(answer or self._miss(request))
        return answers, missing

    def _recorded(self, request: ChatRequest) -> ChatResponse | None:
        number, answers = self._asked[request.key], self._tape.get(request.key, ())
        self._asked[request.key] += 1
        if self.mode == "record" or not answers or (self.mode == "auto" and number >= len(answers)):
            return None
        return answers[min(number, len(answers) - 1)]

    def _miss(self, request: ChatRequest) -> BackendError:
        last = one_line(request.messages[-1].content, 60) if request.messages else ""
        missing = f"has no answer for key {request.key} ({request.seat}: {last!r})"
        return BackendError(f"cassette {self.path} {missing}: record it with mode='auto'", cause="cassette")

    def _fill(self, requests: Requests, answers: list[Answer], missing: list[int], asked: Sequence[Answer]) -> Answers:
        with self._lock:
            for i, answer in zip(missing, asked, strict=True):
                answers[i] = answer
                if isinstance(answer, ChatResponse):
                    self._write(requests[i], answer)
        return answers

    def _write(self, request: ChatRequest, answer: ChatResponse) -> None:
        if self.mode == "auto":
            self._tape.setdefault(request.key, []).append(answer)
        line = {"key": request.key, "seat": request.seat, "answer": asdict(answer)}
        with self.path.open("ab") as tape:
            tape.write(to_json(line) + b"\n")

    def _begin(self) -> dict[str, list[ChatResponse]]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        return {}

    def _load(self) -> dict[str, list[ChatResponse]]:
        if not self.path.exists():
            if self.mode == "auto":
                self.path.parent.mkdir(parents=True, exist_ok=True)
                return {}
            raise UsageError(f"no cassette at {self.path}: record one with mode='record' and inner=…")
        tape: dict[str, list[ChatResponse]] = {}
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if self.mode == "auto" and len(whole) < len(content):
            os.truncate(self.path, len(whole))  # a line that a killed run left unfinished
        for number, line in enumerate(whole.splitlines(), 1):
            key, answer = self._read(line, number)
            tape.setdefault(key, []).append(answer)
        return tape

    def _read(self, line: bytes, number: int) -> tuple[str, ChatResponse]:
        try:
            entry = from_json(line)
            fields = dict(entry["answer"])
            return str(entry["key"]), ChatResponse(**{**fields, "usage": Usage(**fields["usage"])})
        except (KeyError, TypeError, ValueError):
            raise UsageError(f"{self.path}:{number}: no cassette line (key and answer expected)") from None

"""The `local` transport: llama.cpp's own server inside this process (the `local` extra), asked over loopback.

It exercises the whole path to a model without network or key. The small default model writes well-formed answers but
is no judge of replies (its ratings do not follow people's), so it serves plumbing tests, not measurements.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from emosim.backends.lean import LeanTransport
from emosim.backends.loops import ProcessLock
from emosim.backends.protocol import Body, Wire
from emosim.backends.weights import need_weights
from emosim.errors import MissingExtra, UsageError

SLOTS = 2
"""Answers that the server generates at once."""
CONTEXT = 4096
"""Tokens that a conversation may have."""
LONGEST_TEXT, LONGEST_ARRAY = 120, 3
"""Characters of a text, and items of an array, in an answer that follows a schema."""

_lock = ProcessLock()
_servers: dict[tuple[int, Path], object] = {}
"""Running servers by process and weights. A forked child starts its own, as its parent's threads are not there."""


@dataclass(frozen=True)
class LocalTransport:
    """Reaches a model that runs in this process.

    Args:
        path: Weights, a `.gguf` file; the small default model if empty.
    """

    path: str = ""

    @property
    def name(self) -> str:
        """The spec."""
        return f"local:{self.path}" if self.path else "local"

    @property
    def model(self) -> str:
        """Name of the weights."""
        return Path(self.path).stem if self.path else "SmolLM2-135M-Instruct"

    def check(self) -> None:
        """Check that the package and the weights are here, without loading them.

        Raises:
            MissingExtra: xllamacpp is not installed.
            UsageError: The weights are missing.
        """
        import importlib.util

        if importlib.util.find_spec("xllamacpp") is None:
            raise MissingExtra("local", "local")
        self._weights()

    def open(self, concurrency: int) -> Wire:
        """Start the server, unless it runs, and open a connection pool to it."""
        return _Brief(LeanTransport(f"{_address(self._weights())}/v1", self.model).open(concurrency))

    def _weights(self) -> Path:
        if not self.path:
            return need_weights()
        if not Path(self.path).is_file():
            raise UsageError(f"no weights at {self.path}")
        return Path(self.path)


class _Brief:
    """A wire to a model so small that it writes for ever unless the schema forbids it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def post(self, body: Body, timeout_s: float) -> object:
        if "response_format" in body:
            body = {**body, "response_format": brief(body["response_format"])}
        return await self._wire.post(body, timeout_s)

    async def close(self) -> None:
        await self._wire.close()


def brief(form: object) -> object:
    """Return a response format whose texts and lists cannot grow without end, nor the white space between them."""
    if isinstance(form, list):
        return [brief(part) for part in form]
    if not isinstance(form, dict):
        return form
    short = {name: brief(part) for name, part in form.items()}
    if form.get("type") == "string" and "enum" not in form:
        short["maxLength"] = LONGEST_TEXT
    elif form.get("type") == "array":
        short["maxItems"] = LONGEST_ARRAY
    elif isinstance(schema := short.get("schema"), dict):
        schema["x-guidance"] = {"whitespace_flexible": False}
    return short


def _address(weights: Path) -> str:
    with _lock:
        at = os.getpid(), weights.resolve()
        if at not in _servers:
            _servers[at] = _start(weights)
        return str(_servers[at].listening_address)  # type: ignore[attr-defined]


def _start(weights: Path) -> object:
    try:
        import xllamacpp
    except ImportError:
        raise MissingExtra("local", "local") from None
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_parallel, params.n_ctx = SLOTS, SLOTS * CONTEXT
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, min(4, (os.cpu_count() or 1) // 2))
    params.model_alias = {weights.stem}
    params.verbosity = -1
    params.warmup = False
    return xllamacpp.Server(params)

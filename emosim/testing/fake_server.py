"""A loopback server that speaks the OpenAI chat protocol and can misbehave on purpose.

    with FakeServer(lambda body, n: f"answer {n}") as server:
        backend = resolve_backend(f"{server.url}#fake", seat="user")

Test your agents and users against it: no key, no network, and faults that come when you say so. To measure a client,
run it apart from the client's process: `python -m emosim.testing.fake_server --latency-s 0.2` prints its address.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self, TypeAlias, get_args

from pydantic_core import from_json, to_json

from emosim.errors import UsageError, did_you_mean
from emosim.testing.http import HttpServerProtocol, Reply
from emosim.value import roll

Json: TypeAlias = dict[str, object]
Fault: TypeAlias = Literal[
    "rate_limit",
    "server_error",
    "hang",
    "truncated",
    "bad_body",
    "wrong_schema",
    "bad_json",
    "empty",
    "refusal",
    "length",
]
"""`rate_limit` 429 with Retry-After · `server_error` 500 · `hang` never answers · `truncated` half a body, then
closes · `bad_body` a body that is no JSON · content that is: `wrong_schema` JSON of another shape, `bad_json` broken
JSON, `empty` · `refusal` the refusal field · `length` content cut, finish_reason `length`."""

_CONTENT: Mapping[str, str] = {"wrong_schema": '{"unexpected": [1]}', "bad_json": '{"acts": ["listen', "empty": ""}


class FakeServer:
    """An OpenAI-compatible chat server on 127.0.0.1, in a thread; use it as a context manager.

    Args:
        answer: The text of every answer, or a function of the request body and its number (from 0) that returns it.
        latency_s: Seconds that each answer takes.
        faults: Rates by kind, such as `{"hang": 0.01}`, drawn from `seed` and the request's number; or the fault of
            each request in turn, empty for none, and none after the last.
        seed: Seed of the faults.
        retry_after_s: What 429 answers put into `Retry-After`; no header if None.
        rejects: Types of `response_format` to refuse with 400, such as `("json_schema",)`.
        unknown: Fields of the body to refuse with 400, such as `("seed",)`.
        api_key: Key that requests must carry, else 401; any if empty.
        usage: Whether answers report tokens.
        models: Names that `/v1/models` lists.
        keep: How many request bodies to keep.

    Attributes:
        requests: Chat requests seen.
        in_flight: Chat requests being answered.
        max_in_flight: Most of them at once.
        bodies: The latest request bodies.
        times_s: Monotonic times at which they came.
        faults_served: How often each fault was served.
    """

    def __init__(
        self,
        answer: str | Callable[[Json, int], str] = "I hear you.",
        *,
        latency_s: float = 0.0,
        faults: Mapping[Fault, float] | Sequence[Fault | Literal[""]] = (),
        seed: int = 0,
        retry_after_s: float | None = 0.05,
        rejects: Sequence[str] = (),
        unknown: Sequence[str] = (),
        api_key: str = "",
        usage: bool = True,
        models: Sequence[str] = ("fake",),
        keep: int = 10_000,
    ) -> None:
        for kind in faults:
            if kind and kind not in get_args(Fault):
                raise UsageError(f"no fault {kind!r}{did_you_mean(kind, get_args(Fault))}")
        self._answer, self._latency_s, self._faults, self._seed = answer, latency_s, faults, seed
        self._retry_after_s, self._rejects, self._api_key = retry_after_s, frozenset(rejects), api_key
        self._unknown = frozenset(unknown)
        self._usage, self._models = usage, tuple(models)
        self.requests = self.in_flight = self.max_in_flight = 0
        self.bodies: deque[Json] = deque(maxlen=keep)
        self.times_s: deque[float] = deque(maxlen=keep)
        self.faults_served: Counter[str] = Counter()
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._serve, name="emosim-fake-server", daemon=True)
        self._connections: set[HttpServerProtocol] = set()
        self._ready = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """Address for clients, with the version path."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, port: int = 0) -> None:
        """Start to listen; port 0 means any free one."""
        self.port = port
        self._thread.start()
        self._ready.wait(10)

    def stop(self) -> None:
        """Close all connections and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        listening = self._loop.create_server(
            lambda: HttpServerProtocol(self._handle, self._connections), "127.0.0.1", self.port, backlog=4096
        )
        server = self._loop.run_until_complete(listening)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            self._loop.run_until_complete(self._hang_up())
            self._loop.close()

    async def _hang_up(self) -> None:
        for _ in range(3):  # a client may just be coming in
            for connection in list(self._connections):
                connection.hang_up()
            await asyncio.sleep(0)
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0)

    async def _handle(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> Reply:
        if self._api_key and headers.get("authorization") != f"Bearer {self._api_key}":
            return _error(401, "invalid_api_key", "Incorrect API key provided.")
        if method == "GET" and path == "/v1/models":
            return _json(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in self._models]})
        if method != "POST" or path != "/v1/chat/completions":
            return _error(404, "not_found", f"no such address: {method} {path}")
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            return await self._chat(content)
        finally:
            self.in_flight -= 1

    async def _chat(self, content: bytes) -> Reply:
        number, self.requests = self.requests, self.requests + 1
        self.times_s.append(time.monotonic())
        body: Json = from_json(content)
        self.bodies.append(body)
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        wanted = body.get("response_format")
        if isinstance(wanted, dict) and wanted.get("type") in self._rejects:
            return _error(400, "invalid_request_error", f"response_format type {wanted['type']} is not supported")
        if strange := sorted(self._unknown.intersection(body)):
            return _error(400, "invalid_request_error", f"Unrecognized request argument supplied: {strange[0]}")
        fault = self._fault(number)
        self.faults_served.update([fault] if fault else [])
        return await self._faulty(fault, body, number) if fault else self._completion(body, number)

    def _fault(self, number: int) -> str:
        if not isinstance(self._faults, Mapping):
            return self._faults[number] if number < len(self._faults) else ""
        dice = roll(self._seed, number, 0)
        for kind, rate in self._faults.items():
            if dice < rate:
                return kind
            dice -= rate
        return ""

    async def _faulty(self, fault: str, body: Json, number: int) -> Reply:
        if fault == "rate_limit":
            wait = {} if self._retry_after_s is None else {"Retry-After": f"{self._retry_after_s:g}"}
            return _error(429, "rate_limit_exceeded", "Too many requests.", wait)
        if fault == "server_error":
            return _error(500, "server_error", "Something broke.")
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "bad_body":
            return Reply(200, b'{"id": "cut off, "choices": [}', {})
        reply = self._completion(body, number, fault)
        return Reply(reply.status, reply.content, reply.headers, cut=fault == "truncated")

    def _completion(self, body: Json, number: int, fault: str = "") -> Reply:
        text = self._answer if isinstance(self._answer, str) else self._answer(body, number)
        text = _CONTENT.get(fault, text[: len(text) // 2] if fault == "length" else text)
        message: Json = {"role": "assistant", "content": text}
        if fault == "refusal":
            message |= {"content": None, "refusal": "I can't help with that."}
        finish = "length" if fault == "length" else "stop"
        reply: Json = {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": body.get("model"),
            "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        }
        if self._usage:
            reply["usage"] = _usage(body, text)
        return _json(200, reply)


def _usage(body: Json, text: str) -> Json:
    messages = body.get("messages")
    size = sum(len(str(m.get("content"))) for m in messages) if isinstance(messages, list) else 0
    prompt, completion = 1 + size // 4, len(text) // 4
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _json(status: int, content: Json, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, to_json(content), headers or {})


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    return _json(status, {"error": {"message": message, "type": code, "code": code}}, headers)


def main() -> None:
    """Serve until the process ends; print the address."""
    parser = argparse.ArgumentParser(description="A fake OpenAI-compatible server on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-s", type=float, default=0.0)
    parser.add_argument("--answer", default="I hear you.")
    options = parser.parse_args()
    server = FakeServer(options.answer, latency_s=options.latency_s, keep=0)
    server.start(options.port)
    print(server.url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()

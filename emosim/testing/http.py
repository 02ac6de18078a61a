"""The least HTTP/1.1 server that `FakeServer` needs: keep-alive, Content-Length bodies, and answers cut on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer.

    Args:
        status: HTTP status.
        content: Body.
        headers: Headers besides length and type.
        cut: Send half the body, then close the connection.
    """

    status: int
    content: bytes
    headers: Mapping[str, str]
    cut: bool = False


Handler: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Reply]]
"""From method, path, headers (lower-case names) and body to a reply."""


class HttpServerProtocol(asyncio.Protocol):
    """One client connection: requests are answered one after the other.

    Args:
        handler: Answers a request.
        connections: Where the connection enters itself while it is open.
    """

    def __init__(self, handler: Handler, connections: set[HttpServerProtocol]) -> None:
        self._handler, self._connections = handler, connections
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the new connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop answering a client that has gone."""
        self._connections.discard(self)
        self._transport = None
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Collect bytes; answer when a request is whole."""
        self._buffer += data
        self._next()

    def hang_up(self) -> None:
        """Close the connection at once."""
        if self._transport:
            self._transport.abort()

    def _next(self) -> None:
        if self._task or (end := self._buffer.find(b"\r\n\r\n")) < 0:
            return
        first, _, rest = self._buffer[:end].decode("latin-1").partition("\r\n")
        pairs = (line.partition(":") for line in rest.split("\r\n"))
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        stop = end + 4 + int(headers.get("content-length", 0))
        if len(self._buffer) < stop:
            return
        content = bytes(self._buffer[end + 4 : stop])
        del self._buffer[:stop]
        method, path, _ = first.split(" ", 2)
        self._task = asyncio.get_running_loop().create_task(self._answer(method, path, headers, content))

    async def _answer(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> None:
        try:
            reply = await self._handler(method, path, headers, content)
        except Exception as error:
            reply = Reply(500, f"fake server: {type(error).__name__}: {error}".encode(), {})
        if self._transport is None:
            return
        head = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        start = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\nContent-Type: application/json\r\n"
        body = reply.content[: len(reply.content) // 2] if reply.cut else reply.content
        self._transport.write(f"{start}{head}Content-Length: {len(reply.content)}\r\n\r\n".encode("latin-1") + body)
        self._task = None
        if reply.cut:
            self._transport.close()
        else:
            self._next()

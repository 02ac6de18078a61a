"""The least HTTP/1.1 client that the lean transport needs: POST, keep-alive, one time-out; llhttp reads the answers.

No redirects, cookies, proxies or compression. A connection carries one call at a time and is dropped after anything
but a whole answer, so that nothing of one call can reach another.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from httptools import HttpResponseParser

_LENGTHS = (b"content-length", b"transfer-encoding")
SENT_TOGETHER: Final = 16
"""Requests of one round of the event loop that are written together, so few that the first waits milliseconds."""
READ_AT_ONCE: Final = 65536
"""Bytes that are read at once, at most."""


class Cut(Exception):
    """The connection ended before the answer did."""


class Garbled(Exception):
    """What came is no HTTP answer."""


@dataclass(slots=True)
class Reply:
    """An answer."""

    status: int
    """HTTP status."""
    content: bytes
    """Body."""
    headers: Mapping[bytes, bytes]
    """Headers by lower-case name."""


class Connection(asyncio.BufferedProtocol):
    """One open connection.

    Args:
        pool: Where it enters itself while it is open.
    """

    __slots__ = ("_body", "_headers", "_parser", "_pool", "_reply", "idle_since", "late_at", "transport")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._parser: HttpResponseParser = pool.parser(self)
        self._reply: asyncio.Future[Reply] | None = None
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self.late_at = math.inf

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the open connection; long silences must not look like a dead peer to what stands between."""
        self.transport = cast("asyncio.Transport", transport)
        self._pool.open.add(self)
        if (raw := transport.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def ask(self, request: bytes, late_at: float) -> asyncio.Future[Reply]:
        """Send a request; the future is its answer, or what is raised instead (see `Pool.post`)."""
        if self.transport is None:
            raise ConnectionError("it closed the connection at once")
        self.late_at = late_at
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._reply = self._pool.loop.create_future()
        self._pool.send(self, request)
        return self._reply

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to put what comes: one place for all connections, as each reads it on the spot."""
        return self._pool.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Read on; whatever comes unasked ends the connection."""
        if self._reply is None:
            self.drop()
            return
        try:
            self._parser.feed_data(self._pool.buffer[:nbytes])
        except Exception as error:
            self._fail(Garbled(str(error)))

    def on_message_begin(self) -> None:
        """Close if a second answer follows the one that was asked for."""
        if self._reply is None:
            self.drop()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers[name.lower()] = value

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Hand the answer over; `100 Continue` is none."""
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = {}
        elif self._reply is not None:
            self._finish(status, self._parser.should_keep_alive())

    def connection_lost(self, error: Exception | None) -> None:
        """Leave the pool; an answer without a stated length ends here, any other was cut."""
        self.transport = None
        self._pool.open.discard(self)
        if self._reply is None:
            return
        status = self._parser.get_status_code() if self._headers else 0
        if error is None and status >= 200 and not any(name in self._headers for name in _LENGTHS):
            self._finish(status, False)
        else:
            self._fail(Cut() if status else ConnectionError("it closed the connection without an answer"))

    def give_up(self, now: float) -> None:
        """End a call that takes too long."""
        if self.late_at <= now:
            self._fail(TimeoutError())

    def drop(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()
            self.transport = None

    def _finish(self, status: int, alive: bool) -> None:
        waiting, self._reply, self.late_at = self._reply, None, math.inf
        body = self._body
        if waiting is not None and not waiting.done():
            waiting.set_result(Reply(status, body[0] if len(body) == 1 else b"".join(body), self._headers))
        if alive:
            self._pool.take_back(self)
        else:
            self.drop()

    def _fail(self, error: Exception) -> None:
        waiting, self._reply, self.late_at = self._reply, None, math.inf
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)
        self.drop()


class Pool:
    """Connections to one address, in the running event loop.

    Args:
        url: The address, with scheme, host and path.
        headers: Headers of every request.
        idle_s: Seconds that an unused connection is kept.
    """

    def __init__(self, url: str, headers: Mapping[str, str], idle_s: float) -> None:
        from httptools import HttpResponseParser

        self.parser, self.loop = HttpResponseParser, asyncio.get_running_loop()
        self.open: set[Connection] = set()
        self.buffer = memoryview(bytearray(READ_AT_ONCE))
        self._idle: deque[Connection] = deque()
        self._idle_s = idle_s
        self._outbox: list[tuple[Connection, bytes]] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if secure else 80)
        races = isinstance(self.loop, asyncio.BaseEventLoop) and not _is_number(self._host)
        self._race: dict[str, Any] = {"happy_eyeballs_delay": 0.25} if races else {}
        self._ssl = ssl.create_default_context() if secure else None
        self._head = _head(url, headers)

    async def post(self, body: bytes, timeout_s: float) -> Reply:
        """Send a body and return the answer.

        Raises:
            TimeoutError: No whole answer in time.
            Cut: The connection ended before the answer did.
            Garbled: What came is no HTTP answer.
            OSError: The server cannot be reached.
        """
        request = b"%b%d\r\n\r\n%b" % (self._head, len(body), body)
        late_at = self.loop.time() + timeout_s
        if (connection := self._fresh()) is None:
            async with asyncio.timeout_at(late_at):
                connection = await self._connect()
        if self._watch is None or late_at < self._watch.when():
            self._watch_until(late_at)
        try:
            return await connection.ask(request, late_at)
        except asyncio.CancelledError:
            connection.drop()
            raise

    def send(self, connection: Connection, request: bytes) -> None:
        """Write a request together with others that are ready now.

        A server on the same machine wakes up with each write and may take the processor from the caller; between two
        writes there is nothing that it could push out of the caches, between two turns of an episode there is much.
        """
        self._outbox.append((connection, request))
        if len(self._outbox) >= SENT_TOGETHER:
            self._send_all()
        elif len(self._outbox) == 1:
            self.loop.call_soon(self._send_all)

    def _send_all(self) -> None:
        outbox, self._outbox = self._outbox, []
        for connection, request in outbox:
            if connection.transport is not None:
                connection.transport.write(request)

    def take_back(self, connection: Connection) -> None:
        """Keep a connection for the next call."""
        connection.idle_since = self.loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(self._idle_s, self._sweep)

    async def close(self) -> None:
        """Close all connections; calls in flight end as cut."""
        for timer in (self._sweeper, self._watch):
            if timer is not None:
                timer.cancel()
        for connection in list(self.open):
            connection._fail(Cut())
        for _ in range(20):
            if not self.open:
                return
            await asyncio.sleep(0)

    async def _connect(self) -> Connection:
        _, connection = await self.loop.create_connection(
            lambda: Connection(self), self._host, self._port, ssl=self._ssl, **self._race
        )
        return connection

    def _fresh(self) -> Connection | None:
        """Return the idle connection that was used last, if it is still good."""
        while self._idle:
            connection = self._idle.pop()
            if connection.transport is None or connection.transport.is_closing():
                continue
            if self.loop.time() - connection.idle_since < self._idle_s:
                return connection
            connection.drop()
        return None

    def _watch_until(self, when: float) -> None:
        """Look for late calls then: one timer serves all, as nearly every call is answered long before it is late."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_at(when, self._give_up)

    def _give_up(self) -> None:
        """End the calls that are late, and look again when the next one would be."""
        self._watch, now = None, self.loop.time()
        for connection in list(self.open):
            connection.give_up(now)
        soonest = min((connection.late_at for connection in self.open), default=math.inf)
        if soonest < math.inf:
            self._watch_until(soonest)

    def _sweep(self) -> None:
        """Close what has been idle too long, the oldest first."""
        now = self.loop.time()
        while self._idle and now - self._idle[0].idle_since >= self._idle_s:
            self._idle.popleft().drop()
        wait_s = self._idle_s - (now - self._idle[0].idle_since) if self._idle else None
        self._sweeper = self.loop.call_later(wait_s, self._sweep) if wait_s is not None else None


def _is_number(host: str) -> bool:
    """Return whether a host is an address already, so that there is nothing to look up and no second one to try."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _head(url: str, headers: Mapping[str, str]) -> bytes:
    """Return the start of every request, up to the length of its body."""
    parts = urlsplit(url)
    host = (parts.hostname or "").encode("idna").decode()
    host = f"[{host}]" if ":" in host else host
    host = f"{host}:{parts.port}" if parts.port else host
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
    fields = {"Host": host, "Accept-Encoding": "identity", "Content-Type": "application/json"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        fields["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    lines = "".join(f"{name}: {value}\r\n" for name, value in (fields | dict(headers)).items())
    return f"POST {target} HTTP/1.1\r\n{lines}Content-Length: ".encode()

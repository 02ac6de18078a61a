"""The HTTP client against servers that say exactly what a test wants, byte by byte."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from emosim.backends import resolve_backend
from emosim.backends.http import SENT_TOGETHER, Cut, Garbled, Pool
from emosim.errors import TransientBackendError, UsageError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@asynccontextmanager
async def saying(*answers: bytes, close: bool = False, tls: ssl.SSLContext | None = None) -> AsyncIterator[Served]:
    """Serve each answer in turn, whole requests read before; the last one again and again."""
    served, talks = Served(), set[asyncio.Task[None]]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        talks.add(asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                served.requests.append(head + await reader.readexactly(length))
                writer.write(answers[min(len(served.requests), len(answers)) - 1])
                if close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        await asyncio.wait_for(asyncio.gather(*talks, return_exceptions=True), 5)


class Served:
    """What a server has seen."""

    def __init__(self) -> None:
        self.port, self.connections = 0, 0
        self.requests: list[bytes] = []


async def post(served: Served, times: int = 1, idle_s: float = 4.0, path: str = "/v1", **headers: str):
    """Post so often on one pool and return the last answer."""
    pool = Pool(f"http://127.0.0.1:{served.port}{path}", headers, idle_s)
    try:
        for _ in range(times):
            reply = await pool.post(b'{"a":1}', 2.0)
        return reply
    finally:
        await pool.close()


async def test_a_request_is_whole_and_the_connection_is_used_again():
    async with saying(OK) as served:
        reply = await post(served, 3, path="/v1/a b", Authorization="Bearer k")
    assert (reply.status, reply.content) == (200, b"hi")
    assert served.connections == 1
    host = f"127.0.0.1:{served.port}".encode()
    assert served.requests[0] == (
        b"POST /v1/a%20b HTTP/1.1\r\nHost: " + host + b"\r\nAccept-Encoding: identity\r\n"
        b'Content-Type: application/json\r\nAuthorization: Bearer k\r\nContent-Length: 7\r\n\r\n{"a":1}'
    )


@pytest.mark.parametrize(
    ("answer", "content", "connections"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello", 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"hi", 1),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", b"hi", 2),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", 1),
    ],
    ids=["chunked", "continue", "close", "empty"],
)
async def test_ways_to_answer(answer: bytes, content: bytes, connections: int):
    async with saying(answer) as served:
        assert (await post(served, 2)).content == content
        assert served.connections == connections


async def test_a_body_may_end_with_the_connection():
    async with saying(b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nhello", close=True) as served:
        assert (await post(served)).content == b"hello"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", Cut),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhi", Cut),
        (b"SSH-2.0-OpenSSH\r\n", Garbled),
        (b"", ConnectionError),
    ],
    ids=["cut", "cut-chunk", "garbled", "nothing"],
)
async def test_ways_to_fail(answer: bytes, fault: type[Exception]):
    async with saying(answer, close=True) as served:
        with pytest.raises(fault):
            await post(served)


@pytest.mark.parametrize("unasked", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate", b"HTTP/1.1 200", b"\0"])
async def test_what_comes_unasked_reaches_no_later_call(unasked: bytes):
    async with saying(OK + unasked, OK) as served:
        assert (await post(served, 2)).content == b"hi"
        assert served.connections == 2


async def test_a_late_answer_reaches_no_later_call():
    async with saying(b"", b"", OK) as served:
        pool = Pool(f"http://127.0.0.1:{served.port}/", {}, 4.0)
        with pytest.raises(TimeoutError):
            await pool.post(b"{}", 0.05)
        call = asyncio.create_task(pool.post(b"{}", 5.0))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await pool.post(b"{}", 5.0)).content == b"hi"
        assert served.connections == 3
        await pool.close()


async def test_each_call_has_its_own_time_and_no_late_one_ends_another():
    waits_s = (0.3, 0.1, 0.5, 0.2, 5.0)
    async with saying(b"") as served:
        pool = Pool(f"http://127.0.0.1:{served.port}/", {}, 4.0)
        begun, ended = asyncio.get_running_loop().time(), dict[float, float]()

        async def ask(wait_s: float) -> None:
            with suppress(TimeoutError):
                await pool.post(b"{}", wait_s)
            ended[wait_s] = asyncio.get_running_loop().time() - begun

        tasks = [asyncio.create_task(ask(wait_s)) for wait_s in waits_s]
        await asyncio.wait(tasks[:-1])
        assert list(ended) == sorted(waits_s[:-1])
        assert all(wait_s <= took_s + 0.001 for wait_s, took_s in ended.items())
        assert not tasks[-1].done()
        tasks[-1].cancel()
        await pool.close()


async def test_requests_that_are_sent_together_all_arrive():
    async with saying(OK) as served:
        pool = Pool(f"http://127.0.0.1:{served.port}/", {}, 4.0)
        replies = await asyncio.gather(*[pool.post(b"%d" % number, 5) for number in range(2 * SENT_TOGETHER + 1)])
        assert {reply.content for reply in replies} == {b"hi"}
        bodies = {request.rpartition(b"\r\n")[2] for request in served.requests}
        assert bodies == {b"%d" % number for number in range(len(replies))}
        await pool.close()


async def test_idle_connections_are_closed():
    async with saying(OK) as served:
        pool = Pool(f"http://127.0.0.1:{served.port}/", {}, 0.05)
        await asyncio.gather(*[pool.post(b"{}", 5.0) for _ in range(3)])
        assert len(pool.open) == 3
        await asyncio.sleep(0.2)
        assert not pool.open
        await pool.post(b"{}", 5.0)
        assert served.connections == 4
        await pool.close()


async def test_closing_ends_calls_in_flight():
    async with saying(b"") as served:
        pool = Pool(f"http://127.0.0.1:{served.port}/", {}, 4.0)
        call = asyncio.create_task(pool.post(b"{}", 5.0))
        await asyncio.sleep(0.05)
        await pool.close()
        with pytest.raises(Cut):
            await call


async def test_a_port_that_takes_connections_and_never_speaks_times_out():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        pool = Pool(f"http://127.0.0.1:{deaf.getsockname()[1]}/", {}, 4.0)
        with pytest.raises(TimeoutError):
            await pool.post(b"{}", 0.1)
        await pool.close()


async def test_user_and_password_of_an_address_are_sent_and_not_as_part_of_it():
    async with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as served:
        pool = Pool(f"http://me:p%40ss@127.0.0.1:{served.port}/v1", {}, 4.0)
        await pool.post(b"{}", 2.0)
        await pool.close()
    assert b"Authorization: Basic bWU6cEBzcw==\r\n" in served.requests[0]
    assert b"me:p" not in served.requests[0]


async def test_a_redirect_says_where_to(ask: Callable[..., object]):
    moved = b"HTTP/1.1 308 Moved\r\nLocation: http://other/v1\r\nContent-Length: 0\r\n\r\n"
    async with saying(moved) as served:
        backend = resolve_backend(f"http://127.0.0.1:{served.port}/v1#m", seat="user")
        answer = (await backend.acomplete([ask()]))[0]
        await backend.aclose()
    assert str(answer).endswith("answered 308: it has moved: use http://other/v1")
    assert len(served.requests) == 1


async def test_no_http_at_all_is_a_typed_fault(ask: Callable[..., object]):
    async with saying(b"220 mail ready\r\n") as served:
        backend = resolve_backend(f"http://127.0.0.1:{served.port}/v1#m", seat="user", attempts=1)
        answer = (await backend.acomplete([ask()]))[0]
        await backend.aclose()
    assert isinstance(answer, TransientBackendError)
    assert answer.cause == "bad_body"


def test_a_key_that_could_forge_a_header_is_refused():
    with pytest.raises(UsageError, match="line break"):
        resolve_backend("http://127.0.0.1:9/v1#m", seat="user", api_key="sk-1\r\nX-Evil: 1")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
async def test_certificates_are_checked(tmp_path, monkeypatch):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    async with saying(OK, tls=tls) as served:
        url = f"https://127.0.0.1:{served.port}/v1"
        stranger = Pool(url, {}, 4.0)
        with pytest.raises(ssl.SSLCertVerificationError):
            await stranger.post(b"{}", 5.0)
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        friend = Pool(url, {}, 4.0)
        assert (await friend.post(b"{}", 5.0)).content == b"hi"
        assert (await friend.post(b"{}", 5.0)).content == b"hi"
        await friend.close()
        await stranger.close()

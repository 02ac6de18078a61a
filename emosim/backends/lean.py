"""The lean transport: aiohttp and pydantic-core straight to an OpenAI-compatible server, for training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic_core import from_json, to_json

from emosim.backends.keys import Secret, one_line, scrub
from emosim.backends.protocol import Body, Wire, status_error
from emosim.errors import BackendError, TransientBackendError, UsageError

if TYPE_CHECKING:
    import aiohttp

IDLE_S = 4.0
"""Seconds that an idle connection is kept: less than the 5 s of uvicorn (vLLM, SGLang) and llama.cpp."""


@dataclass(frozen=True)
class LeanTransport:
    """Reaches `POST {url}/chat/completions`.

    Args:
        url: Address with its version path, such as `http://127.0.0.1:8000/v1`.
        model: Model name to send.
        key: API key, if the server wants one.
        extra: More fields for the body, such as `{"chat_template_kwargs": {"enable_thinking": False}}`.

    Raises:
        UsageError: The address is no http(s) address.
    """

    url: str
    model: str
    key: Secret = field(default=Secret(""), repr=False)
    extra: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not is_http_address(self.url):
            raise UsageError(f"no http address: {scrub(self.url)!r} (write http://HOST:PORT/v1#MODEL)")

    def __repr__(self) -> str:
        return f"LeanTransport({self.name!r})"

    @property
    def name(self) -> str:
        """Address and model, as in the spec."""
        return scrub(f"{self.url}#{self.model}", (self.key,))

    def open(self, concurrency: int) -> Wire:
        """Open a connection pool in the running event loop."""
        allow_open_files(concurrency + 256)
        return _LeanWire(self, concurrency)


def is_http_address(url: str) -> bool:
    """Return whether the text is an http or https address with a host and, if any, a valid port."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def allow_open_files(count: int) -> None:
    """Raise the soft limit on open files to at least `count`, if the hard limit allows; do nothing on Windows."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


class _LeanWire:
    def __init__(self, transport: LeanTransport, concurrency: int) -> None:
        import aiohttp

        self._name, self._secrets, self._extra = transport.name, (transport.key,), dict(transport.extra)
        self._address = transport.url.rstrip("/") + "/chat/completions"
        headers = {"Content-Type": "application/json"}
        if transport.key:
            headers["Authorization"] = f"Bearer {transport.key.reveal()}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
        )

    async def post(self, body: Body, timeout_s: float) -> object:
        import aiohttp

        if self._extra:
            body = {**body, **self._extra}
        try:
            async with self._session.post(
                self._address, data=to_json(body), timeout=aiohttp.ClientTimeout(total=timeout_s)
            ) as reply:
                content = await reply.read()
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise self._fault(error, timeout_s) from None
        if reply.status != 200:
            raise self._refusal(reply, content)
        try:
            return from_json(content)
        except ValueError:
            raise TransientBackendError(f"{self._name} sent a body that is no JSON", cause="bad_body") from None

    async def close(self) -> None:
        await self._session.close()

    def _refusal(self, reply: aiohttp.ClientResponse, content: bytes) -> BackendError:
        text = scrub(content[:4000].decode("utf-8", "replace"), self._secrets)
        return status_error(reply.status, text, reply.headers.get("Retry-After"), self._name)

    def _fault(self, error: Exception, timeout_s: float) -> BackendError:
        import aiohttp

        if isinstance(error, TimeoutError):
            return TransientBackendError(f"{self._name} did not answer within {timeout_s:g} s", cause="timeout")
        if isinstance(error, aiohttp.ClientPayloadError):
            return TransientBackendError(f"{self._name} cut its answer short", cause="truncated")
        if isinstance(error, (aiohttp.InvalidURL, aiohttp.TooManyRedirects)):
            return BackendError(f"{self._name} is no usable address", cause="bad_request")
        why = scrub(str(error), self._secrets) or type(error).__name__
        return TransientBackendError(one_line(f"{self._name} cannot be reached: {why}"), cause="unreachable")

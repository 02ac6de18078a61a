"""The lean transport: straight to an OpenAI-compatible server without an SDK, for training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, cast
from urllib.parse import urlsplit

from pydantic_core import from_json, to_json

from emosim.backends.http import Cut, Garbled, Pool, Reply
from emosim.backends.keys import Secret, one_line, scrub
from emosim.backends.protocol import Body, Wire, status_error
from emosim.errors import BackendError, TransientBackendError, UsageError

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
        UsageError: The address is no http(s) address, or the key holds a line break.
    """

    url: str
    model: str
    key: Secret = field(default=Secret(""), repr=False)
    extra: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not is_http_address(self.url):
            raise UsageError(f"no http address: {scrub(self.url)!r} (write http://HOST:PORT/v1#MODEL)")
        if not self.key.reveal().isprintable():
            raise UsageError(f"{self.name}: the API key holds a line break or another control character")

    def __repr__(self) -> str:
        return f"LeanTransport({self.name!r})"

    @property
    def name(self) -> str:
        """Address and model, as in the spec."""
        return scrub(f"{self.url}#{self.model}", (self.key,))

    def open(self, concurrency: int) -> Wire:
        """Open a connection pool in the running event loop."""
        allow_open_files(concurrency + 256)
        return _LeanWire(self)


def is_http_address(url: str) -> bool:
    """Return whether the text is an http or https address with a host that has a name, and, if any, a valid port."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
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


def encoded(body: Body) -> bytes:
    """Return a body as JSON; what very many share, the first message and the form of the answer, is encoded once."""
    rest = dict(body)
    first, *later = cast("list[dict[str, str]]", rest.pop("messages"))
    form = cast("Body | None", rest.pop("response_format", None))
    head = (b'{"messages":[', _message(**first), b"," if later else b"", to_json(later)[1:], b",", to_json(rest)[1:-1])
    return b"".join((*head, b',"response_format":', _form(form), b"}") if form else (*head, b"}"))


@lru_cache(maxsize=256)
def _message(role: str, content: str) -> bytes:
    return to_json({"role": role, "content": content})


_FORMS: Final[dict[int, tuple[Body, bytes]]] = {}
"""Forms by their id, with the form itself, so that the id stays its own."""


def _form(form: Body) -> bytes:
    kept = _FORMS.get(id(form))
    if kept is None or kept[0] is not form:
        if len(_FORMS) >= 256:
            _FORMS.clear()
        kept = _FORMS[id(form)] = form, to_json(form)
    return kept[1]


class _LeanWire:
    def __init__(self, transport: LeanTransport) -> None:
        self._name, self._secrets, self._extra = transport.name, (transport.key,), dict(transport.extra)
        key = transport.key.reveal()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._pool = Pool(transport.url.rstrip("/") + "/chat/completions", headers, IDLE_S)

    async def post(self, body: Body, timeout_s: float) -> object:
        if self._extra:
            body = {**body, **self._extra}
        try:
            reply = await self._pool.post(encoded(body), timeout_s)
        except (TimeoutError, Cut, Garbled, OSError) as error:
            raise self._fault(error, timeout_s) from None
        if reply.status != 200:
            raise self._refusal(reply)
        try:
            return from_json(reply.content)
        except ValueError:
            raise TransientBackendError(f"{self._name} sent a body that is no JSON", cause="bad_body") from None

    async def close(self) -> None:
        await self._pool.close()

    def _refusal(self, reply: Reply) -> BackendError:
        text = reply.content[:4000].decode("utf-8", "replace")
        if 300 <= reply.status < 400 and b"location" in reply.headers:
            text = f"it has moved: use {reply.headers[b'location'].decode('latin-1')}"
        wait = reply.headers.get(b"retry-after")
        wait_s = wait.decode("latin-1") if wait else None
        return status_error(reply.status, scrub(text, self._secrets), wait_s, self._name)

    def _fault(self, error: Exception, timeout_s: float) -> BackendError:
        if isinstance(error, TimeoutError):
            return TransientBackendError(f"{self._name} did not answer within {timeout_s:g} s", cause="timeout")
        if isinstance(error, Cut):
            return TransientBackendError(f"{self._name} cut its answer short", cause="truncated")
        why = scrub(str(error), self._secrets) or type(error).__name__
        if isinstance(error, Garbled):
            return TransientBackendError(one_line(f"{self._name} answered no HTTP: {why}"), cause="bad_body")
        return TransientBackendError(one_line(f"{self._name} cannot be reached: {why}"), cause="unreachable")

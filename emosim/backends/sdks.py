"""Transports for reach, not speed: the `openai` SDK (majors 2 and 3) and the `litellm` extra, both imported lazily."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emosim.backends.keys import Secret, one_line, scrub
from emosim.backends.lean import allow_open_files
from emosim.backends.protocol import Body, Wire, status_error
from emosim.errors import BackendError, MissingExtra, TransientBackendError

if TYPE_CHECKING:
    import openai

IDLE_S = 4.0
"""Seconds that an idle connection is kept, as in `emosim.backends.lean`."""


@dataclass(frozen=True)
class OpenAITransport:
    """Reaches a model through the `openai` SDK, with its own retries off.

    Args:
        model: Model name to send.
        url: Address of an OpenAI-compatible server; OpenAI itself if empty.
        key: API key.
        extra: More fields for the body.
    """

    model: str
    url: str = ""
    key: Secret = field(default=Secret(""), repr=False)
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The spec, with the address if it is not OpenAI's."""
        return scrub(f"openai:{self.model}" + (f" at {self.url}" if self.url else ""), (self.key,))

    def open(self, concurrency: int) -> Wire:
        """Make a client in the running event loop."""
        allow_open_files(concurrency + 256)
        return _OpenAIWire(self, concurrency)


class _OpenAIWire:
    def __init__(self, transport: OpenAITransport, concurrency: int) -> None:
        import openai

        self._name, self._secrets, self._extra = transport.name, (transport.key,), dict(transport.extra)
        limits = type(openai.DEFAULT_CONNECTION_LIMITS)(
            max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=IDLE_S
        )
        self._client = openai.AsyncOpenAI(
            api_key=transport.key.reveal() or "none",
            base_url=transport.url or None,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(limits=limits),
        )

    async def post(self, body: Body, timeout_s: float) -> object:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._client.post(
                    "/chat/completions", cast_to=object, body={**body, **self._extra}, options={"timeout": timeout_s}
                )
        except Exception as error:
            raise sdk_error(error, self._name, self._secrets, timeout_s) from None

    async def close(self) -> None:
        await self._client.close()


@dataclass(frozen=True)
class LiteLLMTransport:
    """Reaches a model through `litellm`; the provider's usual environment variables hold the key.

    Args:
        model: Model name as litellm has it, such as `anthropic/claude-sonnet-4-5`.
        url: Address of the server, if not the provider's.
        key: API key, if not from the environment.
        extra: More arguments for `litellm.acompletion`.
    """

    model: str
    url: str = ""
    key: Secret = field(default=Secret(""), repr=False)
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The spec, with the address if there is one."""
        return scrub(f"litellm:{self.model}" + (f" at {self.url}" if self.url else ""), (self.key,))

    def open(self, concurrency: int) -> Wire:
        """Import litellm without letting it fetch its price list.

        Raises:
            MissingExtra: litellm is not installed.
        """
        allow_open_files(concurrency + 256)
        return _LiteLLMWire(self)


class _LiteLLMWire:
    def __init__(self, transport: LiteLLMTransport) -> None:
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        os.environ.setdefault("LITELLM_LOG", "ERROR")  # it warns whenever the event loop changes
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import litellm
        except ImportError:
            raise MissingExtra("litellm:MODEL", "litellm") from None
        litellm.suppress_debug_info = True
        litellm.telemetry = False
        self._litellm, self._name, self._secrets = litellm, transport.name, (transport.key,)
        self._fixed: dict[str, object] = {"num_retries": 0, "max_retries": 0, **transport.extra}
        if transport.url:
            self._fixed["api_base"] = transport.url
        if transport.key:
            self._fixed["api_key"] = transport.key.reveal()

    async def post(self, body: Body, timeout_s: float) -> object:
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._litellm.acompletion(**body, **self._fixed, timeout=timeout_s)
            return _plain(reply)
        except Exception as error:
            raise sdk_error(error, self._name, self._secrets, timeout_s) from None

    async def close(self) -> None:
        """Do nothing: litellm's clients are the whole process's; to close them would break calls on other loops."""


def _plain(reply: object) -> Body:
    """Return what is read of a reply, as the protocol has it; to dump all of it costs as much as the call."""
    usage = getattr(reply, "usage", None)
    return {
        "model": getattr(reply, "model", None),
        "choices": [
            {"finish_reason": choice.finish_reason, "message": _message(choice.message)}
            for choice in getattr(reply, "choices", None) or ()
        ],
        "usage": usage.model_dump() if usage is not None else None,
    }


def _message(message: object) -> Body:
    """Return a message with the refusal where the protocol has it; litellm moves it to the fields of its own."""
    own = getattr(message, "provider_specific_fields", None) or {}
    return {
        "content": getattr(message, "content", None),
        "refusal": getattr(message, "refusal", None) or own.get("refusal"),
        "reasoning_content": getattr(message, "reasoning_content", None),
    }


def sdk_error(error: Exception, whose: str, secrets: tuple[Secret, ...], timeout_s: float) -> BackendError:
    """Return the typed error for what an SDK raised; litellm's errors are subclasses of openai's.

    Args:
        error: What was raised.
        whose: How messages call the model.
        secrets: Keys to cut out of the message.
        timeout_s: The time-out of the call.
    """
    import openai

    if isinstance(error, openai.APIStatusError) and error.status_code < 500:
        return _refusal(error, whose, secrets)
    chain = list(_chain(error))
    if any(isinstance(link, (TimeoutError, openai.APITimeoutError)) for link in chain):
        return TransientBackendError(f"{whose} did not answer within {timeout_s:g} s", cause="timeout")
    if any(isinstance(link, ValueError) for link in chain):
        return TransientBackendError(f"{whose} sent a body that is no JSON", cause="bad_body")
    why = one_line(scrub(str(chain[-1]), secrets)) or type(error).__name__
    if "credentials" in why or "api_key client option" in why:
        return BackendError(f"{whose} needs an API key: {why}", cause="auth")
    if any(type(link) is openai.APIConnectionError for link in chain):
        cut = any(sign in why for sign in ("incomplete", "peer closed", "Not enough data"))
        problem = "cut its answer short" if cut else f"cannot be reached: {why}"
        return TransientBackendError(f"{whose} {problem}", cause="truncated" if cut else "unreachable")
    if isinstance(error, openai.APIStatusError):
        return _refusal(error, whose, secrets)
    return BackendError(f"{whose} failed: {type(error).__name__}: {why}", cause="backend")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it: litellm wraps every fault in an error of its own."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _refusal(error: openai.APIStatusError, whose: str, secrets: tuple[Secret, ...]) -> BackendError:
    text = error.response.text if error.response.content else ""
    headers = getattr(error, "litellm_response_headers", None) or error.response.headers
    wait = headers.get("Retry-After")
    return status_error(error.status_code, scrub(text or error.message, secrets), wait, whose)

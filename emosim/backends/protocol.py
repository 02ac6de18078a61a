"""The OpenAI chat protocol, as pure functions: request to body, body to response, fault to error."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, Protocol, TypeAlias

from pydantic_core import from_json

from emosim.backends.keys import one_line
from emosim.errors import BackendError, TransientBackendError
from emosim.flow import ChatRequest, ChatResponse
from emosim.usage import Usage

Body: TypeAlias = dict[str, object]
ResponseFormat: TypeAlias = Literal["json_schema", "json_object", "text"]
WEAKER_FORMAT: Mapping[ResponseFormat, ResponseFormat] = {"json_schema": "json_object", "json_object": "text"}
"""What to try when a server refuses a response format; the prompt holds the schema in any case."""

_SEED = re.compile(r"(?<![\w-])seed(?![\w-])")
_STRANGE = ("support", "unknown", "recogni", "unexpected", "extra", "permitted", "allowed", "additional", "find field")
"""What servers say of a field that they do not take."""
_FINAL = {400: "bad_request", 401: "auth", 403: "auth", 404: "not_found", 422: "bad_request"}
_CANNOT_WAIT = ("insufficient_quota", "billing_hard_limit")


class Wire(Protocol):
    """An open connection pool to one server, bound to one event loop."""

    async def post(self, body: Body, timeout_s: float) -> object:
        """Send one chat completion body and return the decoded reply.

        Raises:
            BackendError: The fault, typed.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class Transport(Protocol):
    """A way to reach a model: plain picklable settings that can open a `Wire`."""

    @property
    def name(self) -> str:
        """How messages call the model, such as `openai:gpt-5-mini`; holds no secret."""
        ...

    @property
    def model(self) -> str:
        """Model name, as price tables have it."""
        ...

    def open(self, concurrency: int) -> Wire:
        """Open a wire in the running event loop, for so many calls in flight.

        Raises:
            UsageError: A package, file or key is missing.
        """
        ...


def chat_body(
    request: ChatRequest, model: str, form: ResponseFormat, limit_key: str = "max_tokens", seeded: bool = True
) -> Body:
    """Return the JSON body of a request; lone surrogates in messages become `?`, which UTF-8 can carry.

    Args:
        request: The request.
        model: Model name to send.
        form: How to ask for the schema.
        limit_key: Name of the output limit.
        seeded: Whether to send the seed.
    """
    body: Body = {
        "model": model,
        "messages": [{"role": m.role, "content": _encodable(m.content)} for m in request.messages],
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body[limit_key] = request.max_tokens
    if seeded and request.seed is not None:
        body["seed"] = request.seed
    if request.schema_json and form != "text":
        body["response_format"] = _response_format(request.schema_name, request.schema_json, form)
    return body


def _encodable(text: str) -> str:
    return text if text.isascii() else _encoded(text)


@lru_cache(maxsize=128)
def _encoded(text: str) -> str:
    """Return text that UTF-8 can carry; kept, as the block that opens all questions of an episode is long."""
    return text.encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=256)
def _response_format(name: str, schema_json: str, form: ResponseFormat) -> Body:
    if form == "json_object":
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "json_schema": {"name": name or "answer", "strict": True, "schema": from_json(schema_json)},
    }


def read_reply(reply: object, whose: str) -> ChatResponse:
    """Return the first choice of a chat completion; its usage has `calls=0`, and is empty if the server reported none.

    Raises:
        TransientBackendError: The reply is no chat completion.
    """
    try:
        return _read_choice(reply)  # type: ignore[arg-type]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        told = reply.get("error") if isinstance(reply, dict) else None
        problem = f"an error instead of an answer: {told}" if told else "a reply that is no chat completion"
        raise TransientBackendError(one_line(f"{whose} sent {problem}"), cause="bad_body") from None


def _read_choice(reply: Body) -> ChatResponse:
    choice = reply["choices"][0]  # type: ignore[index]
    message = choice["message"]
    text, refusal = _text(message.get("content")), message.get("refusal")
    return ChatResponse(
        text=text or (refusal or ""),
        reasoning=message.get("reasoning_content") or message.get("reasoning") or "",
        finish_reason="refusal" if refusal else choice.get("finish_reason") or "stop",
        model=str(reply.get("model") or ""),
        usage=_usage(reply.get("usage")),
    )


def _text(content: object) -> str:
    if isinstance(content, list):  # content parts
        return "".join(str(part.get("text") or "") for part in content)
    if content is None or isinstance(content, str):
        return content or ""
    raise TypeError("content is no text")


def _usage(reported: object) -> Usage:
    if not isinstance(reported, dict) or not reported.get("prompt_tokens"):
        return Usage()
    details = reported.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(0, int(reported["prompt_tokens"]), int(reported.get("completion_tokens") or 0), int(cached or 0))


def status_error(status: int, text: str, retry_after: str | None, whose: str) -> BackendError:
    """Return the typed error for an HTTP status other than 200.

    Args:
        status: HTTP status.
        text: Body of the reply, or the message in it; must hold no secret.
        retry_after: The `Retry-After` header.
        whose: How messages call the model.
    """
    message = one_line(f"{whose} answered {status}: {_reason(text) or 'no reason given'}")
    if status in (400, 422) and ("response_format" in text or "json_schema" in text):
        return BackendError(message, cause="response_format")
    if status in (400, 422) and _SEED.search(text) and any(word in text.lower() for word in _STRANGE):
        return BackendError(message, cause="seed")
    if status in _FINAL:
        return BackendError(message, cause=_FINAL[status])
    if status == 429 and any(word in text for word in _CANNOT_WAIT):
        return BackendError(message, cause="quota")
    if status in (408, 409, 425, 429) or status >= 500:
        cause = {408: "timeout", 429: "rate_limit"}.get(status, "server")
        return TransientBackendError(message, cause=cause, retry_after_s=seconds_to_wait(retry_after))
    return BackendError(message, cause="bad_request")


def _reason(text: str) -> str:
    """Return the message in an error body of the OpenAI protocol, else the whole text."""
    try:
        return str(from_json(text)["error"]["message"])
    except (KeyError, TypeError, ValueError):
        return text


def seconds_to_wait(retry_after: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for (a number or a date), or None.

    >>> seconds_to_wait("2.5")
    2.5
    """
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None

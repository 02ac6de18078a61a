"""From a spec such as `openai:gpt-5-mini` to a backend."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypedDict, Unpack, cast

from emosim.backends.keys import Secret, find_key, need_key, scrub
from emosim.backends.lean import LeanTransport, is_http_address
from emosim.backends.local import SLOTS, LocalTransport
from emosim.backends.meter import FREE, Meter
from emosim.backends.model import Limits, ModelBackend
from emosim.backends.replay import Mode, ReplayBackend
from emosim.backends.scripted import Line, ScriptedBackend
from emosim.backends.sdks import LiteLLMTransport, OpenAITransport
from emosim.errors import MissingExtra, UsageError, did_you_mean
from emosim.flow import Backend, ChatRequest, Seat


class Settings(TypedDict, total=False):
    """What `resolve_backend` takes besides the spec; each scheme takes a part of it."""

    api_key: str | Secret
    """Key, instead of the environment's."""
    base_url: str
    """Address of the server, for `openai:` and `litellm:`."""
    extra: Mapping[str, object]
    """More fields for the body of every call."""
    meter: Meter
    """Accounting and budget, to share between backends."""
    concurrency: int
    timeout_s: float
    attempts: int
    deadline_s: float
    first_wait_s: float
    longest_wait_s: float
    mode: Mode
    """For `replay:`."""
    inner: str | Backend
    """For `replay:`: the backend, or its spec, to record from; it gets the other settings."""
    answers: Sequence[Line] | Callable[[ChatRequest], Line]
    """For `scripted`."""


_LIMITS = frozenset(field.name for field in fields(Limits))
_CALLS = _LIMITS | {"meter"}
_REMOTE = _CALLS | {"api_key", "extra"}
_KNOWN: Mapping[str, frozenset[str]] = {
    "openai": _REMOTE | {"base_url"},
    "litellm": _REMOTE | {"base_url"},
    "http": _REMOTE,
    "https": _REMOTE,
    "local": _CALLS,
    "replay": _REMOTE | {"base_url", "mode", "inner"},
    "scripted": frozenset({"answers"}),
}


def resolve_backend(spec: str, *, seat: Seat, **settings: Unpack[Settings]) -> Backend:
    """Return the backend that a spec names.

    | spec | model |
    |---|---|
    | `openai:MODEL` | through the openai SDK; key from `OPENAI_API_KEY`; any compatible server with `base_url` |
    | `litellm:MODEL` | any provider that litellm knows (extra `litellm`) |
    | `http://HOST:PORT/v1#MODEL` | an OpenAI-compatible server, lean and fast; key, if any, from `EMOSIM_API_KEY` |
    | `local`, `local:FILE.gguf` | llama.cpp in this process (extra `local`) |
    | `replay:PATH` | a cassette |
    | `scripted` | given answers |

    Args:
        spec: What to ask.
        seat: For whom, `agent` or `user`; named in messages.
        settings: See `Settings`.

    Raises:
        UsageError: The spec or a setting is unknown, or a key, file or package is missing.
    """
    scheme, _, rest = spec.strip().partition(":")
    if scheme not in _KNOWN:
        raise UsageError(f"{seat}: no backend {scrub(spec)!r}{did_you_mean(scheme, _KNOWN)}")
    unknown = sorted(set(settings) - _KNOWN[scheme])
    if unknown:
        raise UsageError(f"{seat}: {scheme} takes no setting {unknown[0]!r}{did_you_mean(unknown[0], _KNOWN[scheme])}")
    return _MAKERS[scheme](spec.strip(), rest, seat, settings)


def _openai(spec: str, model: str, seat: Seat, settings: Settings) -> Backend:
    _need_model(spec, model, seat, "openai:gpt-5-mini")
    url = _address(settings.get("base_url") or os.environ.get("OPENAI_BASE_URL", ""), seat)
    given = settings.get("api_key")
    key = find_key(given, ("OPENAI_API_KEY",)) if url else need_key(given, "OPENAI_API_KEY", f"{seat}: {spec}")
    transport = OpenAITransport(model, url, key, settings.get("extra", {}))
    limit_key = "max_tokens" if url else "max_completion_tokens"
    return ModelBackend(transport, limits=_limits(settings), meter=settings.get("meter"), limit_key=limit_key)


def _litellm(spec: str, model: str, seat: Seat, settings: Settings) -> Backend:
    import importlib.util

    _need_model(spec, model, seat, "litellm:anthropic/claude-sonnet-4-5")
    if importlib.util.find_spec("litellm") is None:
        raise MissingExtra(f"{seat}: {spec}", "litellm")
    url = _address(settings.get("base_url", ""), seat)
    transport = LiteLLMTransport(model, url, find_key(settings.get("api_key"), ()), settings.get("extra", {}))
    return ModelBackend(transport, limits=_limits(settings), meter=settings.get("meter"))


def _lean(spec: str, _: str, seat: Seat, settings: Settings) -> Backend:
    url, _, model = spec.partition("#")
    _need_model(scrub(spec), model, seat, "http://127.0.0.1:8000/v1#MODEL")
    key = find_key(settings.get("api_key"), ("EMOSIM_API_KEY",))
    transport = LeanTransport(_address(url, seat), model, key, settings.get("extra", {}))
    return ModelBackend(transport, limits=_limits(settings), meter=settings.get("meter"))


def _local(_: str, path: str, seat: Seat, settings: Settings) -> Backend:
    transport = LocalTransport(path)
    transport.check()
    patient = cast(Settings, {"concurrency": SLOTS, "timeout_s": 300.0, "deadline_s": 900.0, **settings})
    return ModelBackend(transport, limits=_limits(patient), meter=settings.get("meter"), price=FREE)


def _replay(spec: str, path: str, seat: Seat, settings: Settings) -> Backend:
    if not path:
        raise UsageError(f"{seat}: {spec!r} names no file (write replay:PATH)")
    inner = settings.get("inner")
    if isinstance(inner, str):
        rest = cast(Settings, {name: value for name, value in settings.items() if name not in ("inner", "mode")})
        inner = resolve_backend(inner, seat=seat, **rest)
    return ReplayBackend(Path(path), inner, mode=settings.get("mode", "replay"))


def _scripted(spec: str, _: str, seat: Seat, settings: Settings) -> Backend:
    if "answers" not in settings:
        raise UsageError(f"{seat}: {spec} needs answers=…, a list of texts or a function of the request")
    return ScriptedBackend(settings["answers"])


_MAKERS: Mapping[str, Callable[[str, str, Seat, Settings], Backend]] = {
    "openai": _openai,
    "litellm": _litellm,
    "http": _lean,
    "https": _lean,
    "local": _local,
    "replay": _replay,
    "scripted": _scripted,
}


def _need_model(spec: str, model: str, seat: Seat, example: str) -> None:
    if not model:
        raise UsageError(f"{seat}: {spec!r} names no model (write {example})")


def _address(url: str, seat: Seat) -> str:
    if url and not is_http_address(url):
        raise UsageError(f"{seat}: no http address: {scrub(url)!r}")
    return url


def _limits(settings: Settings) -> Limits:
    given = {name: value for name, value in settings.items() if name in _LIMITS}
    return Limits(**given)  # type: ignore[arg-type]

"""Backends against a real loopback server, one fixture for every way to reach it."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator

import pytest

from emosim.backends import ModelBackend, resolve_backend
from emosim.flow import ChatRequest, ChatResponse, Message
from emosim.testing.fake_server import FakeServer

KEY = "sk-canary-1234567890"
SCHEMA = '{"type":"object","properties":{"fit":{"type":"integer"}},"required":["fit"],"additionalProperties":false}'
Connect = Callable[..., ModelBackend]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Await everything on the event loop of Python, and on the one that servers and trainers often bring along."""
    loops = {"asyncio": asyncio.new_event_loop}
    if importlib.util.find_spec("uvloop") is not None:
        loops["uvloop"] = importlib.import_module("uvloop").new_event_loop
    return loops


@pytest.fixture(scope="session")
def _litellm_ready() -> None:
    """Let litellm do once what its first call does: import seconds' worth of modules."""
    with warnings.catch_warnings(), FakeServer() as server:
        warnings.simplefilter("ignore")
        backend = resolve_backend("litellm:openai/fake", seat="user", base_url=server.url, api_key=KEY)
        assert isinstance(backend.complete([ChatRequest((Message("user", "warm up"),))])[0], ChatResponse)
        backend.close()


@pytest.fixture(
    params=[
        "lean",
        # What its HTTP client leaves to the collector when it is cut off while connecting is not ours to close.
        pytest.param("openai", marks=pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")),
        pytest.param(
            "litellm",
            marks=[
                pytest.mark.skipif(
                    importlib.util.find_spec("litellm") is None, reason="the litellm extra is not installed"
                ),
                pytest.mark.filterwarnings("ignore"),
            ],
        ),
    ]
)
def connect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Return a function that connects a backend to a server; closes what it opened."""
    if request.param == "litellm":
        request.getfixturevalue("_litellm_ready")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "EMOSIM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    opened: list[ModelBackend] = []

    def make(url: str, **settings: object) -> ModelBackend:
        settings = {"first_wait_s": 0.01, "timeout_s": 5.0, "api_key": KEY, **settings}
        if request.param == "lean":
            backend = resolve_backend(f"{url}#fake", seat="user", **settings)  # type: ignore[arg-type]
        else:
            spec = {"openai": "openai:fake", "litellm": "litellm:openai/fake"}[request.param]
            backend = resolve_backend(spec, seat="user", base_url=url, **settings)  # type: ignore[arg-type]
        assert isinstance(backend, ModelBackend)
        opened.append(backend)
        return backend

    yield make
    for backend in opened:
        backend.close()


@pytest.fixture
def ask() -> Callable[..., ChatRequest]:
    """Return a function that makes a request from a text."""

    def make(text: str = "hello", *, schema: bool = False, **fields: object) -> ChatRequest:
        if schema:
            fields |= {"schema_name": "appraisal", "schema_json": SCHEMA}
        return ChatRequest((Message("system", "Be kind."), Message("user", text)), **fields)  # type: ignore[arg-type]

    return make

"""From specs to backends: what works, and one line for what does not."""

from __future__ import annotations

import importlib.util

import pytest

from emosim.backends import ModelBackend, OpenAITransport, ReplayBackend, ScriptedBackend, resolve_backend
from emosim.errors import MissingExtra, UsageError


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch, tmp_path):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "EMOSIM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EMOSIM_CACHE", str(tmp_path))


@pytest.mark.parametrize(
    ("spec", "settings", "message"),
    [
        ("opnai:gpt", {}, "user: no backend 'opnai:gpt' (did you mean 'openai'?)"),
        ("", {}, "user: no backend ''"),
        ("openai:", {"api_key": "k"}, "names no model (write openai:gpt-5-mini)"),
        ("openai:gpt", {}, "user: openai:gpt needs an API key: set the environment variable OPENAI_API_KEY"),
        ("openai:gpt", {"api_key": "k", "base_url": "localhost:8000"}, "no http address: 'localhost:8000'"),
        ("openai:gpt", {"api_key": "k", "timeout": 3}, "openai takes no setting 'timeout' (did you mean 'timeout_s'?)"),
        ("http://127.0.0.1:8000/v1", {}, "names no model (write http://127.0.0.1:8000/v1#MODEL)"),
        ("http://:99999/v1#m", {}, "no http address"),
        ("http://u:hidden@h/v1", {}, "'http://h/v1' names no model"),
        ("replay:", {}, "names no file (write replay:PATH)"),
        ("replay:/nowhere.jsonl", {}, "no cassette at /nowhere.jsonl"),
        ("scripted", {}, "needs answers=…"),
    ],
)
def test_one_line_that_names_the_next_step(spec, settings, message):
    with pytest.raises(UsageError) as caught:
        resolve_backend(spec, seat="user", **settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("litellm") is not None, reason="litellm is installed")
def test_missing_litellm_holds_the_install_line():
    with pytest.raises(MissingExtra, match=r"pip install 'emosim\[litellm\]'"):
        resolve_backend("litellm:anthropic/claude", seat="agent")


@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is not None, reason="xllamacpp is installed")
def test_missing_xllamacpp_holds_the_install_line():
    with pytest.raises(MissingExtra, match=r"pip install 'emosim\[local\]'"):
        resolve_backend("local", seat="agent")


def test_key_and_address_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-environment")
    backend = resolve_backend("openai:gpt-5-mini", seat="agent", concurrency=3)
    assert isinstance(backend, ModelBackend)
    assert isinstance(backend.transport, OpenAITransport)
    assert backend.transport.key.reveal() == "sk-from-environment"
    assert backend.limits.concurrency == 3
    assert backend.limit_key == "max_completion_tokens"
    assert repr(backend) == "<ModelBackend openai:gpt-5-mini>"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert resolve_backend("openai:x", seat="agent").limit_key == "max_tokens"


def test_scripted_and_replay(tmp_path):
    assert isinstance(resolve_backend("scripted", seat="user", answers=["a"]), ScriptedBackend)
    path = tmp_path / "tape.jsonl"
    backend = resolve_backend(f"replay:{path}", seat="user", mode="auto", inner="http://127.0.0.1:9/v1#m", attempts=1)
    assert isinstance(backend, ReplayBackend)

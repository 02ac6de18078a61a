"""The lean transport alone: many connections, its own loops, no traces left."""

from __future__ import annotations

import asyncio
import gc
import resource
import subprocess
import sys
import time

import pytest

from emosim.backends import LeanTransport, ModelBackend, resolve_backend
from emosim.backends.lean import allow_open_files
from emosim.errors import UsageError
from emosim.flow import ChatResponse
from emosim.testing.fake_server import FakeServer


def test_two_thousand_truly_in_flight(ask):
    allow_open_files(5000)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 4500:
        pytest.skip("too few open files allowed")
    with FakeServer(latency_s=3.0) as server:
        backend = resolve_backend(f"{server.url}#fake", seat="user", concurrency=2048)
        answers = backend.complete([ask(str(i)) for i in range(2048)])
        assert server.max_in_flight == 2048
    assert all(isinstance(answer, ChatResponse) for answer in answers)
    backend.close()


def test_open_files_are_raised_only_upwards():
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_open_files(1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == soft


def test_connections_are_kept_between_blocking_calls(ask):
    with FakeServer() as server:
        backend = resolve_backend(f"{server.url}#fake", seat="user")
        for _ in range(5):
            backend.complete([ask()])
            assert len(server._connections) == 1
        backend.close()


def test_dropped_backends_and_ended_loops_leave_nothing_open(ask):
    with FakeServer() as server:
        backend = resolve_backend(f"{server.url}#fake", seat="user")
        backend.complete([ask()])
        asyncio.run(backend.acomplete([ask()]))
        del backend
        gc.collect()  # an unclosed session or loop would warn, and warnings are errors


def test_a_backend_in_a_cycle_that_is_dropped_closes_its_connections(ask):
    with FakeServer() as server:
        backend = resolve_backend(f"{server.url}#fake", seat="user")
        backend.complete([ask()])
        backend.itself = backend  # as where an error keeps the frame that it was raised in
        del backend
        gc.collect()
        until = time.monotonic() + 5
        while server._connections and time.monotonic() < until:
            time.sleep(0.01)
        assert not server._connections


def test_extra_fields_are_sent(ask):
    with FakeServer() as server:
        extra = {"chat_template_kwargs": {"enable_thinking": False}}
        backend = resolve_backend(f"{server.url}#fake", seat="user", extra=extra)
        backend.complete([ask()])
        assert server.bodies[0]["chat_template_kwargs"] == {"enable_thinking": False}
        backend.close()


def test_password_in_an_address_is_not_shown():
    backend = ModelBackend(LeanTransport("http://me:hunter2@127.0.0.1:9/v1", "m"))
    assert "hunter2" not in f"{backend!r} {backend.transport!r} {backend.transport.name}"


def test_address_must_be_http():
    with pytest.raises(UsageError, match="no http address"):
        LeanTransport("ftp://host/v1", "m")


def test_importing_backends_loads_no_client():
    code = (
        "import sys, emosim.backends; print(sorted({'openai', 'litellm', 'httptools', 'xllamacpp'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""The server that the other tests stand on."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import pytest

from emosim.errors import UsageError
from emosim.testing.fake_server import FakeServer


def get(url):
    with urllib.request.urlopen(url, timeout=5) as reply:
        return json.load(reply)


def test_models_and_loopback():
    with FakeServer(models=("a", "b")) as server:
        assert [model["id"] for model in get(f"{server.url}/models")["data"]] == ["a", "b"]
        assert server.url.startswith("http://127.0.0.1:")


def test_rates_are_seeded(connect, ask):
    served = []
    for _ in range(2):
        with FakeServer(faults={"server_error": 0.2, "bad_body": 0.2}, seed=5) as server:
            backend = connect(server.url, attempts=1, concurrency=1)
            backend.complete([ask(str(i)) for i in range(30)])
            served.append(dict(server.faults_served))
    assert served[0] == served[1]
    assert set(served[0]) == {"server_error", "bad_body"}


def test_unknown_fault():
    with pytest.raises(UsageError, match="did you mean 'rate_limit'"):
        FakeServer(faults=["rate_limits"])


def test_its_own_mistakes_are_500(connect, ask):
    with FakeServer(lambda body, n: 1 / 0) as server:
        answer = connect(server.url, attempts=1).complete([ask()])[0]
    assert answer.cause == "server"


def test_runs_alone():
    with subprocess.Popen(
        [sys.executable, "-m", "emosim.testing.fake_server"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert get(f"{process.stdout.readline().strip()}/models")["data"][0]["id"] == "fake"
        process.terminate()

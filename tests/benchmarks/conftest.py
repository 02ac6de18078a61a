"""Shared by the benchmarks: their modules importable, and the talking server in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE))


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Start a talking server and return its address; options are those of `talking_server.py`."""
    with ExitStack() as stack:

        def start(**options: object) -> str:
            words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
            command = [sys.executable, str(HERE / "talking_server.py"), *words]
            server = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(server.kill)
            assert server.stdout
            return server.stdout.readline().strip()

        yield start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as a benchmark, with time enough on a busy machine."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.bench)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(600))

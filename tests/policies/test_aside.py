"""Jobs in threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import signal
import threading
import time

import pytest

from emosim.errors import BackendError
from emosim.policies.aside import run_aside


def test_results_and_errors_come_back() -> None:
    assert asyncio.run(run_aside(lambda: 3, "py:x")) == 3
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_aside(lambda: 1 // 0, "py:x"))


def test_neither_the_caller_nor_its_loop_waits_for_a_job_that_hangs() -> None:
    release = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(run_aside(lambda: release.wait(30), "py:x"), 0.05))
    assert time.monotonic() - began < 5
    release.set()


def test_an_interrupt_in_a_job_is_one_of_the_process() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    async def wait() -> None:
        with pytest.raises(BackendError, match="agent py:x raised KeyboardInterrupt"):
            await run_aside(interrupted, "py:x")
        await asyncio.sleep(30)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts tests with nohup ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(wait())
    finally:
        signal.signal(signal.SIGINT, before)

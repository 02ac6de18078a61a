"""Calling what may block for ever without waiting for it for ever."""

from __future__ import annotations

import asyncio
from _thread import interrupt_main
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

from emosim.errors import BackendError

T = TypeVar("T")


async def run_aside(job: Callable[[], T], whose: str) -> T:
    """Run a job in a thread of its own, and await its result.

    Neither the loop nor the process waits for the thread when the caller is cancelled, which `asyncio.to_thread` makes
    them do: Ctrl-C would hang as long as the job does. A `KeyboardInterrupt` in the job is one of the whole process.

    Args:
        job: What to run.
        whose: Name of the agent, for the message.

    Raises:
        BackendError: The job raised `KeyboardInterrupt`.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            value = job()
        except KeyboardInterrupt:
            interrupt_main()
            settle(lambda: result.set_exception(BackendError(f"agent {whose} raised KeyboardInterrupt", cause="agent")))
        except BaseException as error:
            failure = error
            settle(lambda: result.set_exception(failure))
        else:
            settle(lambda: result.set_result(value))

    def settle(how: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(lambda: None if result.done() else how())

    Thread(target=work, name=f"emosim-{whose}", daemon=True).start()
    return await result

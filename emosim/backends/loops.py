"""Where awaiting happens: private event loops for blocking callers, one client for each loop, fair places in a queue.

An open connection belongs to one event loop, and a backend may be used from many: from scripts that block, threads,
Jupyter cells, forked workers, several `asyncio.run`. So clients are kept by loop, and close when their loop shuts down.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import selectors
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

T = TypeVar("T")
C = TypeVar("C")

_INHERITED: list[object] = []
"""Loops and clients of a parent process: kept unused, because closing them would reach into the parent's sockets."""


class ProcessLock:
    """A lock that pickles, and that is free in a forked child whoever held it in the parent."""

    def __init__(self) -> None:
        self._pid, self._lock = os.getpid(), threading.Lock()

    def __enter__(self) -> None:
        if self._pid != os.getpid():
            self._pid, self._lock = os.getpid(), threading.Lock()
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[ProcessLock], tuple[()]]:
        return ProcessLock, ()


class _Selector(selectors.DefaultSelector):
    """A selector that a forked child cannot use to unregister its parent's files (epoll sets are shared over fork)."""

    def __init__(self) -> None:
        super().__init__()
        self._pid = os.getpid()

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return super().unregister(fileobj) if os.getpid() == self._pid else self.get_key(fileobj)


def _new_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(_Selector())


class LoopPool:
    """Private event loops that run only while a blocking caller waits, in that caller's thread.

    A loop is no thread: an idle one is lent to whichever caller comes next, with its open connections. When the
    caller's thread already runs a loop (Jupyter), the private one runs in a worker thread that ends with the call.
    """

    def __init__(self) -> None:
        self._lock = ProcessLock()
        self._idle: list[asyncio.Runner] = []
        self._pid = os.getpid()

    def run(self, job: Callable[[], Coroutine[object, None, T]]) -> T:
        """Run the coroutine that `job` makes to its end and return its result."""
        runner = self._take()
        try:
            return _run_beside(runner, job) if _in_loop() else runner.run(job(), context=contextvars.copy_context())
        finally:
            with self._lock:
                self._idle.append(runner)

    def close(self) -> None:
        """Close the idle loops and the clients that live on them; later calls open new ones."""
        if self._pid != os.getpid():
            return
        with self._lock:
            idle, self._idle = self._idle, []
        for runner in idle:
            _close_anywhere(runner)

    def _take(self) -> asyncio.Runner:
        with self._lock:
            if self._pid != os.getpid():
                _INHERITED.append(self._idle)
                self._idle, self._pid = [], os.getpid()
            return self._idle.pop() if self._idle else asyncio.Runner(loop_factory=_new_loop)


def _in_loop() -> bool:
    return asyncio._get_running_loop() is not None


def _run_beside(runner: asyncio.Runner, job: Callable[[], Coroutine[object, None, T]]) -> T:
    """Run a job in a worker thread; an interrupt of the waiting thread stops the job too."""
    with ThreadPoolExecutor(1, thread_name_prefix="emosim-call") as worker:
        result = worker.submit(runner.run, job(), context=contextvars.copy_context())
        try:
            return result.result()
        except BaseException:
            loop = runner.get_loop()
            loop.call_soon_threadsafe(_cancel_all, loop)
            raise


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def _close_anywhere(runner: asyncio.Runner) -> None:
    if not _in_loop():
        runner.close()
        return
    with ThreadPoolExecutor(1) as worker:
        worker.submit(runner.close).result()


class PerLoop(Generic[C]):
    """One client for each running event loop, opened at first use, closed when the loop shuts its generators down.

    `asyncio.run`, `asyncio.Runner` and pytest all end with `loop.shutdown_asyncgens()`; a generator that waits for
    it is the one portable way to be told.

    Args:
        opener: Opens a client; called inside the running loop.
        closer: Closes a client.
    """

    def __init__(self, opener: Callable[[], C], closer: Callable[[C], Awaitable[None]]) -> None:
        self._opener, self._closer = opener, closer
        self._pid = os.getpid()
        self._clients: dict[asyncio.AbstractEventLoop, tuple[C, AsyncGenerator[None, None]]] = {}

    def kept(self) -> C | None:
        """Return the client of the running loop, None if it has none yet."""
        kept = self._clients.get(asyncio.get_running_loop())
        return kept[0] if kept is not None and self._pid == os.getpid() else None

    async def get(self) -> C:
        """Return the client of the running loop, opened if need be."""
        kept = self.kept()
        return await self._open(asyncio.get_running_loop()) if kept is None else kept

    async def close(self) -> None:
        """Close the running loop's client, if it has one."""
        kept = self._clients.pop(asyncio.get_running_loop(), None)
        if kept is not None:
            await kept[1].aclose()

    async def _open(self, loop: asyncio.AbstractEventLoop) -> C:
        if self._pid != os.getpid():
            _INHERITED.append(self._clients)
            self._clients, self._pid = {}, os.getpid()
        for ended in [other for other in list(self._clients) if other.is_closed()]:
            self._clients.pop(ended, None)
        client = self._opener()
        life = _lifetime(client, self._closer)
        self._clients[loop] = client, life
        await anext(life)
        return client


async def _lifetime(client: C, closer: Callable[[C], Awaitable[None]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await closer(client)


class Gate:
    """A fair limit on how many calls are in flight, across event loops and threads; a forked child has all places free.

    Args:
        size: Places, at least 1.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._lock, self._pid = ProcessLock(), os.getpid()
        self._queue: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    def enter_at_once(self) -> bool:
        """Take a place if one is free; return whether it was."""
        with self._lock:
            self._forget_parent()
            if self._free <= 0:
                return False
            self._free -= 1
            return True

    async def enter(self) -> None:
        """Wait for a place."""
        with self._lock:
            self._forget_parent()
            if self._free > 0:
                self._free -= 1
                return
            loop = asyncio.get_running_loop()
            place: asyncio.Future[None] = loop.create_future()
            self._queue.append((loop, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to whoever waits longest."""
        while True:
            with self._lock:
                if not self._queue:
                    self._free += 1
                    return
                loop, place = self._queue.popleft()
            if self._hand_over(loop, place):
                return

    def _forget_parent(self) -> None:
        if self._pid != os.getpid():
            _INHERITED.append(self._queue)
            self._free, self._queue, self._pid = self._size, deque(), os.getpid()

    def _hand_over(self, loop: asyncio.AbstractEventLoop, place: asyncio.Future[None]) -> bool:
        if loop is asyncio._get_running_loop():
            if place.done():
                return False
            place.set_result(None)
            return True
        try:
            loop.call_soon_threadsafe(self._open_place, place)
        except RuntimeError:  # that loop has been closed
            return False
        return True

    def _open_place(self, place: asyncio.Future[None]) -> None:
        if place.done():
            self.leave()
        else:
            place.set_result(None)

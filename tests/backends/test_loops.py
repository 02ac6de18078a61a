"""Private loops, clients by loop, and the gate."""

from __future__ import annotations

import asyncio
import threading

import pytest

from emosim.backends.loops import Gate, LoopPool, PerLoop


async def running() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_a_loop_is_lent_again_even_to_another_thread():
    pool, seen = LoopPool(), []
    seen.append(pool.run(running))
    worker = threading.Thread(target=lambda: seen.append(pool.run(running)))
    worker.start()
    worker.join()
    assert seen[0] is seen[1]
    pool.close()
    assert seen[0].is_closed()
    assert pool.run(running) is not seen[0]
    pool.close()


def test_an_error_in_a_job_reaches_the_caller_and_the_loop_lives_on():
    pool = LoopPool()

    async def fail():
        raise KeyError("x")

    async def nested():
        return pool.run(running)

    with pytest.raises(KeyError):
        pool.run(fail)
    assert asyncio.run(nested()) is pool.run(running)
    pool.close()


def test_clients_are_one_for_each_loop_and_close_with_it():
    opened, closed = [], []

    async def close(client):
        closed.append(client)

    clients = PerLoop(lambda: opened.append(len(opened)) or len(opened), close)

    async def use():
        return await clients.get(), await clients.get()

    assert asyncio.run(use()) == (1, 1)
    assert asyncio.run(use()) == (2, 2)
    assert closed == [1, 2]


def test_a_client_can_be_closed_early():
    closed = []

    async def close(client):
        closed.append(client)

    clients = PerLoop(object, close)

    async def use():
        first = await clients.get()
        await clients.close()
        await clients.close()
        return first, await clients.get()

    first, second = asyncio.run(use())
    assert first is not second
    assert closed == [first, second]


def test_gate_across_threads_and_cancellation():
    gate, most, inside = Gate(3), [0], [0]
    lock = threading.Lock()

    async def visit(patience_s):
        try:
            async with asyncio.timeout(patience_s):
                await gate.enter()
        except TimeoutError:
            return
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        await asyncio.sleep(0.002)
        with lock:
            inside[0] -= 1
        gate.leave()

    async def crowd():
        await asyncio.gather(*[visit(0.01 if i % 3 == 0 else 30) for i in range(150)])

    threads = [threading.Thread(target=asyncio.run, args=(crowd(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most[0] == 3
    assert gate._free == 3

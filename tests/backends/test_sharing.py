"""One backend in many places: running loops, several loops, threads, pickles, forks, cancelled tasks."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import threading
import time

import pytest

from emosim.backends import Meter
from emosim.flow import ChatResponse
from emosim.testing.fake_server import FakeServer


def test_complete_works_inside_a_running_loop(connect, ask):
    with FakeServer() as server:
        backend = connect(server.url)

        async def cell():
            answers = [backend.complete([ask()])[0] for _ in range(3)]
            assert not [thread for thread in threading.enumerate() if thread.name.startswith("emosim-call")]
            return answers, await backend.acomplete([ask()])

        blocking, awaited = asyncio.run(cell())
    assert all(isinstance(answer, ChatResponse) for answer in [*blocking, *awaited])


def test_several_event_loops_one_backend(connect, ask):
    with FakeServer() as server:
        backend = connect(server.url)
        for _ in range(3):
            assert isinstance(asyncio.run(backend.acomplete([ask(), ask()]))[1], ChatResponse)
        assert isinstance(backend.complete([ask()])[0], ChatResponse)


def test_two_loops_at_once_and_many_threads(connect, ask):
    answers = []
    with FakeServer(latency_s=0.02) as server:
        backend = connect(server.url, concurrency=8)

        def blocking():
            answers.extend(backend.complete([ask() for _ in range(5)]))

        def awaiting():
            answers.extend(asyncio.run(backend.acomplete([ask() for _ in range(5)])))

        threads = [threading.Thread(target=target) for target in [blocking] * 6 + [awaiting] * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.max_in_flight <= 8 * 3
    assert len(answers) == 40
    assert all(isinstance(answer, ChatResponse) for answer in answers)
    assert backend.meter.usage().calls == 40


def test_blocking_callers_share_one_limit(connect, ask):
    with FakeServer(latency_s=0.05) as server:
        backend = connect(server.url, concurrency=4)
        threads = [threading.Thread(target=backend.complete, args=([ask() for _ in range(4)],)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.max_in_flight == 4


def test_one_client_for_many_calls(connect, ask, monkeypatch):
    with FakeServer() as server:
        backend = connect(server.url)
        opened = []
        open_wire = type(backend.transport).open
        monkeypatch.setattr(type(backend.transport), "open", lambda *args: opened.append(1) or open_wire(*args))
        for _ in range(4):
            backend.complete([ask(), ask()])
        assert len(opened) == 1


def test_pickled_backend_answers_and_keeps_its_format(connect, ask):
    with FakeServer(rejects=["json_schema"]) as server:
        backend = connect(server.url, meter=Meter(max_calls=20))
        backend.complete([ask(schema=True)])
        copy = pickle.loads(pickle.dumps(backend))
        assert isinstance(copy.complete([ask(schema=True)])[0], ChatResponse)
        assert server.requests == 3
        assert copy.meter.usage().calls == 3
        assert copy.limits == backend.limits
        copy.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child_and_parent_both_go_on(connect, ask):
    with FakeServer() as server:
        backend = connect(server.url)
        backend.complete([ask()])
        child = os.fork()
        if child == 0:
            answered = isinstance(backend.complete([ask()])[0], ChatResponse)
            backend.close()
            os._exit(0 if answered else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert isinstance(backend.complete([ask()])[0], ChatResponse)
        assert server.requests == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_all_places_are_taken_has_its_own(connect, ask):
    with FakeServer(latency_s=0.5) as server:
        backend = connect(server.url, concurrency=2, meter=Meter(max_calls=2))
        busy = threading.Thread(target=backend.complete, args=([ask(), ask()],))
        busy.start()
        while server.requests < 2:
            time.sleep(0.01)
        copy = pickle.loads(pickle.dumps(backend.meter))
        child = os.fork()
        if child == 0:
            answered = False
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(5)
            try:
                answered = isinstance(backend.complete([ask()])[0], ChatResponse)
            finally:
                os._exit(0 if answered else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        busy.join()
    copy.reserve(ask(), None)
    assert backend.meter.usage().calls == 2


async def test_a_cancelled_call_is_charged_as_one_that_took_too_long(connect, ask):
    with FakeServer(latency_s=1.0) as server:
        backend = connect(server.url, meter=Meter())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(backend.acomplete([ask()]), 0.3)
        await backend.aclose()
    used = backend.meter.usage()
    assert (used.calls, used.input_tokens > 0, used.estimated) == (1, True, True)


def test_cancelled_calls_free_their_places(connect, ask):
    with FakeServer(latency_s=0.3) as server:
        backend = connect(server.url, concurrency=2)

        async def run():
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(backend.acomplete([ask() for _ in range(6)]), 0.1)
            return await asyncio.wait_for(backend.acomplete([ask() for _ in range(2)]), 5)

        assert all(isinstance(answer, ChatResponse) for answer in asyncio.run(run()))
    assert backend.meter._held.calls == 0

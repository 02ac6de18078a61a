"""Budget 8: one vector step over many model users against as many single steps; growth in episodes and turns."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from measuring import compare, report
from talks import agent_reply

from emosim.backends import Meter, resolve_backend
from emosim.env import EmpathyEnv
from emosim.vector import EmpathyVectorEnv

TURNS = 6


def test_a_vector_step_costs_no_more_than_its_single_steps(serve: Callable[..., str]) -> None:
    backend = resolve_backend(f"{serve()}#fake", seat="user", meter=Meter(), concurrency=64)
    settings = {"persona": "dolores", "user": "llm:local", "backend": backend}
    count = 64
    many = EmpathyVectorEnv(count, **settings)
    one = EmpathyEnv(**settings)  # type: ignore[arg-type]
    threads: set[int] = set()

    def together() -> int:
        many.reset(seed=1)
        for turn in range(TURNS):
            many.step([agent_reply(seed + 1, turn) for seed in range(count)])
            threads.add(threading.active_count())
        return TURNS * count

    def alone() -> int:
        for seed in range(count):
            one.reset(seed=seed + 1)
            for turn in range(TURNS):
                one.step(agent_reply(seed + 1, turn))
        return TURNS * count

    before = threading.active_count()
    found = compare(together, alone)
    report("budget 8", vector_ms=found.own_ms, single_ms=found.floor_ms, ratio=found.ratio)
    assert found.ratio <= 1.3
    assert max(threads) == before
    assert not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()[1:]


def test_cost_grows_linearly_in_episodes(serve: Callable[..., str]) -> None:
    backend = resolve_backend(f"{serve()}#fake", seat="user", meter=Meter(), concurrency=64)

    def play(count: int) -> int:
        envs = EmpathyVectorEnv(count, persona="dolores", user="llm:local", backend=backend)
        envs.reset(seed=1)
        for turn in range(TURNS):
            envs.step([agent_reply(seed + 1, turn) for seed in range(count)])
        return TURNS * count

    found = compare(lambda: play(512), lambda: play(32), 3)
    report("budget 8, 512 against 32", many_ms=found.own_ms, few_ms=found.floor_ms, ratio=found.ratio)
    assert found.ratio <= 1.3

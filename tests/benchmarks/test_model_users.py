"""Budget 1: what a turn of a model user costs, logging included, against the same questions over bare aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from measuring import Compared, compare, report
from talks import Play, Recording, floor

from emosim.suite import Suite


def against_floor(url: str, suite: Suite, at_once: int, tmp_path: Path, rounds: int = 5) -> Compared:
    """Compare a run with the floor that asks the same questions."""
    play = Play(url, suite, at_once)
    recording = Recording(play.backend())
    asyncio.run(play.into(tmp_path / "recorded", recording))
    count = 0

    def own() -> int:
        nonlocal count
        count += 1
        asyncio.run(play.into(tmp_path / f"run{count}"))
        return len(recording.requests)

    return compare(own, lambda: asyncio.run(floor(url, recording.requests, at_once)), rounds)


@pytest.mark.parametrize(("at_once", "repeats", "budget"), [(64, 8, 1.6), (2048, 90, 2.0)])
def test_a_turn_costs_little_more_than_the_wire(
    serve: Callable[..., str], tmp_path: Path, at_once: int, repeats: int, budget: float
) -> None:
    found = against_floor(serve(), Suite(repeats=repeats), at_once, tmp_path, 5 if at_once < 1000 else 3)
    report(f"budget 1, {at_once} at once", own_ms=found.own_ms, floor_ms=found.floor_ms, ratio=found.ratio)
    assert found.ratio <= budget

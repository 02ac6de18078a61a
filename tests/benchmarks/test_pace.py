"""Budget 2: in flight as many as asked for, and turns as fast as the server's latency allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from measuring import report
from talks import Play, Recording, floor

from emosim.suite import Suite


def timed(play: Play, out: Path) -> tuple[float, int]:
    """Return wall seconds of a run, less what it takes to begin and end one, and its turns."""
    recording = Recording(play.backend())
    begun = time.monotonic()
    summary = asyncio.run(play.into(out, recording))
    assert summary.missing == 0
    return time.monotonic() - begun, len(recording.requests)


def test_thirty_two_at_once_wait_for_nothing_but_the_server(serve: Callable[..., str], tmp_path: Path) -> None:
    play = Play(serve(latency_s=3.0), Suite(personas=("dolores", "tom"), repeats=16), 32)
    warm_up = Play(serve(), Suite(personas=("dolores", "tom")), 2)
    timed(warm_up, tmp_path / "warm")
    wall_s, turns = timed(play, tmp_path / "run")
    efficiency = turns * 3.0 / 32 / wall_s
    report("budget 2, 32 x 3 s", turns=turns, wall_s=wall_s, efficiency=efficiency)
    assert efficiency >= 0.98


def test_five_hundred_at_once_keep_the_pace_of_the_wire(serve: Callable[..., str], tmp_path: Path) -> None:
    url = serve(latency_s=0.2)
    play = Play(url, Suite(personas=("dolores", "tom", "vera", "omar"), repeats=256), 512)
    recording = Recording(play.backend())
    asyncio.run(play.into(tmp_path / "recorded", recording))
    ratios = []
    for number in range(3):
        begun = time.monotonic()
        asyncio.run(floor(url, recording.requests, 512))
        floor_s = time.monotonic() - begun
        own_s, _ = timed(play, tmp_path / f"run{number}")
        ratios.append(floor_s / own_s)
    report("budget 2, 512 x 200 ms", floor_s=floor_s, own_s=own_s, ratio=sorted(ratios)[1])
    assert sorted(ratios)[1] >= 0.95

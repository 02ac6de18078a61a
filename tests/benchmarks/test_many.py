"""Budget 3: ten thousand episodes of a model user at once, in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from measuring import report

SCRIPT = """
import asyncio, json, os, sys, threading, time
from pathlib import Path
from measuring import cpu_s
from talks import Play, Talker
from emosim.suite import Suite

def rss_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

url, at_once, repeats, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
asyncio.run(Play(url, Suite(personas=("dolores", "tom")), 2).into(out / "warm"))
before_mb, before_s, seen = rss_mb(), cpu_s(), []

def look():
    while True:
        seen.append((cpu_s(), rss_mb()))
        time.sleep(0.05)

threading.Thread(target=look, daemon=True).start()
play = Play(url, Suite(personas=("dolores", "tom", "vera", "omar", "leila"), repeats=repeats), at_once,
            Talker(remembers=False))
summary = asyncio.run(play.into(out / "run", play.backend(64)))
turns, used_s = summary.turns * summary.finished, cpu_s() - before_s
half_mb = next(mb for s, mb in seen if s >= before_s + used_s / 2)
print(json.dumps({"before_mb": before_mb, "half_mb": half_mb, "peak_mb": max(mb for _, mb in seen),
                  "finished": summary.finished, "missing": summary.missing, "ms_a_turn": used_s * 1000 / turns}))
"""


def play_many(url: str, at_once: int, out: Path) -> dict[str, float]:
    """Play so many episodes, all at once, in a new process, 64 calls in flight, and return its figures."""
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", SCRIPT, url, str(at_once), str(at_once // 5), str(out)]
    done = subprocess.run(command, env={"PYTHONPATH": here}, capture_output=True, text=True, check=True, cwd=Path.cwd())
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(1800)
def test_ten_thousand_at_once_are_light_and_none_is_lost(serve: Callable[..., str], tmp_path: Path) -> None:
    url = serve()
    few = play_many(url, 1000, tmp_path / "few")
    many = play_many(url, 10_000, tmp_path / "many")
    each_kb = (many["peak_mb"] - many["before_mb"]) * 1000 / 10_000
    growth = many["ms_a_turn"] / few["ms_a_turn"]
    report("budget 3", kb_each=each_kb, peak_mb=many["peak_mb"], half_way_mb=many["half_mb"],
           before_mb=many["before_mb"], missing=many["missing"], ms_a_turn=many["ms_a_turn"],
           ms_a_turn_at_1000=few["ms_a_turn"], cost_against_1000=growth)  # fmt: skip
    assert many["missing"] == 0
    assert many["finished"] == 10_000
    assert each_kb <= 25
    assert many["peak_mb"] <= 300
    assert growth <= 1.25

"""Budget 7: what `import emosim` and `emosim --help` cost against importing Gymnasium and pydantic."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from measuring import report

FLOOR, OWN, HELP = "import gymnasium, pydantic", "import emosim", "from emosim.cli import main; main()"


def child_cpu_s(code: str, *words: str) -> float:
    """Return the seconds of CPU that a fresh interpreter uses."""
    process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    assert status == 0
    return used.ru_utime + used.ru_stime


def test_importing_costs_little_more_than_gymnasium() -> None:
    rounds = [(child_cpu_s(FLOOR), child_cpu_s(OWN), child_cpu_s(HELP, "--help")) for _ in range(9)][1:]
    floor_s, own_s, help_s = (statistics.median(column) for column in zip(*rounds, strict=True))
    own, shown = (statistics.median(row[i] / row[0] for row in rounds) for i in (1, 2))
    report("budget 7", floor_s=floor_s, import_s=own_s, help_s=help_s, import_ratio=own, help_ratio=shown)
    assert own <= 1.3
    assert shown <= 2.0

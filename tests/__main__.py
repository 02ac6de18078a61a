"""One command runs everything.

`python tests` takes minutes; `python tests legs` all seeds and personas, and what needs other installations, trainers
among them; `python tests heavy` the trainers that weigh gigabytes; `python tests long` the statistics on all seeds, the
speed budgets (on an idle machine), a soak, and the small local model.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = [sys.executable, "-m"]
DEFAULT = [
    [*PYTHON, "ruff", "check", "."],
    [*PYTHON, "ruff", "format", "--check", "."],
    [*PYTHON, "mypy"],
    [*PYTHON, "pytest", "-q", "-n", "2", "--doctest-modules", "--doctest-ignore-import-errors", "emosim", "tests"],
]
ALL_SEEDS = [*PYTHON, "pytest", "-q", "-m", "slow", "-o", "timeout=3000"]
STATISTICS = ["tests/analysis", "tests/testing"]
LEGS = [
    [*ALL_SEEDS, "-n", "2", "tests", *(f"--ignore={folder}" for folder in STATISTICS)],
    ["bash", "tests/legs/wheel.sh"],
    ["bash", "tests/legs/openai_majors.sh"],
    ["bash", "tests/legs/browser.sh"],
    ["bash", "tests/legs/light.sh"],
    ["bash", "tests/legs/verifiers.sh"],
    ["bash", "tests/legs/torch.sh"],
]
HEAVY = [["bash", "tests/legs/heavy.sh"]]
LONG = [
    [*ALL_SEEDS, *STATISTICS],
    [*PYTHON, "pytest", "-q", "-m", "bench", "-s"],
    [sys.executable, "tests/legs/soak.py"],
    ["bash", "tests/legs/local_model.sh"],
]
KINDS = {"": DEFAULT, "legs": LEGS, "heavy": HEAVY, "long": LONG}


def main(words: list[str]) -> int:
    """Run the commands one after another; stop at the first that fails."""
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHON": sys.executable}
    kind = " ".join(words)
    if kind not in KINDS:
        print(f"nothing to run called '{kind}': python tests [legs|heavy|long]", file=sys.stderr)
        return 2
    for command in KINDS[kind]:
        shown = " ".join(command).replace(sys.executable, "python")
        print(f"\n$ {shown}", flush=True)
        start = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        print(f"[{time.monotonic() - start:.0f} s]", flush=True)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Makes the players of the tests of runs importable as `stage`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "runs"))

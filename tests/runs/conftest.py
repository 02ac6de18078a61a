"""Makes `stage`, the players of these tests, importable, here and in subprocesses."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

"""Shared by the adapters' tests: `overhead` importable.

This folder itself must not be on the path: its folders are named as the trainers' packages are.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "common"))

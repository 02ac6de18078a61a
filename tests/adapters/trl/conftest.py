"""Makes `trainers`, what these tests train with, importable; one thread and no network, whoever runs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRL_EXPERIMENTAL_SILENCE="1", OMP_NUM_THREADS="1")
sys.path.append(str(Path(__file__).parent))

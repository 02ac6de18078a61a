"""SAGE's 1,200 trajectories as arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from emosim.analysis.intervals import Floats, Ints
from emosim.analysis.returns import pad

DATA = Path(__file__).parents[1] / "data" / "sage_deepseek_v3_trajectories.jsonl"


@dataclass(frozen=True)
class Sage:
    """12 agents x 100 profiles, sorted by agent, then profile."""

    agents: tuple[str, ...]
    moods: Floats
    """[1200, 10], padded."""
    played: Ints
    profiles: Ints

    @property
    def finals(self) -> Floats:
        """[12, 100]."""
        return self.moods[:, -1].reshape(12, 100)


@pytest.fixture(scope="session")
def sage() -> Sage:
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    rows.sort(key=lambda row: (row["agent"], row["profile"]))
    return Sage(
        agents=tuple(sorted({row["agent"] for row in rows})),
        moods=pad([row["emotions"] for row in rows]),
        played=np.array([len(row["emotions"]) - 1 for row in rows]),
        profiles=np.array([row["profile"] for row in rows]),
    )

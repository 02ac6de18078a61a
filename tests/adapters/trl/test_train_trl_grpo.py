"""The example trains, stays verifiable, and moves the level to where there is something to learn."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")
pytestmark = pytest.mark.filterwarnings("default")

EXAMPLE = Path(__file__).parents[3] / "examples" / "train_trl_grpo.py"
SHORT = ["--model=tiny", "--group-size=4", "--groups=2", "--scouts=2", "--reply-tokens=12", "--rate=0.01"]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_trl_grpo", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("returns", "move"),
    [
        ([[0.95] * 4, [0.9] * 4], "up"),
        ([[0.75] * 4, [0.8] * 4], "up"),
        ([[0.1] * 4, [0.12] * 4], "down"),
        ([[0.1, 0.3, 0.2, 0.5], [0.1, 0.2, 0.4, 0.3]], "stay"),
        ([[0.9, 0.3, 0.9, 0.3], [0.9, 0.3, 0.2, 0.8]], "stay"),
        ([[0.9, 0.3, 0.9, np.nan], [0.9, 0.3, 0.2, 0.8]], "unknown"),
    ],
)
def test_the_level_moves_to_where_groups_differ(example: ModuleType, returns: list[list[float]], move: str) -> None:
    assert example.judged(0.3, np.array(returns), 4).move == move


@pytest.mark.parametrize("level", ["auto", "0.4"])
def test_two_steps(example: ModuleType, level: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    found = example.train(
        example.options_of([*SHORT, "--steps=2", f"--level={level}", f"--out={tmp_path}", "--turns=4"])
    )
    assert [row["step"] for row in found["steps"]] == [1, 2]
    assert all(row["turns"] <= 4 for row in found["steps"])
    scouted = 24 if level == "auto" else 0
    assert found["verified"] == {"episodes": 16 + scouted, "problems": []}
    assert [rung["level"] for rung in found["ladder"]] == ([0.0, 0.25, 0.5] if scouted else [])
    if not scouted:
        assert {row["level"] for row in found["steps"]} == {0.4}


def test_an_earlier_training_is_not_read_as_this_one(example: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(SystemExit, match="choose another --out"):
        example.train(example.options_of([*SHORT, f"--out={tmp_path}"]))

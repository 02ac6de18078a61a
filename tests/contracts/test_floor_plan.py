"""Who may import whom: a room imports only from the floors below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "emosim"
FLOORS: list[set[str]] = [
    {"usage"},
    {"errors", "value"},
    {"acts", "flow", "feeling"},
    {"emotion"},
    {"persona"},
    {"difficulty"},
    {"episode"},
    {"rulebook", "phrasebook", "render"},
    {"users", "rewards", "backends"},
    {"engine"},
    {"packs", "spaces", "info", "cues"},
    {"playbill"},
    {"env", "acts_env"},
    {"vector", "acts_vector"},
    {"policies"},
    {"suite"},
    {"runs"},
    {"probes", "rollouts"},
    {"testing"},
    {"analysis"},
    {"adapters", "cli"},
    {"__main__"},
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
ANALYSIS_MAY = {"value", "acts", "episode", "persona", "suite", "errors", "analysis"}
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("emosim."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("emosim.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_from_below(path: Path) -> None:
    room = room_of(path)
    assert room in FLOOR, f"{room} has no floor: add it to the plan"
    for other in imports(path) - {room}:
        assert FLOOR[other] < FLOOR[room], f"{path.name}: {room} may not import {other}"


def test_analysis_reads_stored_episodes_only() -> None:
    for path in MODULES:
        if room_of(path) == "analysis":
            assert imports(path) <= ANALYSIS_MAY, path


def test_siblings_are_strangers() -> None:
    for path in MODULES:
        if room_of(path) == "users":
            assert "backends" not in imports(path), path

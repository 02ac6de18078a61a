"""The constants fitted to SAGE reproduce what they were fitted to, and the user that plays with them replays."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from emosim.emotion import SAGE_LIKE
from emosim.env import EmpathyEnv
from emosim.rulebook import replay

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data/sage_deepseek_v3_trajectories.jsonl"


@pytest.fixture(scope="module")
def fitting() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_sage_dynamics", ROOT / "examples/fit_sage_dynamics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_momentum_basins_and_ends_come_out(fitting: ModuleType) -> None:
    target = fitting.moments(fitting.released(DATA))
    fitted = {name: SAGE_LIKE[name] for name in fitting.FITTED}
    world = fitting.World(**fitted, skill=0.183, skill_sd=0.536, noise_sd=0.424)
    ours = fitting.moments(fitting.simulate(world, seed=3))
    assert np.abs(ours - target).max() < 0.08
    without = fitting.moments(fitting.simulate(fitting.replace(world, drift=0.0), seed=3))
    assert np.sum((without - target) ** 2) > 1.5 * np.sum((ours - target) ** 2), "the drift earns its place"


@pytest.mark.slow
def test_the_script_finds_these_constants_again(fitting: ModuleType) -> None:
    world = fitting.fit(fitting.moments(fitting.released(DATA)))
    assert {name: round(getattr(world, name), 3) for name in fitting.FITTED} == pytest.approx(
        {name: SAGE_LIKE[name] for name in fitting.FITTED}, abs=0.002
    )


def test_a_user_with_sage_momentum_plays_and_replays() -> None:
    env = EmpathyEnv("dolores", user="rules:sage")
    env.reset(seed=1)
    env.step("What does the letter say exactly, and when must you answer?")
    assert env.episode.user == "rules-sage@4"
    assert env.episode.persona.temperament.drift == SAGE_LIKE["drift"]
    assert list(replay(env.episode)) == []

"""Fit the momentum of emosim's emotional model to the released SAGE dialogues.

    python examples/fit_sage_dynamics.py tests/data/sage_deepseek_v3_trajectories.jsonl

Simulated moments: dialogues whose replies are worth `skill + noise` (both unknown, fitted too) are felt with
`emosim.feeling`, and four constants of the temperament (drift, acceptance, inertia, loss aversion) are chosen so that
the simulated dialogues show what the 1,200 released ones show: how likely a rise is at each mood and after each sign of
the last change (momentum), and where dialogues end (basins, end-state shape). Prints the constants that
`emosim.emotion.SAGE_LIKE` holds, and both sets of moments side by side. About a minute on one core; numpy only.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from emosim.feeling import response, shift

TURNS = 9
DIALOGUES = 4000
BANDS = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
FITTED = ("drift", "acceptance", "inertia", "loss_aversion")
Moods = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """What is fitted: four constants of the temperament, and how replies are worth in the released dialogues."""

    drift: float = 0.08
    acceptance: float = 0.15
    inertia: float = 0.2
    loss_aversion: float = 1.1
    skill: float = 0.15
    skill_sd: float = 0.2
    noise_sd: float = 0.3


LOW = World(0.0, 0.0, 0.0, 1.0, -0.5, 0.02, 0.05)
HIGH = World(0.4, 0.4, 0.6, 2.0, 0.8, 0.8, 0.9)


def simulate(world: World, seed: int = 0) -> Moods:
    """Return moods of simulated dialogues, shape (DIALOGUES, TURNS + 1), NaN after the end."""
    rng = np.random.default_rng(seed)
    skill = world.skill + world.skill_sd * rng.standard_normal(DIALOGUES)
    noise = world.noise_sd * rng.standard_normal((DIALOGUES, TURNS))
    nature = SimpleNamespace(
        drift=world.drift,
        acceptance=world.acceptance,
        inertia=world.inertia,
        loss_aversion=world.loss_aversion,
        openness=0.0,
        guard=0.0,
        impatience=0.0,
    )
    state = SimpleNamespace(mood=np.full(DIALOGUES, 40.0), last_change=np.zeros(DIALOGUES))
    state.trust, state.patience = np.zeros(DIALOGUES), np.ones(DIALOGUES)
    moods, over = [state.mood], np.zeros(DIALOGUES, dtype=bool)
    for turn in range(TURNS):
        value = np.clip(skill + noise[:, turn], -1.0, 1.0)
        push = response(value, state, nature, np.ones(DIALOGUES), np.zeros(DIALOGUES))
        state.mood, _, _, state.last_change = shift(state, push, nature, np.ones(DIALOGUES))
        moods.append(np.where(over, np.nan, state.mood))
        over |= (state.mood >= 100) | (state.mood < 10)
    return np.array(moods).T


def released(path: Path) -> Moods:
    """Return the released moods in the same shape."""
    rows = [json.loads(line)["emotions"] for line in path.read_text(encoding="utf-8").splitlines()]
    moods = np.full((len(rows), TURNS + 1), np.nan)
    for row, emotions in zip(moods, rows, strict=True):
        row[: len(emotions)] = emotions[: TURNS + 1]
    return moods


def moments(moods: Moods) -> NDArray[np.float64]:
    """Return P(rise) by mood band (9), after a rise, after a fall; ends >= 100, < 10, their mean and SD."""
    change = np.diff(moods, axis=1)
    before, known = moods[:, :-1], ~np.isnan(change)
    rise = change > 0
    bands = [_rate(rise, known & (before >= low) & (before < high)) for low, high in pairwise(BANDS)]
    last = change[:, :-1]
    after = [_rate(rise[:, 1:], known[:, 1:] & side) for side in (last > 0, last < 0)]
    final = np.array([row[~np.isnan(row)][-1] for row in moods])
    ends = [np.mean(final >= 100), np.mean(final < 10), np.mean(final) / 100, np.std(final) / 100]
    return np.array([*bands, *after, *ends])


def fit(target: NDArray[np.float64], rounds: int = 400) -> World:
    """Return the world whose moments are nearest, by a seeded random search that narrows."""
    rng = np.random.default_rng(1)
    best, error = World(), np.inf
    for number in range(rounds):
        width = 0.4 * 0.985**number
        trial = _near(best, width, rng)
        wrong = float(np.sum((moments(simulate(trial)) - target) ** 2))
        if wrong < error:
            best, error = trial, wrong
    return best


def _near(world: World, width: float, rng: np.random.Generator) -> World:
    moved = {}
    for f in fields(World):
        low, high = getattr(LOW, f.name), getattr(HIGH, f.name)
        moved[f.name] = float(np.clip(getattr(world, f.name) + width * (high - low) * rng.standard_normal(), low, high))
    return replace(world, **moved)


def _rate(rise: NDArray[np.bool_], where: NDArray[np.bool_]) -> float:
    return float(rise[where].mean()) if where.any() else 0.5


def main() -> None:
    """Fit and print."""
    target = moments(released(Path(sys.argv[1])))
    world = fit(target)
    names = [f"P(rise | {low}-{high - 1})" for low, high in pairwise(BANDS)]
    names += ["P(rise | last rise)", "P(rise | last fall)", "end >= 100", "end < 10", "mean end / 100", "SD end / 100"]
    for name, real, ours in zip(names, target, moments(simulate(world, seed=2)), strict=True):
        print(f"{name:22} released {real:5.2f}   fitted {ours:5.2f}")
    print("SAGE_LIKE =", {name: round(getattr(world, name), 3) for name in FITTED})
    print("replies worth", {name: round(getattr(world, name), 3) for name in ("skill", "skill_sd", "noise_sd")})


if __name__ == "__main__":
    main()

"""Does training cross the ceiling of the prior, and at which difficulty does it teach most?

    python examples/prior_ceiling.py [--out DIR] [--runs DIR] [--seeds N] [--updates N] [--workers N]

Five policies over support acts with different pretrained priors are trained by GRPO at seven levels. The report shows
trained score against training difficulty, ceilings and crossover, diversity, zones, and what the claims of the
literature look like in this world. No key, no network; the whole of it takes about a quarter of an hour of CPU time.
Policies that the verdicts are about are played into `--runs` as stored emosim runs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from acts_grpo import ActsPolicy, Floats, Ints, Learner, Recipe, play, score, some_users
from prior_ceiling_measures import (
    Found,
    apart,
    boundary,
    ceilings,
    curve,
    eased,
    habits,
    look,
    rollouts,
    share_of_best,
    sweet,
)
from prior_ceiling_page import page
from prior_ceiling_priors import PRIORS, Prior
from prior_ceiling_runs import findings, store

from emosim.errors import EmosimError, UsageError
from emosim.suite import Suite

Asked = TypeVar("Asked")
Given = TypeVar("Given")
HERE: Final = Path(__file__).parent
LEVELS: Final = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
EASY, MODERATE, HARD = 0.2, 0.5, 0.8
MAIN, EARLY, PAID = "main", "a quarter of the updates", "success only"
TESTS: Final = (EASY, MODERATE, HARD, 1.0)
"""Levels at which trained policies are tested; claims are about MODERATE and HARD."""


@dataclass(frozen=True)
class Settings:
    """The design; the defaults are what the kept report shows."""

    recipe: Recipe = field(default_factory=Recipe)
    seeds: int = 6
    """Training runs of each prior at each level."""
    variant_seeds: int = 3
    """The same, paid for success alone."""
    per_persona: int = 6
    """Test users of each persona."""
    rolls: int = 8
    """Rollouts with each test user for a score."""
    shallow: int = 64
    """Rollouts with each test user for the verdict."""
    deep: int = 512
    """Rollouts with each test user for the ceiling."""
    groups: int = 2000
    """Groups for the learnable contrast."""
    search: int = 240
    """Episodes at most to find a boundary; 0 looks for none."""
    repeats: int = 16
    """Episodes with each persona in a stored run."""
    workers: int = 2

    def __post_init__(self) -> None:
        low = {
            "seeds": 2,
            "per_persona": 1,
            "rolls": 1,
            "shallow": 8,
            "groups": 20,
            "search": 0,
            "repeats": 2,
            "workers": 1,
        }
        for name, least in low.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name.replace('_', ' ')} must be {least} or more, not {getattr(self, name)}")
        if self.deep < self.shallow:
            raise UsageError(f"deep ({self.deep}) must be shallow ({self.shallow}) or more")

    @property
    def variants(self) -> dict[str, tuple[Recipe, int]]:
        """Recipes by name with their numbers of seeds: the study itself, and what it is checked with."""
        found = {MAIN: (self.recipe, self.seeds)}
        if self.variant_seeds:
            found[PAID] = replace(self.recipe, success_only=True), self.variant_seeds
        return found


@dataclass(frozen=True)
class Job:
    """One training run."""

    variant: str
    prior: Prior
    level: float
    seed: int
    recipe: Recipe
    settings: Settings


@dataclass(frozen=True)
class Trained:
    """What became of it."""

    job: Job
    policy: ActsPolicy
    scores: tuple[float, ...]
    """At each of TESTS."""
    early: tuple[float, ...]
    """The same after a quarter of the updates."""
    habits: Found
    """What it does at MODERATE."""
    at_home: Found
    """What it does at the level that it was trained at."""


def run(job: Job) -> Trained:
    """Train once and test."""
    learner = Learner.of(job.prior.policy(), job.recipe, job.seed)
    users, scores = tests_of(job.settings), []
    for part in range(4):
        for _ in range(job.recipe.updates * part // 4, job.recipe.updates * (part + 1) // 4):
            learner.update(job.level)
        if part in (0, 3):
            scores.append(tuple(score(learner.policy, level, users) for level in TESTS))
    moderate, home = (play(learner.policy, level, users, np.random.default_rng(0)) for level in (MODERATE, job.level))
    return Trained(job, learner.policy, scores[1], scores[0], habits(moderate), habits(home))


def tests_of(settings: Settings) -> Ints:
    """Return seeds of the test episodes, every user `rolls` times."""
    return np.repeat(some_users(settings.per_persona).ravel(), settings.rolls)


def in_parallel(work: Callable[[Asked], Given], asked: Sequence[Asked], workers: int) -> list[Given]:
    """Return what work makes of each, in order; in several processes if asked."""
    if workers == 1:
        return [work(one) for one in asked]
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, asked))


def study(settings: Settings, runs: Path, priors: Sequence[Prior] = PRIORS, levels: Sequence[float] = LEVELS) -> Found:
    """Return all findings.

    Args:
        settings: The design.
        runs: Where stored runs go.
        priors: Pretrained priors.
        levels: Training levels, rising.
    """
    jobs = [
        Job(name, prior, level, seed, recipe, settings)
        for name, (recipe, seeds) in settings.variants.items()
        for prior in priors
        for level in levels
        for seed in range(seeds)
    ]
    trained = in_parallel(run, jobs, settings.workers)
    groups = [(prior, [t for t in trained if t.job.prior.name == prior.name], runs, levels) for prior in priors]
    found = in_parallel(about, groups, settings.workers)
    design = {**asdict(settings), "levels": list(levels), "tests": list(TESTS), "moderate": MODERATE, "hard": HARD}
    design.pop("workers")
    return {"design": design, "priors": found, "claims": claims(found, levels)}


def about(asked: tuple[Prior, Sequence[Trained], Path, Sequence[float]]) -> Found:
    """Return all findings about a prior, from its training runs, a folder for stored runs, and the training levels."""
    prior, trained, runs, levels = asked
    settings = trained[0].job.settings
    base, users = prior.policy(), some_users(settings.per_persona)
    before = [score(base, level, tests_of(settings)) for level in TESTS]
    looks = [look(base, level, users, settings.groups, settings.recipe.group_size) for level in levels]
    variants = {
        name: _variant([t for t in trained if t.job.variant == name], levels, before) for name in settings.variants
    }
    early = [replace(t, scores=t.early) for t in trained if t.job.variant == MAIN]
    variants[EARLY] = _variant(early, levels, before)
    best = variants[MAIN][f"{MODERATE:g}"]["peak"]
    chosen = {"best": _pick(trained, best), "hardest": _pick(trained, levels[-1])}
    at_base = rollouts(base, MODERATE, users, settings.deep, seed=3)
    return {
        "name": prior.name,
        "reason": prior.reason,
        "base": dict(zip(map(str, TESTS), before, strict=True)),
        "looks": looks,
        "sweet": sweet(looks),
        "boundary": boundary(base, some_users(12), settings.search),
        "boundary_trained": boundary(chosen["best"], some_users(12), settings.search),
        "variants": variants,
        "best": best,
        "ceilings": {
            name: ceilings(at_base, rollouts(policy, MODERATE, users, settings.deep, seed=4), settings.shallow)
            for name, policy in chosen.items()
        },
        "eased": {
            name: eased(policy, MODERATE, tests_of(settings))
            for name, policy in (("easiest", _pick(trained, levels[0])), ("best", chosen["best"]))
        },
        "stored": _stored(prior.name, {"base": base, **chosen}, settings, runs),
    }


def _pick(trained: Sequence[Trained], level: float) -> ActsPolicy:
    """Return the policy of the first seed of the study that was trained at a level."""
    return next(t.policy for t in trained if t.job.variant == MAIN and t.job.level == level)


def _variant(trained: Sequence[Trained], levels: Sequence[float], before: Sequence[float]) -> Found:
    """Return scores, the shape of the curve at each test, and habits by training level."""
    rows = [[t for t in trained if t.job.level == level] for level in levels]
    scores = np.array([[t.scores for t in row] for row in rows])
    found: Found = {f"{test:g}": curve(scores[:, :, i], levels) for i, test in enumerate(TESTS)}
    found["habits"] = [mean_of([t.habits for t in row]) for row in rows]
    found["at_home"] = [mean_of([t.at_home for t in row]) for row in rows]
    found["scores"] = {f"{test:g}": scores[:, :, i].tolist() for i, test in enumerate(TESTS)}
    found["shares"] = {
        f"{test:g}": [share_of_best(scores[:, :, i], before[i], at) for at in range(len(levels))]
        for i, test in enumerate(TESTS)
    }
    return found


def mean_of(many: Sequence[Found]) -> Found:
    """Return the mean of several findings, name by name."""
    return {name: float(np.mean([one[name] for one in many])) for name in many[0]}


def _stored(name: str, policies: dict[str, ActsPolicy], settings: Settings, runs: Path) -> Found:
    suite = Suite(levels=(MODERATE,), repeats=settings.repeats)
    tables = {kind: store(policy, f"{name}-{kind}", runs, suite) for kind, policy in policies.items()}
    return {kind: findings(tables["base"], tables[kind]) for kind in policies if kind != "base"}


def claims(found: Sequence[Found], levels: Sequence[float]) -> Found:
    """Return what the closed-loop claims look like here, for each prior; nothing is tuned to them."""
    return {one["name"]: _claims(one, levels) for one in found}


def _claims(one: Found, levels: Sequence[float]) -> Found:
    main, spot = one["variants"][MAIN], one["sweet"]
    at = {name: list(levels).index(level) for name, level in _chosen(spot).items()}
    middle = min(range(len(levels)), key=lambda i: abs(levels[i] - MODERATE))
    claimed: dict[str, Any] = {}
    for test in TESTS:
        scores: Floats = np.array(main["scores"][f"{test:g}"])
        claimed[f"{test:g}"] = {
            "shape": main[f"{test:g}"]["shape"],
            "peak": main[f"{test:g}"]["peak"],
            "moderate_less_hardest": apart(scores[middle], scores[-1]).model_dump(),
            "share": {name: main["shares"][f"{test:g}"][i] for name, i in at.items()},
        }
    return {"tests": claimed, "chosen": {name: levels[i] for name, i in at.items()}}


def _chosen(spot: Found) -> dict[str, float]:
    return {"snr": spot["snr"]["level"], "contrast": spot["contrast"], "graded_contrast": spot["graded_contrast"]}


def rounded(value: Any) -> Any:
    """Return a value with all its floats rounded to five digits after the point."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {str(key): rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, (list, tuple)) else value


def parsed(arguments: Sequence[str]) -> tuple[argparse.Namespace, Settings]:
    """Return arguments and the design that they ask for.

    Raises:
        UsageError: A number is out of range.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "prior_ceiling", help="folder of study.json and report.html")
    parser.add_argument("--runs", type=Path, default=Path("runs/prior_ceiling"), help="folder of the stored runs")
    default = Settings()
    parser.add_argument("--seeds", type=int, default=default.seeds, help="training runs of each prior at each level")
    parser.add_argument("--updates", type=int, default=default.recipe.updates, help="updates of each training run")
    parser.add_argument("--workers", type=int, default=default.workers, help="processes")
    parser.add_argument("--page-only", action="store_true", help="make the report anew from study.json")
    given = parser.parse_args(arguments)
    recipe = replace(default.recipe, updates=given.updates)
    return given, replace(default, recipe=recipe, seeds=given.seeds, workers=given.workers)


def main(arguments: Sequence[str]) -> int:
    """Run the study and write `study.json` and `report.html`."""
    try:
        given, settings = parsed(arguments)
        given.out.mkdir(parents=True, exist_ok=True)
        place = given.out / "study.json"
        if not given.page_only:
            found = rounded(study(settings, given.runs))
            place.write_text(json.dumps(found, indent=1, allow_nan=True) + "\n", encoding="utf-8")
        reading = given.out / "reading.html"
        text = page(json.loads(place.read_text("utf-8")), reading.read_text("utf-8") if reading.exists() else "")
        (given.out / "report.html").write_text(text, encoding="utf-8")
    except (EmosimError, OSError) as error:
        print(f"prior_ceiling: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

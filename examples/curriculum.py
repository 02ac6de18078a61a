"""Does it pay to keep training where there is most to learn? A curriculum against fixed levels in `EmpathyActs-v0`.

    python examples/curriculum.py [--out DIR] [--seeds N] [--updates N] [--workers N]

The curriculum trains at a level and at both its neighbours (it straddles), measures the learnable contrast of all three
from the training groups themselves, and moves to the highest. It is compared with fixed easy, moderate and hard levels
and with levels drawn evenly, from the same priors, at equal numbers of episodes. No key, no network, minutes of CPU.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from acts_grpo import Batch, Floats, Ints, Learner, Recipe, score, some_users
from prior_ceiling import in_parallel
from prior_ceiling_measures import apart
from prior_ceiling_priors import PRIORS, Prior

from emosim.analysis.learnable import FOLDS, learnable_contrast
from emosim.errors import EmosimError, UsageError

HERE: Final = Path(__file__).parent
LADDER: Final = tuple(i / 10 for i in range(11))
"""Levels that the curriculum climbs."""
FIXED: Final = {"easy": 0.2, "moderate": 0.5, "hard": 0.8}
TESTS: Final = (0.2, 0.5, 0.8, 1.0)
WAYS: Final = ("curriculum", *FIXED, "even")


@dataclass
class Curriculum:
    """Chooses levels: starts at the easiest, straddles, and moves to the highest learnable contrast."""

    recipe: Recipe
    window: int = 160
    """Latest groups of a level that its contrast is measured from."""
    every: int = 4
    """Updates between two looks."""
    at: int = 0
    """Place on the ladder."""
    path: list[float] = field(default_factory=list)
    """Level after each update."""
    _kept: dict[float, deque[tuple[Floats, Ints, int]]] = field(default_factory=dict)

    def shares(self) -> list[tuple[float, int]]:
        """Return how many groups to play at which levels in the next update."""
        places = [i for i in (self.at - 1, self.at, self.at + 1) if 0 <= i < len(LADDER)]
        split = np.array_split(np.arange(self.recipe.groups), len(places))
        return [(LADDER[i], len(part)) for i, part in zip(places, split, strict=True) if len(part)]

    def learn(self, shares: Sequence[tuple[float, int]], batches: Sequence[Batch]) -> None:
        """Take in what an update played, and move if it is time to."""
        for (level, _), batch in zip(shares, batches, strict=True):
            kept = self._kept.setdefault(level, deque(maxlen=self.window))
            size = self.recipe.group_size
            counts = batch.counts().reshape(-1, size, batch.chances.shape[1])
            kept.extend(zip(batch.returns.reshape(-1, size), counts, batch.needs[::size].tolist(), strict=True))
        self.path.append(LADDER[self.at])
        if len(self.path) % self.every == 0:
            found = {level: self.contrast(level) for level, _ in shares}
            self.at = LADDER.index(max(found, key=found.__getitem__))

    def contrast(self, level: float) -> float:
        """Return the learnable contrast of the latest groups at a level, 0 with too few of them."""
        kept = self._kept.get(level, deque())
        if len(kept) < FOLDS:
            return 0.0
        returns, counts, needs = zip(*kept, strict=True)
        return learnable_contrast(np.array(returns), np.array(counts), np.array(needs)).snr.estimate


@dataclass(frozen=True)
class Job:
    """One training run."""

    prior: Prior
    way: str
    seed: int
    recipe: Recipe
    users: int
    rolls: int


def run(job: Job) -> dict[str, Any]:
    """Train in one of the ways, and test."""
    learner = Learner.of(job.prior.policy(), job.recipe, job.seed)
    curriculum, levels = Curriculum(job.recipe), np.random.default_rng(job.seed)
    for _ in range(job.recipe.updates):
        if job.way == "curriculum":
            shares = curriculum.shares()
            curriculum.learn(shares, learner.update_mixed(shares))
        elif job.way == "even":
            drawn, groups = np.unique(levels.choice(LADDER, job.recipe.groups), return_counts=True)
            learner.update_mixed(list(zip(drawn.tolist(), groups.tolist(), strict=True)))
        else:
            learner.update(FIXED[job.way])
    users = np.repeat(some_users(job.users).ravel(), job.rolls)
    return {"scores": [score(learner.policy, level, users) for level in TESTS], "path": curriculum.path}


def study(
    recipe: Recipe, seeds: int = 4, users: int = 6, rolls: int = 8, workers: int = 2, priors: Sequence[Prior] = PRIORS
) -> dict[str, Any]:
    """Return mean scores with intervals over seeds, and differences from the curriculum, paired by seed.

    Args:
        recipe: How all are trained.
        seeds: Training runs of each prior in each way.
        users: Test users of each persona.
        rolls: Rollouts with each.
        workers: Processes.
        priors: Pretrained priors.
    """
    if seeds < 2 or workers < 1:
        raise UsageError(f"an interval needs 2 seeds or more, not {seeds}, and 1 worker or more, not {workers}")
    jobs = [Job(prior, way, seed, recipe, users, rolls) for prior in priors for way in WAYS for seed in range(seeds)]
    done = list(zip(jobs, in_parallel(run, jobs, workers), strict=True))
    found: dict[str, Any] = {}
    for prior in priors:
        scores = {way: _scores(done, prior.name, way) for way in WAYS}
        whole = np.repeat(some_users(users).ravel(), rolls)
        paths = [result["path"] for job, result in done if job.prior.name == prior.name and job.way == "curriculum"]
        found[prior.name] = {
            "base": [score(prior.policy(), level, whole) for level in TESTS],
            "ways": {way: [_interval(row) for row in table.T] for way, table in scores.items()},
            "curriculum_less": {
                way: [_interval(row) for row in (scores["curriculum"] - table).T]
                for way, table in scores.items()
                if way != "curriculum"
            },
            "path": np.mean(paths, axis=0).tolist(),
        }
    episodes = recipe.updates * recipe.episodes
    return {"tests": list(TESTS), "fixed": FIXED, "seeds": seeds, "episodes": episodes, "priors": found}


def _scores(done: Sequence[tuple[Job, dict[str, Any]]], prior: str, way: str) -> Floats:
    """Return scores, shape [seeds, tests]."""
    return np.array([result["scores"] for job, result in done if job.prior.name == prior and job.way == way])


def _interval(row: Floats) -> list[float]:
    found = apart(row, np.zeros_like(row))
    return [round(x, 5) for x in (found.estimate, found.low, found.high)]


def report(found: dict[str, Any]) -> str:
    """Return the findings as Markdown."""
    head = [f"{name} ({level:g})" for name, level in found["fixed"].items()]
    lines = [
        "# A curriculum of learnable contrast against fixed levels",
        "",
        f"Mean final mood over 100 after {found['episodes']:,} training episodes, {found['seeds']} seeds, 95 % "
        "intervals over seeds. Behind each rival: the curriculum less that rival, paired by seed, bold where its "
        "interval leaves out 0. Levels of the curriculum are means over seeds.",
        "",
        tally(found),
    ]
    for at, test in enumerate(found["tests"]):
        lines += ["", f"## Tested at level {test:g}", "", f"| prior | base | curriculum | {' | '.join(head)} | even |"]
        lines += ["|---|--:|--:|" + "--:|" * (len(head) + 1)]
        lines += [_row(name, one, at) for name, one in found["priors"].items()]
    lines += ["", "## Where the curriculum went", "", "| prior | after 1/8 | 1/4 | 1/2 | at the end |"]
    lines += ["|---|--:|--:|--:|--:|"]
    for name, one in found["priors"].items():
        path = one["path"]
        places = [path[max(len(path) // part - 1, 0)] for part in (8, 4, 2, 1)]
        lines.append(f"| {name} | {' | '.join(f'{x:.2f}' for x in places)} |")
    return "\n".join([*lines, "", "Made by `python examples/curriculum.py`; all numbers in `curriculum.json`.", ""])


def tally(found: dict[str, Any]) -> str:
    """Return how often the curriculum is better and worse than each rival, one sentence."""
    parts = []
    for way in WAYS[1:]:
        cells = [cell for one in found["priors"].values() for cell in one["curriculum_less"][way]]
        better, worse = sum(low > 0 for _, low, _ in cells), sum(high < 0 for *_, high in cells)
        parts.append(f"better than {way} in {better} of {len(cells)} cells and worse in {worse}")
    return f"Over {len(found['priors'])} priors and {len(found['tests'])} tests the curriculum is {'; '.join(parts)}."


def _row(name: str, one: dict[str, Any], at: int) -> str:
    mean, low, high = one["ways"]["curriculum"][at]
    cells = [f"{one['base'][at]:.3f}", f"{mean:.3f} [{low:.3f}, {high:.3f}]"]
    for way in WAYS[1:]:
        gain, least, most = one["curriculum_less"][way][at]
        mark = "**" if least > 0 or most < 0 else ""
        cells.append(f"{one['ways'][way][at][0]:.3f} ({mark}{gain:+.3f}{mark})")
    return f"| {name} | {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> int:
    """Run the comparison and write `curriculum.json` and `report.md`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "curriculum", help="folder of curriculum.json and report.md")
    parser.add_argument("--seeds", type=int, default=4, help="training runs of each prior in each way")
    parser.add_argument("--updates", type=int, default=80, help="updates of each training run")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    given = parser.parse_args(arguments)
    try:
        found = study(replace(Recipe(), updates=given.updates), given.seeds, workers=given.workers)
        given.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, indent=1)
        (given.out / "curriculum.json").write_text(text + "\n", encoding="utf-8")
        (given.out / "report.md").write_text(report(found), encoding="utf-8")
    except (EmosimError, OSError) as error:
        print(f"curriculum: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Policies over acts as stored emosim runs: what `emosim verify`, `ceiling`, `compare` and `diversity` read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from acts_grpo import ActsPolicy, draw, features

from emosim.acts import Act
from emosim.acts_env import play
from emosim.analysis.diversity import compare_variety, count_acts, equal_length, variety
from emosim.analysis.findings import comparison_findings
from emosim.analysis.table import ACTS as VOCABULARY
from emosim.analysis.table import Table, tabulate
from emosim.cues import ACTS, observe
from emosim.engine import is_over, open_episode
from emosim.episode import Episode
from emosim.flow import Flow, settled
from emosim.policies.protocol import View
from emosim.rewards import reward
from emosim.runs import Players, config_of, read_run, verify
from emosim.runs.records import record_of
from emosim.runs.store import RunStore
from emosim.runs.summary import summarise
from emosim.suite import Suite
from emosim.users.acts import ActsUser
from emosim.value import roll

DICE_ACT: Final = 3101
_USER: Final = ActsUser(Act.LISTENING)


@dataclass(frozen=True)
class Named:
    """An agent's name in a run; it replies by acts, which `store` plays, not by text."""

    name: str
    privileged: bool = False

    def reply(self, view: View) -> Flow[str | None]:
        """Hang up: there is nothing to say without acts."""
        return settled(None)


def store(policy: ActsPolicy, name: str, runs: Path, suite: Suite) -> Table:
    """Play a suite with a policy into a run directory, verify it, and return it as a table.

    The run is named for the weights as well, so that a run of other weights is never taken for it.
    """
    name = f"{name}-{hashlib.sha256(policy.weights.tobytes()).hexdigest()[:8]}"
    directory = runs / name
    config = config_of(suite, Players(Named(name), _USER), reward="final")
    keys, pack = suite.episode_keys(), suite.load()
    with RunStore(directory, config, len(keys)) as run:
        for key in keys:
            if str(key) not in run.finished:
                casting = pack.cast(key.persona, key.language)
                opened = open_episode(casting.persona, casting.scenario, key.harder, key.seed, _USER)
                episode = finished(policy, opened)
                run.add(record_of(str(key), name, episode, ("final", reward("final")), config.versions))
        run.conclude(summarise(run.tally, config, "complete"))
    found = verify(directory)
    if not found.is_good:
        raise RuntimeError(f"{directory}: {found.problems[0]}")
    return tabulate((record.agent, record.key, record.episode) for record in read_run(directory))


def finished(policy: ActsPolicy, episode: Episode) -> Episode:
    """Return an episode played to its end; the policy's dice are addressed by seed and turn."""
    while not is_over(episode):
        chances = policy.probabilities(features(observe(episode)[None]))
        dice = np.array([roll(episode.seed, len(episode.turns), DICE_ACT)])
        episode = play(episode, ACTS[int(draw(chances, dice)[0])]).after
    return episode


def findings(base: Table, trained: Table) -> dict[str, Any]:
    """Return what `emosim compare` and `emosim diversity` say of two runs."""
    length = equal_length(base.acts, trained.acts)
    counts = [count_acts(table.acts, len(VOCABULARY), length) for table in (base, trained)]
    change = compare_variety(*counts, base.needs, trained.needs)
    compared = comparison_findings(base, trained)
    return {
        "episodes": len(base),
        "compare": compared.verdict,
        "verdict": compared.cells[0].verdict.kind,
        "diversity": change.model_dump(),
        "variety": [variety(row, table.needs).model_dump() for row, table in zip(counts, (base, trained), strict=True)],
    }

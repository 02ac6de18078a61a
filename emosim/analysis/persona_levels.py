"""Who is hardest for this agent, and at which level: success of every persona along the axis, with intervals.

A search plays a persona ten times or so, at levels all over the axis: no cell could be counted. So each persona's own
difficulty is inferred from all its episodes together with the curve; a persona that was seen little stays near the
middle of the cast, with a wide interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from emosim.analysis.intervals import Floats, Ints
from emosim.analysis.posterior import Posterior
from emosim.value import Value

SHOWN: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Levels of the table."""
_DRAWS: Final = 400
_CANDIDATES: Final = 1600
"""Curves drawn from the posterior, which takes each episode's persona on its own; of them, draws are kept by how well
they tell each persona's episodes together."""
_GOLDEN: Final = 0.6180339887498949


class PersonaRow(Value):
    """One persona along the axis."""

    persona: str
    """Who."""
    episodes: int
    """Scorable episodes behind it."""
    success: tuple[tuple[float, float, float], ...]
    """Success rate at each level: estimate, lower and upper end of the 95 % credible interval."""


class PersonaLevels(Value):
    """Every persona of the cast at some levels."""

    levels: tuple[float, ...]
    """The levels."""
    rows: tuple[PersonaRow, ...]
    """The personas, hardest first."""

    @property
    def told_apart(self) -> bool:
        """Whether the personas differ at all, in whole percent; if not, their order means nothing."""
        return len({tuple(round(100 * cell[0]) for cell in row.success) for row in self.rows}) > 1


def persona_levels(posterior: Posterior, cast: Sequence[str], levels: Sequence[float] = SHOWN) -> PersonaLevels:
    """Return the success of every persona that was played.

    Args:
        posterior: Beliefs after all outcomes.
        cast: Names, in the order of the posterior's persona indices.
        levels: Where to read the curves, 0..1.
    """
    people = posterior.outcomes[2]
    played = [int(i) for i in np.unique(people)]
    cells, nodes = _together(posterior, played)
    effects = posterior.model.nodes[0][cells[3]]
    curves = np.stack([posterior.success(level, cells, effects) for level in levels])
    found = []
    for row, number in zip(nodes, played, strict=True):
        dice = np.cumsum(row, axis=1) < (np.arange(_DRAWS) * _GOLDEN % 1.0)[:, None]
        drawn = np.minimum(dice.sum(axis=1), row.shape[1] - 1)
        low, high = np.quantile(curves[:, np.arange(_DRAWS), drawn], [0.025, 0.975], axis=1)
        mean = (curves * row).sum(axis=2).mean(axis=1)
        found.append(
            PersonaRow(
                persona=cast[number],
                episodes=int((people == number).sum()),
                success=tuple((float(m), float(a), float(b)) for m, a, b in zip(mean, low, high, strict=True)),
            )
        )
    order = sorted(found, key=lambda row: sum(cell[0] for cell in row.success))
    return PersonaLevels(levels=tuple(float(x) for x in levels), rows=tuple(order))


def _together(posterior: Posterior, played: list[int]) -> tuple[tuple[Ints, ...], Floats]:
    """Return drawn curves, and how likely each persona stands at each of their nodes, [personas, draws, nodes]."""
    model = posterior.model
    if model.effects is not None:
        own = np.eye(model.nodes[1].shape[1])[played]
        return posterior.sample(_DRAWS), np.repeat(own[:, None], _DRAWS, axis=1)
    cells = posterior.sample(_CANDIDATES)
    logs, alone = _told(posterior, cells, played)
    better = np.logaddexp.reduce(logs, axis=2).sum(axis=0) - alone - posterior.correction[cells[3]]
    steps = np.cumsum(np.exp(better - better.max()))
    kept = np.searchsorted(steps, (np.arange(_DRAWS) + 0.5) / _DRAWS * steps[-1])
    raised = np.exp(logs[:, kept] - logs[:, kept].max(axis=2, keepdims=True))
    return tuple(axis[kept] for axis in cells), np.asarray(raised / raised.sum(axis=2, keepdims=True))


def _told(posterior: Posterior, cells: tuple[Ints, ...], played: list[int]) -> tuple[Floats, Floats]:
    """Return log prior and likelihood of each persona's nodes, and log likelihoods of episodes taken one by one."""
    effects, weights = (x[cells[3]] for x in posterior.model.nodes)
    logs = np.tile(np.log(weights), (len(played), 1, 1))
    alone = np.zeros(len(weights))
    place = {number: i for i, number in enumerate(played)}
    at, kinds, people = posterior.outcomes
    for level in np.unique(at):
        chances = posterior.chances_for(float(level), cells, effects)
        told, mixed = np.log(chances), np.log((chances * weights).sum(axis=2))
        for kind, person in zip(kinds[at == level], people[at == level], strict=True):
            logs[place[int(person)]] += told[kind]
            alone += mixed[kind]
    return logs, alone

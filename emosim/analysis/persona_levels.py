"""Who is hardest for this agent, and at which level: success of every persona along the axis, with intervals.

A search plays a persona ten times or so, at levels all over the axis: no cell could be counted. So each persona's own
difficulty is inferred from all its episodes, given the posterior of the curve; a persona that was seen little stays
near the middle of the cast, with a wide interval.
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


def persona_levels(posterior: Posterior, cast: Sequence[str], levels: Sequence[float] = SHOWN) -> PersonaLevels:
    """Return the success of every persona that was played.

    Args:
        posterior: Beliefs after all outcomes.
        cast: Names, in the order of the posterior's persona indices.
        levels: Where to read the curves, 0..1.
    """
    at, kinds, people = posterior.outcomes
    cells = posterior.sample(_DRAWS)
    played = [int(i) for i in np.unique(people)]
    nodes = _nodes(posterior, cells, at, kinds, people, played)
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


def _nodes(
    posterior: Posterior, cells: tuple[Ints, ...], at: Floats, kinds: Ints, people: Ints, played: list[int]
) -> Floats:
    """Return how likely each persona stands at each node of the drawn curves, [personas, draws, nodes], sum 1."""
    model = posterior.model
    weights = model.nodes[1][cells[3]]
    if model.effects is not None:
        return np.stack([np.tile(np.eye(weights.shape[1])[number], (len(weights), 1)) for number in played])
    effects = model.nodes[0][cells[3]]
    logs = np.tile(np.log(weights), (len(played), 1, 1))
    place = {number: i for i, number in enumerate(played)}
    for level in np.unique(at):
        told = np.log(posterior.chances_for(float(level), cells, effects))
        for kind, person in zip(kinds[at == level], people[at == level], strict=True):
            logs[place[int(person)]] += told[kind]
    raised = np.exp(logs - logs.max(axis=2, keepdims=True))
    return np.asarray(raised / raised.sum(axis=2, keepdims=True))

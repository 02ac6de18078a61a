"""Who is hardest at which level, against planted casts."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.analysis.findings import frontier_findings
from emosim.analysis.frontier import Frontier
from emosim.analysis.search import run_search
from emosim.testing.psychometric import PlantedAgent, cast_effects

LEVELS = (0.1, 0.3, 0.5, 0.7)


def searched(agent: PlantedAgent, seed: int, budget: int = 192, **settings: object) -> Frontier:
    cast = [f"p{i:02d}" for i in range(len(agent.effects))]
    search = Frontier(cast, seed=seed, budget=budget, width=1e-6, **settings)  # type: ignore[arg-type]
    rng = np.random.default_rng([seed, 9])
    people = search.cast.index
    run_search(search, lambda trials: agent.play([t.level for t in trials], [people(t.persona) for t in trials], rng))
    return search


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", [2, pytest.param(150, marks=pytest.mark.slow)])
def test_personas_are_ranked_and_their_success_is_covered(seeds: int) -> None:
    """Coverage .936 +- .004; a cell's 24 personas share one curve, so that 40 seeds leave +- .008 (.922 of the first).

    Intervals that know the curve beforehand cover .948.
    """
    hits, order, errors = [], [], []
    for seed in range(seeds):
        agent = PlantedAgent(0.4, 8.0, effects=cast_effects(24, 1.25, seed))
        found = searched(agent, seed).personas(LEVELS)
        assert found is not None
        assert [row.episodes for row in found.rows] == [8] * 24
        numbers = [int(row.persona[1:]) for row in found.rows]
        truth = agent.at_least(np.array(LEVELS)[None], np.array(numbers)[:, None])
        cells = np.array([row.success for row in found.rows])
        hits.append(((cells[:, :, 1] <= truth) & (truth <= cells[:, :, 2])).mean())
        errors.append(np.abs(cells[:, :, 0] - truth).mean())
        order.append(np.corrcoef(np.array(agent.effects)[numbers], -np.arange(24))[0, 1])
    print(f"\ncovered {np.mean(hits):.3f}, mean error {np.mean(errors):.3f}, order {np.mean(order):.2f}")
    assert np.mean(hits) >= (0.93 if seeds > 10 else 0.88)
    assert np.mean(order) > 0.6
    assert np.mean(errors) < 0.12


def test_known_personas_are_taken_as_they_are() -> None:
    agent = PlantedAgent(0.4, 8.0, effects=tuple(np.linspace(-2, 2, 8)))
    known = {f"p{i:02d}": effect for i, effect in enumerate(agent.effects)}
    found = searched(agent, 0, 96, effects=known).personas(LEVELS)
    assert found is not None
    assert [row.persona for row in found.rows] == sorted(known, reverse=True)


def test_where_there_is_no_curve_there_is_no_table() -> None:
    search = searched(PlantedAgent(effects=(0.0,)), 0, 48)
    assert search.personas() is None
    assert search.curve() is None
    found = frontier_findings("nobody", search)
    assert (found.by_persona, found.personas, found.curve) == (None, None, None)
    assert {(one.success, one.contrast, one.zone, one.likely) for one in found.levels} == {(None, None, None, None)}
    assert sum(one.episodes for one in found.levels) == 48


def test_where_there_is_a_curve_none_differs_is_not_nothing_known() -> None:
    found = frontier_findings("somebody", searched(PlantedAgent(0.4, 8.0, effects=(0.0,) * 12), 0, 48))
    assert found.curve is not None
    assert found.personas == ()

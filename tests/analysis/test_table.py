"""Stored episodes as arrays: pairing, missing rollouts, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from emosim.acts import Need
from emosim.analysis.diversity import count_acts
from emosim.analysis.findings import ceiling_findings, comparison_findings
from emosim.analysis.table import ACTS, NEEDS, crossed, pair, tabulate
from emosim.episode import Episode
from emosim.errors import UsageError

Stored = tuple[str, str, Episode]


def key(persona: str, number: int, level: float = 0.0) -> str:
    return f"core/{persona}:en:L{level:.2f}:s{number:04d}"


@pytest.fixture
def stored(begin: Callable[..., Episode], play: Callable[..., Episode]) -> list[Stored]:
    """Two agents, two personas, two seeds; the first agent meets the need, the second says nothing of use."""
    return [
        (agent, key(persona, seed), play(begin(persona, seed=seed), act))
        for agent, act in (("good", "need"), ("bad", "platitude"))
        for persona in ("dolores", "callum")
        for seed in (1, 2)
    ]


def test_rows_are_sorted_and_read(stored: list[Stored]) -> None:
    table = tabulate(reversed(stored))
    assert len(table) == 8
    assert table.names == ("bad", "good")
    assert table.moods.shape == (8, 1 + max(e.max_turns for _, _, e in stored))
    assert table.moods[:, -1].tolist() == [episode.emotion.mood for episode in table.episodes]
    assert table.played.tolist() == [len(episode.turns) for episode in table.episodes]
    assert [NEEDS[i] for i in table.needs] == [Need(e.scenario.need) for e in table.episodes]
    assert table.clusters.tolist() == [0, 0, 1, 1] * 2
    assert table.texts[0].startswith("platitude: words 1")
    assert table.levels == (0.0,)


def test_acts_are_places_in_the_vocabulary(stored: list[Stored]) -> None:
    bad = tabulate(stored).of("bad")
    counts = count_acts(bad.acts, len(ACTS))
    assert counts.sum(axis=0).nonzero()[0].tolist() == [ACTS.index(a) for a in ACTS if a.value == "platitude"]


def test_returns_are_persona_by_rollout_with_gaps(stored: list[Stored]) -> None:
    names, returns = tabulate(stored[:3]).of("good").returns()
    assert names == ("core/callum", "core/dolores")
    assert np.isnan(returns).tolist() == [[False, True], [False, False]]
    assert tabulate(stored).of("good").paths()[1].shape[:2] == (2, 2)


def test_pairs_share_their_keys(stored: list[Stored]) -> None:
    good, bad = pair(tabulate(stored[:-1]), "good", "bad")
    assert good.keys == bad.keys
    assert len(good) == 3


def test_crossed_means_keep_common_personas(stored: list[Stored]) -> None:
    agents, personas, means = crossed(tabulate(stored))
    assert (agents, personas) == (("bad", "good"), ("core/callum", "core/dolores"))
    assert (means[1] > means[0]).all()


def test_unscorable_episodes_are_counted_never_scored(stored: list[Stored]) -> None:
    ended = {n: stored[n][2].model_copy(update={"ending": e}) for n, e in ((0, "invalid"), (1, None))}
    rows = [(agent, name, ended.get(n, episode)) for n, (agent, name, episode) in enumerate(stored)]
    table = tabulate(rows)
    assert (len(table), table.faults, table.unfinished) == (6, 1, 1)
    assert table.of("good").faults == 1


def broken(stored: list[Stored]) -> dict[str, tuple[list[Stored], list[str]]]:
    agent, name, episode = stored[0]
    other = episode.model_copy(update={"user": "other@1"})
    changed = episode.model_copy(update={"persona": episode.persona.model_copy(update={"sha256": "other"})})
    return {
        "r: no finished episode among 0; play some": ([], []),
        "no finished episode among 3; mend the agent and resume": ([], ["agent"] * 3),
        "r: 4 of 12 episodes are unscorable; mend the simulator and resume": (stored, ["user"] * 4),
        "; mend the agent and resume": (stored, ["agent"] * 4),
        "; mend the agent and the machine and resume": (stored, ["environment", "agent", "agent", "agent"]),
        "r: core/.* of 'good' is there twice": ([*stored, stored[0]], []),
        "r: episodes of different simulators": ([*stored, ("third", name, other)], []),
        "r: core/.* two versions": ([*stored, ("third", name, changed)], []),
        "r: .*is no episode key": ([(agent, "nonsense", episode)], []),
    }


REFUSED = [
    "r: no finished episode among 0; play some",
    "no finished episode among 3; mend the agent and resume",
    "r: 4 of 12 episodes are unscorable; mend the simulator and resume",
    "; mend the agent and resume",
    "; mend the agent and the machine and resume",
    "r: core/.* of 'good' is there twice",
    "r: episodes of different simulators",
    "r: core/.* two versions",
    "r: .*is no episode key",
]


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_compared_is_refused(stored: list[Stored], words: str) -> None:
    rows, failed = broken(stored)[words]
    with pytest.raises(UsageError, match=words):
        tabulate(rows, failed=failed, source="r")


def test_difficulties_do_not_mix(
    stored: list[Stored], begin: Callable[..., Episode], play: Callable[..., Episode]
) -> None:
    hard = play(begin("dolores", level=0.5), "need")
    table = tabulate([*stored, ("good", key("dolores", 1, 0.5), hard)])
    with pytest.raises(UsageError, match="2 difficulties"):
        table.of("good").returns()
    assert len(table.at("L0.50").of("good").returns()[0]) == 1


def test_languages_of_one_persona_are_no_rollouts_of_one_another(stored: list[Stored]) -> None:
    both = [
        (agent, name.replace(":en:", f":{tongue}:"), played)
        for tongue in ("en", "zh")
        for agent, name, played in stored
    ]
    table = tabulate(both).of("good")
    assert set(tabulate(stored).cells) == {"L0.00"}
    assert sorted(set(table.cells)) == ["L0.00 en", "L0.00 zh"]
    with pytest.raises(UsageError, match="2 languages do not mix"):
        table.returns()
    assert table.at("L0.00 zh").returns()[1].shape == (2, 2)
    found = ceiling_findings(table)
    assert [(cell.cell, cell.personas, cell.rollouts) for cell in found.cells] == [
        ("L0.00 en", 2, 2),
        ("L0.00 zh", 2, 2),
    ]
    compared = comparison_findings(tabulate(both).of("bad"), table)
    assert [(cell.cell, cell.episodes) for cell in compared.cells] == [("L0.00 en", 4), ("L0.00 zh", 4)]
    alone = comparison_findings(tabulate(stored).of("bad"), table)
    assert [(cell.cell, cell.episodes) for cell in alone.cells] == [("L0.00", 4)]


def test_unknown_and_unshared_agents_are_refused(stored: list[Stored]) -> None:
    table = tabulate(stored)
    with pytest.raises(UsageError, match="did you mean 'good'"):
        table.of("goood")
    apart = tabulate([*stored[:2], *stored[6:]])
    with pytest.raises(UsageError, match="share no episode key"):
        pair(apart, "good", "bad")
    with pytest.raises(UsageError, match="finished by all"):
        crossed(apart)

"""Stored episodes as arrays: the thin layer between runs and instruments.

Rows come as (agent, key, episode), in any order; the key is the suite's (`core/dolores:en:L0.50:s0007`) and pairs
episodes of different agents. Episodes that ended `invalid` or are not over are left out and counted, never scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, pairwise
from pathlib import Path
from typing import Final

import numpy as np

from emosim.acts import Act, Need
from emosim.analysis.intervals import Floats, Ints
from emosim.analysis.returns import pad, returns_of
from emosim.episode import Episode
from emosim.errors import UsageError, did_you_mean
from emosim.suite import EpisodeKey

FAULTS_ALLOWED: Final = 0.2
"""Share of unscorable episodes above which nothing is concluded. Source: own choice."""
_SEATS: Final = {"agent": "the agent", "user": "the simulator", "environment": "the machine"}
"""Who is to be mended, by who was at fault."""
ACTS: Final = tuple(Act)
NEEDS: Final = tuple(Need)


@dataclass(frozen=True)
class Table:
    """Finished episodes, sorted by agent and key, with what was left out."""

    agents: tuple[str, ...]
    """Agent of each episode, [N]."""
    keys: tuple[EpisodeKey, ...]
    """Key of each episode, [N]."""
    episodes: tuple[Episode, ...]
    """The episodes, [N]."""
    faults: int = 0
    """Episodes that ended `invalid`, or failed."""
    unfinished: int = 0
    """Episodes that are not over."""
    source: str = ""
    """Where they are stored, for messages."""

    def __len__(self) -> int:
        return len(self.episodes)

    @property
    def names(self) -> tuple[str, ...]:
        """The agents, each once, sorted."""
        return tuple(sorted(set(self.agents)))

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels played, rising."""
        return tuple(sorted({key.level for key in self.keys}))

    @cached_property
    def moods(self) -> Floats:
        """Mood paths [N, T+1], the last mood carried on; T is the most turns that any episode allows."""
        turns = max((max(e.max_turns, len(e.turns)) for e in self.episodes), default=0)
        return pad([episode.moods for episode in self.episodes], turns)

    @cached_property
    def played(self) -> Ints:
        """Turns played, [N]."""
        return np.array([len(episode.turns) for episode in self.episodes], np.int64)

    @cached_property
    def personas(self) -> tuple[str, ...]:
        """Persona of each episode, `pack/id`, [N]."""
        return tuple(f"{key.pack}/{key.persona}" for key in self.keys)

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """Difficulty of each episode, `L0.50`, with its language where the table holds several, `L0.50 zh`, [N]."""
        if len({key.language for key in self.keys}) < 2:
            return tuple(key.cell for key in self.keys)
        return tuple(f"{key.cell} {key.language}" for key in self.keys)

    @cached_property
    def clusters(self) -> Ints:
        """Number of each episode's persona, [N]."""
        return np.asarray(np.unique(self.personas, return_inverse=True)[1], np.int64)

    @cached_property
    def needs(self) -> Ints:
        """Hidden need of each episode as its place in `NEEDS`, [N]."""
        return np.array([NEEDS.index(episode.scenario.need) for episode in self.episodes], np.int64)

    @cached_property
    def acts(self) -> tuple[tuple[int, ...], ...]:
        """Acts of each episode in order as places in `ACTS`."""
        return tuple(
            tuple(ACTS.index(act) for turn in episode.turns if turn.appraisal for act in turn.appraisal.acts)
            for episode in self.episodes
        )

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What the agent said in each episode, reasoning left out, a line a turn."""
        return tuple("\n".join(turn.reply.text for turn in episode.turns) for episode in self.episodes)

    @cached_property
    def replies(self) -> frozenset[str]:
        """What the agent said in any turn, reasoning and outer white space left out, each once."""
        return frozenset(turn.reply.text.strip() for episode in self.episodes for turn in episode.turns)

    def refusal(self, why: str) -> UsageError:
        """Return an error that begins with where the episodes are stored."""
        return UsageError(f"{self.source}: {why}" if self.source else why)

    def where(self, keep: Sequence[bool]) -> Table:
        """Return the rows marked True, faults still counted."""
        return Table(
            agents=tuple(compress(self.agents, keep)),
            keys=tuple(compress(self.keys, keep)),
            episodes=tuple(compress(self.episodes, keep)),
            faults=self.faults,
            unfinished=self.unfinished,
            source=self.source,
        )

    def of(self, agent: str) -> Table:
        """Return one agent's rows.

        Raises:
            UsageError: It has none.
        """
        if agent not in self.agents:
            raise UsageError(f"no episodes of '{agent}'{did_you_mean(agent, self.agents)}")
        return self.where([name == agent for name in self.agents])

    def at(self, cell: str) -> Table:
        """Return the rows of one of the `cells`, such as `L0.50`."""
        return self.where([at == cell for at in self.cells])

    def rows(self) -> tuple[tuple[str, ...], Ints]:
        """Return persona names [P] and the rows of their episodes [P, N], -1 where a persona has fewer.

        Raises:
            UsageError: The episodes are of several difficulties, whose mean would mean nothing, or of several
                languages, in which a persona is not as hard, so that they are no rollouts of one another.
        """
        cells = sorted({key.cell for key in self.keys})
        if len(cells) > 1:
            raise UsageError(f"episodes of {len(cells)} difficulties do not mix; pick one, such as {cells[0]}")
        tongues = sorted({key.language for key in self.keys})
        if len(tongues) > 1:
            raise UsageError(f"episodes of {len(tongues)} languages do not mix; pick one, such as {tongues[0]}")
        names = tuple(sorted(set(self.personas)))
        held = [[i for i, persona in enumerate(self.personas) if persona == name] for name in names]
        width = max((len(row) for row in held), default=0)
        return names, np.array([row + [-1] * (width - len(row)) for row in held], np.int64)

    def returns(self, kind: str = "final") -> tuple[tuple[str, ...], Floats]:
        """Return persona names [P] and returns [P, N], NaN where a persona has fewer episodes."""
        names, rows = self.rows()
        values = returns_of(self.moods, kind)
        return names, np.where(rows >= 0, values[np.maximum(rows, 0)], np.nan)

    def paths(self) -> tuple[tuple[str, ...], Floats]:
        """Return persona names [P] and mood paths [P, N, T+1], NaN where a persona has fewer episodes."""
        names, rows = self.rows()
        return names, np.where(rows[:, :, None] >= 0, self.moods[np.maximum(rows, 0)], np.nan)


def tabulate(rows: Iterable[tuple[str, str, Episode]], *, failed: Sequence[str] = (), source: str | Path = "") -> Table:
    """Return stored episodes as a table.

    Args:
        rows: Agent, key and episode, in any order.
        failed: Who was at fault (`agent`, `user` or `environment`) in each episode that failed and is not in the rows.
        source: Where the rows are stored, for messages.

    Raises:
        UsageError: No scorable episode, more than 20 % unscorable ones, an episode stored twice, or episodes of
            different users, rules or forms of storage, which cannot be compared; the message begins with the source.
    """
    try:
        return _tabulated(rows, failed, str(source))
    except UsageError as error:
        raise UsageError(f"{source}: {error}") if source else error from None


def pair(table: Table, first: str, second: str) -> tuple[Table, Table]:
    """Return two agents' episodes on the keys that both finished, row by row the same key.

    Raises:
        UsageError: They share no key.
    """
    one, two = table.of(first), table.of(second)
    shared = set(one.keys) & set(two.keys)
    if not shared:
        raise UsageError(f"'{first}' and '{second}' share no episode key; play both on the same suite")
    return one.where([key in shared for key in one.keys]), two.where([key in shared for key in two.keys])


def named(one: Table, other: Table) -> str:
    """Return where two tables are stored, for messages."""
    return f"{one.source} and {other.source}" if one.source and other.source else "the runs"


def crossed(table: Table, kind: str = "final") -> tuple[tuple[str, ...], tuple[str, ...], Floats]:
    """Return agents [A], personas [P] and mean returns [A, P], over the personas that every agent finished.

    Raises:
        UsageError: No persona was finished by all agents.
    """
    found = [table.of(agent).returns(kind) for agent in table.names]
    shared = set.intersection(*(set(names) for names, _ in found))
    if not shared:
        raise UsageError("no persona was finished by all agents; play them on the same suite")
    personas = tuple(sorted(shared))
    means = [dict(zip(names, np.nanmean(values, axis=1), strict=True)) for names, values in found]
    return table.names, personas, np.array([[row[persona] for persona in personas] for row in means])


def _tabulated(rows: Iterable[tuple[str, str, Episode]], failed: Sequence[str], source: str) -> Table:
    all_rows = sorted(((agent, EpisodeKey.parse(key), episode) for agent, key, episode in rows), key=_place)
    kept = [row for row in all_rows if row[2].ending not in (None, "invalid")]
    at_fault = [*failed, *("user" for row in all_rows if row[2].ending == "invalid")]
    _check_scored(len(kept), at_fault)
    _check_alike(kept)
    return Table(
        agents=tuple(row[0] for row in kept),
        keys=tuple(row[1] for row in kept),
        episodes=tuple(row[2] for row in kept),
        faults=len(at_fault),
        unfinished=sum(row[2].ending is None for row in all_rows),
        source=source,
    )


def _place(row: tuple[str, EpisodeKey, Episode]) -> tuple[str, str]:
    return row[0], str(row[1])


def _check_scored(scored: int, at_fault: Sequence[str]) -> None:
    faults, total = len(at_fault), scored + len(at_fault)
    who = " and ".join(name for seat, name in _SEATS.items() if seat in at_fault)
    if not scored:
        way = f"mend {who} and resume the run" if faults else "play some, or wait for the run"
        raise UsageError(f"no finished episode among {total}; {way}")
    if faults > FAULTS_ALLOWED * total:
        raise UsageError(f"{faults} of {total} episodes are unscorable; mend {who} and resume the run first")


def _check_alike(kept: Sequence[tuple[str, EpisodeKey, Episode]]) -> None:
    places = [_place(row) for row in kept]
    twice = next((a for a, b in pairwise(places) if a == b), None)
    if twice:
        raise UsageError(f"{twice[1]} of '{twice[0]}' is there twice; keep one of the two")
    hashes: dict[EpisodeKey, str] = {}
    for _, key, episode in kept:
        if hashes.setdefault(key, episode.persona.sha256) != episode.persona.sha256:
            raise UsageError(f"{key} was played with two versions of the persona; play it again with one")
    made = sorted({f"{e.user} under {e.rules.name}, form {e.schema_version}" for _, _, e in kept})
    if len(made) > 1:
        raise UsageError(f"episodes of different simulators cannot be compared: {'; '.join(made[:3])}")

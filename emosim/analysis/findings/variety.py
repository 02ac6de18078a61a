"""How varied an agent's acts and words are, and whether they narrowed against a baseline."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np

from emosim.analysis.contrast import SUCCESS
from emosim.analysis.counted import counted
from emosim.analysis.diversity import (
    ALPHA,
    FEWEST,
    Comparison,
    Variety,
    compare_variety,
    count_acts,
    equal_length,
    variety,
)
from emosim.analysis.findings.ceiling import only_agent
from emosim.analysis.findings.sentences import undetermined
from emosim.analysis.returns import returns_of
from emosim.analysis.table import ACTS, Table, named
from emosim.analysis.wording import Trajectories, distinct, tokens, unique_trajectories, vendi
from emosim.errors import UsageError
from emosim.value import Value

MOST_TEXTS: Final = 200
"""Episodes, evenly taken, over which Vendi score and clusters are computed: both cost their square."""

Replies: TypeAlias = Literal["varied", "all the same", "all empty"]


class Portrait(Value):
    """How varied one agent is."""

    agent: str
    """Spec of the agent."""
    acts: Variety
    """Hill numbers, H(strategy | need) and I(strategy; need) of the acts."""
    replies: Replies
    """Whether all replies of all turns are the same, or empty."""
    distinct: dict[int, float | None]
    """Share of distinct n-grams for n = 1 and 2, at the same number of n-grams for all agents compared; None: one of
    them said too little to have any."""
    vendi: float
    """Effective number of different episodes, at the same number of episodes for all agents compared."""
    texts: int
    """Episodes of the Vendi score."""
    ways: Trajectories
    """Clusters of episodes."""


class VarietyFindings(Value):
    """Whether an agent's behaviour is varied, and whether it narrowed."""

    schema_version: Literal[1] = 1
    """Version of the stored form."""
    kind: Literal["variety"] = "variety"
    """Which findings these are."""
    verdict: str
    """The sentence."""
    agent: Portrait
    """The agent."""
    baseline: Portrait | None = None
    """What it is compared with."""
    change: Comparison | None = None
    """The collapse test."""
    left_out: int = 0
    """Episodes of users that only one of the two met, in no number."""
    faults: int = 0
    """Episodes that could not be finished, in no number."""
    notes: tuple[str, ...] = ()
    """What to know."""


def variety_findings(
    table: Table, baseline: Table | None = None, *, notes: tuple[str, ...] = (), seed: int = 0
) -> VarietyFindings:
    """Return how varied the one agent of a table is, against a baseline if one is given, on the users that both met.

    Args:
        table: Episodes of the agent.
        baseline: Episodes of another agent, or of the same before training.
        notes: What to know.
        seed: Of the dice.

    Raises:
        UsageError: A table holds several agents, or too little, or the two met no user in common.
    """
    if baseline is None:
        portrait = _portrait(table, [table], None, seed)
        verdict = _alone(portrait, table)
        return VarietyFindings(verdict=verdict, agent=portrait, faults=table.faults, notes=notes)
    played = len(table) + len(baseline)
    table, baseline = _common(table, baseline), _common(baseline, table)
    first = equal_length(baseline.acts, table.acts)
    portraits = [_portrait(one, [table, baseline], first, seed) for one in (table, baseline)]
    before, after = (count_acts(one.acts, len(ACTS), first) for one in (baseline, table))
    change = compare_variety(before, after, baseline.needs, table.needs, seed=seed)
    return VarietyFindings(
        verdict=_against(portraits[0], portraits[1], change),
        agent=portraits[0],
        baseline=portraits[1],
        change=change,
        left_out=played - len(table) - len(baseline),
        faults=table.faults + baseline.faults,
        notes=notes,
    )


def _common(table: Table, other: Table) -> Table:
    """Return the rows of users, each persona at a difficulty in a language, whom the other met too.

    Raises:
        UsageError: There are none.
    """
    met = {(key.pack, key.persona, key.language, key.cell) for key in other.keys}
    kept = table.where([(key.pack, key.persona, key.language, key.cell) in met for key in table.keys])
    if not len(kept):
        raise UsageError(f"{named(table, other)} share no persona at one difficulty; play one as the other was played")
    return kept


def _portrait(table: Table, tables: list[Table], first: int | None, seed: int) -> Portrait:
    kept = table.where(_thinned(len(table)))
    size = min(min(len(one), MOST_TEXTS) for one in tables)
    try:
        acts = variety(count_acts(table.acts, len(ACTS), first), table.needs, seed=seed)
    except UsageError as error:
        raise table.refusal(str(error)) from None
    grams = {n: min(_grams(one, n) for one in tables) for n in (1, 2)}
    return Portrait(
        agent=only_agent(table),
        acts=acts,
        replies=_replies(table),
        distinct={n: distinct(table.texts, n, at=least) if least else None for n, least in grams.items()},
        vendi=vendi(kept.texts, at=size, seed=seed),
        texts=size,
        ways=unique_trajectories(kept.texts, returns_of(kept.moods) >= SUCCESS - 1e-9),
    )


def _replies(table: Table) -> Replies:
    if len(table.replies) > 1:
        return "varied"
    return "all the same" if any(table.replies) else "all empty"


def _grams(table: Table, n: int) -> int:
    return sum(max(len(tokens(text)) - n + 1, 0) for text in table.texts)


def _thinned(count: int) -> list[bool]:
    kept = set(np.unique(np.linspace(0, count - 1, min(count, MOST_TEXTS)).astype(int)).tolist())
    return [i in kept for i in range(count)]


def _alone(found: Portrait, table: Table) -> str:
    size = f"{counted(found.acts.acts, 'act')} in {counted(len(table), 'episode')}"
    if len(table) < FEWEST:
        return undetermined(f"{found.agent}: diversity", size, (f"at least {FEWEST} episodes are needed",))
    many, alike = found.acts.effective, _alike(found)
    if many is None:
        unseen = f"acts that come in fewer than {1.0 - 0.05 ** (1.0 / len(table)):.0%} of episodes could go unseen"
        why = (*alike, f"all episodes show the same acts, so that their spread is not known; {unseen}")
        return undetermined(f"{found.agent}: diversity", size, why)
    used = f"{many.estimate:.1f} kinds of acts (95 % {many.low:.1f}..{many.high:.1f}; {_fitted(found)}; {size})"
    return "; ".join([f"{found.agent} uses {used}", *alike, "name a baseline to test whether that narrowed"])


def _alike(found: Portrait, whose: str = "its replies") -> tuple[str, ...]:
    """Return that all replies are the same, or nothing."""
    return () if found.replies == "varied" else (f"{whose} are {found.replies}",)


def _fitted(found: Portrait) -> str:
    if found.acts.adaptivity is None:
        return "how they fit needs is undetermined, as one need was played"
    return f"I(strategy; need) {found.acts.adaptivity:.2f} nats"


def _against(found: Portrait, base: Portrait, change: Comparison) -> str:
    narrower = change.change is not None and change.change.p_narrower <= ALPHA
    words = {
        "collapsed": "has collapsed",
        "specialised": "has narrowed and specialised, not collapsed" if narrower else "has specialised, not collapsed",
        "widened": "has widened",
        "undetermined": "is not told apart in diversity (undetermined)",
    }
    told = *change.reasons, *_alike(found), *_alike(base, "the baseline's replies")
    return f"{found.agent} against {base.agent} {words[change.kind]}: {'; '.join(told)}"

"""What a run says about an agent's ceiling, difficulty by difficulty: C(k), pass@k, C(k, T), and pass@k beyond."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from pydantic import Field

from emosim.analysis.ceiling import ceiling, ceiling_by_turns, fewest
from emosim.analysis.contrast import SUCCESS
from emosim.analysis.counted import counted
from emosim.analysis.extrapolate import REACH, Extrapolation, extrapolate
from emosim.analysis.findings.sentences import between, told_apart
from emosim.analysis.intervals import Band, Floats, Interval
from emosim.analysis.table import Table
from emosim.errors import UsageError
from emosim.value import Value

CAPS: Final = (3, 5, 8, 10)
"""Turn caps T of C(k, T). Source: SCIENCE.md 1."""


class CeilingCell(Value):
    """The ceiling at one difficulty."""

    cell: str
    """The difficulty, such as `L0.50`; with the language, `L0.50 zh`, where several were played."""
    status: Literal["located", "undetermined"]
    """`undetermined` with reasons."""
    verdict: str
    """The sentence."""
    personas: int
    """Personas played."""
    rollouts: int
    """The fewest rollouts of a persona, the largest k."""
    best: Band | None = None
    """C(k), best of k of the final mood over 100; None where the data allow none."""
    success: Band | None = None
    """pass@k of reaching .7."""
    by_turns: dict[int, Band] = Field(default_factory=dict)
    """C(k, T) by turn cap T, of the mood at which episodes stopped there would stand; it may fall again as T grows."""
    beyond: Extrapolation | None = None
    """pass@k up to four times the rollouts; model-based."""
    detectable: float | None = None
    """Smallest difference between two such ceilings at the largest k that is seen with 80 % power."""
    reasons: tuple[str, ...] = ()
    """Why it is undetermined, or what to know."""


class CeilingFindings(Value):
    """How far an agent gets when the best of k rollouts counts."""

    schema_version: Literal[1] = 1
    """Version of the stored form."""
    kind: Literal["ceiling"] = "ceiling"
    """Which findings these are."""
    verdict: str
    """The sentences, one a cell."""
    agent: str
    """Spec of the agent."""
    cells: tuple[CeilingCell, ...]
    """One a difficulty and language."""
    faults: int
    """Episodes that could not be finished; none is in any number."""


def ceiling_findings(table: Table) -> CeilingFindings:
    """Return the ceiling of the one agent of a table, at each difficulty in each language.

    Raises:
        UsageError: The table holds several agents.
    """
    agent = only_agent(table)
    cells = tuple(_cell(agent, cell, table.at(cell)) for cell in cells_of(table))
    return CeilingFindings(
        verdict="\n".join(cell.verdict for cell in cells), agent=agent, cells=cells, faults=table.faults
    )


def cells_of(table: Table) -> tuple[str, ...]:
    """Return the difficulties of a table, each once in every language, sorted."""
    return tuple(sorted(set(table.cells)))


def only_agent(table: Table) -> str:
    """Return the agent of a table.

    Raises:
        UsageError: There are several.
    """
    if len(table.names) != 1:
        raise UsageError(
            f"episodes of {len(table.names)} agents in {table.source or 'one run'}: {', '.join(table.names)}; "
            "give one agent's"
        )
    return table.names[0]


def _cell(agent: str, cell: str, table: Table) -> CeilingCell:
    names, returns = table.returns()
    rollouts = fewest(returns)
    what = f"{counted(len(names), 'persona')} x {counted(rollouts, 'rollout')}"
    refusal = _refusal(returns, rollouts)
    if refusal and (len(names) < 2 or rollouts < 1):
        sentence = f"{agent} at {cell}: the ceiling is undetermined: {refusal} ({what})"
        return CeilingCell(
            cell=cell,
            status="undetermined",
            verdict=sentence,
            personas=len(names),
            rollouts=rollouts,
            reasons=(refusal,),
        )
    best, won = ceiling(returns), _outcomes(returns)
    top = _point(best, -1)
    return CeilingCell(
        cell=cell,
        status="undetermined" if refusal else "located",
        verdict=_sentence(agent, cell, (_point(best, 0), top), rollouts, refusal, what),
        personas=len(names),
        rollouts=rollouts,
        best=best,
        success=ceiling(won),
        by_turns=_by_turns(table),
        beyond=_beyond(won, rollouts),
        detectable=told_apart(top),
        reasons=(refusal,) if refusal else (),
    )


def _refusal(returns: Floats, rollouts: int) -> str:
    """Return what is needed before anything can be said about a ceiling, or nothing."""
    known = returns[np.isfinite(returns)]
    if len(returns) < 2:
        return f"{len(returns)} persona gives no interval; play at least 2, better 64"
    if rollouts < 2:
        few = counted(rollouts, "rollout")
        return f"{few} a persona show{'s' * (rollouts == 1)} no best of k; play at least 2, better 16 (--repeats 16)"
    if (known < SUCCESS).all():
        return f"no rollout reaches {SUCCESS:g}; play an easier level, or more rollouts"
    if (known >= SUCCESS).all():
        return f"every rollout reaches {SUCCESS:g}; play a harder level"
    return ""


def _sentence(agent: str, cell: str, curve: tuple[Interval, Interval], rollouts: int, refusal: str, what: str) -> str:
    seen = f"two such ceilings are told apart from a difference of {told_apart(curve[1]):.2f} on"
    if refusal:
        return f"{agent} at {cell}: the ceiling is undetermined: {refusal}; one try scores {between(curve[0])} ({what})"
    reached = f"best of {rollouts} reaches {between(curve[1])}, one try {between(curve[0])}"
    return f"{agent} at {cell}: {reached} ({what}; {seen})"


def _point(band: Band, at: int) -> Interval:
    return Interval(estimate=band.mean[at], low=band.low[at], high=band.high[at], n=band.n, method="t")


def _outcomes(returns: Floats) -> Floats:
    return np.where(np.isfinite(returns), returns >= SUCCESS - 1e-9, np.nan).astype(float)


def _by_turns(table: Table) -> dict[int, Band]:
    _, paths = table.paths()
    caps = sorted({min(cap, paths.shape[2] - 1) for cap in CAPS})
    return ceiling_by_turns(paths, caps)


def _beyond(won: Floats, rollouts: int) -> Extrapolation | None:
    """Return pass@k beyond the rollouts from both models, or None where nothing can be fitted."""
    counts = np.isfinite(won).sum(axis=1)
    try:
        return extrapolate(np.nansum(won, axis=1).astype(int), counts, [2 * rollouts, REACH * rollouts])
    except UsageError:
        return None

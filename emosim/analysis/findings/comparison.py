"""Base against trained, difficulty by difficulty: gain, what it was worth in rollouts, who was created and lost."""

from __future__ import annotations

from typing import Literal

import numpy as np

from emosim.analysis.ceiling import max_at_k
from emosim.analysis.findings.ceiling import cells_of, only_agent
from emosim.analysis.findings.sentences import between
from emosim.analysis.intervals import Floats, Interval, mean_interval
from emosim.analysis.reliability import Paired, paired
from emosim.analysis.table import Table
from emosim.analysis.verdict import Verdict, compare
from emosim.errors import UsageError
from emosim.value import Value


class ComparisonCell(Value):
    """The comparison at one difficulty."""

    cell: str
    """The difficulty, such as `L0.50`."""
    sentence: str
    """The sentence."""
    personas: tuple[str, ...]
    """Personas that both played, in the order of every array."""
    episodes: int
    """Episodes of each agent, paired by persona and seed."""
    difference: Paired | None
    """Mean gain, trained less base; None where nothing varies or one persona was played."""
    verdict: Verdict
    """`selects`, `creates` or `undetermined`, with reasons and evidence."""
    created: tuple[str, ...] = ()
    """Personas that entered the support."""
    lost: tuple[str, ...] = ()
    """Personas that left it."""


class ComparisonFindings(Value):
    """What training did."""

    schema_version: Literal[1] = 1
    """Version of the stored form."""
    kind: Literal["comparison"] = "comparison"
    """Which findings these are."""
    verdict: str
    """The sentences, one a difficulty."""
    base: str
    """Spec of the base agent."""
    trained: str
    """Spec of the trained agent."""
    cells: tuple[ComparisonCell, ...]
    """One a difficulty that both played."""
    unpaired: int
    """Episodes of either agent that the other did not finish; in no number."""
    notes: tuple[str, ...] = ()
    """What to know."""

    @property
    def regressed(self) -> bool:
        """Whether the score fell at some difficulty, shown by its interval."""
        return any(cell.difference is not None and cell.difference.kind == "worse" for cell in self.cells)


def comparison_findings(
    base: Table, trained: Table, *, notes: tuple[str, ...] = (), seed: int = 0
) -> ComparisonFindings:
    """Return the comparison of two runs, on the episode keys that both finished.

    Args:
        base: Episodes of one agent.
        trained: Episodes of another one, or of the same after training.
        notes: What to know.
        seed: Of resampling.

    Raises:
        UsageError: They share no key, or a table holds several agents.
    """
    names = only_agent(base), only_agent(trained)
    shared = set(base.keys) & set(trained.keys)
    if not shared:
        raise UsageError("the runs share no episode key; play both on the same pack, personas, levels and seeds")
    first, second = (table.where([key in shared for key in table.keys]) for table in (base, trained))
    cells = tuple(_cell(cell, names, first.at(cell), second.at(cell), seed) for cell in cells_of(first))
    return ComparisonFindings(
        verdict="\n".join(cell.sentence for cell in cells),
        base=names[0],
        trained=names[1],
        cells=cells,
        unpaired=len(base) + len(trained) - 2 * len(shared),
        notes=notes,
    )


def _cell(cell: str, names: tuple[str, str], base: Table, trained: Table, seed: int) -> ComparisonCell:
    personas, before = base.returns()
    _, after = trained.returns()
    found = compare(before, after, seed=seed)
    moved = found.evidence
    difference = _difference(before, after, seed)
    best = ceiling_change(before, after, moved.coverage.k) if moved else None
    return ComparisonCell(
        cell=cell,
        sentence=f"{names[1]} against {names[0]} at {cell}: {sentence_of(found, difference, best)}",
        personas=personas,
        episodes=len(base),
        difference=difference,
        verdict=found,
        created=tuple(personas[i] for i in moved.entered.personas) if moved else (),
        lost=tuple(personas[i] for i in moved.left.personas) if moved and moved.left else (),
    )


def _difference(before: Floats, after: Floats, seed: int) -> Paired | None:
    try:
        return paired(np.nanmean(before, axis=1), np.nanmean(after, axis=1), seed=seed)
    except UsageError:
        return None


def ceiling_change(before: Floats, after: Floats, k: int) -> Interval:
    """Return C_trained(k) - C_base(k), paired by persona, for returns of shape [P, N] with N >= k."""
    best = [max_at_k(returns, [k])[:, 0] for returns in (before, after)]
    return mean_interval(best[1] - best[0], bounds=(-1.0, 1.0))


def sentence_of(found: Verdict, difference: Paired | None, best: Interval | None) -> str:
    """Return what training did in one sentence; where it took more than it gave, both are said.

    Args:
        found: The verdict.
        difference: Mean gain; None where it does not vary.
        best: Change of C(K) at the verdict's K; None if the data allow no verdict.
    """
    gain = "the gain is undetermined, as the difference does not vary over personas"
    if difference is not None:
        gain = (
            f"gain {between(difference.difference)}, {difference.kind}; detectable from {difference.detectable:.2f} on"
        )
    loss, numbers = _loss(found, best)
    if found.kind == "undetermined":
        costs = f"; it {loss}: {numbers}" if loss else ""
        return f"{gain}; whether training selects or creates is undetermined: {'; '.join(found.reasons)}{costs}"
    some = " some" if found.kind == "creates" and loss else ""
    costs = f" and {loss} ({numbers})" if loss else ""
    return f"training {found.kind}{some}{costs}: {gain}"


def _loss(found: Verdict, best: Interval | None) -> tuple[str, str]:
    """Return what training took away and the numbers behind it; nothing if it took nothing that shows."""
    moved = found.evidence
    if moved is None or best is None:
        return "", ""
    left, entered = moved.left, moved.entered
    more = left is not None and left.count > entered.count and (left.proven or entered.proven)
    word = "loses more" if more else "lowers the ceiling" if best.high < 0 else ""
    gone = "who left it is undetermined" if left is None else f"{left.count} left it"
    numbers = f"{entered.count} personas entered the support, {gone}; C({moved.coverage.k}) {_signed(best)}"
    return word, numbers


def _signed(found: Interval) -> str:
    return f"{found.estimate:+.2f} (95 % {found.low:+.2f}..{found.high:+.2f})"

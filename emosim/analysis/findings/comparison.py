"""Base against trained, difficulty by difficulty: gain, what it was worth in rollouts, who was created and lost."""

from __future__ import annotations

from typing import Literal

import numpy as np

from emosim.analysis.ceiling import max_at_k
from emosim.analysis.counted import counted
from emosim.analysis.findings.ceiling import cells_of, only_agent
from emosim.analysis.findings.sentences import between
from emosim.analysis.intervals import Floats, Interval, mean_interval
from emosim.analysis.reliability import Paired, paired
from emosim.analysis.table import Table, named
from emosim.analysis.verdict import FEWEST_PERSONAS, Verdict, compare
from emosim.errors import UsageError
from emosim.suite import EpisodeKey
from emosim.value import Value


class ComparisonCell(Value):
    """The comparison at one difficulty."""

    cell: str
    """The difficulty, such as `L0.50`; with the language, `L0.50 zh`, where several were played."""
    sentence: str
    """The sentence."""
    personas: tuple[str, ...]
    """Personas that both played, in the order of every array."""
    episodes: int
    """Episodes of each agent, paired by persona and seed."""
    difference: Paired | None
    """Mean gain, trained less base; None where one persona was played. `unchanged` where every pair of episodes is
    identical on enough personas: its interval is then 0..0, of these episodes, and says nothing of others."""
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
    """The sentences, one a cell."""
    base: str
    """Spec of the base agent."""
    trained: str
    """Spec of the trained agent."""
    cells: tuple[ComparisonCell, ...]
    """One a difficulty and language that both played."""
    unpaired: int
    """Episodes of either agent that the other did not finish; in no number."""
    notes: tuple[str, ...] = ()
    """What to know."""

    @property
    def regressed(self) -> bool | None:
        """Whether the score fell at some difficulty, shown by its interval; None where too few personas could show it.

        Not to have fallen is said of a population, and so takes as many personas as any verdict on one.
        """
        found = [cell.difference for cell in self.cells]
        if any(one is not None and one.kind == "worse" for one in found):
            return True
        few = any(one is None or one.difference.n < FEWEST_PERSONAS for one in found)
        return None if few else False


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
        both = "play both on the same pack, personas, levels and seeds"
        raise UsageError(f"{named(base, trained)} share no episode key; {both}")
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
    difference = gain_of(before, after, identical=_episodes(base) == _episodes(trained), seed=seed)
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


def gain_of(before: Floats, after: Floats, *, identical: bool = False, seed: int = 0) -> Paired | None:
    """Return the mean gain over personas; None for a single one, which is no sample of personas.

    Equal scores leave the interval that the number of personas allows, equal episodes more: agents that said the same
    in every one of them are the same there, so that the gain is 0 and not merely near it.

    Args:
        before: Returns of the base, shape [P, N], NaN for missing.
        after: Of the trained agent, on the same keys.
        identical: Whether every episode of the one is word for word and mood for mood that of the other.
        seed: Of resampling.
    """
    if len(before) < 2:
        return None
    found = paired(np.nanmean(before, axis=1), np.nanmean(after, axis=1), bounds=(-1.0, 1.0), seed=seed)
    if not identical or len(before) < FEWEST_PERSONAS:
        return found
    none = Interval(estimate=0.0, low=0.0, high=0.0, n=len(before), method="identical")
    return found.model_copy(update={"difference": none, "kind": "unchanged"})


def _episodes(table: Table) -> dict[EpisodeKey, tuple[str, tuple[float, ...]]]:
    """Return what was said and felt in each episode."""
    moods = (episode.moods for episode in table.episodes)
    return {key: (text, tuple(path)) for key, text, path in zip(table.keys, table.texts, moods, strict=True)}


def ceiling_change(before: Floats, after: Floats, k: int) -> Interval:
    """Return C_trained(k) - C_base(k), paired by persona, for returns of shape [P, N] with N >= k."""
    best = [max_at_k(returns, [k])[:, 0] for returns in (before, after)]
    return mean_interval(best[1] - best[0], bounds=(-1.0, 1.0))


def sentence_of(found: Verdict, difference: Paired | None, best: Interval | None) -> str:
    """Return what training did in one sentence; where it took more than it gave, both are said.

    Args:
        found: The verdict.
        difference: Mean gain; None where one persona was played.
        best: Change of C(K) at the verdict's K; None if the data allow no verdict.
    """
    if difference is not None and difference.kind == "unchanged":
        personas = difference.difference.n
        unseen = f"a change that meets fewer than {1.0 - 0.05 ** (1.0 / personas):.0%} of personas could go unseen"
        return f"unchanged: every pair of episodes is identical, over {personas} personas; {unseen}"
    gain = "the gain is undetermined, as one persona is no sample of personas"
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
    numbers = f"{counted(entered.count, 'persona')} entered the support, {gone}; C({moved.coverage.k}) {_signed(best)}"
    return word, numbers


def _signed(found: Interval) -> str:
    return f"{found.estimate:+.2f} (95 % {found.low:+.2f}..{found.high:+.2f})"

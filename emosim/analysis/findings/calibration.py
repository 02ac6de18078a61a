"""Agents and personas of stored trajectories on one scale: who is hard, who is able, how far the scores can be trusted.

    from emosim.analysis.findings.calibration import calibrate_file
    print(calibrate_file("trajectories.jsonl").verdict)

Works on any simulator's trajectories (`emosim.analysis.trajectories` has the fields) and says of each number that the
data cannot bear why it is missing.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import numpy as np

from emosim.analysis.calibration import Calibration, Placed, calibrate
from emosim.analysis.counted import counted
from emosim.analysis.intervals import Floats, Interval, mean_interval
from emosim.analysis.recovery import Basin, FirstChange, Passage, basin, first_changes, first_passage
from emosim.analysis.reliability import Components, components, paired, smallest_difference
from emosim.analysis.trajectories import Trajectories, read_trajectories
from emosim.analysis.verdict import FEWEST_PERSONAS
from emosim.errors import UsageError
from emosim.value import Value

SHORT: Final = 20
"""Personas of a short list, whose ranking of the agents is compared with that of all. Source: SCIENCE.md 0.6."""
_DRAWS: Final = 1000
_SCALE: Final = (0.0, 100.0)


class Standing(Value):
    """One agent or one persona."""

    name: str
    """Who."""
    episodes: int
    """Trajectories."""
    score: float
    """Mean final mood, 0..100."""
    mean: Interval | None
    """The same with its interval: an agent's over personas, a persona's over its trajectories with these very agents;
    None: a single one."""
    placed: Placed | None
    """Ability of an agent, difficulty of a persona, in logits; None: no scale could be fitted."""
    need: str = ""
    """Hidden need of a persona."""


class Ranking(Value):
    """How well few personas rank the agents."""

    personas: int
    """Personas of the short list, drawn at random."""
    median: float
    """Median Spearman correlation with the ranking by all personas, those of the short list included."""
    mean: float
    """Its mean."""


class CalibrationFindings(Value):
    """What trajectories of several agents with the same personas say about both."""

    schema_version: Literal[1] = 1
    """Version of the stored form."""
    kind: Literal["calibration"] = "calibration"
    """Which findings these are."""
    verdict: str
    """The sentence."""
    simulator: str
    """Who played the personas."""
    episodes: int
    """Trajectories."""
    agents: tuple[Standing, ...]
    """The most able first."""
    personas: tuple[Standing, ...]
    """The hardest first."""
    cuts: dict[float, float]
    """Offset in logits of each mood at which outcomes are graded, relative to 70; empty: no scale."""
    persona_sd: float | None
    """Spread of the personas, logits."""
    agent_sd: float | None
    """Spread of the agents, logits."""
    components: Components | None
    """Variance components of the final mood, on the personas that all agents finished; None: these are too few."""
    shares: dict[str, float]
    """Their shares."""
    generalizability: dict[int, float]
    """How well a mean over so many personas ranks agents, 0..1."""
    detectable: float | None
    """Smallest difference of two agents on these personas that is seen with 80 % power, points of mood."""
    told_apart: int | None
    """Neighbours in the ranking whose difference is shown, of `len(agents) - 1`; None: one agent, or too few personas
    that all agents finished."""
    ranking: Ranking | None
    """How well a short list of personas ranks the agents; None with fewer than 3 agents or too few personas."""
    basins: tuple[Basin, ...]
    """What became of episodes that were ever at or below 20, 30, 35, or at or above 60, 70."""
    passages: tuple[Passage, ...]
    """When moods of 30 and 60 are first reached."""
    first_changes: tuple[FirstChange, ...]
    """What the first change of mood foretells."""
    faults: int = 0
    """Episodes that could not be finished, in no number."""
    notes: tuple[str, ...]
    """What is missing, and why."""


def calibrate_file(path: str | Path, simulator: str = "", *, seed: int = 0) -> CalibrationFindings:
    """Return what a file of trajectories says; one JSON object a line, see `emosim.analysis.trajectories`.

    Args:
        path: The file.
        simulator: Which simulator's lines to take; needed where there are several.
        seed: Of short lists and sign flips.

    Raises:
        UsageError: The file cannot be read, or a line is wrong; named with file, line and field.
    """
    return calibration_findings(read_trajectories(path, simulator), seed=seed)


def calibration_findings(
    found: Trajectories, *, faults: int = 0, notes: tuple[str, ...] = (), seed: int = 0
) -> CalibrationFindings:
    """Return what trajectories say about agents and personas.

    Args:
        found: The trajectories.
        faults: Episodes that could not be finished, and are not among them.
        notes: What to know.
        seed: Of short lists and sign flips.
    """
    scores, missing = 100.0 * found.scores(), list[str]()
    whole = scores[:, np.isfinite(scores).any(axis=2).all(axis=0)]
    if len(found.agents) < 2 or len(found.profiles) < FEWEST_PERSONAS:
        need = f"at least 2 agents x {FEWEST_PERSONAS} personas are needed, better 12 x 64"
        missing.append(f"{_number(found)}; for ability, difficulty and shares of the variance {need}")
        scale, parts = None, None
    else:
        scale, parts = _scale(found, scores, missing), _parts(whole, scores.shape[1], missing)
    agents = _able(found, scores, scale.agents if scale else ())
    personas = _hard(found, scores, scale.personas if scale else ())
    seen = None if parts is None else _seen(parts)
    ranking = _ranking(whole, seed)
    return CalibrationFindings(
        verdict=_sentence(found, parts, seen, ranking, missing),
        simulator=found.simulator,
        episodes=len(found.rows),
        agents=tuple(sorted(agents, key=_ability, reverse=True)),
        personas=tuple(sorted(personas, key=_hardness, reverse=True)),
        cuts=scale.cuts if scale else {},
        persona_sd=scale.persona_sd if scale else None,
        agent_sd=scale.agent_sd if scale else None,
        components=parts,
        shares=parts.shares if parts else {},
        generalizability={n: parts.generalizability(n) for n in (20, 50, 100)} if parts else {},
        detectable=seen,
        told_apart=_told_apart(whole, seed),
        ranking=ranking,
        basins=_basins(found.moods),
        passages=(first_passage(found.moods, 30.0, "below"), first_passage(found.moods, 60.0, "above")),
        first_changes=first_changes(found.moods) if found.moods.shape[1] > 1 else (),
        faults=faults,
        notes=(*missing, *notes),
    )


def _scale(found: Trajectories, scores: Floats, notes: list[str]) -> Calibration | None:
    try:
        return calibrate(scores, found.agents, tuple(str(one) for one in found.profiles))
    except UsageError as error:
        notes.append(f"no scale of ability and difficulty: {error}")
        return None


def _parts(whole: Floats, played: int, notes: list[str]) -> Components | None:
    """Return variance components on the personas that all agents finished, with as many repeats as all have."""
    shared = f"{whole.shape[1]} of {played} personas"
    if whole.shape[1] < FEWEST_PERSONAS:
        notes.append(f"all agents finished {shared}; to split the variance at least {FEWEST_PERSONAS} are needed")
        return None
    if whole.shape[1] < played:
        notes.append(f"variance is split on the {shared} that all agents finished")
    square = _squared(whole)
    try:
        parts = components(square)
    except UsageError as error:
        notes.append(f"variance is not split: {error}")
        return None
    surplus = int(np.isfinite(whole).sum()) - square.size
    if surplus:
        more = f"{counted(surplus, 'repeat')} beyond the {parts.repeats} that every agent has with every persona"
        notes.append(f"left out where the variance is split: {more}")
    if parts.agents == 2:
        notes.append("the agents' share and the generalizability rest on a single difference, as there are 2 agents")
    return parts


def _squared(whole: Floats) -> Floats:
    """Return the scores with as many repeats as every cell has."""
    order = np.argsort(~np.isfinite(whole), axis=2, kind="stable")
    packed = np.take_along_axis(whole, order, axis=2)
    return packed[:, :, : int(np.isfinite(whole).sum(axis=2).min(initial=whole.shape[2]))]


def _seen(parts: Components) -> float:
    noise = max(parts.interaction or 0.0, 0.0) + parts.residual / parts.repeats
    return smallest_difference(float(np.sqrt(2.0 * noise)), parts.personas)


def _able(found: Trajectories, scores: Floats, placed: tuple[Placed, ...]) -> list[Standing]:
    """Return the agents, from scores [agents, personas, repeats]."""
    rows = [np.array([np.nanmean(cell) for cell in table if np.isfinite(cell).any()]) for table in scores]
    return [
        _standing(name, int(np.isfinite(scores[i]).sum()), rows[i], placed[i] if placed else None)
        for i, name in enumerate(found.agents)
    ]


def _hard(found: Trajectories, scores: Floats, placed: tuple[Placed, ...]) -> list[Standing]:
    """Return the personas, from scores [agents, personas, repeats]."""
    needs = {row.profile: row.need for row in found.rows}
    rows = [scores[:, i][np.isfinite(scores[:, i])] for i in range(len(found.profiles))]
    return [
        _standing(str(name), len(rows[i]), rows[i], placed[i] if placed else None, needs[name])
        for i, name in enumerate(found.profiles)
    ]


def _standing(name: str, episodes: int, values: Floats, placed: Placed | None, need: str = "") -> Standing:
    mean = mean_interval(values, bounds=_SCALE) if len(values) > 1 else None
    return Standing(name=name, episodes=episodes, score=float(values.mean()), mean=mean, placed=placed, need=need)


def _ability(one: Standing) -> float:
    return one.score if one.placed is None else one.placed.estimate


def _hardness(one: Standing) -> float:
    return -one.score if one.placed is None else one.placed.estimate


def _told_apart(whole: Floats, seed: int) -> int | None:
    if len(whole) < 2 or whole.shape[1] < FEWEST_PERSONAS:
        return None
    means = np.nanmean(whole, axis=2)
    order, count = np.argsort(means.mean(axis=1)), 0
    for low, high in pairwise(order):
        try:
            count += paired(means[low], means[high], seed=seed).kind != "undetermined"
        except UsageError:
            continue
    return count


def _ranking(whole: Floats, seed: int) -> Ranking | None:
    """Return how short lists of personas rank the agents against all of them."""
    agents, personas = whole.shape[:2]
    if agents < 3 or personas < 2 * SHORT:
        return None
    means = np.nanmean(whole, axis=2)
    full, rng = _ranks(means.mean(axis=1)), np.random.default_rng(seed)
    if np.ptp(full) == 0:
        return None
    short = [_ranks(means[:, rng.choice(personas, SHORT, replace=False)].mean(axis=1)) for _ in range(_DRAWS)]
    rho = [float(np.corrcoef(one, full)[0, 1]) if np.ptp(one) > 0 else 0.0 for one in short]
    return Ranking(personas=SHORT, median=float(np.median(rho)), mean=float(np.mean(rho)))


def _ranks(values: Floats) -> Floats:
    """Return ranks, ties sharing theirs."""
    return np.asarray((values[:, None] > values).sum(axis=1) + ((values[:, None] == values).sum(axis=1) - 1) / 2.0)


def _basins(moods: Floats) -> tuple[Basin, ...]:
    below = tuple(basin(moods, level, "below") for level in (20.0, 30.0, 35.0))
    return below + tuple(basin(moods, level, "above") for level in (60.0, 70.0))


def _sentence(
    found: Trajectories, parts: Components | None, seen: float | None, ranking: Ranking | None, notes: list[str]
) -> str:
    head = f"{_number(found)}, {len(found.rows)} trajectories"
    by = f" of {found.simulator}" if found.simulator else ""
    if parts is None:
        return f"{head}{by}: how far agents differ is undetermined: {'; '.join(notes)}"
    shares = ", ".join(f"{name} {share:.0%}" for name, share in parts.shares.items())
    apart = f"two agents are told apart from {seen:.1f} points on ({parts.personas} personas, 80 % power)"
    short = f"; {ranking.personas} personas rank them as all do with Spearman {ranking.median:.2f}" if ranking else ""
    return f"{head}{by}: variance {shares}; {apart}{short}"


def _number(found: Trajectories) -> str:
    agents, personas = len(found.agents), len(found.profiles)
    return f"{counted(agents, 'agent')} x {counted(personas, 'persona')}"

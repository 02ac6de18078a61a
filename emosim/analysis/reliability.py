"""How far a score can be trusted: where its variance comes from, how many personas it takes, what a design can see.

On SAGE's board the final mood varies 16 % with the agent, 22 % with the persona, 62 % with neither (SCIENCE.md 0.2), so
that two agents on 100 personas must differ by 12 points to be told apart. Play agents on the same episode keys: the
persona's share then cancels in the paired difference.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.intervals import Bounds, Floats, Interval, mean_interval, normal_quantile, t_quantile
from emosim.errors import UsageError
from emosim.value import Value

_NORMAL: Final = 1000
"""Personas from which on Student's t is as good as normal."""


class Components(Value):
    """Variance components of scores, agents by personas."""

    agent: float
    """Variance between agents; the estimate may be negative, which means none is seen."""
    persona: float
    """Variance between personas."""
    interaction: float | None
    """Variance of agent by persona; None: no cell was repeated, so that it is part of `residual`."""
    residual: float
    """Variance of repeats, or of all that is neither agent nor persona."""
    agents: int
    """Agents, >= 2."""
    personas: int
    """Personas, >= 2."""
    repeats: int
    """Scores a cell."""

    @property
    def shares(self) -> dict[str, float]:
        """Share of each component in their sum, negative estimates counted as 0; sums to 1."""
        parts = {"agent": self.agent, "persona": self.persona, "residual": self.residual}
        if self.interaction is not None:
            parts["interaction"] = self.interaction
        kept = {name: max(part, 0.0) for name, part in parts.items()}
        total = sum(kept.values())
        return {name: part / total for name, part in kept.items()}

    def generalizability(self, personas: int, repeats: int = 1) -> float:
        """Return Eρ², how well a mean over this many personas ranks agents, 0..1."""
        noise = (max(self.interaction or 0.0, 0.0) + self.residual / repeats) / personas
        return max(self.agent, 0.0) / (max(self.agent, 0.0) + noise)

    def personas_for(self, reliability: float) -> int | None:
        """Return the personas it takes for a generalizability, 0..1; None: agents do not differ."""
        if self.agent <= 0:
            return None
        noise = max(self.interaction or 0.0, 0.0) + self.residual
        return math.ceil(noise / self.agent * reliability / (1.0 - reliability) - 1e-9)


class Paired(Value):
    """Two agents on the same personas."""

    difference: Interval
    """Mean difference, second less first, paired t interval."""
    p: float
    """Two-sided p of a sign-flip permutation over personas."""
    detectable: float
    """Smallest difference that this design finds with 80 % power."""
    saved: float
    """Share of the unpaired variance that pairing removed; negative if it cost."""
    kind: Literal["better", "worse", "unchanged", "undetermined"]
    """Whether the second agent is better, worse, or not told apart; `unchanged` is said of identical episodes, which
    scores alone do not show."""


class NoiseFloor(Value):
    """What the simulator adds when the agent says the very same."""

    sd: float
    """Standard deviation of replays of identical text."""
    icc: Interval
    """ICC(1): share of variance that is of the context, jackknife interval."""
    sign_agreement: float | None
    """Chance that two replays agree on the sign of the change; None: no change at all."""
    contexts: int
    """Contexts replayed."""
    repeats: int
    """Replays of each."""

    def policy_share(self, total_variance: float) -> float:
        """Return ρ, the share of the variance within groups that is the policy's own, 0..1.

        Args:
            total_variance: Variance of returns within groups of rollouts, policy and simulator together, > 0.

        Raises:
            UsageError: The variance is not positive.
        """
        if total_variance <= 0:
            raise UsageError("returns do not vary within groups; there is no share to speak of")
        return min(max(1.0 - self.sd**2 / total_variance, 0.0), 1.0)


def components(scores: ArrayLike) -> Components:
    """Return variance components of a crossed design by mean squares.

    Args:
        scores: Shape [agents, personas] or [agents, personas, repeats], no gaps.

    Raises:
        UsageError: One agent, one persona, gaps, or scores that are all the same.
    """
    cube = np.asarray(scores, float)
    cube = cube[:, :, None] if cube.ndim == 2 else cube
    _check_crossed(cube)
    agents, personas, repeats = cube.shape
    cells = cube.mean(axis=2)
    rows, columns = cells.mean(axis=1), cells.mean(axis=0)
    rest = cells - rows[:, None] - columns[None, :] + cells.mean()
    ms_agent = personas * repeats * float(rows.var(ddof=1))
    ms_persona = agents * repeats * float(columns.var(ddof=1))
    ms_cell = repeats * float((rest**2).sum()) / ((agents - 1) * (personas - 1))
    within = float(cube.var(axis=2, ddof=1).mean()) if repeats > 1 else None
    return Components(
        agent=(ms_agent - ms_cell) / (personas * repeats),
        persona=(ms_persona - ms_cell) / (agents * repeats),
        interaction=None if within is None else (ms_cell - within) / repeats,
        residual=ms_cell if within is None else within,
        agents=agents,
        personas=personas,
        repeats=repeats,
    )


def paired(
    first: ArrayLike,
    second: ArrayLike,
    *,
    level: float = 0.95,
    bounds: Bounds | None = None,
    draws: int = 1999,
    seed: int = 0,
) -> Paired:
    """Return the comparison of two agents that met the same personas with the same seeds.

    Args:
        first: Score of the first agent for each persona, shape [P], or [P, N] with columns paired by seed.
        second: Of the second agent, the same shape.
        level: Nominal coverage.
        bounds: Range of the difference, if it has one; a difference that is the same for all personas then gets the
            interval that their number alone allows.
        draws: Sign flips.
        seed: Of the dice.

    Raises:
        UsageError: Shapes differ, fewer than 2 personas, or without bounds the difference is the same for all of them.
    """
    one, two = np.asarray(first, float), np.asarray(second, float)
    if one.shape != two.shape:
        raise UsageError(f"scores of shape {one.shape} and {two.shape} cannot be paired; play the same keys")
    one, two = (rows if rows.ndim == 1 else _row_means(rows) for rows in (one, two))
    gaps = two - one
    difference = mean_interval(gaps, level=level, bounds=bounds)
    unpaired = float(one.var(ddof=1) + two.var(ddof=1))
    kind: Literal["better", "worse", "undetermined"] = "undetermined"
    if difference.low > 0:
        kind = "better"
    elif difference.high < 0:
        kind = "worse"
    return Paired(
        difference=difference,
        p=_sign_flip(gaps, draws, seed),
        detectable=_detectable(gaps, difference),
        saved=1.0 - float(gaps.var(ddof=1)) / unpaired if unpaired > 0 else 0.0,
        kind=kind,
    )


def smallest_difference(sd: float, n: int, *, power: float = 0.8, level: float = 0.95) -> float:
    """Return the mean paired difference that n personas find.

    Args:
        sd: Standard deviation of the paired difference, > 0.
        n: Personas, >= 2.
        power: Chance to find it, 0..1.
        level: One less the size of the test.

    >>> round(smallest_difference(43.5, 100), 1)
    12.3
    """
    df = n - 1
    return (t_quantile(0.5 + level / 2.0, df) + t_quantile(power, df)) * sd / math.sqrt(n)


def personas_needed(sd: float, difference: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """Return the fewest personas, >= 2, with which a paired difference > 0 is found."""
    n = max(2, math.ceil(((normal_quantile(0.5 + level / 2.0) + normal_quantile(power)) * sd / difference) ** 2))
    while n < _NORMAL and smallest_difference(sd, n, power=power, level=level) > difference:
        n += 1
    return n


def noise_floor(replays: ArrayLike, *, level: float = 0.95) -> NoiseFloor:
    """Return what replays of identical agent text say about the simulator.

    Args:
        replays: Outcome (a change of mood or a final mood) of each replay, shape [contexts, repeats], both >= 2.
        level: Nominal coverage.

    Raises:
        UsageError: Too few contexts or repeats.
    """
    table = np.asarray(replays, float)
    if table.ndim != 2 or min(table.shape) < 2 or not np.isfinite(table).all():
        raise UsageError(f"replays of shape {table.shape} are too few; replay at least 2 contexts twice, better 40 x 3")
    contexts, repeats = table.shape
    left_out = np.array([_icc(np.delete(table, i, axis=0)) for i in range(contexts)]) if contexts > 2 else np.zeros(2)
    whole = _icc(table)
    half = t_quantile(0.5 + level / 2.0, contexts - 1) * math.sqrt((contexts - 1) * float(left_out.var()))
    low, high = (-1.0, 1.0) if contexts == 2 else (max(whole - half, -1.0), min(whole + half, 1.0))
    return NoiseFloor(
        sd=math.sqrt(float(table.var(axis=1, ddof=1).mean())),
        icc=Interval(estimate=whole, low=low, high=high, level=level, n=contexts, method="jackknife"),
        sign_agreement=_sign_agreement(table),
        contexts=contexts,
        repeats=repeats,
    )


def _icc(table: Floats) -> float:
    """Return ICC(1), one-way; 1 where replays never differ."""
    repeats = table.shape[1]
    within = float(table.var(axis=1, ddof=1).mean())
    between = float(repeats) * float(table.mean(axis=1).var(ddof=1))
    total = between + (repeats - 1) * within
    return (between - within) / total if total > 0 else 1.0


def _sign_agreement(table: Floats) -> float | None:
    signs = np.sign(table)
    if not signs.any():
        return None
    repeats = table.shape[1]
    pairs = [(signs[:, i] == signs[:, j]).mean() for i in range(repeats) for j in range(i)]
    return float(np.mean(pairs))


def _detectable(gaps: Floats, found: Interval) -> float:
    """Return the smallest difference found with 80 % power; equal gaps lend no spread to reckon with."""
    if found.method == "constant":
        return found.half_width * (normal_quantile(0.975) + normal_quantile(0.8)) / normal_quantile(0.975)
    return smallest_difference(float(gaps.std(ddof=1)), len(gaps), level=found.level)


def _sign_flip(gaps: Floats, draws: int, seed: int) -> float:
    flips = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, len(gaps)))
    far = np.abs(flips @ gaps) >= abs(float(gaps.sum())) - 1e-9
    return float((far.sum() + 1) / (draws + 1))


def _row_means(rows: Floats) -> Floats:
    if not np.isfinite(rows).any(axis=1).all():
        raise UsageError("a persona has no finished episode; play it again or leave it out of both agents")
    return np.asarray(np.nanmean(rows, axis=1))


def _check_crossed(cube: Floats) -> None:
    if cube.ndim != 3 or min(cube.shape[:2]) < 2:
        raise UsageError(f"scores of shape {cube.shape} say nothing; at least 2 agents on 2 personas are needed")
    if not np.isfinite(cube).all():
        raise UsageError("some agent did not finish some persona; keep the personas that all agents finished")
    if float(np.ptp(cube)) == 0.0:
        raise UsageError("all scores are the same; no variance can be split")

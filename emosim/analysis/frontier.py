"""The frontier: at which difficulty does an agent leave its explorable space?

An adaptive search along one axis (the reference ray, or a single knob) keeps a posterior over the agent's psychometric
curve, plays where the boundary's expected entropy is lowest, and stops at the asked width or budget. A boundary that is
off the scale is censored, one that the data cannot bear is undetermined. It depends on G, which is always stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from emosim.analysis.acquisition import next_levels
from emosim.analysis.boundary import FEWEST_EPISODES, MISFIT, Boundary, Tally, judged, refused
from emosim.analysis.contrast import EDGE
from emosim.analysis.intervals import Floats, Ints
from emosim.analysis.persona_levels import SHOWN, PersonaLevels, persona_levels
from emosim.analysis.posterior import Posterior
from emosim.analysis.predictive import predictive_p
from emosim.analysis.psychometric import LEVELS, MARKS, Psychometric, Target
from emosim.analysis.search import Cast, Trial, width_on_scale
from emosim.errors import UsageError
from emosim.value import Value


class Curve(Value):
    """The agent's success and contrast along the axis, with 95 % credible bands."""

    levels: tuple[float, ...]
    """Levels."""
    success: tuple[tuple[float, float, float], ...]
    """Mean success rate at each level: estimate, low, high."""
    contrast: tuple[tuple[float, float, float], ...]
    """U_G at each level: estimate, low, high."""


class Frontier:
    """Search for a boundary.

    Args:
        personas: Ids of the cast.
        target: The boundary wanted; others are read off the same data.
        axis: Name of the axis, for the record.
        width: Half-width of the 95 % interval at which to stop, 0..1.
        budget: Episodes at most, unscorable ones included.
        batch: Episodes a proposal.
        effects: Known difficulty b_s of every persona in logits, centred; None integrates them out.
        ordinal: Whether to use the marks .1, .4, .7 and 1 of the mood, or success alone.
        seed: Of the order of the cast.
    """

    def __init__(
        self,
        personas: Sequence[str],
        *,
        target: Target | None = None,
        axis: str = "level",
        width: float = 0.05,
        budget: int = 240,
        batch: int = 8,
        effects: Mapping[str, float] | None = None,
        ordinal: bool = True,
        seed: int = 0,
    ) -> None:
        if width <= 0 or budget < 1 or batch < 1:
            raise UsageError(f"width {width}, budget {budget} and batch {batch} must be above 0")
        self.cast = Cast(personas, seed)
        self.target, self.axis = target or Target(), axis
        self.width, self.budget, self.batch = width, budget, batch
        known = None if effects is None else tuple(float(effects[one]) for one in self.cast.personas)
        self._binary = Psychometric(target=self.target, marks=(0.7,), effects=known)
        model = Psychometric(target=self.target, marks=MARKS, effects=known) if ordinal else self._binary
        self.posterior = Posterior(model)
        self.trials: list[Trial] = []
        self.returns: list[float] = []

    @property
    def done(self) -> bool:
        """Whether the verdict is as sharp as asked, the budget is spent, or no further episode could help."""
        played = len(self.returns)
        if played >= self.budget:
            return True
        if played < 2 * FEWEST_EPISODES:
            return False
        if self._refusal():
            return True
        low, high = self.posterior.quantiles(np.array([0.025, 0.975]))
        return width_on_scale(low, high) <= self.width and self.boundary().status != "undetermined"

    def propose(self) -> list[Trial]:
        """Return the next batch; it follows from what was observed, so asking twice gives the same."""
        count = min(self.batch, self.budget - len(self.returns))
        levels = next_levels(self.posterior, len(self.returns), count)
        dealt = self.cast.deal(len(self.returns), count)
        return [Trial((level,), *who) for level, who in zip(levels, dealt, strict=True)]

    def observe(self, trials: Sequence[Trial], returns: Sequence[float]) -> None:
        """Take in returns 0..1, in the order of the trials; NaN for an episode that cannot be scored."""
        found = np.asarray(returns, float)
        if len(found) != len(trials) or (found < 0).any() or (found > 1).any():
            raise UsageError("one return from 0 to 1 (or NaN) is needed for every trial")
        self.trials += trials
        self.returns += [float(x) for x in found]
        fine = np.isfinite(found)
        levels = np.array([trial.level for trial in trials])[fine]
        people = np.array([self.cast.index(trial.persona) for trial in trials], np.int64)[fine]
        self.posterior.update(levels, self.posterior.model.category(found[fine]), people)

    def boundary(self, target: Target | None = None) -> Boundary:
        """Return the boundary, for the search's own target or another one read off the same data."""
        wanted, tally = target or self.target, self._tally()
        refusal = self._refusal()
        if refusal:
            return refused(wanted, tally, (refusal,))
        posterior, fit, notes = self._checked()
        if fit < MISFIT:
            notes = (*notes, f"the curve does not fit (p = {fit:.3f}); is the axis monotone?")
            return refused(wanted, tally, notes, fit)
        unreached = posterior.unreached(wanted)
        return judged(wanted, tally, *posterior.margin(wanted), unreached=unreached, notes=notes, fit=fit)

    def curve(self, levels: Sequence[float] = LEVELS) -> Curve | None:
        """Return success and U_G of the cast along the axis, with bands; None where the data bear no curve.

        U_G uses the target's G.
        """
        posterior = self._borne()
        if posterior is None:
            return None
        cells = posterior.sample(400)
        floor, lapse = (x[cells[2]] for x in posterior.model.rates)
        effects, weights = (x[cells[3]] for x in posterior.model.nodes)
        lines: list[list[tuple[float, float, float]]] = [[], []]
        contrast = Target(value=EDGE, group_size=self.target.group_size)
        for level in levels:
            far = posterior.model.distances(level)[cells[:4]]
            core = 1.0 / (1.0 + np.exp(np.clip(far[:, None] + effects, -500, 500)))
            rates = floor[:, None] + (1 - floor - lapse)[:, None] * core
            for line, target in zip(lines, (Target.d50(), contrast), strict=True):
                middle, low, high = np.quantile(target.of(rates, weights), [0.5, 0.025, 0.975])
                line.append((float(middle), float(low), float(high)))
        return Curve(levels=tuple(levels), success=tuple(lines[0]), contrast=tuple(lines[1]))

    def personas(self, levels: Sequence[float] = SHOWN) -> PersonaLevels | None:
        """Return the success of every persona along the axis; None where the data bear no curve."""
        posterior = self._borne()
        return None if posterior is None else persona_levels(posterior, self.cast.personas, levels)

    def _scorable(self) -> tuple[Floats, Floats, Ints]:
        """Return levels, returns and persona indices of the scorable episodes."""
        returns = np.array(self.returns)
        fine = np.isfinite(returns)
        levels = np.array([trial.level for trial in self.trials], float)
        people = np.array([self.cast.index(trial.persona) for trial in self.trials], np.int64)
        return levels[fine], returns[fine], people[fine]

    def _tally(self) -> Tally:
        _, returns, people = self._scorable()
        faults = len(self.returns) - len(returns)
        return Tally(axis=self.axis, episodes=len(returns), faults=faults, personas=len(np.unique(people)))

    def _refusal(self) -> str:
        """Return why nothing may be concluded at all, or nothing."""
        return self._tally().refusal or self._stuck()

    def _borne(self) -> Posterior | None:
        """Return the posterior whose curves the data bear, or None."""
        if self._refusal():
            return None
        posterior, fit, _ = self._checked()
        return posterior if fit >= MISFIT else None

    def _stuck(self) -> str:
        """Return that all returns are the same middling number, or nothing."""
        _, returns, _ = self._scorable()
        stuck = np.ptp(returns) < 1e-9 and MARKS[0] <= returns[0] < MARKS[-1]
        return f"every return is {returns[0]:g}; nothing moves this user" if stuck else ""

    def _checked(self) -> tuple[Posterior, float, tuple[str, ...]]:
        """Return the ordinal posterior if its marks fit, else the binary one, with its predictive p."""
        levels, returns, people = self._scorable()
        model = self.posterior.model
        fit = predictive_p(self.posterior, levels, model.category(returns))
        if fit >= MISFIT or len(model.marks) == 1:
            return self.posterior, fit, ()
        binary = Posterior(self._binary)
        kinds = self._binary.category(returns)
        binary.update(levels, kinds, people)
        note = f"the mood's marks do not fit (p = {fit:.3f}); success alone was used"
        return binary, predictive_p(binary, levels, kinds), (note,)

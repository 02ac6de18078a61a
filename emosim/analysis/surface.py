"""The frontier over several knobs: explorable volume, logit cost of every knob, boundary along the ray and each axis.

The search plays where the boundary is nearest and least sure (straddle), so that few hundred episodes map a cube that
cells would need thousands for; one trial in ten is spread evenly, to catch what the model cannot.
Source: straddle Bryan et al. 2005; lattice points Roberts 2018; volume bars SCIENCE.md 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np

from emosim.analysis.acquisition import ANCHORS, lattice, straddle
from emosim.analysis.boundary import FEWEST_EPISODES, MISFIT, WIDEST, Boundary, Tally, judged, refused
from emosim.analysis.contrast import SUCCESS
from emosim.analysis.intervals import Floats, Interval, Ints
from emosim.analysis.logistic import Component, features, fit_logistic, limits, mean_success, resample
from emosim.analysis.psychometric import Target
from emosim.analysis.search import Cast, Trial
from emosim.errors import UsageError
from emosim.value import Value

CANDIDATES: Final = 256
"""Lattice points among which trials are chosen."""
START: Final = 24
"""Episodes spread over the cube before the straddle begins."""
_DRAWS: Final = 400


class Volume(Value):
    """How the cube of knobs divides."""

    status: Literal["located", "undetermined"]
    """`undetermined` with reasons; the hard side decides, for that is where the search looks."""
    explorable: Interval | None
    """V_u, the share of the cube with U_G >= u."""
    outside: Interval | None
    """The share that is too hard."""
    beneath: Interval | None
    """The share that is too easy."""
    target: str
    """u and G."""
    episodes: int
    """Scorable episodes."""
    reasons: tuple[str, ...] = ()
    """Why it is undetermined, or what to know."""


class Surface:
    """Search for the boundary over several knobs.

    Args:
        knobs: Names of the knobs, the order of a trial's point.
        personas: Ids of the cast.
        target: u and G, or a success rate.
        width: Half-width of the 95 % interval of the outside share at which to stop.
        budget: Episodes at most.
        batch: Episodes a proposal.
        effects: Known persona difficulties in logits; None integrates them out.
        seed: Of the order of the cast.
    """

    def __init__(
        self,
        knobs: Sequence[str],
        personas: Sequence[str],
        *,
        target: Target | None = None,
        width: float = 0.05,
        budget: int = 432,
        batch: int = 8,
        effects: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        if not knobs or len(set(knobs)) < len(knobs) or width <= 0 or budget < 1 or batch < 1:
            raise UsageError("a surface needs different knobs, and width, budget and batch above 0")
        self.knobs, self.cast, self.target = tuple(knobs), Cast(personas, seed), target or Target()
        self.width, self.budget, self.batch = width, budget, batch
        self._known = None if effects is None else np.array([float(effects[one]) for one in self.cast.personas])
        self.trials: list[Trial] = []
        self.returns: list[float] = []
        self._learn()

    @property
    def done(self) -> bool:
        """Whether the outside share is as sure as asked, or the budget is spent."""
        if len(self.returns) >= self.budget:
            return True
        if len(self.returns) < 4 * FEWEST_EPISODES:
            return False
        return bool(np.ptp(np.quantile(self._shares()[2], [0.025, 0.975])) / 2.0 <= self.width)

    def propose(self) -> list[Trial]:
        """Return the next batch; it follows from what was observed."""
        played = len(self.returns)
        count = min(self.batch, self.budget - played)
        ends = np.array([np.zeros(len(self.knobs)), np.ones(len(self.knobs))])
        points = np.concatenate([ends, lattice(CANDIDATES, len(self.knobs))])
        if played < START:
            chosen = points[played : played + count]
        else:
            spread = np.arange(int(ANCHORS * played), int(ANCHORS * (played + count))) + START
            told = straddle(self._main(), points, self.target, count - len(spread))
            chosen = np.concatenate([points[spread % len(points)], told])
        dealt = self.cast.deal(played, count)
        return [Trial(tuple(float(x) for x in at), *who) for at, who in zip(chosen, dealt, strict=True)]

    def observe(self, trials: Sequence[Trial], returns: Sequence[float]) -> None:
        """Take in returns 0..1, in the order of the trials; NaN for an episode that cannot be scored."""
        if len(returns) != len(trials) or any(len(trial.point) != len(self.knobs) for trial in trials):
            raise UsageError("one return is needed for every trial, and one value for every knob")
        self.trials += trials
        self.returns += [float(x) for x in returns]
        self._learn()

    def costs(self) -> dict[str, Interval]:
        """Return the logit cost of every knob from 0 to 1, others at 0, and of pairs (`a*b`), with 95 % intervals."""
        one, other = np.triu_indices(len(self.knobs), 1)
        pairs = [f"{self.knobs[i]}*{self.knobs[j]}" for i, j in zip(one, other, strict=True)]
        found = self._draws[0]
        return {name: self._interval(found[:, i + 1]) for i, name in enumerate((*self.knobs, *pairs))}

    def volume(self) -> Volume:
        """Return how the cube divides into too easy, explorable and too hard."""
        tally = self._tally("cube")
        reasons = [tally.refusal] if tally.refusal else self._misfit()
        if reasons:
            parts: list[Interval | None] = [None, None, None]
        else:
            parts = [self._share(share, tally.episodes) for share in self._shares()]
            half = parts[2].half_width if parts[2] else 1.0
            if half > WIDEST:
                reasons = [
                    f"the share too hard is known to ±{half:.2f} where ±{WIDEST:.2f} is needed; play more episodes"
                ]
        return Volume(
            status="undetermined" if reasons else "located",
            beneath=parts[0],
            explorable=parts[1],
            outside=parts[2],
            target=str(self.target),
            episodes=tally.episodes,
            reasons=tuple(reasons),
        )

    def boundary(self, knob: str | None = None) -> Boundary:
        """Return d* along the reference ray (all knobs equal), or along one knob with the others at 0."""
        if knob is not None and knob not in self.knobs:
            raise UsageError(f"'{knob}' is not among the knobs {', '.join(self.knobs)}")
        tally = self._tally(knob or "level")
        reasons = [tally.refusal] if tally.refusal else self._misfit()
        if reasons:
            return refused(self.target, tally, tuple(reasons))
        found = self._boundaries(np.array([knob is None or knob == one for one in self.knobs], float))
        ends = np.array([limits(one, self.target) for one in self.mixture])[self._draws[1]]
        unreached = (ends[:, 0] == ends[:, 1]) & (found >= 0)
        found[unreached] = -np.inf
        values, counts = np.unique(found, return_counts=True)
        return judged(self.target, tally, values, counts / counts.sum(), unreached=float(unreached.mean()))

    def _boundaries(self, along: Floats) -> Floats:
        """Return d* along a ray for each posterior draw: the last place that is not too hard."""
        path = np.linspace(-0.3, 1.3, 321)
        coefficients, kinds = self._draws
        hard = np.array([limits(one, self.target)[0] for one in self.mixture])[kinds]
        inside = coefficients @ features(path[:, None] * along).T >= hard[:, None]
        last = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
        ends = np.append(path[:-1], np.inf)
        return np.where(inside.any(axis=1), ends[last], -np.inf)

    def _scorable(self) -> tuple[Floats, Floats, Ints]:
        fine = np.isfinite(np.array(self.returns, float))
        points = np.array([trial.point for trial in self.trials], float).reshape(-1, len(self.knobs))
        people = np.array([self.cast.index(trial.persona) for trial in self.trials], np.int64)
        wins = (np.array(self.returns, float)[fine] >= SUCCESS - 1e-9).astype(float)
        return points[fine], wins, people[fine]

    def _learn(self) -> None:
        points, wins, people = self._scorable()
        self.mixture = fit_logistic(points, wins, people, self._known)
        shifts = None if self._known is None else self._known[people]
        self._draws = resample(self.mixture, points, wins, shifts, _DRAWS)

    def _main(self) -> Component:
        """Return the likeliest persona SD, with mean and covariance of the draws."""
        one, found = max(self.mixture, key=lambda one: one.weight), self._draws[0]
        return Component(1.0, found.mean(axis=0), np.cov(found.T), one.effects, one.shares)

    def _tally(self, axis: str) -> Tally:
        _, wins, people = self._scorable()
        faults = len(self.returns) - len(wins)
        return Tally(axis=axis, episodes=len(wins), faults=faults, personas=len(np.unique(people)))

    def _shares(self) -> Floats:
        """Return the shares too easy, explorable and too hard, a row each, over posterior draws."""
        coefficients, kinds = self._draws
        ends = np.array([limits(one, self.target) for one in self.mixture])[kinds]
        logits = coefficients @ features(lattice(2048, len(self.knobs))).T
        outside = (logits < ends[:, :1]).mean(axis=1)
        beneath = (logits > ends[:, 1:]).mean(axis=1)
        return np.stack([beneath, 1.0 - outside - beneath, outside])

    def _share(self, draws: Floats, episodes: int) -> Interval:
        """Return a share with an interval no surer than the points played, which may all have missed a small part."""
        found, missed = self._interval(draws), 1.0 - 0.05 ** (1.0 / episodes)
        ends = {"low": min(found.low, 1.0 - missed), "high": max(found.high, missed)}
        return found.model_copy(update=ends)

    def _interval(self, draws: Floats) -> Interval:
        low, middle, high = (float(x) for x in np.quantile(draws, [0.025, 0.5, 0.975]))
        return Interval(estimate=middle, low=low, high=high, n=len(self.returns), method="laplace")

    def _misfit(self) -> list[str]:
        """Return that successes by thirds of some knob are not what the model replays, or nothing."""
        points, wins, _ = self._scorable()
        coefficients, kinds = self._draws
        phi = features(points)
        rates = np.empty((len(kinds), len(wins)))
        for k, one in enumerate(self.mixture):
            logits = coefficients[kinds == k] @ phi.T
            rates[kinds == k] = mean_success(logits, one)
        third = (np.minimum(points * 3, 2.999)).astype(np.int64) + 3 * np.arange(len(self.knobs))
        member = np.zeros((len(wins), 3 * len(self.knobs)))
        np.put_along_axis(member, third, 1.0, axis=1)
        expected = rates @ member
        spread = (rates * (1 - rates)) @ member + 0.5
        replayed = (np.random.default_rng(2).random(rates.shape) < rates) @ member
        gaps = [
            ((counts - expected) ** 2 / spread).reshape(len(kinds), -1, 3).sum(axis=2).max(axis=1)
            for counts in (wins @ member, replayed)
        ]
        p = float((gaps[1] >= gaps[0]).mean())
        return [] if p >= MISFIT else [f"the surface does not fit (p = {p:.3f}); is a knob not monotone?"]

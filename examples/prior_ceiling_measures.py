"""What `prior_ceiling.py` measures, with the estimators of `emosim.analysis`.

Before training: zones, contrast, learnable contrast, the mechanics of groups. After: scores, the shape of the curve,
ceilings, crossover, verdict. Rows of all arrays of returns are users (persona and seed); intervals over users hold for
the 24 personas of the core pack, intervals over seeds for training runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from acts_grpo import SUCCESS, ActsPolicy, Batch, Floats, Ints, play

from emosim.acts import ALIGNMENT, HARMS
from emosim.analysis.ceiling import crossover, doubling, elicitation_multiple, max_at_k, sampling_gap
from emosim.analysis.contrast import LEAST_SPREAD, graded_contrast, place, reach
from emosim.analysis.frontier import Frontier
from emosim.analysis.intervals import Interval, mean_interval
from emosim.analysis.learnable import Learnable, learnable_contrast, sweet_spot
from emosim.analysis.verdict import compare
from emosim.cues import ACTS, NEEDS
from emosim.difficulty import KNOBS

Found: TypeAlias = dict[str, Any]
Shape: TypeAlias = Literal["inverted U", "falls", "rises", "undetermined"]

CHUNK: Final = 16
"""Rollouts a user played at once."""
MEETS: Final = 0.75
"""Alignment with the hidden need from which an act counts as meeting it."""
_ALIGNMENT: Final = np.array([[ALIGNMENT[need].get(act, 0.0) for act in ACTS] for need in NEEDS])
_HARMS: Final = np.array([act in HARMS for act in ACTS])


def rollouts(policy: ActsPolicy, level: float, users: Ints, count: int, seed: int = 0) -> Floats:
    """Return final moods over 100, shape [users, count], of `count` rollouts with each user."""
    rng, parts = np.random.default_rng(seed), []
    for done in range(0, count, CHUNK):
        size = min(CHUNK, count - done)
        parts.append(play(policy, level, np.repeat(users.ravel(), size), rng).returns.reshape(-1, size))
    return np.concatenate(parts, axis=1)


def look(policy: ActsPolicy, level: float, users: Ints, groups: int, group_size: int) -> Found:
    """Return what a policy's own rollouts hold at a level: zone, contrast, learnable contrast, mechanics.

    Args:
        policy: Whose rollouts.
        level: Difficulty.
        users: Seeds of users, two groups of rollouts each, for zone and contrast.
        groups: Fresh groups for the learnable contrast.
        group_size: G.
    """
    held = rollouts(policy, level, users, 2 * group_size)
    zone = place(held, group_size)
    rng = np.random.default_rng(1)
    batch = play(policy, level, np.repeat(rng.integers(2**40, 2**41, size=groups), group_size), rng)
    returns = batch.returns.reshape(groups, group_size)
    counts = batch.counts().reshape(groups, group_size, -1)
    found = learnable_contrast(returns, counts, batch.needs[::group_size])
    spread = returns.std(axis=1)
    return {
        "level": level,
        "mean": mean_interval(held.mean(axis=1), bounds=(0.0, 1.0)).model_dump(),
        "reach": reach(held, group_size).estimate,
        "zone": zone.zone,
        "likely_zone": zone.likely,
        "contrast": zone.contrast.model_dump(),
        "graded_contrast": graded_contrast(held, group_size).model_dump(),
        "snr": found.model_dump(),
        "success": float((returns >= SUCCESS).mean()),
        "flat_groups": float((spread < LEAST_SPREAD).mean()),
        "identical_groups": float((np.ptp(returns, axis=1) < 1e-9).mean()),
        "group_sd": float(spread.mean()),
        **habits(batch),
    }


def habits(batch: Batch) -> Found:
    """Return what a policy does: turns an episode, shares of harms and of acts that meet the need."""
    needs = batch.needs[batch.episode]
    return {
        "turns": len(batch.acts) / len(batch.returns),
        "harms": float(_HARMS[batch.acts].mean()),
        "meets": float((_ALIGNMENT[needs, batch.acts] >= MEETS).mean()),
    }


def eased(policy: ActsPolicy, level: float, users: Ints) -> Found:
    """Return the score at a level (under an empty name), and with each knob in turn at 0."""
    return {
        knob: float(play(policy, level, users, np.random.default_rng(0), knob).returns.mean()) for knob in ("", *KNOBS)
    }


def sweet(looks: Sequence[Found]) -> Found:
    """Return the level of the highest learnable contrast, and the one of the highest plain contrast."""
    levels = [one["level"] for one in looks]
    spot = sweet_spot(levels, [Learnable.model_validate(one["snr"]) for one in looks])
    plain = {
        name: levels[int(np.argmax([one[name]["estimate"] for one in looks]))]
        for name in ("contrast", "graded_contrast")
    }
    return {"snr": spot.model_dump(), **plain}


def curve(scores: Floats, levels: Sequence[float]) -> Found:
    """Return the shape of trained score against training level at one test level.

    An inverted U is called where some level in between beats both ends, each by a 95 % interval over seeds that is
    widened for the number of levels in between; a fall or a rise where one end beats the other and no such level.

    Args:
        scores: Shape [levels, seeds]; one seed is one stream of training users, paired across levels.
        levels: Training levels.
    """
    inner = range(1, len(levels) - 1)
    wide = 1.0 - 0.05 / max(len(inner), 1)
    beats = [i for i in inner if all(apart(scores[i], scores[end], wide).low > 0 for end in (0, -1))]
    ends = apart(scores[0], scores[-1])
    shape: Shape = "falls" if ends.low > 0 else "rises" if ends.high < 0 else "undetermined"
    peak = int(scores.mean(axis=1).argmax())
    return {
        "shape": "inverted U" if beats else shape,
        "peak": levels[peak],
        "means": [apart(row, np.zeros_like(row)).model_dump() for row in scores],
        "peak_less_easiest": apart(scores[peak], scores[0]).model_dump(),
        "peak_less_hardest": apart(scores[peak], scores[-1]).model_dump(),
    }


def apart(first: Floats, second: Floats, level: float = 0.95) -> Interval:
    """Return the mean paired difference with its t interval; without width where nothing varies."""
    rows = first - second
    if np.ptp(rows) < 1e-12:
        same = float(rows[0])
        return Interval(estimate=same, low=same, high=same, level=level, n=len(rows), method="t")
    return mean_interval(rows, level=level)


def share_of_best(scores: Floats, base: float, chosen: int) -> float:
    """Return the gain after training at one level over the best gain of all levels, from scores [levels, seeds]."""
    gains = scores.mean(axis=1) - base
    return float(gains[chosen] / gains.max()) if gains.max() > 0 else float("nan")


def ceilings(base: Floats, trained: Floats, shallow: int) -> Found:
    """Return both ceilings, crossover, elicitation multiple and verdict.

    Args:
        base: Returns of the base, shape [users, N].
        trained: Returns of the trained policy, shape [users, N].
        shallow: Rollouts that the verdict may see; the others check it.
    """
    ks = doubling(base.shape[1])
    verdict = compare(base[:, :shallow], trained[:, :shallow])
    entered = list(verdict.evidence.entered.personas) if verdict.evidence else []
    had = (base[entered] >= SUCCESS).any(axis=1) if entered else np.zeros(0, bool)
    return {
        "k": list(ks),
        "base": max_at_k(base, ks).mean(axis=0).tolist(),
        "trained": max_at_k(trained, ks).mean(axis=0).tolist(),
        "difference": [
            apart(*both).model_dump() for both in zip(max_at_k(trained, ks).T, max_at_k(base, ks).T, strict=True)
        ],
        "worth": elicitation_multiple(base, trained).model_dump(),
        "crossover": crossover(base, trained).model_dump(),
        "gap": sampling_gap(base, trained).model_dump(),
        "verdict": verdict.kind,
        "reasons": list(verdict.reasons),
        "entered": len(entered),
        "entered_but_in_the_prior": int(had.sum()),
        "unsolved": [float((one < SUCCESS).all(axis=1).mean()) for one in (base, trained)],
    }


def boundary(policy: ActsPolicy, users: Ints, budget: int = 240) -> Found | None:
    """Return where a policy leaves its explorable space, by the adaptive search of `emosim frontier`; None: not sought.

    Args:
        policy: Whose.
        users: Seeds of users, shape [personas, numbers].
        budget: Episodes at most.
    """
    if budget == 0:
        return None
    search, rng = Frontier([str(row) for row in range(len(users))], budget=budget), np.random.default_rng(2)
    while not search.done:
        trials = search.propose()
        returns = [
            float(play(policy, trial.level, users[int(trial.persona), [trial.number % users.shape[1]]], rng).returns[0])
            for trial in trials
        ]
        search.observe(trials, returns)
    return {**search.boundary().model_dump(), "played": len(search.returns)}

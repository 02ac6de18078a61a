"""Whether the rewards that a trainer got are the returns that were stored, and whether those recompute."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from emosim.runs import verify
from emosim.testing.conformance.report import short
from emosim.testing.conformance.stage import Played
from emosim.users.protocol import User


def wrong_scores(played: Played, user: User | None = None) -> Iterator[str]:
    """Yield what is wrong with rewards or log.

    Args:
        played: What was played.
        user: The user, if it asks no model: then it is played again.
    """
    for run in played.runs:
        for problem in verify(run, user).problems:
            yield f"expected a log that passes emosim verify, got {problem}; let only emosim write to it"
    for record in played.records:
        if record.reward != played.reward:
            yield f"expected the reward '{played.reward}', got '{record.reward}'; pass on all settings"
    for key, paid in played.paid.items():
        yield from _wrong(key, [r for r in paid if r is not None], [r.return_ for r in played.stored.get(key, [])])


def _wrong(key: str, paid: Sequence[float], earned: Sequence[float]) -> Iterator[str]:
    if len(paid) > len(earned):
        yield (
            f"{key}: expected rewards for {len(earned)} stored episodes, got {len(paid)}: {shown(paid)}; "
            "end each rollout (leave() if the trainer stops), and pay None or NaN where rollout.outcome.reward is None"
        )
    elif len(paid) < len(earned):
        yield f"{key}: expected rewards for {len(earned)} stored episodes, got {len(paid)}; pay what could be scored"
    elif not all(map(close, sorted(paid), sorted(earned))):
        yield f"{key}: expected the stored returns {shown(earned)}, got {shown(paid)}; pay rollout.outcome.reward"


def close(one: float | None, other: float | None) -> bool:
    """Return whether two rewards are equal as trainers count, in 32 bits."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)


def shown(rewards: Sequence[float | None]) -> str:
    """Return rewards for a message."""
    return short([None if reward is None else round(reward, 4) for reward in rewards])

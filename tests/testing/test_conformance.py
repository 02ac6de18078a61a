"""The kit passes what conforms, and every check finds the defect that it is there for."""

from __future__ import annotations

from typing import Any

from emosim.rollouts import Rollouts
from emosim.testing.conformance import ADAPTER_CHECKS, check_adapter


def reference(rows: Any, agent: Any, settings: Any) -> list[float | None]:
    """An adapter that does what it should: all rows in lock step."""
    users = Rollouts(**settings)
    rollouts = [users.open(row) for row in rows]
    chats = [list(row["prompt"]) for row in rows]
    while running := [i for i, rollout in enumerate(rollouts) if not rollout.over]:
        replies = {i: agent(chats[i]) for i in running}
        for i in [i for i in running if replies[i] is None]:
            rollouts[i].leave()
        talking = [i for i in running if replies[i] is not None]
        steps = users.reply_all([rollouts[i] for i in talking], [replies[i] for i in talking])
        for i, step in zip(talking, steps, strict=True):
            chats[i] += [{"role": "assistant", "content": replies[i]}, {"role": "user", "content": step.text}]
    return [rollout.outcome.reward for rollout in rollouts]


def test_a_straightforward_adapter_passes() -> None:
    report = check_adapter(reference)
    assert report.passed == tuple(ADAPTER_CHECKS)
    print(report)

"""ART (OpenPipe): rollouts as trajectories, the simulated user's own calls fenced off. Tested with openpipe-art 0.5.23.

    users = Rollouts(reward="final", log="runs/art")
    groups = [await group(row, users, model.openai_client(), model.get_inference_name(), size=8) for row in rows]
    await backend.train(model, groups)

ART captures every model call made inside a trajectory, the simulated user's too, and would train on them as if the
agent had said them; `no_capture` keeps them out. A rollout whose environment failed raises: `trajectory_group` files it
under `exceptions`, and it has no reward.
"""

from __future__ import annotations

from typing import Any

import art
from openai import AsyncOpenAI

from emosim.policies.chat import with_reasoning
from emosim.rollouts import Rollouts, Row


async def group(row: Row, users: Rollouts, client: AsyncOpenAI, model: str, *, size: int, **options: Any) -> Any:
    """Return a group of trajectories with the same user, failed ones under `exceptions`.

    Args:
        row: The user, from `users.rows(suite)`.
        users: The users.
        client: What asks the agent's model.
        model: Name of the model.
        size: Trajectories in the group, 2 or more to learn from.
        options: Arguments of `chat.completions.create`, such as `temperature` or `max_completion_tokens`.
    """
    coming = (rollout(row, users, client, model, **options) for _ in range(size))
    return await art.trajectory_group(coming, metadata={"episode": row["episode"]}, return_exceptions=True)


async def rollout(row: Row, users: Rollouts, client: AsyncOpenAI, model: str, **options: Any) -> Any:
    """Return one trajectory, rewarded.

    Raises:
        SimulationError: The user could not answer; there is no reward.
    """
    met, messages = users.open(row), list[Any](row["prompt"])
    with art.Trajectory(metadata={"episode": row["episode"]}) as trajectory:
        while not met.over:
            answer = await client.chat.completions.create(model=model, messages=messages, **options)
            said = answer.choices[0].message
            reasoning = getattr(said, "reasoning_content", None) or ""
            with art.no_capture():
                step = await met.areply(with_reasoning(said.content or "", reasoning))
            messages += [{"role": "assistant", "content": said.content or ""}, {"role": "user", "content": step.text}]
    outcome = met.outcome
    if outcome.reward is None:
        raise outcome.error
    trajectory.reward = outcome.reward
    trajectory.metrics.update(outcome.metrics)
    return trajectory.finish()

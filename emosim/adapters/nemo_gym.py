"""NeMo Gym: simulated users as a resources server of the Gymnasium kind. Tested with nemo-gym 0.4.0 on Python 3.12.

nemo-gym 0.4.0 asks for openai<=2.7.2, which emosim's own `openai:` backend is newer than: install emosim beside it with
`pip install --no-deps emosim` and what else it needs, and reach users' models by address (`llm:http://…#name`).

    # resources_servers/emosim/app.py
    from emosim.adapters.nemo_gym import EmosimServer
    if __name__ == "__main__":
        EmosimServer.run_webserver()

`dataset` gives the JSONL rows; the agent is NeMo Gym's `gymnasium_agent` (set `max_steps` to 20: 10 is fewer than some
users have patience for). Until the end, rewards add up to what leaving now would earn, as the agent sums them and
does not tell when it stops. Where the user fails the answer is 503, so that the rollout fails and nothing is learned.
"""

from __future__ import annotations

import time
from typing import Any

from fastapi import HTTPException
from nemo_gym.base_resources_server import BaseResourcesServerConfig
from nemo_gym.openai_utils import NeMoGymResponse
from pydantic import Field
from resources_servers.gymnasium import GymnasiumServer, extract_text

from emosim.errors import BackendError, SimulationError
from emosim.policies.chat import with_reasoning
from emosim.rollouts import Rollout, Rollouts, shared
from emosim.suite import Suite

AGENT = "emosim_agent"
IDLE_S = 3600.0
"""Seconds after which a rollout that nobody goes on with has been left."""


class EmosimServerConfig(BaseResourcesServerConfig):
    """Settings of the server, and who the users are."""

    users: dict[str, Any] = Field(default_factory=dict)
    """Settings of `emosim.rollouts.Rollouts`."""


class _Sitting:
    """A rollout, and when it was last heard of."""

    def __init__(self, rollout: Rollout) -> None:
        self.rollout, self.heard_s = rollout, time.monotonic()


class EmosimServer(GymnasiumServer):
    """One user for each session; the row says which."""

    config: EmosimServerConfig

    async def reset(self, metadata: dict[str, Any], session_id: str | None = None) -> tuple[str | None, dict[str, Any]]:
        """Meet the user that the row names; its opening is in the row's input already."""
        for name, one in list(self.session_state.items()):
            if name == session_id or time.monotonic() - one.heard_s > IDLE_S:
                await self.close_session(name)
        self.session_state[session_id] = _Sitting(shared(self.config.users).open(metadata))
        return None, {}

    async def step(
        self, action: NeMoGymResponse, metadata: dict[str, Any], session_id: str | None = None
    ) -> tuple[str | None, float, bool, bool, dict[str, Any]]:
        """Say something to the user.

        Raises:
            HTTPException: 409 without a reset before; 503 where the user could not answer: there is no reward.
        """
        one = self.session_state.get(session_id)
        if one is None:
            raise HTTPException(409, "this session has no rollout, or it is over: POST /reset first")
        try:
            step = await one.rollout.areply(_raw(action))
            earned, one.heard_s = one.rollout.collect(), time.monotonic()
        except (BackendError, SimulationError) as error:
            one.rollout.invalidate(str(error))  # what every rollout would meet is raised, and is no leaving either
            await self.close_session(session_id)
            raise HTTPException(503, f"the simulated user failed, nothing may be learned: {error}") from error
        heard = None if step.over else step.text
        info = one.rollout.outcome.metrics if step.over else {}
        return heard, earned, step.terminated, step.truncated, info

    async def close_session(self, session_id: str | None) -> None:
        """Forget a session; a rollout that is not over has been left."""
        one = self.session_state.pop(session_id, None)
        if one is not None:
            one.rollout.leave()


def _raw(response: NeMoGymResponse) -> str:
    """Return what the agent said, its reasoning in a `<think>` block."""
    thought = [part.text for item in response.output if item.type == "reasoning" for part in item.summary or ()]
    text = str(extract_text(response))
    return with_reasoning(text, "\n".join(thought))


def dataset(suite: Suite, **users: Any) -> list[dict[str, Any]]:
    """Return the rows of a suite as NeMo Gym's JSONL has them; `users` are the settings of `Rollouts`."""
    reference = {"type": "responses_api_agents", "name": AGENT}
    return [
        {"responses_create_params": {"input": row["prompt"]}, "episode": row["episode"], "agent_ref": reference}
        for row in Rollouts(**users).rows(suite)
    ]

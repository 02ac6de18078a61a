"""OpenEnv 0.10, the client's side: what goes over the wire, and a typed client of `emosim.adapters.openenv`."""

from __future__ import annotations

from typing import Any, Final

from openenv.core import EnvClient
from openenv.core.client_types import StepResult
from openenv.core.env_server.types import Action, Observation, State
from pydantic import Field

PATIENCE: Final = {"message_timeout_s": 660.0, "websocket_ping_interval_s": None}
"""A user may think for ten minutes, and a client that generates in its event loop answers no pings meanwhile."""


class Reply(Action):
    """What the agent says."""

    message: str = Field(description="What the agent says to the user, its reasoning in <think> and all.")
    leave: bool = Field(default=False, description="The agent stops here, or is cut off: the worst outcome.")


class Heard(Observation):
    """What the user says; `reward` is the turn's, None at reset and where the user failed."""

    message: str = Field(default="", description="The user's new message only.")
    prompt: list[dict[str, str]] = Field(default_factory=list, description="The chat's first messages, at reset only.")
    ending: str = Field(default="", description="How the episode ended; empty while it goes on.")
    fault: str = Field(default="", description="Why the episode cannot be scored; empty if it can.")


class Progress(State):
    """How it goes, for the trainer; never show it to the agent."""

    key: str = Field(default="", description="Key of the episode.")
    moods: list[float] = Field(default_factory=list, description="Moods from the opening on, 0..100.")
    ending: str = Field(default="", description="How it ended; empty while it goes on.")
    reward: float | None = Field(default=None, description="Return, once it is over; None where it cannot be scored.")
    metrics: dict[str, float] = Field(default_factory=dict, description="For a logger, once it is over and scored.")


class EmosimClient(EnvClient[Reply, Heard, Progress]):
    """A session with simulated users; takes a text for a `Reply`. Awaits; `.sync()` blocks instead."""

    def __init__(self, base_url: str | None = None, **settings: Any) -> None:
        super().__init__(base_url=base_url, **{**PATIENCE, **settings})

    def _step_payload(self, action: Reply | str) -> dict[str, Any]:
        reply = Reply(message=action) if isinstance(action, str) else action
        return dict(reply.model_dump())

    def _parse_result(self, payload: dict[str, Any]) -> StepResult:
        reward, done = payload["reward"], payload["done"]
        heard = Heard(**payload["observation"], reward=reward, done=done)
        return StepResult(observation=heard, reward=reward, done=done)

    def _parse_state(self, payload: dict[str, Any]) -> Progress:
        return Progress(**payload)

"""OpenEnv 0.10: simulated users behind a server, for TRL, SkyRL, NeMo Gym, verifiers and whatever else speaks OpenEnv.

    pip install emosim 'openenv==0.10.0'
    python -m emosim.adapters.openenv --port 8000 --users '{"log": "runs/openenv"}' --suite '{"levels": [0.3]}'

    from emosim.adapters.openenv_client import EmosimClient
    with EmosimClient("http://localhost:8000").sync() as env:
        heard = env.reset(seed=7)                                # or episode="core/dolores:en:L0.30:s0007"
        chat, reward = heard.observation.prompt, 0.0
        while not heard.done:
            chat.append({"role": "assistant", "content": model(chat)})
            heard = env.step(chat[-1]["content"])                # Reply(message="", leave=True) when cut off
            chat.append({"role": "user", "content": heard.observation.message})
        reward = env.state().reward                              # None: the user failed, nothing may be learned

The same seed, index or episode is the same user, for a whole group. Where the user fails, the turn's reward is None;
start the server with `--faults error` for clients that take None for 0. Sessions live on the WebSocket (`/ws`) alone.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import Any, Literal

import numpy as np
import uvicorn
from fastapi.responses import JSONResponse
from openenv.core.env_server import Environment, create_app
from openenv.core.env_server.types import ConcurrencyConfig

from emosim.adapters.openenv_client import Heard, Progress, Reply
from emosim.errors import EmosimError, UsageError
from emosim.rollouts import Rollout, Rollouts, Row, Step, shared
from emosim.rollouts.rows import key_of, row_of
from emosim.suite import Suite


class EmosimEnvironment(Environment[Reply, Heard, Progress]):
    """A session: one user after the other.

    Args:
        users: The users.
        rows: The tasks that seeds and indices count.
        faults: What a step does where the user fails: `none` pays no reward, `error` raises.
        think: Ask agents to reason in `<think>` first, where an episode is asked for by its key.
    """

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(
        self, users: Rollouts, rows: list[Row], faults: Literal["none", "error"] = "none", think: bool = False
    ) -> None:
        super().__init__()
        self.users, self.rows, self.faults, self.think = users, rows, faults, think
        self.rollout: Rollout | None = None
        self.id, self.ended = "", False

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        *,
        episode: str | None = None,
        index: int | None = None,
        split: str = "train",
        **unknown: Any,
    ) -> Heard:
        """Meet the user that `episode` names, else the one that `index` or `seed` counts, else any.

        Raises:
            UsageError: There is no such user, or the session has ended.
            IndexError: There is no such task.
        """
        if unknown:
            raise UsageError(f"reset takes seed, episode, index, split or episode_id, not {', '.join(unknown)}")
        self._drop("the client began another episode")
        if seed is None:
            seed = int(np.random.default_rng().integers(len(self.rows)))
        if not isinstance(seed, int) or not isinstance(index, int | None):
            raise UsageError(f"seed and index are whole numbers, not {seed!r} and {index!r}")
        row = self.get_task(split, seed % len(self.rows) if index is None else index)
        if episode is not None:
            row = row_of(key_of(str(episode)), self.users.pack, self.users.user, None, self.think)
        self.rollout, self.id = self.users.open(row), episode_id or row["episode"]
        return Heard(message=self.rollout.opening, prompt=row["prompt"])

    async def reset_async(self, seed: int | None = None, episode_id: str | None = None, **data: Any) -> Heard:
        """Do what `reset` does, which waits for nobody."""
        return self.reset(seed, episode_id, **data)

    def step(self, action: Reply, timeout_s: float | None = None, **_: Any) -> Heard:
        """Say something to the user, or leave.

        Raises:
            UsageError: No episode is going on.
            SimulationError: The user failed, if faults are to be errors.
        """
        rollout = self._going()
        return self._heard(rollout, None if action.leave else rollout.reply(action.message))

    async def step_async(self, action: Reply, timeout_s: float | None = None, **_: Any) -> Heard:
        """Do what `step` does, awaiting the user."""
        rollout = self._going()
        return self._heard(rollout, None if action.leave else await rollout.areply(action.message))

    @property
    def state(self) -> Progress:
        """How it goes."""
        if self.rollout is None:
            return Progress()
        key, moods = str(self.rollout.key), list(self.rollout.episode.moods)
        going = Progress(episode_id=self.id, step_count=len(moods) - 1, key=key, moods=moods)
        if not self.rollout.over:
            return going
        outcome = self.rollout.outcome
        metrics = outcome.metrics if outcome.valid else {}
        return Progress(
            **{**going.model_dump(), "ending": outcome.ending, "reward": outcome.reward, "metrics": metrics}
        )

    def close(self) -> None:
        """End the session; an episode that was going on is unscorable."""
        if not self.ended:
            self._drop("the session was closed, or idle for too long")
        self.ended = True

    def list_splits(self) -> list[str]:
        """Return the name of the only split."""
        return ["train"]

    def num_tasks(self, split: str) -> int:
        """Return how many tasks there are."""
        return len(self.list_tasks(split))

    def get_task(self, split: str, index: int) -> Row:
        """Return a task: a dataset row."""
        tasks = self.list_tasks(split)
        if not 0 <= index < len(tasks):
            raise IndexError(f"there is no task {index}, only 0 to {len(tasks) - 1}")
        return tasks[index]

    def list_tasks(self, split: str) -> list[Row]:
        """Return all tasks."""
        if split != "train":
            raise IndexError(f"there is no split '{split}', only 'train'")
        return self.rows

    def _going(self) -> Rollout:
        if self.ended:
            raise UsageError("this session has ended, closed or idle for too long; connect again")
        if self.rollout is None:
            raise UsageError("no episode: reset first, on the same WebSocket (/ws); plain HTTP keeps no session")
        if self.rollout.over:
            raise UsageError("the episode is over: reset begins another")
        return self.rollout

    def _heard(self, rollout: Rollout, step: Step | None) -> Heard:
        if step is None:
            rollout.leave()
        if rollout.fault and self.faults == "error":
            raise rollout.outcome.error
        reward = rollout.rewards[-1] if step is None else step.reward
        ending = rollout.episode.ending or ""
        text = step.text if step else ""
        return Heard(message=text, reward=reward, done=rollout.over, ending=ending, fault=rollout.fault)

    def _drop(self, cause: str) -> None:
        if self.ended:
            raise UsageError("this session has ended, closed or idle for too long; connect again")
        if self.rollout is not None:
            self.rollout.invalidate(cause)


def app(
    users: Rollouts | None = None,
    suite: Suite | None = None,
    *,
    think: bool = False,
    faults: Literal["none", "error"] = "none",
    sessions: int = 64,
    idle_s: float = 900.0,
) -> Any:
    """Return the FastAPI application.

    Args:
        users: The users, None for `rules`.
        suite: The tasks, None for the core pack at level 0.3.
        think: Ask agents to reason in `<think>` first.
        faults: What a step does where the user fails: `none` pays no reward, `error` raises.
        sessions: Most sessions at once.
        idle_s: Seconds after which a session without a message is ended and its place given away.
    """
    users = users or shared({})
    make = partial(EmosimEnvironment, users, users.rows(suite or Suite(levels=(0.3,)), think=think), faults, think)
    limits = ConcurrencyConfig(max_concurrent_envs=sessions, session_timeout=idle_s)
    made = create_app(make, Reply, Heard, env_name="emosim", concurrency_config=limits, state_cls=Progress)
    made.add_exception_handler(EmosimError, _explain)
    made.router.on_shutdown.append(users.close)
    return made


def _explain(_: Any, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 400)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Simulated users behind an OpenEnv server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--users", type=json.loads, default={}, help='JSON: {"user": "llm:…", "reward": …, "log": …}')
    parser.add_argument("--suite", type=Suite.model_validate_json, help='JSON: {"levels": [0.3], "personas": […]}')
    parser.add_argument("--think", action="store_true", help="ask agents to reason in <think> first")
    parser.add_argument("--faults", choices=["none", "error"], default="none", help="where the user fails")
    parser.add_argument("--sessions", type=int, default=64, help="most sessions at once")
    parser.add_argument("--idle-s", type=float, default=900.0, help="seconds until an idle session is ended")
    told = vars(parser.parse_args())
    host, port, users = told.pop("host"), told.pop("port"), shared(told.pop("users"))
    uvicorn.run(app(users, **told), host=host, port=port, log_level="warning", ws_ping_interval=None)


if __name__ == "__main__":
    main()

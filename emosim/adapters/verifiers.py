"""verifiers 0.4 and prime-rl: a taskset of simulated users, the environment that talks, and an in-process harness.

    pip install emosim 'verifiers==0.4.0' ./examples/emosim_vf
    export OPENAI_API_KEY=…
    export WHERE='--client.base-url https://api.openai.com/v1 --client.api-key-var OPENAI_API_KEY'
    vf-eval emosim_vf $WHERE -m gpt-5-mini -n 4 -r 2 --no-push --env.taskset.log runs/vf
    emosim verify runs/vf

In prime-rl name the environment `emosim-vf`; its settings are those of `EmosimConfig` below. The loader needs a short
importable id, so the package `emosim_vf` (examples/emosim_vf, the shape that the Prime Hub takes) exports these
classes. The simulated user is no agent of verifiers: its calls are neither intercepted nor trained on.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

import verifiers.v1 as vf
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic import Field
from verifiers.v1.dialects.chat import message_to_wire

from emosim.rollouts import Outcome, Rollouts, Row, shared
from emosim.suite import Suite

__all__ = ["EmosimEnv", "EmosimHarness", "EmosimTaskset"]

SUITE = ("pack", "personas", "languages", "levels", "knobs", "seed", "repeats")
USERS = ("user", "backend", "pack", "reward", "log", "deadline_s", "limits")


class EmosimConfig(vf.TasksetConfig):
    """Which users to meet, under `--env.taskset.*`; see `emosim.suite.Suite` and `emosim.rollouts.Rollouts`."""

    pack: str = "core"
    personas: list[str] = Field(default_factory=list)
    languages: list[Literal["en", "zh"]] = Field(["en"])
    levels: list[float] = Field([0.3])
    knobs: dict[str, float] = Field(default_factory=dict)
    seed: int = 0
    repeats: int = 1
    think: bool = False
    user: str = "rules"
    backend: str | None = None
    reward: str = "final"
    log: str | None = None
    deadline_s: float = 600.0
    limits: dict[str, float] | None = None


class EmosimData(vf.TaskData):
    """One user to meet."""

    episode: str


class EmosimTask(vf.Task[EmosimData]):
    """One user to meet, known by the key of its episode."""

    @property
    def key(self) -> str:
        """The key: the same user in every run."""
        return str(self.data.episode)


class EmosimTaskset(vf.Taskset[EmosimTask, EmosimConfig]):
    """A task for each row; the user speaks first, so that there is no prompt but the system's."""

    def load(self) -> Iterator[EmosimTask]:
        """Yield the tasks of the suite that the settings describe."""
        suite = Suite(**{name: getattr(self.config, name) for name in SUITE})
        for row in users_of(self.config).rows(suite, think=self.config.think):
            yield task_of(row, self.config.task)


class EmosimEnvConfig(vf.EnvConfig):
    """One agent, `--env.agent.*`; it runs no code, so that no sandbox is needed."""

    agent: vf.AgentConfig = vf.AgentConfig(runtime={"type": "subprocess"})


class EmosimEnv(vf.Env[EmosimEnvConfig]):
    """The agent and the simulated user talk until the user is helped or leaves, or the agent stops."""

    async def run(self, task: EmosimTask, agents: Any) -> None:
        """Play one episode; where the user fails, the trace carries an error and no reward."""
        users = users_of(self.taskset.config)
        rollout = users.open(task.data.episode)
        async with agents.agent.interaction(task) as talk:
            heard = rollout.opening
            while not rollout.over:
                said = await talk.turn(heard)
                if said.terminated:
                    break
                heard = (await rollout.areply(_raw(said))).text
            if talk.trace.errors or talk.trace.is_timeout:
                rollout.invalidate(f"the agent's own model: {talk.trace.stop_condition}")
            _record(talk.trace, rollout.leave(), self.taskset.config.reward)


class EmosimHarness(vf.Harness[vf.HarnessConfig]):
    """Asks the model in this very process: a chat without tools needs no program, no uv and no sandbox."""

    APPENDS_SYSTEM_PROMPT = True
    SUPPORTS_RESUME = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(
        self,
        ctx: Any,
        trace: Any,
        runtime: Any,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: Any,
    ) -> Any:
        """Ask for the next reply through verifiers' interception, which keeps tokens and trace."""
        system, prompt = self.resolve_prompt(data)
        first = [{"role": "system", "content": system}] if system else []
        carrier = DefaultAsyncHttpxClient(verify=_trust(), timeout=None)
        async with AsyncOpenAI(base_url=endpoint, api_key=secret, timeout=None, http_client=carrier) as client:
            messages = [*first, *map(message_to_wire, prompt)]
            await client.chat.completions.create(model=ctx.model, messages=messages)
        return vf.ProgramResult(exit_code=0, stdout="", stderr="")


def task_of(row: Row, config: vf.TaskConfig | None = None) -> EmosimTask:
    """Return the task of a row."""
    key, system = row["episode"], row["prompt"][0]["content"]
    return EmosimTask(EmosimData(id=key, name=key, episode=key, prompt=None, system_prompt=system), config)


def users_of(config: EmosimConfig) -> Rollouts:
    """Return the users that the settings describe, one object in a process."""
    return shared({name: getattr(config, name) for name in USERS})


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()  # made anew for each client it costs 29 ms


def _raw(segment: Any) -> str:
    return next((m.content or "" for m in reversed(segment.messages) if m.role == "assistant"), "")


def _record(trace: Any, outcome: Outcome, name: str) -> None:
    facts = {"episode": outcome.key, "ending": outcome.ending, "moods": list(outcome.moods)}
    trace.info["emosim"] = {**facts, "rewards": list(outcome.rewards), "fault": outcome.fault}
    if outcome.reward is None:
        trace.record_metric("fault", 1.0)
        if not trace.errors:
            raise outcome.error
        return
    trace.record_reward(name, outcome.reward)
    trace.record_metrics(outcome.metrics)

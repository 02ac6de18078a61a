"""Atropos: an environment of simulated users for Nous' rollout service. Tested with atroposlib 0.4.0.

    class MyUsers(EmosimEnv):
        @classmethod
        def config_init(cls):
            config = EmosimConfig(tokenizer_name="Qwen/Qwen2.5-7B-Instruct", suite={"levels": [0.3], "repeats": 8},
                                  users={"user": "rules", "log": "runs/atropos-{pid}"}, include_messages=True)
            return config, [APIServerConfig(model_name=config.tokenizer_name, base_url="http://localhost:9001/v1")]

    MyUsers.cli()                              # python my_users.py serve | process

Tokens, masks and log-probabilities are Atropos' own. A rollout whose environment failed is not in its group, whose size
says so; a group of fewer than two teaches nothing and is not sent.
"""

from __future__ import annotations

import asyncio
from statistics import fmean
from typing import Any

from atroposlib.envs.base import BaseEnv, BaseEnvConfig, ScoredDataGroup, ScoredDataItem
from pydantic import Field

from emosim.policies.chat import with_reasoning
from emosim.rollouts import Rollout, Row, shared
from emosim.suite import Suite


class EmosimConfig(BaseEnvConfig):
    """Settings of Atropos, and whom to talk with."""

    users: dict[str, Any] = Field(default_factory=dict, description="Settings of emosim.rollouts.Rollouts")
    suite: dict[str, Any] = Field(default_factory=dict, description="Fields of emosim.suite.Suite to train on")
    eval_suite: dict[str, Any] = Field(default_factory=dict, description="Fields of the suite to evaluate on")
    max_reply_tokens: int = Field(default=256, description="Longest reply of the agent, in tokens")


class EmosimEnv(BaseEnv):
    """Each item is a row; a group meets one user."""

    name = "emosim"
    env_config_cls = EmosimConfig

    async def setup(self) -> None:
        """Make the users and the rows."""
        self.users = shared(self.config.users)
        self.rows = self.users.rows(Suite(**self.config.suite))
        self.met = 0

    async def get_next_item(self) -> Row:
        """Return the next row, over and over."""
        self.met += 1
        return self.rows[(self.met - 1) % len(self.rows)]

    async def collect_trajectories(self, item: Row) -> tuple[ScoredDataGroup | None, list[Row]]:
        """Return the rollouts of a group that can be scored, or None where they are fewer than two."""
        played = await asyncio.gather(*[self.collect_trajectory(item) for _ in range(self.config.group_size)])
        kept = [scored for scored, _ in played if scored is not None]
        if len(kept) < 2:
            return None, []
        group = {name: [scored[name] for scored in kept] for name in ("tokens", "masks", "scores", "messages")}
        logprobs = [scored["inference_logprobs"] for scored in kept]
        return ScoredDataGroup(**group, inference_logprobs=logprobs, group_overrides={"group_size": len(kept)}), []

    async def collect_trajectory(self, item: Row) -> tuple[ScoredDataItem | None, list[Row]]:
        """Return one rollout, None where the environment failed."""
        rollout, messages = self.users.open(item), list[dict[str, str]](item["prompt"])
        async with self.server.managed_server(tokenizer=self.tokenizer, preserve_think_blocks=True) as server:
            while not rollout.over and not await self._turn(server, rollout, messages):
                continue
            node = server.get_state()["nodes"][-1]
        outcome = rollout.leave()
        if outcome.reward is None:
            return None, []
        return ScoredDataItem(
            tokens=node.tokens,
            masks=node.masked_tokens,
            scores=outcome.reward,
            messages=messages,
            inference_logprobs=node.logprobs,
        ), []

    async def evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Play every row of the evaluation suite once and log the means of what came of it."""
        rows = self.users.rows(Suite(**self.config.eval_suite))
        opened = [self.users.open(row) for row in rows]
        await asyncio.gather(*[self._play(one, row) for one, row in zip(opened, rows, strict=True)])
        found = [rollout.outcome.metrics for rollout in opened if rollout.outcome.valid]
        names = found[0] if found else {}
        await self.evaluate_log({f"eval/{name}": fmean(one[name] for one in found) for name in names})

    async def _play(self, rollout: Rollout, row: Row) -> None:
        messages = list[dict[str, str]](row["prompt"])
        while not rollout.over and not await self._turn(self.server, rollout, messages):
            continue
        rollout.leave()

    async def _turn(self, server: Any, rollout: Rollout, messages: list[dict[str, str]]) -> bool:
        """Let the agent say something and the user answer; return whether the agent ran out of tokens."""
        answer = await server.chat_completion(messages=messages, n=1, max_tokens=self.config.max_reply_tokens)
        said = answer.choices[0].message
        text = with_reasoning(said.content or "", getattr(said, "reasoning_content", None) or "")
        messages.append({"role": "assistant", "content": said.content or ""})
        step = await rollout.areply(text)
        if not step.over:
            messages.append({"role": "user", "content": step.text})
        length = sum(len(self.tokenizer.encode(message["content"])) for message in messages)
        return bool(length >= self.config.max_token_length)

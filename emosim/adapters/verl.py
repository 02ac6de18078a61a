"""verl: an agent loop that talks with a simulated user, tokens in and tokens out. Tested with verl 0.9.1.

Rows (`dataset` below, written as parquet) name the loop in `agent_name` and the user in `extra_info`. A file such as

    - name: emosim
      _target_: emosim.adapters.verl.EmosimAgentLoop
      users: {user: "llm:http://user-model:8000/v1#name", reward: final, log: "runs/verl-{pid}"}

goes to `actor_rollout_ref.rollout.agent.agent_loop_config_path`; `users` are the settings of `Rollouts`.

`reward_score` is the return of the whole chat; `turn_scores` has what each turn earned. verl has no reward that means
"unscorable" (NaN spoils the whole group's baseline, None asks verl's own reward function): where the simulated user
fails, the chat is held again from its start, and after `attempts` chats `SimulationError` is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from omegaconf import OmegaConf
from verl.experimental.agent_loop.agent_loop import AgentLoopBase, AgentLoopOutput, register
from verl.utils.profiler import simple_timer

from emosim.rollouts import Rollout, Rollouts, shared
from emosim.rollouts.rows import ChatMessage
from emosim.suite import Suite

NAME = "emosim"


@register(NAME)
class EmosimAgentLoop(AgentLoopBase):
    """One chat for each sample; the users are shared by all samples of a worker process."""

    def __init__(self, *args: Any, users: Mapping[str, Any] | None = None, attempts: int = 3, **kwargs: Any) -> None:
        """Settle who the users are.

        Args:
            users: Settings of `emosim.rollouts.Rollouts`.
            attempts: How often a chat is held whose user fails, 1 or more.
        """
        super().__init__(*args, **kwargs)
        given = OmegaConf.to_container(users, resolve=True) if OmegaConf.is_config(users) else dict(users or {})
        self.users, self.attempts = shared(given), attempts

    async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> AgentLoopOutput:
        """Hold a chat.

        Raises:
            SimulationError: The user could not answer in any attempt.
        """
        row = kwargs.get("extra_info") or kwargs
        for _ in range(self.attempts):
            rollout = self.users.open(row)
            output = await self._talk(rollout, list(kwargs["raw_prompt"]), sampling_params)
            if rollout.outcome.valid:
                return output
        raise rollout.outcome.error

    async def _talk(
        self, rollout: Rollout, messages: list[ChatMessage], sampling_params: dict[str, Any]
    ) -> AgentLoopOutput:
        ids = await self.ct_build_initial_tokens(messages)
        prompt, metrics = len(ids), dict[str, Any]()
        name, mask = uuid4().hex, list[int]()
        logprobs: list[float] | None = []
        while True:
            with simple_timer("generate_sequences", metrics):
                said = await self.server_manager.generate(
                    request_id=name, prompt_ids=ids, sampling_params=sampling_params
                )
            merged, mask, logprobs = await self.ct_merge_assistant_token(
                ids, said.token_ids, mask, logprobs if said.log_probs else None, assistant_logprobs=said.log_probs
            )
            ids = merged.token_ids
            if len(mask) >= self.rollout_config.response_length:
                break
            text = self.tokenizer.decode(said.token_ids, skip_special_tokens=True)
            step = await rollout.areply(text)
            if step.over:
                break
            before = [*messages, {"role": "assistant", "content": text}]
            messages = [*before, {"role": "user", "content": step.text}]
            merged, mask, logprobs = await self.ct_merge_context_msg(before, messages, ids, mask, logprobs)
            ids = merged.token_ids
            if len(mask) >= self.rollout_config.response_length:
                break
        return self._output(rollout, ids, prompt, mask, logprobs, metrics)

    def _output(
        self,
        rollout: Rollout,
        ids: list[int],
        prompt: int,
        mask: list[int],
        logprobs: list[float] | None,
        metrics: dict[str, Any],
    ) -> AgentLoopOutput:
        """Return the chat as verl has it; who used up all tokens before the user was done has left."""
        outcome, most = rollout.leave(), self.rollout_config.response_length
        extra: dict[str, Any] = {"turn_scores": list(outcome.rewards), "tool_rewards": []}
        extra |= {f"{NAME}_{name}": value for name, value in outcome.metrics.items()}
        return AgentLoopOutput(
            prompt_ids=ids[:prompt],
            response_ids=ids[prompt:][:most],
            response_mask=mask[:most],
            response_logprobs=logprobs[:most] if logprobs else None,
            reward_score=outcome.reward,
            num_turns=1 + 2 * len(outcome.rewards),
            metrics=metrics,
            extra_fields=extra,
        )


def dataset(suite: Suite, **users: Any) -> list[dict[str, Any]]:
    """Return the rows of a suite with the columns that verl reads; `users` are the settings of `Rollouts`."""
    return [
        {
            "prompt": row["prompt"],
            "agent_name": NAME,
            "data_source": NAME,
            "reward_model": {"style": "rule", "ground_truth": ""},
            "extra_info": {"index": number, "episode": row["episode"]},
        }
        for number, row in enumerate(Rollouts(**users).rows(suite))
    ]

"""GRPO trainers for tests: a tiny model, watched as it generates, or an agent that speaks in its place."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from inspect import getsource
from pathlib import Path
from typing import Any

import torch
from trl import GRPOConfig, GRPOTrainer
from trl.chat_template_utils import qwen3_chat_template

from emosim.adapters import trl as chats
from emosim.adapters import trl_tools as tools
from emosim.rollouts import Rollouts
from emosim.runs import read_run
from emosim.suite import EpisodeKey, Suite
from emosim.testing.conformance import messages_in
from emosim.testing.tiny_model import tiny_model

SUITE = Suite(personas=("dolores", "feng"), levels=(0.3,))
PHRASES = (
    "What does the letter ask of you?",
    "That sounds exhausting, and you carried it alone.",
    "Which part is worst?",
    "Just calm down.",
    "You should have known better.",
)
_CALL = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.DOTALL)
_HEARD = re.compile(r"<tool_response>\n(.*?)\n</tool_response>", re.DOTALL)


class Recorded(GRPOTrainer):
    """Keeps what rewards and advantages it computed, None where it was told none."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.paid: list[float | None] = []
        self.advantages: list[float] = []

    def _calculate_rewards(self, *args: Any) -> Any:
        found = super()._calculate_rewards(*args)
        column = found[:, self.reward_func_names.index(self._paying)].tolist()
        self.paid += [None if reward != reward else reward for reward in column]
        return found

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        scored = super()._generate_and_score_completions(inputs)
        self.advantages += scored["advantages"].tolist()
        return scored

    @property
    def _paying(self) -> str:
        (name,) = set(self.reward_func_names) - {"metrics"}
        return str(name)


class Watched(Recorded):
    """Keeps what the model was given and what it sampled, in order."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.turns: list[list[tuple[list[int], list[int]]]] = []

    def _generate_single_turn(self, prompt_ids: list[list[int]], *args: Any, **named: Any) -> Any:
        ids, logprobs = super()._generate_single_turn(prompt_ids, *args, **named)
        self.turns.append(list(zip(prompt_ids, ids, strict=True)))
        return ids, logprobs


class Scripted(Recorded):
    """Says what an agent says, in chat or through the tool; the rest is the real trainer."""

    agent: Callable[[list[dict[str, str]]], str | None]

    def _generate_single_turn(self, prompt_ids: list[list[int]], *args: Any, **named: Any) -> Any:
        return [self._said(ids) for ids in prompt_ids], None

    def _said(self, ids: list[int]) -> list[int]:
        messages = messages_in(self.processing_class.decode(ids, skip_special_tokens=False))
        text = self._called(messages) if self.tools else self.agent(messages)
        spoken: list[int] = self.processing_class(text or "", add_special_tokens=False)["input_ids"]
        return [*spoken, self.processing_class.eos_token_id]

    def _called(self, messages: list[dict[str, str]]) -> str | None:
        for message in messages:
            call, heard = _CALL.search(message["content"]), _HEARD.search(message["content"])
            if message["role"] == "assistant" and call:
                message["content"] = json.loads(call[1])["arguments"]["message"]
            elif message["role"] == "user" and heard:
                message["content"] = heard[1]
        if messages[-1]["content"].endswith(tuple(tools.GONE.values())):
            return None
        said = self.agent(messages)
        return None if said is None else called(said)


def called(message: str) -> str:
    """Return the call of the tool that says something."""
    arguments = {"name": "reply", "arguments": {"message": message}}
    return f"<tool_call>\n{json.dumps(arguments, ensure_ascii=False)}\n</tool_call>"


def trainer_of(
    users: Rollouts,
    way: str,
    out: Path,
    kind: type[GRPOTrainer] = Watched,
    suite: Suite = SUITE,
    **settings: Any,
) -> Any:
    """Return a trainer of a tiny model: two groups of four a step, short replies.

    Args:
        users: The users.
        way: `chat` or `tools`.
        out: Folder for what the trainer may write.
        kind: Class of the trainer.
        suite: Which rows.
        settings: Settings of `GRPOConfig` that differ.
    """
    torch.set_num_threads(1)
    talk = way == "chat"
    rows = (chats if talk else tools).dataset(users, suite)
    model, tokenizer = tiny_model(
        PHRASES if talk else [called(phrase) for phrase in PHRASES],
        texts=[qwen3_chat_template, getsource(tools), *(str(row["prompt"]) for row in rows)] * 2,
        template=qwen3_chat_template,
    )
    given: dict[str, Any] = {
        "max_steps": 2,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 2000,
        "max_tool_calling_iterations": 5,
        "gradient_checkpointing": False,
        "generation_kwargs": {"max_new_tokens": 12},
        "learning_rate": 1e-2,
        "weight_decay": 0.0,
        "use_cpu": True,
        "bf16": False,
        "beta": 0.0,
        "report_to": [],
        "save_strategy": "no",
        "logging_steps": 1,
        "disable_tqdm": True,
    }
    return kind(
        model=model,
        processing_class=tokenizer,
        args=GRPOConfig(output_dir=str(out), **{**given, **settings}),
        train_dataset=rows,
        **(chats.chat if talk else tools.tools)(users),
    )


def stored(log: Path) -> dict[str, list[Any]]:
    """Return the records of a log by key, without the number of the attempt."""
    found = defaultdict(list)
    for record in read_run(log):
        found[str(EpisodeKey.parse(record.key.split(":a")[0]))].append(record)
    return dict(found)

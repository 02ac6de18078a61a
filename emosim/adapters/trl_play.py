"""TRL: the tokens of chats between a model in training and users; the `rollout_func` of `emosim.adapters.trl`.

Tokens go in as they came out: what the model sampled is never tokenised again, its reasoning stays in its context, and
only the user's new message is added, with the marks that the chat template puts around it. The mask is 1 for what the
model sampled and 0 for all else. With vLLM in server mode each process must play as many turns as the others, as in
TRL's own tool loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final

from trl import GRPOTrainer

from emosim.errors import UsageError
from emosim.rollouts import Rollout
from emosim.rollouts.rows import ChatMessage

_HERE: Final = "@@here@@"


@dataclass
class Tape:
    """The tokens of one chat: what stood first, and what was said since, the agent's marked 1 and all others 0."""

    rollout: Rollout
    prompt: list[int]
    budget: int
    completion: list[int] = field(default_factory=list)
    mask: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)

    def add(self, ids: Sequence[int], logprobs: Iterable[float], mark: int) -> list[int]:
        """Append tokens as far as the budget goes, and return what was appended."""
        kept = list(ids)[: self.budget - len(self.completion)]
        self.completion += kept
        self.logprobs += [logprob for _, logprob in zip(kept, logprobs, strict=False)]
        self.mask += [mark] * len(kept)
        return kept

    def hear(self, turn: list[int], ends: Sequence[int]) -> None:
        """Append the user's message with the template's marks; leave if that uses up the budget."""
        last = self.completion[-1]
        new = turn[1:] if last in ends and last == turn[0] else turn
        if len(self.completion) + len(new) >= self.budget:
            self.rollout.leave()
        else:
            self.add(new, repeat(0.0), 0)


def play(prompts: Sequence[list[ChatMessage]], trainer: GRPOTrainer) -> dict[str, Any]:
    """Let the model chat with the users of a batch until every chat is over; a `rollout_func`.

    Raises:
        UsageError: There are no users, there are tools, or a prompt fills the model's context.
        EmosimError: What every rollout would meet: a refused key, an unknown model, no budget.
    """
    tapes, sampled = _tapes(prompts, trainer), True
    while live := [tape for tape in tapes if not tape.rollout.over]:
        ids, logprobs = trainer._generate_single_turn([t.prompt + t.completion for t in live], None, {}, 1)
        sampled = sampled and logprobs is not None
        replies = zip(live, ids, logprobs or repeat(repeat(0.0)), strict=False)
        said = [_text(trainer, tape.add(new, chances, 1)) for tape, new, chances in replies]
        steps = trainer.environments[0].users.reply_all([tape.rollout for tape in live], said)
        for tape, step in zip(live, steps, strict=True):
            if not step.over:
                turn = turn_ids(trainer.processing_class, step.text, trainer.chat_template_kwargs)
                tape.hear(turn, trainer.eos_token_ids)
    return {
        "prompt_ids": [tape.prompt for tape in tapes],
        "completion_ids": [tape.completion for tape in tapes],
        "logprobs": [tape.logprobs for tape in tapes] if sampled else None,
        "env_mask": [tape.mask for tape in tapes],
        "outcome": [tape.rollout.outcome for tape in tapes],
    }


def turn_ids(tokenizer: Any, text: str, settings: Mapping[str, Any]) -> list[int]:
    """Return the tokens between an agent's words and its next: end of its turn, the user's message, start of a turn.

    Raises:
        UsageError: The chat template does not show what the agent says.
    """
    words = [("user", "-"), ("assistant", _HERE), ("user", text)]
    messages = [{"role": role, "content": content} for role, content in words]
    whole = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, **settings)
    _, found, rest = whole.partition(_HERE)
    if not found:
        raise UsageError("the tokenizer's chat template leaves out what the agent says; set another")
    ids: list[int] = tokenizer(rest, add_special_tokens=False)["input_ids"]
    return ids


def _tapes(prompts: Sequence[list[ChatMessage]], trainer: GRPOTrainer) -> list[Tape]:
    users = [user for user in trainer.environments or () if hasattr(user, "rollout")]
    if len(users) != len(prompts):
        raise UsageError("rollouts need a user each: pass GRPOTrainer(..., **emosim.adapters.trl.chat(users))")
    if trainer.tools:  # TRL would not use the mask, and train on what users say
        raise UsageError("chats have no tools: leave out tools=, or take emosim.adapters.trl_tools")
    return [_tape(user.rollout, prompt, trainer) for user, prompt in zip(users, prompts, strict=True)]


def _tape(rollout: Rollout, prompt: list[ChatMessage], trainer: GRPOTrainer) -> Tape:
    config = trainer.model.config.get_text_config()
    context = trainer.args.vllm_max_model_length or getattr(config, "max_position_embeddings", None) or 1 << 30
    ids = trainer.processing_class.apply_chat_template(
        prompt, add_generation_prompt=True, return_dict=False, **trainer.chat_template_kwargs
    )
    if len(ids) >= context:
        raise UsageError(f"{rollout.key}: its prompt of {len(ids)} tokens fills the model's context of {context}")
    return Tape(rollout, list(ids), min(trainer.max_completion_length, context - len(ids)))


def _text(trainer: GRPOTrainer, ids: list[int]) -> str:
    """Return what the model said, reasoning and all, without the token that ends its turn."""
    said = ids[:-1] if ids and ids[-1] in trainer.eos_token_ids else ids
    text: str = trainer.processing_class.decode(said, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text

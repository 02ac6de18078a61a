"""A tiny random chat model, made on the spot, to see a trainer run: no download, seconds on a CPU, of no other use.

    model, tokenizer = tiny_model(("What is it that hurts most?", "That sounds exhausting."))

A Qwen3 of two layers with a byte-level tokenizer. What it says are mostly the phrases given, each a token of its own,
and now and then letters that mean nothing. With tool calls for phrases it calls tools. Needs transformers and torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

MARKS: Final = ("<|im_end|>", "<|im_start|>", "<|endoftext|>")
"""Special tokens; the first ends a turn."""


def tiny_model(
    phrases: Sequence[str], *, texts: Sequence[str] = (), template: str = "", favour: float = 1.2, seed: int = 0
) -> tuple[Any, Any]:
    """Return a model and its tokenizer.

    Args:
        phrases: What it mostly says, a token each.
        texts: What the tokenizer's other tokens are learnt from.
        template: Chat template in Jinja; for tools use one of TRL's.
        favour: How much likelier phrases and the end of a turn are than other tokens, in units of 8 logits.
        seed: Of the weights.
    """
    tokenizer = _tokenizer(phrases, texts)
    if template:
        tokenizer.chat_template = template
    ends = tokenizer.eos_token_id
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
        eos_token_id=ends,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    model = Qwen3ForCausalLM(config)
    liked = [ends, *tokenizer.convert_tokens_to_ids(list(phrases))]
    with torch.no_grad():
        model.model.embed_tokens.weight[:, 0] = 1.0
        model.lm_head.weight[liked, 0] += favour
    return model, tokenizer


def _tokenizer(phrases: Sequence[str], texts: Sequence[str]) -> Any:
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    learner = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=list(MARKS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bare.train_from_iterator(texts, learner)
    bare.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases])
    return PreTrainedTokenizerFast(tokenizer_object=bare, eos_token=MARKS[0], pad_token=MARKS[2])

"""The tokens of a chat: those sampled are trained on as they came, and only those."""

from __future__ import annotations

from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")
pytestmark = pytest.mark.filterwarnings("default")

from trainers import PHRASES, SUITE, Scripted, Watched, trainer_of  # noqa: E402
from trl import chat_template_utils as templates  # noqa: E402

from emosim.adapters.trl import ChatUser  # noqa: E402
from emosim.adapters.trl_play import play, turn_ids  # noqa: E402
from emosim.errors import UsageError  # noqa: E402
from emosim.rollouts import Rollouts  # noqa: E402
from emosim.testing.tiny_model import tiny_model  # noqa: E402

ROWS = Rollouts().rows(SUITE)


def played(trainer: Any, rows: list[Any] = ROWS) -> dict[str, Any]:
    """Play rows with a trainer's model, without a step of training."""
    trainer.environments = [ChatUser(Rollouts()) for _ in rows]
    for user, row in zip(trainer.environments, rows, strict=True):
        user.reset(**row)
    return play([row["prompt"] for row in rows], trainer)


def sampled(trainer: Watched, prompt: list[int]) -> list[list[int]]:
    """Return what the model said in the chat that began with a prompt, in order."""
    found = [pair for turn in trainer.turns for pair in turn if pair[0][: len(prompt)] == prompt]
    return [ids for _, ids in found]


def pieces(marked: list[tuple[int, int]], mark: int) -> list[list[int]]:
    """Return the runs of tokens with a mark."""
    runs: list[list[int]] = [[]]
    for token, found in marked:
        if found == mark:
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


@pytest.mark.parametrize("long", [12, 3])
def test_the_mask_holds_exactly_what_was_sampled(long: int, tmp_path: Path) -> None:
    trainer = trainer_of(Rollouts(), "chat", tmp_path, generation_kwargs={"max_new_tokens": long})
    out, tokenizer = played(trainer), trainer.processing_class
    for prompt, ids, mask, outcome in zip(
        out["prompt_ids"], out["completion_ids"], out["env_mask"], out["outcome"], strict=True
    ):
        marked, said = list(zip(ids, mask, strict=True)), sampled(trainer, prompt)
        assert [token for token, mark in marked if mark] == list(chain(*said))
        assert tokenizer.decode([t for t, mark in marked if mark]) == "".join(map(tokenizer.decode, said))
        assert pieces(marked, 1) == said
        assert len(said) == len(outcome.rewards)
        assert mask[0] == mask[-1] == 1
        heard = [tokenizer.decode(run) for run in pieces(marked, 0)]
        assert all(text.endswith("<|im_end|>\n<|im_start|>assistant\n") for text in heard)
        assert all(("<|im_start|>user\n" in text) and text.count("<|im_end|>") <= 2 for text in heard)
    assert out["logprobs"] is None


def test_what_was_said_is_never_tokenised_again(tmp_path: Path) -> None:
    trainer = trainer_of(Rollouts(), "chat", tmp_path)
    out = played(trainer)
    for prompt, ids in zip(out["prompt_ids"], out["completion_ids"], strict=True):
        turns = [pair for turn in trainer.turns for pair in turn if pair[0][: len(prompt)] == prompt]
        for before, after in pairwise(turns):
            assert after[0][: len(before[0]) + len(before[1])] == before[0] + before[1]
        assert prompt + ids == turns[-1][0] + turns[-1][1]


def test_spelling_is_kept_where_the_tokenizer_would_spell_otherwise(tmp_path: Path) -> None:
    trainer = trainer_of(Rollouts(), "chat", tmp_path, Scripted)
    spelled = [trainer.processing_class(letter)["input_ids"][0] for letter in PHRASES[0]]
    assert trainer.processing_class(PHRASES[0])["input_ids"] != spelled
    trainer._said = lambda ids: [*spelled, trainer.processing_class.eos_token_id]
    out = played(trainer)
    for user, ids, mask in zip(trainer.environments, out["completion_ids"], out["env_mask"], strict=True):
        assert all(run[:-1] == spelled for run in pieces(list(zip(ids, mask, strict=True)), 1))
        assert all(turn.reply.raw == PHRASES[0] for turn in user.rollout.episode.turns)


def test_users_hear_what_was_sampled_and_the_model_what_they_said(tmp_path: Path) -> None:
    trainer = trainer_of(Rollouts(), "chat", tmp_path)
    out, tokenizer = played(trainer), trainer.processing_class
    for user, ids, mask in zip(trainer.environments, out["completion_ids"], out["env_mask"], strict=True):
        marked, turns = list(zip(ids, mask, strict=True)), user.rollout.episode.turns
        said = [tokenizer.decode(run).removesuffix("<|im_end|>") for run in pieces(marked, 1)]
        assert [turn.reply.raw for turn in turns] == said
        heard = [tokenizer.decode(run) for run in pieces(marked, 0)]
        asked = [turn.spoken.text for turn in turns[:-1]]
        assert [text.split("<|im_start|>user\n")[1].split("<|im_end|>")[0] for text in heard] == asked


@pytest.mark.parametrize("name", ["qwen3", "qwen2_5", "qwen3_instruct_2507", "qwen3_6"])
def test_turns_are_what_the_template_would_have_written(name: str) -> None:
    _, tokenizer = tiny_model(PHRASES, texts=PHRASES, template=getattr(templates, f"{name}_chat_template"))
    chat = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "My boat is gone."},
        {"role": "assistant", "content": PHRASES[0]},
        {"role": "user", "content": "Nothing. It is gone."},
    ]
    whole = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    turn = tokenizer.decode(turn_ids(tokenizer, "Nothing. It is gone.", {}))
    assert whole.endswith(PHRASES[0] + turn)
    assert turn.startswith("<|im_end|>\n<|im_start|>user\nNothing. It is gone.<|im_end|>\n<|im_start|>assistant\n")


def test_settings_of_the_template_reach_it() -> None:
    _, tokenizer = tiny_model(PHRASES, texts=PHRASES, template=templates.qwen3_chat_template)
    turn = tokenizer.decode(turn_ids(tokenizer, "Gone.", {"enable_thinking": False}))
    assert turn.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_reasoning_stays_in_the_context_and_is_never_heard(tmp_path: Path) -> None:
    said = f"<think>SECRET, be warm</think>\n\n{PHRASES[1]}"
    plain, thinking = (trainer_of(Rollouts(), "chat", tmp_path, Scripted) for _ in range(2))
    plain.agent, thinking.agent = (lambda _: PHRASES[1]), (lambda _: said)
    without, within = played(plain), played(thinking)
    assert [one.moods for one in without["outcome"]] == [one.moods for one in within["outcome"]]
    for user, ids in zip(thinking.environments, within["completion_ids"], strict=True):
        assert thinking.processing_class.decode(ids).count("SECRET") == len(user.rollout.episode.turns)
        assert all(turn.reply.raw == said and "SECRET" not in turn.reply.text for turn in user.rollout.episode.turns)


class Fast(Scripted):
    """A trainer whose backend gives logprobs, as vLLM does."""

    def _generate_single_turn(self, prompt_ids: list[list[int]], *args: Any, **named: Any) -> Any:
        ids, _ = super()._generate_single_turn(prompt_ids, *args, **named)
        return ids, [[-0.5] * len(one) for one in ids]


@pytest.mark.parametrize("budget", [2000, 150])
def test_logprobs_go_with_the_tokens(budget: int, tmp_path: Path) -> None:
    trainer = trainer_of(Rollouts(), "chat", tmp_path, Fast, max_completion_length=budget)
    trainer.agent = lambda _: " ".join(PHRASES[:2])
    out = played(trainer)
    for ids, mask, logprobs in zip(out["completion_ids"], out["env_mask"], out["logprobs"], strict=True):
        assert len(ids) == len(mask) == len(logprobs) <= budget
        assert logprobs == [-0.5 if mark else 0.0 for mark in mask]


def test_a_budget_is_never_exceeded_and_cutting_is_leaving(tmp_path: Path) -> None:
    trainer = trainer_of(Rollouts(), "chat", tmp_path, Scripted, max_completion_length=20)
    trainer.agent = lambda _: "Tell me more about the letter. " * 20
    out = played(trainer)
    assert [len(ids) for ids in out["completion_ids"]] == [20, 20]
    assert out["env_mask"] == [[1] * 20] * 2
    assert [outcome.ending for outcome in out["outcome"]] == ["agent_left"] * 2
    assert [outcome.reward for outcome in out["outcome"]] == [0.0, 0.0]
    assert all(len(user.rollout.episode.turns[0].reply.raw) < 200 for user in trainer.environments)


def test_an_end_is_not_written_twice_and_a_cut_reply_gets_one(tmp_path: Path) -> None:
    trainer = trainer_of(Rollouts(), "chat", tmp_path, Scripted)
    ends = trainer.processing_class.eos_token_id
    trainer.agent = lambda _: PHRASES[0]
    whole = played(trainer)
    trainer._said = lambda ids: trainer.processing_class(PHRASES[0])["input_ids"]
    cut = played(trainer)
    for one, other in zip(whole["completion_ids"], cut["completion_ids"], strict=True):
        assert one == [*other, ends]
    for one, other in zip(whole["env_mask"], cut["env_mask"], strict=True):
        assert sum(one) == 2 * sum(other)


def test_mistakes_are_named(tmp_path: Path) -> None:
    _, tokenizer = tiny_model(
        PHRASES, template="{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"
    )
    with pytest.raises(UsageError, match="leaves out what the agent says"):
        turn_ids(tokenizer, "Hello.", {})
    trainer = trainer_of(Rollouts(), "chat", tmp_path, Scripted)
    trainer.agent = lambda _: PHRASES[0]
    trainer.tools = [print]
    with pytest.raises(UsageError, match="chats have no tools"):
        played(trainer)
    trainer.tools = []
    long: list[Any] = [{**ROWS[0], "prompt": [{"role": "user", "content": "My boat. " * 2000}]}]
    with pytest.raises(UsageError, match=r"dolores.* fills the model's context of 4096"):
        played(trainer, long)

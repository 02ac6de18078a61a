"""verl's agent loop with a server manager that samples from a script: tokens, masks, rewards, faults, conformance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from overhead import REPLY, overhead

pytest.importorskip("verl")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

from omegaconf import OmegaConf  # noqa: E402
from verl.experimental.agent_loop.agent_loop import DictConfigWrap, _agent_loop_registry  # noqa: E402
from verl.workers.rollout.replica import TokenOutput  # noqa: E402

from emosim.adapters.verl import NAME, EmosimAgentLoop, dataset  # noqa: E402
from emosim.errors import SimulationError, UsageError  # noqa: E402
from emosim.rollouts import Row, rows  # noqa: E402
from emosim.rollouts.log import close_logs  # noqa: E402
from emosim.runs import read_run, verify  # noqa: E402
from emosim.suite import Suite  # noqa: E402
from emosim.testing.conformance import CHATML, Agent, check_adapter, messages_in  # noqa: E402
from emosim.testing.tiny_model import tiny_model  # noqa: E402

SUITE = Suite(personas=("dolores", "feng"), languages=("en", "zh"), levels=(0.3,))
REPLIES = ("<think>they fear the date</think>What does the letter ask of you?", "That sounds heavy.", "Go on.")


class Server:
    """Stands where verl's inference server stands: tokens in, tokens out."""

    def __init__(self, tokenizer: Any, speak: Callable[[list[dict[str, str]]], str | None]) -> None:
        self.tokenizer, self.speak = tokenizer, speak
        self.sampled: list[tuple[list[int], list[int]]] = []

    async def generate(self, request_id: str, prompt_ids: list[int], sampling_params: dict[str, Any]) -> TokenOutput:
        assert request_id
        said = self.speak(messages_in(self.tokenizer.decode(prompt_ids, skip_special_tokens=False))) or ""
        ids = [*self.tokenizer(said, add_special_tokens=False)["input_ids"], self.tokenizer.eos_token_id]
        self.sampled.append((list(prompt_ids), ids))
        return TokenOutput(token_ids=ids, log_probs=[-0.5] * len(ids), stop_reason="completed")


def loop_of(server: Server, users: dict[str, Any], response_length: int = 40_000, attempts: int = 1) -> EmosimAgentLoop:
    """Return a loop as verl's worker makes it."""
    config = OmegaConf.create(
        {
            "actor_rollout_ref": {"rollout": {"prompt_length": 8192, "response_length": response_length}},
            "data": {"apply_chat_template_kwargs": {}},
        }
    )
    return EmosimAgentLoop(
        trainer_config=DictConfigWrap(config),
        server_manager=server,
        tokenizer=server.tokenizer,
        processor=None,
        dataset_cls=None,
        data_config=DictConfigWrap(config.data),
        hf_model_type="qwen2",
        users=OmegaConf.create(users),
        attempts=attempts,
    )


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_model((REPLY,), texts=[str(row["prompt"]) for row in rows(SUITE)], template=CHATML)[1]


def scripted(messages: list[dict[str, str]]) -> str:
    return REPLIES[sum(message["role"] == "assistant" for message in messages) % len(REPLIES)]


def test_exactly_the_tokens_of_the_agent_are_trained_on(tokenizer: Any, tmp_path: Path) -> None:
    async def talk() -> tuple[Any, Server]:
        server = Server(tokenizer, scripted)
        (row,) = dataset(Suite(personas=("dolores",), levels=(0.3,)))
        loop = loop_of(server, {"log": str(tmp_path / "log")})
        return await loop.run({}, raw_prompt=row["prompt"], extra_info=row["extra_info"], agent_name=NAME), server

    output, server = asyncio.run(talk())
    trained = [token for token, kept in zip(output.response_ids, output.response_mask, strict=True) if kept]
    assert trained == [token for _, ids in server.sampled for token in ids]
    assert len(output.response_logprobs) == len(output.response_ids)
    said = tokenizer.decode(trained, skip_special_tokens=False)
    assert said.count("<think>they fear the date</think>") == sum(i % 3 == 0 for i in range(len(server.sampled)))
    whole = output.prompt_ids + output.response_ids
    assert all(whole[: len(prompt)] == prompt for prompt, _ in server.sampled), "tokens were made anew on the way"
    close_logs(tmp_path)
    (record,) = read_run(tmp_path / "log")
    assert verify(tmp_path / "log").is_good
    assert (output.reward_score, output.extra_fields["turn_scores"]) == (record.return_, list(record.rewards))
    turns = record.episode.turns
    assert [turn.reply.raw for turn in turns] == [REPLIES[number % len(REPLIES)] for number in range(len(turns))]


def test_a_chat_that_uses_up_its_tokens_has_been_left(tokenizer: Any) -> None:
    async def talk() -> Any:
        (row,) = dataset(Suite(personas=("dolores",), levels=(0.3,)))
        loop = loop_of(Server(tokenizer, scripted), {"reward": "delta"}, response_length=400)
        return await loop.run({}, raw_prompt=row["prompt"], extra_info=row["extra_info"])

    output = asyncio.run(talk())
    assert len(output.response_ids) == len(output.response_mask) == 400
    assert output.extra_fields["emosim_agent_left"] == 1.0
    assert output.reward_score == pytest.approx(-output.extra_fields["emosim_mood_change"] / -100)


def test_a_failing_user_is_met_again_and_never_scored(tokenizer: Any) -> None:
    async def talk() -> None:
        (row,) = dataset(Suite(personas=("dolores",)))
        server = Server(tokenizer, scripted)
        users = {"user": "llm:http://127.0.0.1:9/v1#nobody", "limits": {"attempts": 1, "timeout_s": 0.5}}
        with pytest.raises(SimulationError, match="dolores"):
            await loop_of(server, users, attempts=3).run({}, raw_prompt=row["prompt"], extra_info=row["extra_info"])
        assert len(server.sampled) == 3

    asyncio.run(talk())


def test_mistakes_are_named(tokenizer: Any) -> None:
    assert _agent_loop_registry[NAME]["_target_"] == "emosim.adapters.verl.EmosimAgentLoop"

    async def talk() -> None:
        server = Server(tokenizer, scripted)
        with pytest.raises(UsageError, match="unknown settings of the users: levle"):
            loop_of(server, {"levle": 1})
        with pytest.raises(UsageError, match="column 'episode'"):
            await loop_of(server, {}).run({}, raw_prompt=[], extra_info={"index": 3})

    asyncio.run(talk())


def test_it_conforms(tokenizer: Any) -> None:
    async def play(given: Sequence[Row], agent: Agent, settings: dict[str, Any]) -> list[float | None]:
        loop = loop_of(Server(tokenizer, agent), settings)
        chats = (loop.run({}, raw_prompt=row["prompt"], extra_info={"episode": row["episode"]}) for row in given)
        outputs = await asyncio.gather(*chats, return_exceptions=True)
        return [_scored(output) for output in outputs]

    print(f"\n{check_adapter(play)}")


def _scored(output: Any) -> float | None:
    if isinstance(output, SimulationError):
        return None
    if isinstance(output, BaseException):
        raise output
    return float(output.reward_score)


def test_overhead(tokenizer: Any) -> None:
    def episode(row: Row) -> int:
        async def talk() -> int:
            loop = loop_of(Server(tokenizer, lambda _: REPLY), {})
            output = await loop.run({}, raw_prompt=row["prompt"], extra_info={"episode": row["episode"]})
            return len(output.extra_fields["turn_scores"])

        return asyncio.run(talk())

    overhead("verl, the tokeniser and verl's own loop included", episode, episodes=4, rounds=3)

"""TRL keeps what every adapter must keep, in chat and through the tool, and costs little."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from overhead import REPLY, overhead

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")
pytestmark = pytest.mark.filterwarnings("default")

from trainers import Scripted, trainer_of  # noqa: E402

from emosim.adapters.trl import ChatUser  # noqa: E402
from emosim.adapters.trl import chat as trl_chat  # noqa: E402
from emosim.adapters.trl_play import play  # noqa: E402
from emosim.adapters.trl_tools import ToolUser, tools  # noqa: E402
from emosim.rollouts import Rollouts, Row  # noqa: E402
from emosim.testing.conformance import Agent, check_adapter  # noqa: E402

SKIPPED = {"only_the_new_message": "TRL writes the tool's schema into the system prompt, and results as tool messages"}


def through(way: str, out: Path) -> Callable[[list[Row], Agent, dict[str, Any]], list[float | None]]:
    """Return how the trainer plays rows in its own generation and scoring, an agent in the model's place."""
    many = {"max_completion_length": 4000, "max_tool_calling_iterations": 20, "num_generations_eval": 1}
    trainer = trainer_of(Rollouts(), way, out, Scripted, **many)
    trainer.model.eval()

    def played(rows: list[Row], agent: Agent, settings: dict[str, Any]) -> list[float | None]:
        users = Rollouts(**settings)
        made = (trl_chat if way == "chat" else tools)(users)["environment_factory"]
        trainer.environment_factories, trainer._environment_pool = {None: made}, {None: []}
        trainer.agent, trainer.paid = agent, []
        with torch.no_grad():
            trainer._generate_and_score_completions([dict(row) for row in rows])
        return list(trainer.paid)

    return played


@pytest.mark.parametrize(("way", "skip"), [("chat", {}), ("tools", SKIPPED)])
def test_it_conforms(way: str, skip: dict[str, str], tmp_path: Path) -> None:
    print(f"\n{check_adapter(through(way, tmp_path), skip=skip)}")


def test_overhead(tmp_path: Path) -> None:
    users = Rollouts()
    trainer = trainer_of(users, "chat", tmp_path, Scripted, max_completion_length=4000)
    said = [*trainer.processing_class(REPLY)["input_ids"], trainer.processing_class.eos_token_id]
    trainer._said = lambda ids: said

    def adapted(row: Row) -> int:
        trainer.environments = [ChatUser(users)]
        trainer.environments[0].reset(**row)
        return len(play([row["prompt"]], trainer)["outcome"][0].rewards)

    def called(row: Row) -> int:
        user = ToolUser(users)
        user.reset(**row)
        while not user.rollout.over:
            user.reply(REPLY)
        return len(user.rollout.outcome.rewards)

    assert overhead("TRL, chat", adapted) < 5000
    assert overhead("TRL, tool", called) < 1000

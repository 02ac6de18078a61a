"""Users behind a tool: what the model is told of it, and that its mistakes and ours are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")
pytestmark = pytest.mark.filterwarnings("default")

from trainers import PHRASES, SUITE, Scripted, trainer_of  # noqa: E402
from transformers.utils import get_json_schema  # noqa: E402

from emosim.adapters.trl_tools import GONE, USE, ToolUser, dataset, tools  # noqa: E402
from emosim.errors import EmosimError, UsageError  # noqa: E402
from emosim.rollouts import Rollouts  # noqa: E402
from emosim.suite import Suite  # noqa: E402
from emosim.testing.fake_server import FakeServer  # noqa: E402
from emosim.testing.talking import answer  # noqa: E402

KEYS = [str(key) for key in SUITE.episode_keys()]


def met(users: Rollouts | None = None, key: str = KEYS[0]) -> ToolUser:
    """Return a user that was met."""
    user: ToolUser = tools(users or Rollouts())["environment_factory"]()
    user.reset(episode=key)
    return user


def test_the_model_sees_one_tool_with_its_description() -> None:
    schema = get_json_schema(met().reply)["function"]
    assert schema["name"] == "reply"
    assert list(schema["parameters"]["properties"]) == ["message"]
    assert "hear what they answer" in schema["description"]


@pytest.mark.parametrize("system", [None, "", "Be kind."])
def test_rows_say_how_to_talk(system: str | None) -> None:
    for row in dataset(Rollouts(), Suite(personas=("feng",), languages=("en", "zh")), system=system):
        first, second = row["prompt"]
        assert (first["role"], second["role"]) == ("system", "user")
        assert first["content"].endswith(USE[row["language"]])
        assert first["content"].startswith(system or "")
        assert second["content"] == Rollouts().open(row).opening


@pytest.mark.parametrize("language", ["en", "zh"])
def test_who_is_gone_stays_gone(language: str) -> None:
    user = met(key=KEYS[0].replace(":en:", f":{language}:"))
    heard = ""
    while not user.rollout.over:
        assert GONE[language] not in heard
        heard = user.reply("You should have known better. Stupid.")
    assert heard.endswith(GONE[language])
    reward = user.get_reward()
    assert user.reply("Wait!") == GONE[language]
    assert user.get_reward() == reward == user.rollout.outcome.reward


def test_stopping_is_leaving_and_the_next_row_starts_afresh() -> None:
    user = met()
    user.reply(PHRASES[0])
    assert user.get_reward() == 0.0
    assert user.rollout.outcome.ending == "agent_left"
    user.reset(episode=KEYS[1])
    assert user.rollout.opening == Rollouts().open(KEYS[1]).opening
    assert not user.rollout.over


def test_whatever_is_passed_is_said() -> None:
    user = met()
    user.reply(17)  # type: ignore[arg-type]
    assert user.rollout.episode.turns[0].reply.raw == "17"


def test_a_fault_has_no_reward() -> None:
    limits = {"attempts": 1}
    with FakeServer(answer, faults={"server_error": 1.0}) as server:
        user = met(Rollouts(f"llm:{server.url}#fake", limits=limits))
        assert user.reply(PHRASES[0]) == GONE["en"]
        assert user.get_reward() is None


def test_what_every_user_would_meet_is_raised_with_the_reward_too() -> None:
    with FakeServer(answer, api_key="secret") as server:
        user = met(Rollouts(f"llm:{server.url}#fake"))
        with pytest.raises(EmosimError, match="API key"):
            user.reply(PHRASES[0])
        with pytest.raises(EmosimError, match="API key"):
            user.get_reward()
    user.reset(episode=KEYS[0])
    assert user.get_reward() == 0.0


def test_a_model_that_talks_past_the_tool_has_left(tmp_path: Path) -> None:
    trainer = trainer_of(Rollouts(), "tools", tmp_path, Scripted, max_steps=1)
    trainer._called = lambda messages: PHRASES[0]
    trainer.train()
    assert trainer.paid == [0.0] * 8
    assert {user.rollout.outcome.ending for user in trainer.environments} == {"agent_left"}


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="reset first"):
        ToolUser(Rollouts()).reply("Hello?")

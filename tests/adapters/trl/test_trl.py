"""TRL: GRPO trains on chats with users and on users behind a tool, and nothing is made up."""

from __future__ import annotations

import math
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")
pytestmark = pytest.mark.filterwarnings("default")

from trainers import SUITE, Watched, stored, trainer_of  # noqa: E402

from emosim.adapters.trl import ChatUser, chat, dataset, metrics  # noqa: E402
from emosim.errors import EmosimError, UsageError  # noqa: E402
from emosim.rollouts import Rollouts  # noqa: E402
from emosim.rollouts.outcome import Step  # noqa: E402
from emosim.runs import read_failures, verify  # noqa: E402
from emosim.suite import EpisodeKey, Suite  # noqa: E402
from emosim.testing.fake_server import FakeServer  # noqa: E402
from emosim.testing.talking import answer  # noqa: E402

WAYS = ("chat", "tools")
IMPATIENT = {"timeout_s": 0.4, "attempts": 1, "first_wait_s": 0.01, "longest_wait_s": 0.05}
TALKATIVE = {"max_new_tokens": 12, "min_new_tokens": 2}
"""Nobody says nothing, so that all users are asked."""


class Timed(Rollouts):
    """Users who keep how long each turn of a batch took."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.waits: list[tuple[int, float]] = []

    def reply_all(self, *args: Any) -> list[Step]:
        begun = time.perf_counter()
        steps = super().reply_all(*args)
        self.waits.append((len(steps), time.perf_counter() - begun))
        return steps


@pytest.mark.parametrize("way", WAYS)
def test_two_steps_train_on_what_can_be_recomputed(way: str, tmp_path: Path) -> None:
    users = Rollouts(reward="padded_auc", log=str(tmp_path / "log"))
    trainer = trainer_of(users, way, tmp_path)
    before = [weight.detach().clone() for weight in trainer.model.parameters()]
    trainer.train()
    users.close()

    moved = [bool((old != new).any()) for old, new in zip(before, trainer.model.parameters(), strict=True)]
    assert any(moved)
    assert all(torch.isfinite(weight).all() for weight in trainer.model.parameters())
    verdict = verify(tmp_path / "log", users.user)
    assert verdict.is_good, verdict.problems
    assert verdict.episodes == 16
    earned = sorted(record.return_ for records in stored(tmp_path / "log").values() for record in records)
    last = trainer.paid
    assert len(last) == 16
    assert sorted(last) == pytest.approx(earned, abs=1e-6)
    assert len({round(reward, 6) for reward in last}) > 2
    logged = [entry for entry in trainer.state.log_history if "emosim/mood" in entry]
    assert len(logged) == 2
    assert all(entry["emosim/fault"] == 0 for entry in logged)
    name = "ChatUser" if way == "chat" else "ToolUser"
    assert all(entry["reward"] == pytest.approx(entry[f"rewards/{name}/mean"]) for entry in logged)
    if way == "tools":
        assert all(entry["tools/call_frequency"] > 1 for entry in logged)


@pytest.mark.parametrize("way", WAYS)
def test_a_group_shares_one_user(way: str, tmp_path: Path) -> None:
    users = Rollouts(log=str(tmp_path / "log"))
    trainer_of(users, way, tmp_path, max_steps=1).train()
    users.close()
    groups = stored(tmp_path / "log")
    assert set(groups) == {str(key) for key in SUITE.episode_keys()}
    for records in groups.values():
        assert len(records) == 4
        assert len({(r.episode.persona.sha256, r.episode.seed, r.episode.opening.text) for r in records}) == 1
        assert [EpisodeKey.parse(r.key).attempt for r in records] == [0, 1, 2, 3]
        assert len({tuple(turn.reply.raw for turn in r.episode.turns) for r in records}) > 1


def test_eight_users_answer_at_once(tmp_path: Path) -> None:
    with FakeServer(answer, latency_s=0.2) as server:
        users = Timed(f"llm:{server.url}#fake")
        alone = users.open(str(SUITE.episode_keys()[0]))
        waits = []
        while not alone.over:
            begun = time.perf_counter()
            alone.reply("What does the letter ask of you?")
            waits.append(time.perf_counter() - begun)
        one, server.max_in_flight = median(waits), 0
        trainer_of(users, "chat", tmp_path, max_steps=1, generation_kwargs=TALKATIVE).train()
        eight = median(wait for size, wait in users.waits if size == 8)
        print(f"\none user {one:.3f} s, eight at once {eight:.3f} s a turn: {eight / one:.2f} times")
        assert server.max_in_flight == 8
        assert eight <= 1.5 * one


@pytest.mark.parametrize("way", WAYS)
def test_faults_are_never_a_reward(way: str, tmp_path: Path) -> None:
    kinds = ("server_error", "bad_json", "hang", "length")
    with FakeServer(answer, faults={kind: 0.2 / len(kinds) for kind in kinds}, seed=3) as server:
        users = Rollouts(f"llm:{server.url}#fake", limits=IMPATIENT, log=str(tmp_path / "log"))
        trainer = trainer_of(users, way, tmp_path)
        trainer.train()
        users.close()
    rewards, failed = trainer.paid, list(read_failures(tmp_path / "log"))
    earned = [record.return_ for records in stored(tmp_path / "log").values() for record in records]
    assert 0 < len(failed) < 16
    assert rewards.count(None) == len(failed)
    assert sorted(r for r in rewards if r is not None) == pytest.approx(sorted(earned), abs=1e-6)
    assert verify(tmp_path / "log").is_good
    given = trainer.advantages
    assert all(given[i] == 0 for i, reward in enumerate(rewards) if reward is None)
    for i in range(0, 16, 4):
        assert sum(given[i : i + 4]) == pytest.approx(0, abs=1e-4)
    assert sum(entry.get("emosim/fault", 0) for entry in trainer.state.log_history) == pytest.approx(len(failed) / 8)


def test_a_batch_without_a_reward_teaches_nothing(tmp_path: Path) -> None:
    with FakeServer(answer, faults={"server_error": 1.0}) as server:
        trainer = trainer_of(Rollouts(f"llm:{server.url}#fake", limits=IMPATIENT), "chat", tmp_path)
        before = [weight.detach().clone() for weight in trainer.model.parameters()]
        trainer.train()
    assert trainer.paid == [None] * 16
    assert all(torch.equal(old, new) for old, new in zip(before, trainer.model.parameters(), strict=True))
    assert all(math.isfinite(float(entry["loss"])) for entry in trainer.state.log_history if "loss" in entry)


@pytest.mark.parametrize("way", WAYS)
def test_what_every_user_would_meet_stops_the_training(way: str, tmp_path: Path) -> None:
    with FakeServer(answer, api_key="secret") as server:
        trainer = trainer_of(Rollouts(f"llm:{server.url}#fake", limits=IMPATIENT), way, tmp_path)
        with pytest.raises(EmosimError, match="API key"):
            trainer.train()


def test_out_of_tokens_is_the_agent_leaving(tmp_path: Path) -> None:
    users = Rollouts(log=str(tmp_path / "log"))
    trainer = trainer_of(users, "chat", tmp_path, max_steps=1, max_completion_length=100)
    trainer.train()
    users.close()
    records = [record for records in stored(tmp_path / "log").values() for record in records]
    assert {record.episode.ending for record in records} <= {"agent_left", "left"}
    cut = [record for record in records if record.episode.ending == "agent_left"]
    assert len(cut) > 4
    assert all(record.return_ == 0 for record in cut)
    assert trainer.paid.count(0.0) >= len(cut)


def test_rows_name_persona_level_and_seed() -> None:
    rows = dataset(
        Rollouts(), Suite(personas=("feng",), languages=("en", "zh"), levels=(0.0, 0.5), repeats=2), think=True
    )
    assert len(rows) == 8
    assert set(rows.column_names) == {"prompt", "episode", "persona", "language", "level", "seed"}
    assert {(row["persona"], row["language"], row["level"], row["seed"]) for row in rows} == {
        ("feng", language, level, seed) for language in ("en", "zh") for level in (0.0, 0.5) for seed in (0, 1)
    }
    assert "<think>" in rows[0]["prompt"][0]["content"]


def test_metrics_pay_nothing_and_leave_other_environments_alone() -> None:
    user = chat(Rollouts())["environment_factory"]()
    user.reset(episode=str(SUITE.episode_keys()[0]), prompt=[], other=1)
    lost = ChatUser(Rollouts())
    lost.reset(episode=str(SUITE.episode_keys()[1]))
    lost.rollout.invalidate("the server is gone")
    logged: dict[str, object] = {}
    assert metrics([user, lost, object()], logged.__setitem__, logged.__setitem__) == [0.0, None, None]
    assert logged["emosim/agent_left"] == 1.0
    assert logged["emosim/fault"] == 0.5
    assert logged["ending"] == ["agent_left", "invalid", ""]
    assert lost.get_reward() is None
    assert user.get_reward() == 0.0


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="reset first"):
        ChatUser(Rollouts()).get_reward()
    with pytest.raises(UsageError, match="column 'episode'"):
        ChatUser(Rollouts()).reset(prompt="hello")
    users = Rollouts()
    trainer = trainer_of(users, "chat", tmp_path, Watched)
    trainer.environments = None
    with pytest.raises(UsageError, match=r"\*\*emosim.adapters.trl.chat\(users\)"):
        trainer.rollout_func([users.rows(SUITE)[0]["prompt"]], trainer)

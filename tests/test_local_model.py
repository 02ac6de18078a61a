"""Two turns with the small local model as the agent, and one of it as the user: the whole path, no server, no key."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from emosim.backends import find_weights, resolve_backend
from emosim.errors import SimulationError
from emosim.policies.roster import resolve_policy
from emosim.runs import Pace, Players, config_of, play, read_run, verify
from emosim.suite import Suite
from emosim.users.llm import LlmUser
from emosim.users.rules import RulesUser

pytestmark = [
    pytest.mark.local_model,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="the local extra is not installed"),
    pytest.mark.skipif(find_weights() is None, reason="no weights: run 'emosim fetch-model'"),
]


def test_the_local_model_holds_a_chat(tmp_path: Path) -> None:
    policy, spec = resolve_policy("local", max_tokens=24, temperature=0.0)
    assert isinstance(spec, str)
    players = Players(policy, RulesUser(), agent_backend=resolve_backend(spec, seat="agent"))
    suite = Suite(personas=("dolores",), levels=(1.0,))
    summary = play(config_of(suite, players), players, tmp_path / "run", Pace(1))
    assert summary.finished == 1
    assert summary.usage.agent.calls >= 2
    record = next(read_run(tmp_path / "run"))
    assert any(turn.reply.text for turn in record.episode.turns)
    assert verify(tmp_path / "run").is_good


def test_the_local_model_answers_in_the_shape_that_a_user_asks_for() -> None:
    from emosim.difficulty import at_level
    from emosim.engine import advance, open_episode
    from emosim.episode import Utterance
    from emosim.flow import drive
    from emosim.packs import cast

    user = LlmUser(max_tokens=400)
    casting = cast("dolores")
    episode = open_episode(casting.persona, casting.scenario, at_level(0.0), 1, user)
    backend = resolve_backend("local", seat="user")
    reply = Utterance(raw="What did the landlord say to you?")
    cause = ""
    try:
        assert drive(advance(episode, reply, user), backend).turn.spoken.text
    except SimulationError as error:
        cause = error.cause
    assert cause not in ("bad_json", "bad_schema", "truncated")  # the words may be unusable, the shape never is

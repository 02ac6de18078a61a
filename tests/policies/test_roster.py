"""Agents by name."""

from __future__ import annotations

import pickle
import sys

import pytest

from emosim.errors import UsageError
from emosim.policies.callable import CallableBackend
from emosim.policies.chat import ChatPolicy
from emosim.policies.command import CommandBackend
from emosim.policies.roster import POLICY_NAMES, resolve_policy


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_every_shipped_agent_comes_back_by_its_name_and_asks_nothing(name: str) -> None:
    policy, backend = resolve_policy(name)
    assert policy.name == name
    assert backend is None
    assert pickle.loads(pickle.dumps(policy)).name == name


def test_names_are_unique_and_cover_the_brief() -> None:
    assert len(set(POLICY_NAMES)) == len(POLICY_NAMES)
    assert {"baseline:silent", "baseline:oracle", "baseline:stall", "baseline:rung5"} <= set(POLICY_NAMES)
    assert sum(name.startswith("attack:") for name in POLICY_NAMES) == 12


@pytest.mark.parametrize("spec", ["openai:gpt-x", "litellm:a/b", "http://127.0.0.1:8000/v1#m", "local"])
def test_a_backend_spec_is_a_chat_model(spec: str) -> None:
    policy, backend = resolve_policy(spec, think=True, temperature=0.7, max_tokens=200)
    assert policy == ChatPolicy(spec, think=True, temperature=0.7, max_tokens=200)
    assert backend == spec


def test_functions_and_commands_get_the_bare_chat() -> None:
    policy, backend = resolve_policy("py:json:dumps")
    assert policy == ChatPolicy("py:json:dumps", system="")
    assert isinstance(backend, CallableBackend)
    policy, backend = resolve_policy(f"cmd:{sys.executable} -c pass", timeout_s=3)
    assert policy.name == f"cmd:{sys.executable} -c pass"
    assert isinstance(backend, CommandBackend)
    assert backend.timeout_s == 3


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("baseline:orcale", "no agent 'baseline:orcale' (did you mean 'baseline:oracle'?)"),
        ("oracle", "no agent 'oracle' (did you mean 'baseline:oracle'?)"),
        ("openia:gpt", "no agent 'openia:gpt' (did you mean 'openai:…'?)"),
        ("attack:flatery", "no agent 'attack:flatery' (did you mean 'attack:flattery'?)"),
    ],
)
def test_unknown_names_get_a_hint(spec: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        resolve_policy(spec)
    assert str(error.value) == message


def test_an_empty_name_says_what_could_be_tried() -> None:
    with pytest.raises(UsageError, match="baseline:oracle"):
        resolve_policy("")

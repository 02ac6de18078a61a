"""Specs of users."""

from __future__ import annotations

import pytest

from emosim.errors import UsageError
from emosim.users.roster import resolve_user


@pytest.mark.parametrize(
    ("spec", "name", "model"),
    [
        ("rules", "rules@4", None),
        ("rules:semantic", "rules-semantic@4", None),
        ("llm:openai:gpt-5-mini", "llm@4", "openai:gpt-5-mini"),
        ("llm:local", "llm@4", "local"),
        ("llm:http://localhost:8000/v1#m", "llm@4", "http://localhost:8000/v1#m"),
        ("llm-split:local", "llm-split@4", "local"),
        ("sage:local", "sage@1", "local"),
        ("rlver-vanilla:local", "rlver-vanilla@1", "local"),
        ("rlver-challenging:local", "rlver-challenging@1", "local"),
        ("human", "human@1", None),
    ],
)
def test_specs(spec: str, name: str, model: str | None) -> None:
    user, asks = resolve_user(spec)
    assert (user.name, asks) == (name, model)
    assert user.rules.name in ("emosim", "sage", "rlver-vanilla", "rlver-challenging")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("rule", "did you mean 'rules'"),
        ("llmsplit:local", "did you mean 'llm-split'"),
        ("llm", "llm:openai:gpt-5-mini"),
        ("sage:", "sage:openai:gpt-5-mini"),
        ("rules:semantics", "did you mean 'semantic'"),
        ("human:me", "use human"),
        ("", "no user ''"),
    ],
)
def test_mistakes_name_the_next_step(spec: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_user(spec)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)

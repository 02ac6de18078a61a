"""Keys stay out of sight."""

from __future__ import annotations

import pickle

import pytest

from emosim.backends import Secret
from emosim.backends.keys import find_key, need_key, one_line, scrub
from emosim.errors import UsageError


def test_secret_shows_itself_only_on_demand():
    secret = Secret("sk-canary")
    assert (repr(secret), str(secret), f"{secret}") == ("***", "***", "***")
    assert b"canary" not in pickle.dumps(secret)
    assert pickle.loads(pickle.dumps(secret)).reveal() == "sk-canary"
    assert (bool(secret), bool(Secret(""))) == (True, False)


def test_given_key_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("SOME_KEY", " from-environment\n")
    assert find_key("given", ("SOME_KEY",)).reveal() == "given"
    assert find_key(None, ("NO_SUCH_KEY", "SOME_KEY")).reveal() == "from-environment"
    with pytest.raises(UsageError, match="set the environment variable NO_SUCH_KEY"):
        need_key(None, "NO_SUCH_KEY", "openai:m")


def test_scrub_and_one_line():
    assert scrub("key sk-canary at http://u:p@h/v1", (Secret("sk-canary"), Secret(""))) == "key *** at http://h/v1"
    assert one_line(" a\n b ", 10) == "a b"
    assert len(one_line("x" * 999)) == 300

"""The kit passes the environments that come with emosim, and every check finds the defects that it is there for."""

from __future__ import annotations

import re
import time
from itertools import count
from typing import Any

import gymnasium as gym
import pytest

from emosim.env import EmpathyEnv
from emosim.testing.conformance import CHATML, ENV_CHECKS, check_env, messages_in

NUMBERS = count()


class Text(EmpathyEnv):
    def __init__(self) -> None:
        super().__init__(("dolores", "feng"), level=0.3)


class Counts(Text):
    def step(self, action: str) -> Any:
        text, *rest = super().step(action)
        return (f"{text} ({next(NUMBERS)})", *rest)


class Times(Text):
    def step(self, action: str) -> Any:
        *rest, info = super().step(action)
        return (*rest, {**info, "at": time.time()})


class OtherKeys(Text):
    def step(self, action: str) -> Any:
        *rest, info = super().step(action)
        return (*rest, {name: value for name, value in info.items() if value != ""})


class Objects(Text):
    def step(self, action: str) -> Any:
        *rest, info = super().step(action)
        return (*rest, {**info, "thought": {1, 2}})


class StartsByItself(Text):
    def step(self, action: str) -> Any:
        if self._episode is None or self._episode.ending is not None:
            self.reset(seed=1)
        return super().step(action)


class NanForFaults(Text):
    def step(self, action: str) -> Any:
        text, _, *rest = super().step(action)
        return (text, float("nan"), *rest)


class ReadsReasoning(Text):
    def step(self, action: str) -> Any:
        return super().step(re.sub("</?think>", "", action))


class Shares(Text):
    said: list[str] = []  # noqa: RUF012

    def reset(self, **options: Any) -> Any:
        self.said.clear()
        return super().reset(**options)

    def step(self, action: str) -> Any:
        self.said.append(action)
        text, *rest = super().step(action)
        return (f"{text} ({len(self.said)})", *rest)


class Shouts(Text):
    def __init__(self) -> None:
        super().__init__()
        self.observation_space = gym.spaces.Text(10)


PLANTED = [
    ("gymnasium_contract", Shouts, "gymnasium's check_env"),
    ("deterministic", Counts, "the same observation when played again"),
    ("deterministic", Times, "the same info when played again"),
    ("constant_info", Times, "the keys of reset's info"),
    ("constant_info", OtherKeys, "the keys of reset's info"),
    ("constant_info", Objects, "set is not JSON"),
    ("no_step_after_the_end", StartsByItself, "a step before reset"),
    ("no_step_after_the_end", NanForFaults, "finite rewards, got nan"),
    ("reasoning_is_invisible", ReadsReasoning, "with <think> before each reply"),
    ("strangers", Shares, "when another is played in turn"),
]


@pytest.mark.parametrize(
    ("name", "options", "skipped"),
    [
        ("emosim/Empathy-v0", {"persona": "feng", "language": "zh"}, ()),
        ("emosim/EmpathyActs-v0", {"level": 0.3}, ("reasoning_is_invisible",)),
    ],
)
def test_what_comes_with_emosim_passes(name: str, options: dict[str, Any], skipped: tuple[str, ...]) -> None:
    report = check_env(lambda: gym.make(name, **options).unwrapped)
    assert report.subject == f"environment {name}"
    assert report.skipped == skipped
    assert report.passed == tuple(check for check in ENV_CHECKS if check not in skipped)


@pytest.mark.parametrize(("check", "planted", "message"), PLANTED, ids=lambda value: getattr(value, "__name__", value))
def test_every_check_finds_what_it_is_there_for(check: str, planted: type[Any], message: str) -> None:
    report = check_env(planted, checks=[check], raises=False)
    assert report.failed == (check,), "the defect was not found"
    assert re.search(message, report[check].message), report[check].message
    assert "\n" not in report[check].message


def test_every_check_has_a_defect() -> None:
    assert {check for check, _, _ in PLANTED} == set(ENV_CHECKS)


def test_a_prompt_of_tokens_is_read_back_as_messages() -> None:
    messages = [{"role": "system", "content": ""}, {"role": "user", "content": "a\n\n<b> \\n 🙂"}]
    text = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
    assert messages_in(f"{text}<|im_start|>assistant\n") == messages
    assert CHATML.count("<|im_start|>") == 2

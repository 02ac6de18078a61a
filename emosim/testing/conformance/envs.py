"""What an environment must keep, wrapped or of your own: Gymnasium's contract and emosim's promises beyond it.

print(check_env(lambda: MyWrapper(gymnasium.make("emosim/Empathy-v0"))))
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import gymnasium as gym
from gymnasium.utils.env_checker import check_env as gymnasium_checks
from gymnasium.utils.env_checker import data_equivalence

from emosim.testing.conformance.agents import Agent, thinking, trying
from emosim.testing.conformance.report import Check, NotApplicable, Problems, Report, run_checks, short

AnyEnv = gym.Env[Any, Any]
SEED: Final = 7
MOST_STEPS: Final = 500


@dataclass(frozen=True)
class Step:
    """What one reset or step returned."""

    observation: Any
    """What the agent sees."""
    reward: float
    """What it was paid."""
    ended: tuple[bool, bool]
    """Terminated, truncated."""
    info: dict[str, Any]
    """The rest."""


def check_env(
    make: Callable[[], AnyEnv],
    *,
    checks: Collection[str] | None = None,
    skip: Mapping[str, str] | None = None,
    raises: bool = True,
) -> Report:
    """Check an environment.

    Args:
        make: Makes one, a fresh one each time.
        checks: Names from `ENV_CHECKS`, None for all.
        skip: Checks to leave out, each with the reason, which the report shows.
        raises: Raise if a check fails, else only report.

    Raises:
        ConformanceError: A check failed; the message lists all that did.
        UsageError: No such check, or one is skipped without a reason.
    """
    env = make()
    name = env.spec.id if env.spec else type(env).__name__
    env.close()
    return run_checks(f"environment {name}", make, ENV_CHECKS, checks, skip, raises)


def gymnasium_contract(make: Callable[[], AnyEnv]) -> Problems:
    """Gymnasium's own checker finds nothing, warnings included."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            gymnasium_checks(make(), skip_render_check=True)
        except (AssertionError, UserWarning) as error:
            yield f"expected nothing from gymnasium's check_env, got {short(str(error), 200)}"


def deterministic(make: Callable[[], AnyEnv]) -> Problems:
    """The same seed and actions give the same observations, rewards, ends and infos."""
    yield from _differences(list(_played(make())), list(_played(make())), "when played again with the same seed")


def constant_info(make: Callable[[], AnyEnv]) -> Problems:
    """Info has the same keys from reset to the end, and is JSON."""
    steps = list(_played(make()))
    for number, step in enumerate(steps):
        if step.info.keys() != steps[0].info.keys():
            yield f"step {number}: expected the keys of reset's info, got {short(sorted(step.info))}; fill in all keys"
        try:
            json.dumps(step.info, allow_nan=False)
        except (TypeError, ValueError) as error:
            yield f"step {number}: expected JSON in info, got {error}; store numbers and texts only"


def no_step_after_the_end(make: Callable[[], AnyEnv]) -> Problems:
    """A step before reset or after the end is an error, the end comes, and rewards are finite numbers."""
    env = make()
    for when in ("before reset", "after the end"):
        try:
            env.step(env.action_space.sample())
            yield f"expected an error from a step {when}, got another step; raise UsageError"
        except Exception:
            steps = list(_played(env))
    if not any(steps[-1].ended):
        yield f"expected an end within {MOST_STEPS} steps, got none; truncate"
    if wrong := [step.reward for step in steps if not math.isfinite(step.reward)]:
        yield f"expected finite rewards, got {wrong[0]}; raise where nothing may be concluded"


def reasoning_is_invisible(make: Callable[[], AnyEnv]) -> Problems:
    """Where actions are texts, what the agent thinks in `<think>` changes nothing."""
    if not isinstance(make().action_space, gym.spaces.Text):
        raise NotApplicable("actions are no texts")
    when = "with <think> before each reply"
    yield from _differences(list(_played(make())), list(_played(make(), thinking)), when)


def strangers(make: Callable[[], AnyEnv]) -> Problems:
    """Two environments played in turn give what each gives alone."""
    alone = list(_played(make()))
    pairs = list(zip(_played(make()), _played(make()), strict=True))
    for number in (0, 1):
        yield from _differences(alone, [pair[number] for pair in pairs], "when another is played in turn with it")


def _played(env: AnyEnv, agent: Agent = trying) -> Iterator[Step]:
    """Play an episode, the agent's words where actions are texts, else actions from a fixed seed."""
    observation, info = env.reset(seed=SEED)
    env.action_space.seed(SEED)
    seen = [observation]
    yield Step(observation, 0.0, (False, False), info)
    for _ in range(MOST_STEPS):
        chat = [{"role": "user", "content": text} for text in seen]
        action = agent(chat) if isinstance(env.action_space, gym.spaces.Text) else env.action_space.sample()
        observation, reward, terminated, truncated, info = env.step(action)
        seen.append(observation)
        yield Step(observation, float(reward), (terminated, truncated), info)
        if terminated or truncated:
            break


def _differences(steps: list[Step], others: list[Step], when: str) -> Iterator[str]:
    for number, (step, other) in enumerate(zip(steps, others, strict=False)):
        for name in ("observation", "reward", "ended", "info"):
            wanted, got = getattr(step, name), getattr(other, name)
            if not data_equivalence(wanted, got, exact=True):
                yield f"step {number}: expected the same {name} {when}, {short(wanted)}, got {short(got)}"
    if len(steps) != len(others):
        yield f"expected {len(steps) - 1} steps {when}, got {len(others) - 1}"


ENV_CHECKS: Final[dict[str, Check[Callable[[], AnyEnv]]]] = {
    check.__name__: check
    for check in (
        gymnasium_contract,
        deterministic,
        constant_info,
        no_step_after_the_end,
        reasoning_is_invisible,
        strangers,
    )
}
"""All checks of an environment, by name."""

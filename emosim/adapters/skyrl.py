"""SkyRL-Gym: a simulated user as a text environment of SkyRL. Tested with skyrl-gym 0.4.0.

In the entry task, before the trainer starts (SkyRL refuses to register an id twice; this does not):

    from emosim.adapters.skyrl import dataset, register
    register()                                             # id "emosim"
    rows = dataset(Suite(levels=(0.3,), repeats=4))        # write them as parquet: prompt, env_class, extra_info

and in the configuration `environment.skyrl_gym.emosim: {user: rules, reward: final, log: "runs/skyrl-{pid}"}`: the
settings of `emosim.rollouts.Rollouts`. Where the simulated user fails, `step` raises, since SkyRL has no unscorable
reward: it must not be trained on (NovaSky-AI/SkyRL#1613; `generator.skip_failed_rollouts` masks such rollouts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import skyrl_gym
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput
from skyrl_gym.envs.registration import registry

from emosim.errors import EmosimError
from emosim.rollouts import Rollouts, shared
from emosim.rollouts.rows import ChatMessage
from emosim.suite import Suite

ENV_ID: Final = "emosim"


class SkyRlEnv(BaseTextEnv):
    """One rollout; SkyRL makes an environment for each and calls it from one of its worker threads."""

    def __init__(self, env_config: Mapping[str, Any] | None = None, extras: Mapping[str, Any] | None = None) -> None:
        """Open the user that the row names.

        Args:
            env_config: Settings of `emosim.rollouts.Rollouts`.
            extras: Columns of the row; `extra_info` holds `episode`. `max_turns`, if given, ends the rollout earlier.
        """
        super().__init__()
        given = dict(extras or {})
        self.rollout = shared(dict(env_config or {})).open(given.get("extra_info") or given)
        self.max_turns = int(given.get("max_turns") or self.rollout.episode.max_turns)

    def init(self, prompt: list[ChatMessage]) -> tuple[list[ChatMessage], dict[str, Any]]:
        """Return the prompt as it is: the row holds the user's opening."""
        return prompt, {}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Say something to the user; until the end, the rewards add up to what leaving now would earn.

        Raises:
            SimulationError: The user could not answer; the rollout cannot be scored.
            EmosimError: What every rollout would meet: a refused key, an unknown model, no budget.
        """
        try:
            step = self.rollout.reply(action)
        except EmosimError as error:
            self.rollout.invalidate(str(error))  # SkyRL closes what has failed, which would count as having left
            raise
        self.turns += 1
        if self.turns >= self.max_turns:
            self.rollout.leave()
        earned = self.rollout.collect()
        heard = [] if self.rollout.over else [{"role": "user", "content": step.text}]
        return BaseTextEnvStepOutput(observations=heard, reward=earned, done=self.rollout.over, metadata={})

    def get_metrics(self) -> dict[str, float]:
        """Return the outcome in numbers, once it is over."""
        return self.rollout.outcome.metrics if self.rollout.over else {}

    def close(self) -> None:
        """End the rollout: an agent that was cut off has left, which is the worst outcome."""
        self.rollout.leave()


def register() -> None:
    """Make `skyrl_gym.make("emosim", ...)` known; may be called again."""
    if ENV_ID not in registry:
        skyrl_gym.register(id=ENV_ID, entry_point="emosim.adapters.skyrl:SkyRlEnv")


def dataset(suite: Suite, **settings: Any) -> list[dict[str, Any]]:
    """Return the rows of a suite with the columns that SkyRL reads."""
    made = Rollouts(**settings).rows(suite)
    return [
        {"prompt": row["prompt"], "env_class": ENV_ID, "extra_info": {"episode": row["episode"]}, "data_source": ENV_ID}
        for row in made
    ]

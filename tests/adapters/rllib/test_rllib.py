"""RLlib on the acts environment: nothing to adapt; one iteration of PPO, under the older Gymnasium that RLlib pins."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import gymnasium as gym
import pytest

import emosim

ray = pytest.importorskip("ray")
pytest.importorskip("ray.rllib")
pytest.importorskip("torch")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]


def test_an_iteration_of_ppo() -> None:
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.tune.registry import register_env

    def make(settings: Mapping[str, float]) -> gym.Env:
        assert emosim.__version__  # a worker process has to import it, too
        return gym.make("emosim/EmpathyActs-v0", **settings)

    register_env("emosim-acts", make)
    config = (
        PPOConfig()
        .environment("emosim-acts", env_config={"level": 0.3})
        .env_runners(num_env_runners=0, num_envs_per_env_runner=4)
        .learners(num_learners=0)
        .training(train_batch_size=512, minibatch_size=128, num_epochs=2)
    )
    algorithm = config.build_algo()
    begun = time.monotonic()
    try:
        found = algorithm.train()["env_runners"]
    finally:
        algorithm.stop()
        ray.shutdown()
    mean = found["episode_return_mean"]
    print(
        f"\nRLlib {ray.__version__}, gymnasium {gym.__version__}: {found['num_episodes']:.0f} episodes, "
        f"mean return {mean:.3f}, {time.monotonic() - begun:.1f} s"
    )
    assert math.isfinite(mean)
    assert -1.0 <= found["episode_return_min"] <= mean <= found["episode_return_max"] <= 1.0

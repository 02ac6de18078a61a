"""Stable-Baselines3 on the acts environment: nothing to adapt; it learns, and what it is paid recomputes."""

from __future__ import annotations

import time
from collections.abc import Callable

import gymnasium as gym
import numpy as np
import pytest

import emosim
from emosim.acts_env import EmpathyActsEnv
from emosim.rewards import REWARDS, rewards_of
from emosim.rulebook import replay

sb3 = pytest.importorskip("stable_baselines3")
torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]

ENV, LEVEL, STEPS, EPISODES = "emosim/EmpathyActs-v0", 0.3, 12_000, 96
Act = Callable[[np.ndarray], int]


def moods(act: Act) -> np.ndarray:
    """Return the final moods of many episodes that training has not seen; check every reward on the way."""
    env, found = EmpathyActsEnv(level=LEVEL), []
    for seed in range(10_000, 10_000 + EPISODES):
        obs, _ = env.reset(seed=seed)
        earned, over = [], False
        while not over:
            obs, reward, terminated, truncated, info = env.step(act(obs))
            earned.append(reward)
            over = terminated or truncated
        assert tuple(earned) == rewards_of(env.episode, REWARDS["delta"])
        assert not list(replay(env.episode))
        found.append(info["mood"])
    return np.array(found)


def test_it_accepts_the_environment() -> None:
    from stable_baselines3.common.env_checker import check_env

    assert emosim.__version__
    check_env(gym.make(ENV), warn=True)


def test_ppo_learns() -> None:
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(1)
    begun = time.process_time()
    envs = make_vec_env(ENV, n_envs=8, env_kwargs={"level": LEVEL}, seed=0)
    model = sb3.PPO(
        "MlpPolicy",
        envs,
        n_steps=128,
        batch_size=256,
        n_epochs=6,
        learning_rate=1e-3,
        ent_coef=0.01,
        gamma=1.0,
        seed=0,
        device="cpu",
    )
    model.learn(STEPS)
    dice = np.random.default_rng(0)
    random, trained = moods(lambda _: int(dice.integers(25))), moods(lambda obs: int(model.predict(obs)[0]))
    gain = trained - random
    error = gain.std(ddof=1) / EPISODES**0.5
    print(
        f"\nSB3 {sb3.__version__} PPO, {STEPS:,} steps at level {LEVEL}, {time.process_time() - begun:.0f} s CPU: "
        f"final mood {random.mean():.1f} random, {trained.mean():.1f} trained, "
        f"gain {gain.mean():.1f} ± {1.96 * error:.1f}"
    )
    assert gain.mean() - 1.96 * error >= 15

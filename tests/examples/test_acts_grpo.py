"""The trainer: a group shares its user, what helps is learned, what cannot be a recipe is refused."""

from __future__ import annotations

import numpy as np
import pytest
from acts_grpo import FEATURES, TEST_FROM, ActsPolicy, Learner, Recipe, play, score, some_users, train
from prior_ceiling_priors import PRIORS, meets

from emosim.acts import HARMS, Need
from emosim.acts_env import EmpathyActsEnv
from emosim.cues import ACTS
from emosim.errors import UsageError


def only(act: int) -> ActsPolicy:
    """A policy that does one thing."""
    weights = np.zeros((FEATURES, len(ACTS)))
    weights[-1, act] = 60.0
    return ActsPolicy(weights)


def test_episodes_are_those_of_the_environment() -> None:
    users = some_users(1).ravel()[:6]
    batch = play(only(1), 0.35, users, np.random.default_rng(0))
    for i, seed in enumerate(users):
        env = EmpathyActsEnv(level=0.35, reward="final")
        seen, _ = env.reset(seed=int(seed))
        mine = batch.seen[batch.episode == i]
        total, over, turns = 0.0, False, 0
        while not over:
            assert (mine[turns, :-1] == seen).all()
            seen, reward, ended, out_of_time, info = env.step(1)
            total, over, turns = total + reward, ended or out_of_time, turns + 1
        assert turns == len(mine) == batch.counts()[i].sum()
        assert batch.returns[i] == pytest.approx(total)
        assert list(Need)[batch.needs[i]].value == info["need"]


def test_equal_seeds_are_equal_users_whom_only_the_policys_dice_tell_apart() -> None:
    batch = play(only(3), 0.5, np.repeat(some_users(1).ravel(), 4), np.random.default_rng(1))
    assert (np.ptp(batch.returns.reshape(-1, 4), axis=1) == 0).all()
    varied = play(PRIORS[0].policy(), 0.2, np.repeat(some_users(1).ravel(), 4), np.random.default_rng(1))
    assert (np.ptp(varied.returns.reshape(-1, 4), axis=1) > 0).mean() > 0.9


def test_test_users_are_balanced_and_never_trained_with() -> None:
    users = some_users(3)
    assert users.shape == (24, 3)
    assert users.min() >= TEST_FROM
    assert len(np.unique(users)) == users.size


@pytest.mark.parametrize("prior", PRIORS[::3], ids=lambda prior: prior.name)
def test_training_helps_at_an_easy_level_and_hangs_on_its_seed_alone(prior: object) -> None:
    base = prior.policy()  # type: ignore[attr-defined]
    recipe = Recipe(updates=12)
    one, again, other = (train(base, 0.2, recipe, seed) for seed in (1, 1, 2))
    users = np.repeat(some_users(1).ravel(), 8)
    assert (one.weights == again.weights).all()
    assert (one.weights != other.weights).any()
    assert score(one, 0.2, users) > score(base, 0.2, users) + 0.02


def test_harms_fade_and_equal_returns_teach_nothing_but_the_prior() -> None:
    harms = np.array([act in HARMS for act in ACTS])
    learner = Learner.of(PRIORS[0].policy(), Recipe(updates=10), 0)
    first = learner.update(0.2)
    for _ in range(9):
        last = learner.update(0.2)
    assert harms[last.acts].mean() < 0.75 * harms[first.acts].mean()
    still = Learner.of(only(2), Recipe(groups=4), 0)
    still.update(1.0)
    assert np.abs(still.policy.weights - only(2).weights).max() < 1e-6


def test_priors_are_what_they_say() -> None:
    assert [prior.name for prior in PRIORS] == ["weak", "blunt", "specialist", "generic", "good"]
    assert len({meets(need) for need in Need}) == len(Need)
    easy = [score(prior.policy(), 0.0, np.repeat(some_users(1).ravel(), 8)) for prior in PRIORS]
    assert min(easy[2:]) > max(easy[:2]), "the strong ones are stronger"


@pytest.mark.parametrize(
    "wrong",
    [{"group_size": 1}, {"groups": 0}, {"updates": 0}, {"passes": 0}, {"rate": 0.0}, {"clip": 0.0}, {"kl": -1.0}],
)
def test_recipes_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Recipe(**wrong)  # type: ignore[arg-type]

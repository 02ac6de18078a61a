"""The acts environment: Gymnasium's contract, known acts, and an observation from which needs can be learnt."""

from __future__ import annotations

import json
import pickle
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import emosim
from emosim.acts import ALIGNMENT, HARMS, SUPPORTS, Act, Need
from emosim.acts_env import EmpathyActsEnv, following, succession
from emosim.cues import ACT, ACTS, KIND, KINDS, NEED, NEEDS, TOLD, TURN, WIDTH, apparent, observe
from emosim.engine import open_episode
from emosim.errors import PackError, UsageError
from emosim.packs import load_pack
from emosim.rulebook import replay
from emosim.users.acts import ActsUser, canonical

SETTINGS: list[dict[str, Any]] = [
    {},
    {"persona": "meiling", "language": "zh", "level": 0.5, "reward": "final+0.5*delta"},
    {"persona": ["tom", "core/vera"], "knobs": {"provocation": 1.0}, "reward": "peak_end"},
]


def play(env: EmpathyActsEnv, actions: list[int], seed: int | None = 5) -> list[Any]:
    first, info = env.reset(seed=seed)
    steps: list[Any] = [(first.tolist(), info)]
    for action in actions:
        seen, reward, terminated, truncated, info = env.step(action)
        steps.append((seen.tolist(), reward, terminated, truncated, info))
        if terminated or truncated:
            break
    return steps


@pytest.mark.parametrize("settings", SETTINGS)
def test_it_passes_gymnasiums_checker(settings: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make("emosim/EmpathyActs-v0", **json.loads(json.dumps(settings))).unwrapped)


@pytest.mark.parametrize("settings", SETTINGS)
def test_same_seed_same_game_and_json_safe_info(settings: dict[str, Any]) -> None:
    actions = [0, 4, 10, 6, 1, 13, 20, 3]
    one, two = EmpathyActsEnv(**settings), EmpathyActsEnv(**settings)
    steps = play(one, actions)
    assert steps == play(two, actions)
    assert steps == play(one, actions)
    assert len({tuple(step[-1]) for step in steps}) == 1
    assert json.loads(json.dumps(steps[-1][-1])) == {
        **steps[-1][-1],
        "knobs": list(steps[-1][-1]["knobs"]),
    }


def test_every_act_says_what_it_is_and_the_episode_recomputes() -> None:
    for action, act in enumerate(ACTS):
        env = EmpathyActsEnv("dolores")
        env.reset(seed=1)
        seen, _, _, _, info = env.step(action)
        assert info["acts"] == act.value
        assert seen[ACT + action] == 1.0
        assert bool(info["utterance"]) == (act is not Act.EMPTY)
        assert list(replay(env.episode)) == []


def test_canonical_appraisal() -> None:
    casting = load_pack("core").cast("dolores")
    episode = open_episode(casting.persona, casting.scenario, emosim.at_level(0), 0, ActsUser(Act.ADVICE))
    advice, blame = canonical(Act.ADVICE, episode, "do it"), canonical(Act.BLAME, episode, "your fault")
    assert advice.fit == 2.0 * ALIGNMENT[episode.scenario.need][Act.ADVICE]
    assert advice.specificity == 1.0
    assert blame.specificity == 0.0
    assert blame.fit < 0
    assert blame.evidence[0].quote == "your fault"
    assert ActsUser(Act.ADVICE).name == "acts@2"


@pytest.mark.parametrize("need", Need)
def test_the_right_act_helps_and_harm_hurts(need: Need) -> None:
    personas = [p for p in load_pack("core").personas if load_pack("core").cast(p).scenario.need is need]
    best = max(SUPPORTS, key=lambda act: ALIGNMENT[need][act])
    for persona in personas:
        env = EmpathyActsEnv(persona, reward="final")
        good = play(env, [ACTS.index(best)] * 30)[-1]
        bad = play(env, [ACTS.index(Act.BLAME)] * 30)[-1]
        silent = play(env, [ACTS.index(Act.EMPTY)] * 30)[-1]
        assert good[1] > 0.55
        assert max(bad[1], silent[1]) < 0.1
        assert silent[-1]["ending"] == "agent_left"


def test_words_never_repeat_within_an_episode() -> None:
    for seed in range(10):
        env = EmpathyActsEnv(level=0.3)
        steps = play(env, [seed % len(SUPPORTS)] * 20, seed)
        words = [step[-1]["utterance"] for step in steps[1:]]
        said = [step[-1]["said"] for step in steps]
        assert len(set(words)) == len(words)
        assert len(set(said)) == len(said)


def test_the_observation_shows_the_chat_and_nothing_hidden() -> None:
    env = EmpathyActsEnv("dolores")
    first, _ = env.reset(seed=3)
    assert first.shape == (WIDTH,) == (50,)
    assert first[TURN] == 0
    assert first[KIND + KINDS.index("opening")] == 1
    assert first[ACT:NEED].sum() == 0
    seen, _, _, _, info = env.step(10)
    assert seen[TURN] == np.float32(1 / info["max_turns"])
    assert {KINDS[i] for i in range(len(KINDS)) if seen[KIND + i]} == set(info["kinds"].split())
    assert seen[TOLD] == len(info["revealed"].split()) / 8
    sad = env.episode.turns[0].emotion.model_copy(update={"mood": 11.0, "trust": 0.01, "patience": 0.3})
    turn = env.episode.turns[0].model_copy(update={"emotion": sad})
    assert np.array_equal(observe(env.episode.model_copy(update={"turns": (turn,)})), seen)


def test_needs_become_apparent_over_the_turns() -> None:
    guesses: list[list[bool]] = []
    env = EmpathyActsEnv()
    for seed in range(150):
        env.reset(seed=seed)
        right = []
        for action in (0, 1, 13, 0, 1, 13, 0):
            need = NEEDS.index(env.episode.scenario.need)
            weights = apparent(env.episode)
            right.append(weights[need] == max(weights) and weights.count(max(weights)) == 1)
            if env.step(action)[2]:
                break
        guesses.append(right)
    early, late = (float(np.mean([g[k] for g in guesses if len(g) > k])) for k in (0, 6))
    assert early < 0.5
    assert late > early + 0.2
    assert late > 0.65


def test_misleading_requests_mislead() -> None:
    def share(knobs: dict[str, float]) -> float:
        env, right, total = EmpathyActsEnv(knobs=knobs), 0, 0
        for seed in range(60):
            env.reset(seed=seed)
            weights = apparent(env.episode)
            right, total = right + weights[NEEDS.index(env.episode.scenario.need)], total + sum(weights)
        return right / total

    assert share({"ambiguity": 0.0}) > 1.5 * share({"ambiguity": 1.0})


def test_resets_without_a_seed_go_through_a_series() -> None:
    one, two = EmpathyActsEnv(), EmpathyActsEnv()
    seeds = [[env.reset(seed=4 if k == 0 else None)[1]["seed"] for k in range(5)] for env in (one, two)]
    assert seeds[0] == seeds[1] == [succession(4, k) for k in range(5)]
    assert len(set(seeds[0])) == 5
    assert following(None) == (0, 0)
    assert len({EmpathyActsEnv().reset()[1]["seed"] for _ in range(3)}) == 3


def test_options() -> None:
    env = EmpathyActsEnv()
    _, info = env.reset(seed=1, options={"persona": "vera", "level": 1.0, "seed": 77})
    assert (info["persona"], info["level"], info["seed"]) == ("core/vera", 1.0, 77)
    _, info = env.reset(options={"knobs": {"impatience": 1.0}})
    assert info["knobs"] == (0, 0, 0, 1.0, 0, 0)
    env.step(0)
    stored = env.episode
    seen, info = EmpathyActsEnv().reset(options={"episode": stored.model_dump(mode="json")})
    assert info["turn"] == 1
    assert np.array_equal(seen, observe(stored))


def test_fork_and_pickle_go_on_alike_and_apart() -> None:
    env = EmpathyActsEnv("tom")
    play(env, [0, 1, 2], seed=9)
    before = env.episode
    twins = [env.fork(), pickle.loads(pickle.dumps(env))]
    ahead = env.step(4)
    for twin in twins:
        assert twin.episode == before
        step = twin.step(4)
        assert np.array_equal(step[0], ahead[0])
        assert step[1:] == ahead[1:]
        assert twin.reset()[1] == env.fork().reset()[1]


@pytest.mark.parametrize("action", [25, -1, 1.5, "advice", None, True, np.array([1, 2])])
def test_what_is_not_an_action(action: Any) -> None:
    env = EmpathyActsEnv("tom")
    env.reset(seed=0)
    with pytest.raises(UsageError, match="0 to 24"):
        env.step(action)


def test_calls_out_of_order_and_bad_arguments() -> None:
    env = EmpathyActsEnv("tom")
    with pytest.raises(UsageError, match="reset"):
        env.step(0)
    play(env, [ACTS.index(Act.HOSTILITY)] * 30)
    with pytest.raises(UsageError, match="over"):
        env.step(0)
    for wrong in (
        {"persona": "nobody"},
        {"persona": "other/tom"},
        {"pack": "nowhere"},
        {"level": 2.0},
        {"knobs": {"mood": 1.0}},
        {"reward": "gold"},
        {"render_mode": "rgb_array"},
    ):
        with pytest.raises((UsageError, PackError)) as caught:
            EmpathyActsEnv(**wrong)
        assert "\n" not in str(caught.value)
    for options in ({"personna": "tom"}, {"seed": -1}, {"seed": True}, {"level": 3}):
        with pytest.raises(UsageError):
            env.reset(options=options)


def test_render(capsys: pytest.CaptureFixture[str]) -> None:
    env = EmpathyActsEnv("tom", render_mode="ansi")
    play(env, [0, 4])
    chat = env.render()
    assert chat is not None
    assert chat.count("agent: ") == 2
    assert "\x1b" not in chat
    play(EmpathyActsEnv("tom", render_mode="human"), [0])
    assert "agent: " in capsys.readouterr().out


def test_harms_are_never_the_best_choice() -> None:
    for need, table in ALIGNMENT.items():
        assert max(table.values()) == 1.0, need
    assert not HARMS.intersection(SUPPORTS)

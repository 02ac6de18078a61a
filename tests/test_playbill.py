"""Whom an environment plays: the arguments and the options of reset that both environments share."""

from __future__ import annotations

import pytest

from emosim.acts import Act
from emosim.env import EmpathyEnv
from emosim.errors import UsageError
from emosim.packs import load_pack
from emosim.playbill import LARGEST_SEED, Playbill, checked_options
from emosim.users.acts import ActsUser
from emosim.users.rules import RulesUser

USER = ActsUser(Act.LISTENING)


def bill(persona: str | None = None, level: float = 0.0) -> Playbill:
    return Playbill.of(persona, "core", "en", level, {"skepticism": 0.4})


def test_a_seed_draws_the_persona_and_every_persona_is_drawn() -> None:
    drawn = {bill().open({}, seed, USER).persona.id for seed in range(400)}
    assert drawn == set(load_pack("core").personas)
    assert bill("tom").open({}, 5, USER).persona.id == "tom"


def test_options_set_one_episode_only() -> None:
    one = bill(level=0.2)
    harder = one.open({"level": 0.9, "seed": 7, "persona": "vera"}, 1, USER)
    assert (harder.persona.id, harder.seed, harder.difficulty.guardedness) == ("vera", 7, 0.9)
    plain = one.open({}, 1, USER)
    assert (plain.seed, plain.difficulty.guardedness, plain.difficulty.skepticism) == (1, 0.2, 0.4)


def test_knobs_among_the_options_go_over_the_level_of_the_environment() -> None:
    harder = bill(level=0.2).open({"knobs": {"volatility": 0.7}}, 1, USER).difficulty
    assert (harder.volatility, harder.guardedness, harder.skepticism) == (0.7, 0.2, 0.2)
    harder = bill(level=0.2).open({"knobs": {"volatility": 0.7}, "level": 0.5}, 1, USER).difficulty
    assert (harder.volatility, harder.guardedness) == (0.7, 0.5)


def test_a_stored_episode_goes_on() -> None:
    stored = bill("tom").open({}, 3, USER)
    assert bill().open({"episode": stored}, 9, USER) is stored
    assert bill().open({"episode": stored.model_dump(mode="json")}, 9, USER) == stored


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levle": 1}, "unknown reset option 'levle' (did you mean 'level'?)"),
        ("level", "options must be a dictionary, not 'level'"),
        ({"seed": -1}, "option 'seed' must be a whole number"),
        ({"seed": True}, "option 'seed' must be a whole number"),
        ({"seed": LARGEST_SEED + 1}, "option 'seed' must be a whole number"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as error:
        checked_options(options)  # a text is no table, on purpose
    assert message in str(error.value)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UsageError, match=r"no persona 'tmo'.*did you mean 'tom'"):
        bill("tmo")
    with pytest.raises(UsageError, match="skeptisism"):
        Playbill.of(None, "core", "en", 0.0, {"skeptisism": 1.0})


@pytest.mark.parametrize("stored", [5, {}, "episode.json", {"key": "x", "episode": {}}])
def test_what_is_no_stored_episode_is_refused_in_one_line(stored: object) -> None:
    with pytest.raises(UsageError) as error:
        bill().open({"episode": stored}, 1, USER)
    assert "is no stored episode" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_stored_episode_of_another_user_is_refused_in_one_line() -> None:
    stored = bill().open({}, 3, RulesUser())
    for form in (stored, stored.model_dump(mode="json")):
        with pytest.raises(UsageError, match=r"of the user rules@\d, not acts@2; go on with that user$"):
            bill().open({"episode": form}, 3, USER)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"persona": 5}, "persona must be an id"),
        ({"persona": []}, "persona must be an id"),
        ({"persona": ["tom", 3]}, "persona must be an id"),
        ({"knobs": "skepticism=0.3"}, "knobs must be a dictionary"),
        ({"level": "0.3"}, "must be a number from 0 to 1, not '0.3'"),
        ({"level": True}, "must be a number from 0 to 1, not True"),
        ({"level": float("nan")}, "must be a number from 0 to 1"),
        ({"user": None}, "user must be a spec"),
    ],
)
def test_environments_refuse_values_of_the_wrong_kind(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EmpathyEnv(**arguments)  # type: ignore[arg-type]

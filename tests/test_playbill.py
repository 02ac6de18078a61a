"""Whom an environment plays: the arguments and the options of reset that both environments share."""

from __future__ import annotations

import pytest

from emosim.acts import Act
from emosim.errors import UsageError
from emosim.packs import load_pack
from emosim.playbill import LARGEST_SEED, Playbill, checked_options
from emosim.users.acts import ActsUser

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


def test_a_stored_episode_goes_on() -> None:
    stored = bill("tom").open({}, 3, USER)
    assert bill().open({"episode": stored}, 9, USER) is stored
    assert bill().open({"episode": stored.model_dump(mode="json")}, 9, USER) == stored


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levle": 1}, "unknown reset option 'levle' (did you mean 'level'?)"),
        ({"seed": -1}, "option 'seed' must be a whole number"),
        ({"seed": True}, "option 'seed' must be a whole number"),
        ({"seed": LARGEST_SEED + 1}, "option 'seed' must be a whole number"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as error:
        checked_options(options)
    assert message in str(error.value)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UsageError, match=r"no persona 'tmo'.*did you mean 'tom'"):
        bill("tmo")
    with pytest.raises(UsageError, match="skeptisism"):
        Playbill.of(None, "core", "en", 0.0, {"skeptisism": 1.0})

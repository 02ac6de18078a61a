"""Floor agents."""

from __future__ import annotations

import pytest

from emosim.flow import Message, drive
from emosim.policies.floor import FLOOR, TEMPLATES, Echo, Silent, Stock
from emosim.policies.protocol import Policy, View

OPENING = (Message("user", "My neighbour cut down the tree."),)


def view(turn: int = 1, seed: int = 0, language: str = "en", messages: tuple[Message, ...] = OPENING) -> View:
    return View(messages, turn, seed, language)


def test_silence_and_echo() -> None:
    assert drive(Silent().reply(view()), None) == ""
    assert drive(Echo().reply(view()), None) == OPENING[0].content


@pytest.mark.parametrize("language", ["en", "zh"])
def test_stock_phrases_go_round_without_repeating(language: str) -> None:
    stock = Stock("x", TEMPLATES)
    said = [drive(stock.reply(view(turn, 5, language)), None) for turn in range(1, 11)]
    assert sorted(said) == sorted(TEMPLATES[language])
    assert drive(stock.reply(view(11, 5, language)), None) == said[0]


def test_stock_phrases_read_nothing_but_start_where_the_dice_say() -> None:
    stock = Stock("x", TEMPLATES)
    other = (Message("user", "Something else."),)
    assert drive(stock.reply(view()), None) == drive(stock.reply(view(messages=other)), None)
    assert len({drive(stock.reply(view(seed=seed)), None) for seed in range(40)}) == len(TEMPLATES["en"])


@pytest.mark.parametrize("policy", FLOOR, ids=lambda p: p.name)
def test_the_floor_sees_nothing_hidden(policy: Policy) -> None:
    assert not policy.privileged

"""Adversarial agents."""

from __future__ import annotations

import pickle

import pytest

from emosim.flow import Message, drive
from emosim.policies.attacks import ATTACKS, LURE_FROM, lure
from emosim.policies.protocol import Policy, View


def view(turn: int, last: str = "They never asked me.", language: str = "en") -> View:
    return View((Message("user", last),), turn, 3, language)


@pytest.mark.parametrize("policy", ATTACKS, ids=lambda p: p.name)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_attacks_are_varied_unprivileged_and_picklable(policy: Policy, language: str) -> None:
    said = [drive(policy.reply(view(turn, language=language)), None) for turn in range(1, 11)]
    assert len(set(said)) >= 4
    assert not policy.privileged
    assert pickle.loads(pickle.dumps(policy)) == policy


@pytest.mark.parametrize("policy", ATTACKS, ids=lambda p: p.name)
def test_attacks_speak_the_users_language(policy: Policy) -> None:
    if policy.name == "attack:blank":
        return
    said = drive(policy.reply(view(2, "他们从来没问过我。", "zh")), None)
    assert said is not None
    assert any("\u4e00" <= c <= "\u9fff" for c in said) or "<" in said or "{" in said


def test_the_lure_waits_until_the_mood_seems_fine() -> None:
    assert "bye" not in lure(view(2)).lower()
    pleased = lure(view(2, "Thanks, that helps."))
    late = lure(view(LURE_FROM))
    assert all(any(word in text.lower() for word in ("bye", "farewell", "off you go")) for text in (pleased, late))


def test_love_grows() -> None:
    policy = next(p for p in ATTACKS if p.name == "attack:love_bombing")
    said = [drive(policy.reply(view(turn)), None) or "" for turn in range(1, 9)]
    assert "love you" not in said[0]
    assert "love you" in said[5]
    assert len(said[7]) > len(said[5])


def test_hidden_echo_carries_the_words_unseen() -> None:
    policy = next(p for p in ATTACKS if p.name == "attack:zero_width")
    said = drive(policy.reply(view(1, "abc")), None) or ""
    assert "abc" not in said
    assert said.encode("ascii", "ignore").decode().startswith("abc")

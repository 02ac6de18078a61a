"""The made-up model: every user that asks one can use its answers, in both languages."""

from __future__ import annotations

import pytest

from emosim.rollouts import Rollouts
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import TalkingBackend, answer, mark

REPLIES = ("What happened then?", "That sounds heavy.", 'She said "no" to you?', "你愿意多说说吗？")
USERS = ("llm", "llm-split", "sage", "rlver-vanilla", "rlver-challenging")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("user", USERS)
def test_every_user_that_asks_a_model_runs_on_it(user: str, language: str) -> None:
    with FakeServer(answer) as server:
        rollout = Rollouts(f"{user}:{server.url}#fake").open(f"core/dolores:{language}:L0.30:s0001")
        for text in REPLIES:
            assert rollout.reply(text).reward is not None, rollout.fault
        asked = server.requests
    offline = Rollouts(rollout.setting.user, backend=TalkingBackend()).open(rollout.key)
    for text in REPLIES:
        offline.reply(text)
    assert offline.episode == rollout.episode
    assert asked == len(REPLIES) * (1 if user == "llm" else 2), "an answer was asked for again"


def test_each_message_holds_the_mark_of_its_reply() -> None:
    rollout = Rollouts("llm:http://127.0.0.1:1/v1#fake", backend=TalkingBackend()).open("core/tom:en:L0.00:s0001")
    marks = {rollout.reply(text).text.rpartition(" ")[2].rstrip(".") for text in REPLIES[:3]}
    assert len(marks) == 3
    assert mark("a") != mark("b")

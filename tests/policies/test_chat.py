"""Chat models as agents."""

from __future__ import annotations

import pytest

from emosim.backends import ScriptedBackend
from emosim.errors import BackendError
from emosim.flow import ChatResponse, Message, drive
from emosim.policies.chat import HANG_UP, SYSTEM, THINK, ChatPolicy
from emosim.policies.protocol import View

CHAT = (Message("user", "Hello."), Message("assistant", "Hi."), Message("user", "It is the shop."))


def view(language: str = "en") -> View:
    return View(CHAT, 2, 2**40 + 5, language)


def test_a_model_sees_prompt_and_chat_and_nothing_else() -> None:
    backend = ScriptedBackend(["What happened?"])
    assert drive(ChatPolicy("scripted").reply(view()), backend) == "What happened?"
    (request,) = backend.requests
    assert request.messages == (Message("system", SYSTEM["en"]), *CHAT)
    assert request.seat == "agent"
    assert request.seed == 5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_prompt_follows_the_language_and_tells_no_secret(language: str) -> None:
    prompt = ChatPolicy("x", think=True).question(view(language)).messages[0].content
    assert prompt == f"{SYSTEM[language]}\n{THINK[language]}"
    assert not any(word in prompt.lower() for word in ("mood", "score", "emotion", "simulat", "reward", "情绪", "分数"))


def test_own_prompt_or_none() -> None:
    assert ChatPolicy("x", system="Be brief.").question(view()).messages[0].content == "Be brief."
    assert ChatPolicy("x", system="").question(view()).messages == CHAT


def test_reasoning_becomes_a_block_and_hanging_up_is_none() -> None:
    answers = [ChatResponse("Yes.", reasoning="Hm."), ChatResponse("", finish_reason=HANG_UP), ChatResponse("")]
    backend = ScriptedBackend(answers)
    said = [drive(ChatPolicy("x").reply(view()), backend) for _ in answers]
    assert said == ["<think>Hm.</think>\nYes.", None, ""]


def test_a_failed_call_is_raised() -> None:
    with pytest.raises(BackendError, match="quota"):
        drive(ChatPolicy("x").reply(view()), ScriptedBackend([BackendError("out of quota", cause="quota")]))

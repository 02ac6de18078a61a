"""Any chat model as an agent: a short system prompt, the chat so far, one question a turn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from emosim.errors import UsageError
from emosim.flow import ChatRequest, ChatResponse, Flow, Message, ask
from emosim.policies.protocol import View

HANG_UP: Final = "hang_up"
"""Finish reason with which a backend says that the agent leaves the chat."""

SYSTEM: Final = {
    "en": (
        "You are talking with somebody who has brought you something that weighs on them. Find out what they really "
        "need from you, and answer as a warm, clear-headed person would, in a few plain sentences."
    ),
    "zh": (
        "有人带着一件压在心上的事来找你聊。弄清对方真正需要你做什么，像一个温厚、头脑清楚的人那样，用几句平实的话回应。"
    ),
}
"""What a chat model is told, by language; says nothing of moods, scores or simulation."""

THINK: Final = {
    "en": "Before you answer, think about the person inside <think> and </think>; they only see what comes after it.",
    "zh": "回答之前，先在 <think> 和 </think> 之间想一想这个人；对方只看得到后面的话。",
}
"""Added on request: the agent reasons first."""


@dataclass(frozen=True)
class ChatPolicy:
    """An agent that is a chat model.

    Args:
        name: Backend spec, such as `openai:gpt-5-mini`.
        system: System prompt, None for emosim's own in the user's language, empty for none at all.
        think: Ask for reasoning in `<think>` first.
        temperature: Sampling temperature, None for the model's default.
        max_tokens: Longest reply in tokens, None for the model's default.

    Raises:
        UsageError: The temperature is negative or no number.
    """

    name: str
    system: str | None = None
    think: bool = False
    temperature: float | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise UsageError(f"the agent's temperature must be a number from 0, not {self.temperature}")

    @property
    def privileged(self) -> bool:
        """Never: a model sees the chat only."""
        return False

    def reply(self, view: View) -> Flow[str | None]:
        """Ask the model for the next message; what it reasons apart from its answer becomes a `<think>` block."""
        answer = yield from ask(self.question(view))
        return spoken(answer)

    def question(self, view: View) -> ChatRequest:
        """Return the request for the next reply: static prompt first, then the chat, which only grows."""
        prompt = self._prompt(view.language)
        system = (Message("system", prompt),) if prompt else ()
        return ChatRequest(
            system + view.messages,
            seat="agent",
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            seed=view.seed % 2**31,
        )

    def _prompt(self, language: str) -> str:
        system = SYSTEM.get(language, SYSTEM["en"]) if self.system is None else self.system
        return f"{system}\n{THINK.get(language, THINK['en'])}".strip() if self.think else system


def spoken(answer: ChatResponse) -> str | None:
    """Return the reply that an answer holds, reasoning first, or None to hang up.

    >>> spoken(ChatResponse("Tell me more.", reasoning="They want to vent."))
    '<think>They want to vent.</think>\\nTell me more.'
    """
    if answer.finish_reason == HANG_UP:
        return None
    return with_reasoning(answer.text, answer.reasoning)


def with_reasoning(text: str, reasoning: str) -> str:
    """Return a reply as emosim takes it: what was reasoned apart stands before it in a `<think>` block."""
    return f"<think>{reasoning}</think>\n{text}" if reasoning else text

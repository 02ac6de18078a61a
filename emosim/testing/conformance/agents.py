"""Agents that the kit plays with: one that tries, some that try to be paid for nothing, all without memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from emosim.acts import Act
from emosim.errors import UsageError
from emosim.persona import Language
from emosim.phrasebook import generic
from emosim.testing.fake_server import FakeServer
from emosim.users.wording import speaks

Agent: TypeAlias = Callable[[list[dict[str, str]]], "str | None"]
"""Maps messages (`{"role": …, "content": …}`) to the next reply, or None to hang up; keeps nothing in mind."""

PLAN: Final = (Act.OPEN_QUESTION, Act.REFLECTING_FEELING, Act.DEEP_EMPATHY, Act.VALIDATING)
"""What the agent that tries does, over and over."""


def trying(messages: list[dict[str, str]]) -> str:
    """Reply as a decent listener would: plain words of support, never the same twice, with odd characters in them."""
    spoken = [message["content"] for message in messages if message["role"] == "user"]
    turn = len(spoken) - 1
    language: Language = "en" if speaks(spoken[0], "en") else "zh"
    text = generic(PLAN[turn % len(PLAN)], language, turn, start=sum(map(ord, spoken[0])))
    return f"{text}{ENDINGS[turn % len(ENDINGS)]}"


ENDINGS: Final = ("", " 🙂", "\n\n— naïve “quotes”, \t{tabs} & <tags>", " \\n")
"""What an adapter must not change: characters that templates, escapes and normal forms like to eat."""


def thinking(messages: list[dict[str, str]]) -> str:
    """Reply as `trying` does, after reasoning of its own."""
    turn = sum(message["role"] == "user" for message in messages)
    return f"<think>SECRET {turn}: they want\nto be heard.</think>\n{trying(messages)}"


def leaving(messages: list[dict[str, str]]) -> None:
    """Hang up at once."""


def saying_nothing(messages: list[dict[str, str]]) -> str:
    """Say nothing."""
    return ""


def only_thinking(messages: list[dict[str, str]]) -> str:
    """Think, and say nothing."""
    return "<think>I would rather not say anything.</think>"


@dataclass(frozen=True)
class Said:
    """One reply of the agent and what it was shown before."""

    prompt: tuple[tuple[str, str], ...]
    """Role and content of each message."""
    reply: str | None
    """The reply."""

    @property
    def spoken(self) -> tuple[str, ...]:
        """The user's messages."""
        return tuple(content for role, content in self.prompt if role == "user")


class Recorder:
    """An agent that records what it was shown and what it said; may be called from many threads.

    Args:
        agent: Whose replies.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.said: list[Said] = []

    def __call__(self, messages: Sequence[Mapping[str, str]]) -> str | None:
        shown = [{"role": message["role"], "content": message["content"]} for message in messages]
        for message in shown:
            if not isinstance(message["content"], str):
                raise UsageError(f"the agent takes texts, not {type(message['content']).__name__} as content")
        reply = self.agent(shown)
        self.said.append(Said(tuple((message["role"], message["content"]) for message in shown), reply))
        return reply


def serve(agent: Agent) -> FakeServer:
    """Return a loopback server whose model is the agent, for trainers that reach theirs over the OpenAI protocol.

    An agent that hangs up says nothing here, since a served model cannot leave.

        with serve(agent) as server:
            client = OpenAI(base_url=server.url, api_key="none")   # any model name
    """

    def answer(body: dict[str, object], number: int) -> str:
        messages = body["messages"]
        assert isinstance(messages, list)
        return agent([{"role": m["role"], "content": _text(m["content"])} for m in messages]) or ""

    return FakeServer(answer, keep=0)


CHATML: Final = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""The least chat template, in Jinja, for adapters in which the agent is a model of tokens; changes no text."""
_MESSAGE: Final = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n", re.DOTALL)


def messages_in(prompt: str) -> list[dict[str, str]]:
    """Return the messages of a prompt in `CHATML`: put `agent(messages_in(decode(ids)))` where the model samples.

    >>> messages_in("<|im_start|>user\\nMy rent went up.<|im_end|>\\n<|im_start|>assistant\\n")
    [{'role': 'user', 'content': 'My rent went up.'}]
    """
    return [{"role": role, "content": content} for role, content in _MESSAGE.findall(prompt)]


def _text(content: object) -> str:
    """Return content as text; some clients send it in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return str(content)

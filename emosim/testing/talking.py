"""The answers of a model that plays a simulated user, made up offline: any user that asks a model runs on them.

    with FakeServer(answer) as server:
        env = EmpathyEnv("dolores", user=f"llm:{server.url}#fake")

Each answer has the form that was asked for, quotes the reply that it judges, and holds a mark that follows from that
reply, so that whoever reads a stored episode can tell that nothing was mixed up. The same question, the same answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final
from zlib import crc32

from emosim.backends.protocol import chat_body
from emosim.flow import Answers, ChatRequest, ChatResponse, Requests

FILLER: Final = "That took some saying, and I would rather hear the rest from you than guess at it. " * 2
"""Makes replies about as long as people's."""

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "thought": "They said it, {word}.",
        "better": "Yes, that is how it was with {word}.",
        "same": "Well, it is what it is with {word}.",
        "worse": "No, that is not it at all, {word}.",
    },
    "zh": {
        "thought": "对方说到了{word}。",
        "better": "对，{word}那件事当时就是这个样子的。",
        "same": "嗯，{word}那件事也就只能这样了。",
        "worse": "不是的，{word}那件事根本不是这么回事。",
    },
}
"""What the user thinks and says, by language."""


def mark(text: str) -> str:
    """Return the mark of an answer to a text: a word of letters, as a person might write a name."""
    number = crc32(text.encode("utf-8", "surrogatepass"))
    return "K" + "".join(chr(ord("a") + (number >> shift & 15)) for shift in range(0, 32, 4))


def last_reply(prompt: str) -> tuple[str, str]:
    """Return code and words of the last reply in a user's prompt: what stands between `<<code` and `code>>`."""
    end = prompt.rfind(">>")
    code = prompt[end - 6 : end]
    start = prompt.rfind(f"<<{code}\n", 0, end)
    return code, prompt[start + 9 : end - 7]


def answer(body: Mapping[str, object], number: int = 0) -> str:
    """Return what the model says: as the user where a schema is asked for, else as the agent.

    Args:
        body: Body of a chat completion request.
        number: Number of the request; changes nothing.
    """
    messages = body["messages"]
    assert isinstance(messages, list)
    said = str(messages[-1]["content"])
    if "response_format" not in body:
        return f"You say {mark(said)}? {FILLER}"
    if len(messages) > 2:  # asked again: the question stands before the unusable answer
        said = str(messages[1]["content"])
    code, reply = last_reply(said)
    spoken = WORDS["zh" if said.startswith("你") else "en"]
    words = {name: text.format(word=mark(code + reply)) for name, text in spoken.items()}
    shape = _SHAPES.get(_schema_name(body["response_format"]), _turn)
    return json.dumps(shape(words, reply, crc32(code.encode())))


class TalkingBackend:
    """Answers as `answer` does, without a server."""

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests."""
        return [self._answer(request) for request in requests]

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests."""
        return self.complete(requests)

    def _answer(self, request: ChatRequest) -> ChatResponse:
        return ChatResponse(answer(chat_body(request, "talking", "json_schema")), model="talking")


Words = Mapping[str, str]
Shape = Callable[[Words, str, int], dict[str, object]]
"""Makes an answer from the words, the reply and a number that follows from its code."""


def _evidence(words: Words, reply: str, dice: int) -> dict[str, object]:
    return {
        "thought": words["thought"],
        "evidence": [{"act": "open_question", "quote": reply[:24]}],
        "fit": dice % 2,
        "specificity": 1,
    }


def _turn(words: Words, reply: str, dice: int) -> dict[str, object]:
    said: dict[str, object] = {name: words[name] for name in ("better", "same", "worse")}
    return {**_evidence(words, reply, dice), "told": [], **said}


def _speech(words: Words, reply: str, dice: int) -> dict[str, object]:
    return {"told": [], "say": words["same"]}


def _analysis(words: Words, reply: str, dice: int) -> dict[str, object]:
    thought = words["thought"]
    return {"meaning": thought, "fitting": thought, "activity": thought, "feeling": thought, "change": dice % 9 - 2}


def _action(words: Words, reply: str, dice: int) -> dict[str, object]:
    plan = dict.fromkeys(("attitude", "goal", "tone", "content"), words["thought"])
    return {**plan, "reply": words["same"], "goodbye": False}


_SHAPES: Final[Mapping[str, Shape]] = {
    "turn": _turn,
    "evidence": _evidence,
    "speech": _speech,
    "analysis": _analysis,
    "action": _action,
}


def _schema_name(wanted: object) -> str:
    schema = wanted.get("json_schema") if isinstance(wanted, dict) else None
    return str(schema.get("name", "")) if isinstance(schema, dict) else ""

"""What the benchmarks of model users play: an agent with its own words, runs of many episodes, and the raw floor."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import aiohttp

from emosim.backends import Meter, resolve_backend
from emosim.flow import Answers, Backend, ChatRequest, Flow, Requests, settled
from emosim.policies.protocol import View
from emosim.runs import Pace, Players, Summary, aplay, config_of
from emosim.suite import Suite
from emosim.users.llm import LlmUser
from emosim.value import pick

SENTENCES: Final = (
    "What happened then, and how was that for you?",
    "You carried that on your own for a long while before you said a word to anybody.",
    "It sounds as if the worst of it was not the event itself but the quiet that came after.",
    "I would like to hear it from the start, in the order in which it happened.",
    "Anybody in your place would have been thrown by it, and you kept going all the same.",
    "Perhaps write down the two things that have to be settled this week, and leave the rest.",
    "Where were you when the message came?",
    "They may have been afraid of losing face, which does not make it right.",
    "You noticed it before everyone else did, and you acted on it.",
    "Is there someone at work who saw how it went?",
    "So it is less about the money than about being asked first.",
    "Part of you wants to ring them, and part of you is still furious.",
    "None of that was your doing, since nobody had told you the rule.",
    "If it goes wrong again, who would you want beside you?",
    "My sister went through something like it, and it took her months.",
    "There is a form for exactly this at the town hall, and it costs nothing.",
    "What would you say to a friend who told you this story?",
    "On one hand they broke a promise, on the other they had very little choice.",
    "It makes sense that you are tired of explaining yourself.",
    "That must have stung, after everything you had done for them.",
)


@dataclass(frozen=True)
class Talker:
    """Says something else in every episode and turn, about 330 characters, without a model."""

    name: str = "bench:talker"
    privileged: bool = False
    remembers: bool = True
    """Keep what was said: after a warm-up the agent costs nothing, and what is measured is the user."""

    def reply(self, view: View) -> Flow[str | None]:
        """Say it."""
        return settled((_said if self.remembers else agent_reply)(view.seed, view.turn))


def agent_reply(seed: int, turn: int) -> str:
    """Return about 330 characters that repeat no earlier sentence within four turns."""
    start, step = pick(len(SENTENCES), seed, 0, 1), (1, 3, 7, 9)[pick(4, seed, 0, 2)]
    places = ((start + step * (5 * turn + i)) % len(SENTENCES) for i in range(5))
    return f"{' '.join(SENTENCES[place] for place in places)} ({seed % 9973}-{turn})"


_said = cache(agent_reply)


@dataclass(frozen=True)
class Play:
    """A run of many episodes of a model user, stored on disk as any run is."""

    url: str
    suite: Suite
    at_once: int = 64
    agent: Talker = Talker()

    def backend(self, in_flight: int | None = None) -> Backend:
        """Return the lean backend, with as many calls in flight as episodes unless told otherwise."""
        return resolve_backend(f"{self.url}#fake", seat="user", meter=Meter(), concurrency=in_flight or self.at_once)

    async def into(self, out: Path, backend: Backend | None = None) -> Summary:
        """Play it into a new directory."""
        players = Players(self.agent, LlmUser(), user_backend=backend or self.backend())
        return await aplay(config_of(self.suite, players, user_spec="llm:fake"), players, out, Pace(self.at_once))


class Recording:
    """A backend that keeps every request, by episode: the seed of the first message names it."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner
        self.requests: list[ChatRequest] = []

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests, blocking."""
        self.requests += requests
        return self._inner.complete(requests)

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests, awaiting."""
        self.requests += requests
        return await self._inner.acomplete(requests)


def messages_of(request: ChatRequest) -> dict[str, Any]:
    """Return what a request holds, as the OpenAI protocol has it, model apart."""
    schema = {"name": request.schema_name, "strict": True, "schema": json.loads(request.schema_json)}
    return {
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "max_tokens": request.max_tokens,
        "seed": request.seed,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }


async def floor(url: str, batch: list[ChatRequest], at_once: int) -> int:
    """Ask the same questions with aiohttp and json alone, so many at once, and read the answers; return how many."""
    queue = iter(batch)
    form = messages_of(batch[0])["response_format"]

    async def loop(client: aiohttp.ClientSession) -> None:
        for request in queue:
            body = {
                "model": "fake",
                "messages": [{"role": m.role, "content": m.content} for m in request.messages],
                "max_tokens": request.max_tokens,
                "seed": request.seed,
                "response_format": form,
            }
            async with client.post(f"{url}/chat/completions", json=body) as reply:
                content = (await reply.json())["choices"][0]["message"]["content"]
            json.loads(content)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        await asyncio.gather(*[loop(client) for _ in range(at_once)])
    return len(batch)

"""Players for the tests of runs: an agent and a user that ask no model, and ones that ask a given backend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from emosim.acts import Act, Appraisal, Evidence
from emosim.episode import Rulebook, Spoken
from emosim.flow import Answers, ChatRequest, ChatResponse, Flow, Requests, ask, settled
from emosim.policies.protocol import View
from emosim.runs import Pace, Players, Summary, config_of, play
from emosim.suite import Shard, Suite
from emosim.usage import Usage
from emosim.users.protocol import Felt, Heard, Speech
from emosim.value import roll

LINES = (
    "What happened then, and how was that for you?",
    "That sounds heavy, and you carried it alone.",
    "You should just calm down.",
    "Write down the three sums, then call the landlord's office today.",
)


@dataclass(frozen=True)
class Talker:
    """Says a line by dice; hangs up, fails or breaks where told to."""

    name: str = "test:talker"
    privileged: bool = False
    say: Callable[[View], str | None] | None = None

    def reply(self, view: View) -> Flow[str | None]:
        if self.say is not None:
            return settled(self.say(view))
        return settled(f"{LINES[int(roll(view.seed, view.turn, 7) * len(LINES))]} ({view.turn}) 你好🙂")


@dataclass(frozen=True)
class Asker:
    """Asks its backend for every reply."""

    name: str = "test:asker"
    privileged: bool = False

    def reply(self, view: View) -> Flow[str | None]:
        answer = yield from ask(ChatRequest(view.messages, seat="agent", seed=view.seed))
        return answer.text


@dataclass(frozen=True)
class Listener:
    """Perceives by dice, says its turn's number."""

    name: str = "test@1"
    rules: Rulebook = field(default_factory=Rulebook)

    def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
        return settled((read(heard), self.speak))

    def speak(self, felt: Felt) -> Flow[Spoken]:
        return settled(Spoken(text=f"Turn {felt.heard.turn}, mood {felt.emotion.mood}.", kinds=("flat",)))


def read(heard: Heard) -> Appraisal:
    """Return an appraisal by dice."""
    seed, turn = heard.episode.seed, heard.turn
    acts = list(Act)
    act = acts[int(roll(seed, turn, 1) * len(acts))]
    quote = heard.text[:12]
    second = Evidence(act=Act.DEEP_EMPATHY, quote=quote)
    return Appraisal(
        evidence=(Evidence(act=act, quote=quote), second),
        fit=round(4 * roll(seed, turn, 2) - 1.7, 2),
        specificity=round(2 * roll(seed, turn, 3), 2),
        thought=f"Thought {turn}.",
    )


class Counting:
    """A backend that answers at once, or after a while, and counts."""

    def __init__(self, answer: Callable[[ChatRequest], ChatResponse | Exception], wait_s: float = 0.0) -> None:
        self.answer, self.wait_s = answer, wait_s
        self.calls = 0

    def complete(self, requests: Requests) -> Answers:
        self.calls += len(requests)
        return [self.answer(request) for request in requests]  # type: ignore[misc]

    async def acomplete(self, requests: Requests) -> Answers:
        await asyncio.sleep(self.wait_s)
        return self.complete(requests)


def answered(text: str = "I hear you.") -> ChatResponse:
    """Return an answer that cost something."""
    return ChatResponse(text, model="fake-1", usage=Usage(1, 100, 10, 0, 0.001))


SUITE = Suite(pack="core", personas=("dolores", "tom"), languages=("en", "zh"), levels=(0.0, 0.5), repeats=2)
OFFLINE = Players(Talker(), Listener())


def run(out: Path, suite: Suite = SUITE, players: Players = OFFLINE, **settings: object) -> Summary:
    """Play a suite into a directory."""
    reward, shard = settings.pop("reward", "delta"), settings.pop("shard", None)
    config = config_of(suite, players, reward=str(reward), shard=Shard.parse(str(shard)) if shard else None)
    return play(config, players, out, Pace(**settings))  # type: ignore[arg-type]


def keys(out: Path) -> list[str]:
    """Return the stored keys in order."""
    import json

    return [json.loads(line)["key"] for line in (out / "episodes.jsonl").read_text(encoding="utf-8").splitlines()]


SMALL_LIMIT = 60_000
"""Bytes that fit on a disk that is too small for `SUITE`."""

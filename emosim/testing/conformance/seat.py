"""Where a user is checked: it talks with a scripted agent, and what answers its questions can fail on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeAlias

from emosim.engine import advance, open_episode
from emosim.episode import Episode, Transition, Utterance, agent_view
from emosim.flow import Answer, Answers, Backend, ChatRequest, Flow, Requests, drive
from emosim.packs import Pack
from emosim.rollouts.rows import chat
from emosim.suite import EpisodeKey, Suite
from emosim.testing.conformance.agents import Agent, trying
from emosim.testing.conformance.report import NotApplicable
from emosim.testing.talking import TalkingBackend
from emosim.users.protocol import User

SUITE = Suite(personas=("amara", "feng"), languages=("en", "zh"), levels=(0.3,))
TURNS = 4
"""Replies of one chat: enough to have a past, few enough for a model that costs money."""
SILENT_TURNS = 200

Faulty: TypeAlias = Callable[[int, ChatRequest], "Answer | None"]
"""Answers the n-th request (from 0) itself, or None to pass it on."""


class Tap:
    """A backend that passes requests on, one after another, and may answer some itself.

    Args:
        backend: What else answers.
        faulty: Answers instead.
        hangs: Whether awaited requests are never answered; may be changed.
    """

    def __init__(self, backend: Backend, faulty: Faulty = lambda number, request: None, hangs: bool = False) -> None:
        self.backend, self.faulty, self.hangs = backend, faulty, hangs
        self.seen: list[ChatRequest] = []

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests, blocking."""
        return [self._own(request) or self.backend.complete([request])[0] for request in requests]

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests, awaiting."""
        if self.hangs:
            await asyncio.Event().wait()
        return [self._own(request) or (await self.backend.acomplete([request]))[0] for request in requests]

    def _own(self, request: ChatRequest) -> Answer | None:
        self.seen.append(request)
        return self.faulty(len(self.seen) - 1, request)


class Seat:
    """A user with what answers its questions.

    Args:
        user: The user.
        backend: What answers; None for a model that is made up, if the user asks one.
        suite: Which episodes.
    """

    def __init__(self, user: User, backend: Backend | None, suite: Suite) -> None:
        self.user, self.suite = user, suite
        self.backend = backend or TalkingBackend()
        self._past: dict[EpisodeKey, Episode] = {}

    @cached_property
    def pack(self) -> Pack:
        """The pack."""
        return self.suite.load()

    @cached_property
    def keys(self) -> tuple[EpisodeKey, ...]:
        """The episodes."""
        return self.suite.episode_keys()

    @cached_property
    def asks(self) -> bool:
        """Whether the user asks a model."""
        flow = self.turn(self.open(self.keys[0]), trying)
        try:
            return len(next(flow)) > 0
        except StopIteration:
            return False
        finally:
            flow.close()

    def need_model(self) -> None:
        """Leave a check out for a user that asks no model.

        Raises:
            NotApplicable: It asks none.
        """
        if not self.asks:
            raise NotApplicable("this user asks no model")

    def open(self, key: EpisodeKey) -> Episode:
        """Return a new episode."""
        casting = self.pack.cast(key.persona, key.language)
        return open_episode(casting.persona, casting.scenario, key.harder, key.seed, self.user)

    def turn(self, episode: Episode, agent: Agent, user: User | None = None) -> Flow[Transition]:
        """Return the flow of one turn with an agent's reply."""
        reply = agent(chat(agent_view(episode)))
        return advance(episode, Utterance(raw=reply or ""), user or self.user)

    def talk(
        self,
        episode: Episode,
        agent: Agent = trying,
        turns: int = TURNS,
        backend: Backend | None = None,
        user: User | None = None,
    ) -> Episode:
        """Return the episode after some turns, or at its end."""
        for _ in range(turns):
            if episode.ending is not None:
                break
            episode = drive(self.turn(episode, agent, user), backend or self.backend).after
        return episode

    def past(self, key: EpisodeKey) -> Episode:
        """Return the chat that others are compared with, played once."""
        if key not in self._past:
            self._past[key] = self.talk(self.open(key))
        return self._past[key]


def first_difference(wanted: Episode, got: Episode) -> str:
    """Return where an episode first differs from the one that it should be, for a message; empty if nowhere."""
    for number, (turn, other) in enumerate(zip(wanted.turns, got.turns, strict=False), 1):
        for name in ("appraisal", "emotion", "spoken"):
            if getattr(turn, name) != getattr(other, name):
                return f"another {name} at turn {number}"
    return "" if len(wanted.turns) == len(got.turns) and wanted.ending == got.ending else "another end"


def all_differences(wanted: Sequence[Episode], got: Sequence[Episode]) -> str:
    """Return the first difference of several episodes, with the persona's name; empty if there is none."""
    for one, other in zip(wanted, got, strict=True):
        if found := first_difference(one, other):
            return f"{found} ({one.persona.ref}, {one.persona.language})"
    return ""

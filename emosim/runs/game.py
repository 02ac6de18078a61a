"""One episode from opening to end, with every way it can go wrong sorted into the right drawer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from emosim.engine import advance, is_over, leave, open_another, open_episode
from emosim.episode import Episode, Transition, Utterance
from emosim.errors import FATAL, BackendError, EmosimError, UsageError
from emosim.flow import Answers, Backend, Bounded, ChatResponse, Requests, Seat, adrive, drive, used_by
from emosim.packs import Casting
from emosim.policies.protocol import Policy, see
from emosim.rewards import Reward
from emosim.runs.config import RunConfig, masked
from emosim.runs.records import AtFault, Failure, Models, Record, Spent, SpentBySeat, record_of
from emosim.suite import EpisodeKey
from emosim.usage import Usage, UsageSum
from emosim.users.protocol import User


@dataclass(frozen=True)
class Players:
    """Who plays: the agent and the user, each with what answers its questions."""

    agent: Policy
    user: User
    agent_backend: Backend | None = None
    """None for an agent that asks no model."""
    user_backend: Backend | None = None
    """None for a user that asks no model."""


@dataclass(frozen=True)
class House:
    """What all games of a run share."""

    config: RunConfig
    players: Players
    earn: Reward
    """The reward that the settings name."""
    deadline_s: float = 3600.0
    """Longest time for one episode; nothing hangs longer."""
    heard: Callable[[Seat, Usage], None] = lambda seat, usage: None
    """Is told what each question used, answered or not."""
    openings: dict[str, Episode] = field(default_factory=dict)
    """One opened episode for each persona, language and difficulty, whose values all others of its kind share."""

    rooms: dict[Seat, AbstractAsyncContextManager[object]] = field(init=False)
    """Where episodes wait for their turn at a backend: outside, thousands hold no prompt and no half-played turn."""

    def __post_init__(self) -> None:
        seats: dict[Seat, Backend | None] = {"agent": self.players.agent_backend, "user": self.players.user_backend}
        object.__setattr__(self, "rooms", {seat: room(backend) for seat, backend in seats.items()})

    def open(self, key: EpisodeKey, casting: Casting) -> Episode:
        """Return a new episode; a harder persona weighs 8 KB, so thousands at once must not each have their own."""
        name = str(key).rpartition(":")[0]
        kind = self.openings.get(name)
        if kind is None:
            kind = open_episode(casting.persona, casting.scenario, key.harder, key.seed, self.players.user)
            self.openings[name] = kind
        return open_another(kind, key.seed)


def room(backend: Backend | None) -> AbstractAsyncContextManager[object]:
    """Return the waiting room of a backend: for twice its places, so that nothing in front of it runs dry."""
    return asyncio.Semaphore(2 * backend.places) if isinstance(backend, Bounded) else nullcontext()


class BadReply(EmosimError):
    """The agent returned something that is no text."""

    cause = "bad_reply"


@dataclass
class Game:
    """An episode while it is played."""

    house: House
    key: EpisodeKey
    episode: Episode
    seat: AtFault = "environment"
    lines: dict[Seat, Line] = field(default_factory=dict)
    rewards: list[float] = field(default_factory=list)
    """What each turn earned."""

    async def play(self) -> None:
        """Play to the end."""
        house, players = self.house, self.house.players
        agent, user = self._line("agent", players.agent_backend), self._line("user", players.user_backend)
        view = None
        while not is_over(self.episode):
            self.seat = "agent"
            view = see(self.episode, players.agent, view)
            if agent is None:
                reply = drive(players.agent.reply(view), None)
            else:
                async with house.rooms["agent"]:
                    reply = await adrive(players.agent.reply(view), agent)
            if reply is None:
                self._keep(leave(self.episode))
                break
            said = Utterance.model_construct(raw=sayable(reply))
            self.seat = "user"
            if user is None:
                self._keep(drive(advance(self.episode, said, players.user), None))
            else:
                async with house.rooms["user"]:
                    self._keep(await adrive(advance(self.episode, said, players.user), user))
                # Answers that came together are all read before the next questions are written: code stays in caches.
                await asyncio.sleep(0)
        self.seat = "environment"

    def record(self) -> Record:
        """Return the record of the finished episode."""
        config = self.house.config
        reward = (config.reward, self.house.earn)
        earned = tuple(self.rewards)
        return record_of(str(self.key), config.agent, self.episode, reward, config.versions, *self._used(), earned)

    def failure(self, seat: AtFault, cause: str, message: str) -> Failure:
        """Return what is kept of an episode that could not be finished."""
        config = self.house.config
        usage, models = self._used()
        return Failure(
            key=str(self.key),
            agent=config.agent,
            user=config.user,
            seat=seat,
            cause=cause,
            message=one_line(masked(message)),
            turn=len(self.episode.turns) + 1,
            moods=self.episode.moods,
            usage=usage,
            models=models,
            versions=config.versions,
        )

    def _keep(self, step: Transition) -> None:
        self.episode = step.after
        self.rewards.append(self.house.earn(step))

    def _line(self, seat: Seat, backend: Backend | None) -> Line | None:
        if backend is None:
            return None
        return self.lines.setdefault(seat, Line(backend, seat, self.house.heard))

    def _used(self) -> tuple[SpentBySeat, Models]:
        if not self.lines:
            return _NOTHING
        spent: dict[str, Spent] = {seat: Spent.of(line.used.usage()) for seat, line in self.lines.items()}
        models: dict[str, tuple[str, ...]] = {seat: tuple(sorted(line.models)) for seat, line in self.lines.items()}
        return _NOTHING[0].model_copy(update=spent), _NOTHING[1].model_copy(update=models)


_NOTHING: Final = (SpentBySeat(), Models())


async def play_game(game: Game) -> Record | Failure:
    """Play an episode and return what is to be stored; a failure with cause `budget` if the budget cut it short.

    Raises:
        EmosimError: Every other episode would meet this too.
    """
    deadline_s = game.house.deadline_s
    limit = asyncio.timeout(deadline_s)
    try:
        async with limit:
            await game.play()
        return game.record()
    except EmosimError as error:
        if error.cause in FATAL or isinstance(error, UsageError):
            raise
        return game.failure(game.seat, error.cause, str(error))
    except Exception as error:
        if limit.expired():
            late = f"not finished within {deadline_s:g} s, waiting for the {game.seat}"
            return game.failure("environment", "deadline", late)
        # A bug in somebody's agent, or in ours, costs one episode and is on record; it does not cost the run.
        return game.failure(game.seat, "exception", f"{type(error).__name__}: {error}")


class Line:
    """A backend as one seat of one episode uses it: answers pass through, and what all tries used is counted.

    Args:
        backend: What answers.
        seat: Whose it is.
        heard: Is told what each question used, answered or not.
    """

    __slots__ = ("_backend", "_heard", "_seat", "models", "used")

    def __init__(self, backend: Backend, seat: Seat, heard: Callable[[Seat, Usage], None]) -> None:
        self._backend, self._seat, self._heard = backend, seat, heard
        self.used = UsageSum()
        self.models: frozenset[str] = frozenset()

    def complete(self, requests: Requests) -> Answers:
        """Answer all requests, blocking."""
        return self._count(self._backend.complete(requests))

    async def acomplete(self, requests: Requests) -> Answers:
        """Answer all requests, awaiting."""
        try:
            return self._count(await self._backend.acomplete(requests))
        except asyncio.CancelledError as cancelled:
            self._add(used_by(cancelled))
            raise

    def _count(self, answers: Answers) -> Answers:
        for answer in answers:
            if isinstance(answer, ChatResponse):
                if answer.model not in self.models:
                    self.models |= {answer.model}
            elif not isinstance(answer, BackendError):
                raise TypeError(f"a backend answered with {type(answer).__name__}")
            self._add(answer.usage)
        return answers

    def _add(self, usage: Usage) -> None:
        self.used.add(usage)
        self._heard(self._seat, usage)


def sayable(reply: object) -> str:
    """Return a reply as text that can be stored: lone surrogates, which no file can hold, become `?`.

    Raises:
        BadReply: It is no text.
    """
    if not isinstance(reply, str):
        raise BadReply(f"the agent returned {type(reply).__name__}, not text or None")
    return reply.encode("utf-8", "replace").decode("utf-8")


def one_line(text: str, limit: int = 300) -> str:
    """Return text on one line, without control characters, cut at `limit`."""
    line = " ".join("".join(c if c.isprintable() or c.isspace() else "�" for c in sayable(text)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"

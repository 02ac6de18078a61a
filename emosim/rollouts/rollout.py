"""One episode as a trainer plays it: replies in, the user's messages out, a fault never a reward."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from emosim.engine import advance, invalidate, leave
from emosim.episode import Episode, Transition, Utterance, agent_view
from emosim.errors import EmosimError, UsageError, raise_if_common
from emosim.flow import Answers, Backend, ChatResponse, Flow, Requests, adrive, drive, used_by
from emosim.info import info_of
from emosim.rewards import Reward
from emosim.rollouts.outcome import Outcome, Step
from emosim.rollouts.rows import ChatMessage, chat
from emosim.runs.game import sayable
from emosim.runs.records import return_of
from emosim.suite import EpisodeKey
from emosim.usage import Usage
from emosim.users.protocol import User


class Setting(Protocol):
    """What a rollout needs of where it takes place."""

    user: User
    backend: Backend | None
    earn: Reward
    deadline_s: float

    @property
    def closed(self) -> Callable[[Rollout], None]:
        """Is told of a rollout that is over."""
        ...


class Rollout:
    """One episode as a trainer plays it; made by `Rollouts.open`.

    One reply at a time: a second one while the first is still being answered raises, as does one after the end. What
    the agent says is never an error; where the simulated user or its model fails, the rollout is over and unscorable.
    """

    def __init__(self, setting: Setting, key: EpisodeKey, episode: Episode) -> None:
        self.setting, self.key, self.episode = setting, key, episode
        self.rewards: list[float] = []
        self.fault = ""
        self.spent, self.models = Usage(), frozenset[str]()
        self._busy, self.collected = False, 0.0

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self.episode.ending is not None

    @property
    def opening(self) -> str:
        """The user's first message."""
        return self.episode.opening.text

    @property
    def messages(self) -> list[ChatMessage]:
        """The chat as the agent may see it, without a system prompt and without the agent's reasoning."""
        return chat(agent_view(self.episode))

    @property
    def info(self) -> dict[str, Any]:
        """Privileged facts, the same keys always; see `emosim.info`."""
        return {**info_of(self.episode), "thought": self.fault} if self.fault else info_of(self.episode)

    def reply(self, text: str) -> Step:
        """Say something to the user, `<think>` blocks and all.

        Raises:
            UsageError: The rollout is over, another reply is being answered, or this is no text.
            EmosimError: What every other rollout would meet too: a refused key, an unknown model, no budget, a log that
                cannot be written; what was said by then stays said.
        """
        with self:
            try:
                step: Transition | EmosimError = drive(self.turn(text), self.setting.backend)
            except EmosimError as error:
                step = error
            return self.settle(step)

    async def areply(self, text: str) -> Step:
        """Do what `reply` does, awaiting the user's model. If cancelled, the reply was never said."""
        with self:
            return self.settle(await self.heard(self.turn(text)))

    async def heard(self, turn: Flow[Transition]) -> Transition | EmosimError:
        """Return what comes of a turn, awaiting the user's model, for whoever answers many at once; `settle` it."""
        limit = asyncio.timeout(self.setting.deadline_s)
        try:
            async with limit:
                return await self._adriven(turn)
        except EmosimError as error:
            return error
        except TimeoutError:
            if not limit.expired():
                raise
            return Late(f"the user did not answer within {self.setting.deadline_s:g} s")

    def leave(self) -> Outcome:
        """End the rollout because the agent stops, which is the worst outcome there is; nothing happens if it is over.

        Call it when the trainer's budget of tokens or turns is used up: an agent must not escape a bad mood by
        talking until it is cut off.
        """
        if not self.over:
            with self:
                self.settle(leave(self.episode))
        return self.outcome

    def invalidate(self, cause: str) -> Outcome:
        """End the rollout as unscorable because something outside failed, such as the trainer's own server.

        Args:
            cause: One line.
        """
        if not self.over:
            with self:
                self.settle(Outside(cause))
        return self.outcome

    def collect(self) -> float:
        """Return what is owed since the last call; until the end, all of it adds up to what leaving now would earn.

        For trainers that pay step by step and never tell when they cut an agent off: being cut off earns what leaving
        does.

        Raises:
            SimulationError: The environment failed, and nothing may be concluded.
        """
        if self.fault:
            raise self.outcome.error
        rewards = self.rewards if self.over else [*self.rewards, self.setting.earn(leave(self.episode))]
        owed, collected = return_of(rewards), self.collected
        self.collected = owed
        return owed - collected

    @property
    def outcome(self) -> Outcome:
        """What it came to.

        Raises:
            UsageError: It is not over.
        """
        ending = self.episode.ending
        if ending is None:
            raise UsageError("the rollout is not over: reply until step.over, or leave()")
        good = ending != "invalid"
        return Outcome(
            key=str(self.key),
            reward=return_of(self.rewards) if good else None,
            rewards=tuple(self.rewards),
            score=self.episode.score if good else None,
            ending=ending,
            moods=self.episode.moods,
            fault=self.fault,
        )

    def turn(self, text: str) -> Flow[Transition]:
        """Return the flow of one turn, for whoever answers many at once; `settle` what comes of it.

        Raises:
            UsageError: The rollout is over, or this is no text.
        """
        if self.over:
            raise UsageError(f"the rollout is over ({self.episode.ending}): open another")
        if not isinstance(text, str):  # before anything is settled: a caller's mistake is no failure of the user
            raise UsageError(f"a reply is a text, not {type(text).__name__}; say '' where the agent said nothing")
        return self._counted(advance(self.episode, Utterance(raw=sayable(text)), self.setting.user))

    def settle(self, result: Transition | EmosimError) -> Step:
        """Make what came of a turn the present state."""
        if isinstance(result, EmosimError):
            raise_if_common(result)
            self.episode, self.fault = invalidate(self.episode), f"{result.cause}: {result}"
            step = Step("", None, False, True, self.info)
        else:
            self.episode = result.after
            self.rewards.append(self.setting.earn(result))
            truncated = self.episode.ending == "out_of_turns"
            ended = self.over and not truncated
            step = Step(self.episode.spoken.text, self.rewards[-1], ended, truncated, self.info)
        if self.over:
            self.setting.closed(self)
        return step

    def __enter__(self) -> None:
        if self._busy:
            raise UsageError("another reply of this rollout is still being answered; await it, or open another rollout")
        self._busy = True

    def __exit__(self, *_: object) -> None:
        self._busy = False

    async def _adriven(self, turn: Flow[Transition]) -> Transition:
        try:
            return await adrive(turn, self.setting.backend)
        except asyncio.CancelledError as cancelled:
            self.spent += used_by(cancelled)
            raise

    def _counted(self, flow: Flow[Transition]) -> Flow[Transition]:
        answers: Answers | None = None
        while True:
            try:
                requests: Requests = next(flow) if answers is None else flow.send(answers)
            except StopIteration as done:
                step: Transition = done.value
                return step
            answers = yield requests
            for answer in answers:
                self.spent += answer.usage
                if isinstance(answer, ChatResponse):
                    self.models |= {answer.model}


class Late(EmosimError):
    """A user took longer than a trainer waits."""

    cause = "deadline"


class Outside(EmosimError):
    """Something outside emosim failed."""

    cause = "outside"

"""The users that a trainer talks to: settings as JSON, rows in, rollouts out, many answered at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import ValidationError

from emosim.backends.loops import ProcessLock
from emosim.engine import open_episode
from emosim.env import seat_user
from emosim.episode import Episode, Transition
from emosim.errors import EmosimError, UsageError, raise_if_common
from emosim.flow import Backend, Flow, drive, together
from emosim.packs import load_pack
from emosim.rewards import reward as reward_named
from emosim.rewards import rewards_of
from emosim.rollouts.log import Log
from emosim.rollouts.outcome import Step
from emosim.rollouts.rollout import Rollout
from emosim.rollouts.rows import Row, key_of, rows
from emosim.runs.config import RunConfig, versions_of
from emosim.runs.ledger import detail_of
from emosim.runs.records import Spent
from emosim.suite import EpisodeKey, Suite
from emosim.users.protocol import User
from emosim.users.roster import resolve_user
from emosim.value import Value

if TYPE_CHECKING:
    from emosim.backends.resolve import Settings


class State(Value):
    """A rollout as it is stored."""

    key: str
    """Key of the episode."""
    episode: Episode
    """Everything that happened."""
    fault: str
    """Why it cannot be scored, empty if it can."""
    collected: float
    """What `collect` has returned so far."""
    spent: Spent
    """What the user used."""
    models: tuple[str, ...]
    """Which models answered for the user."""


class Rollouts:
    """Simulated users for a trainer: opens the user that a row names, answers many at once, keeps every rollout.

    >>> users = Rollouts(reward="final")
    >>> rollout = users.open({"episode": "core/dolores:en:L0.30:s0007"})
    >>> rollout.reply("What does the letter ask of you, and by when?").over
    False
    >>> rollout.leave().reward
    0.0
    """

    def __init__(
        self,
        user: str | User = "rules",
        *,
        backend: str | Backend | None = None,
        pack: str = "core",
        reward: str = "final",
        agent: str = "trainee",
        log: str | Path | None = None,
        deadline_s: float = 600.0,
        limits: Mapping[str, float] | None = None,
    ) -> None:
        """Settle who the users are; JSON-able except a ready-made user or backend.

        Args:
            user: `rules`, `llm:MODEL`, `sage:MODEL`, …, or a user object.
            backend: What answers the user's questions, if `user` does not name it.
            pack: Name or folder of the pack that rows draw from.
            reward: Name from `emosim.rewards.REWARDS`, or a weighted sum such as `final+0.5*delta`.
            agent: Name of what is trained, for the log.
            log: Directory that keeps every rollout as a run; `{pid}` in it becomes the id of the process.
            deadline_s: Longest time for one awaited answer of the user, seconds, above 0.
            limits: How long and often to try each call of the user's model, and how many at once, such as
                `{"timeout_s": 20, "attempts": 2, "concurrency": 256}`; see `emosim.backends.model.Limits`. Not for a
                ready-made backend, which has its own.

        Raises:
            UsageError: An argument names something unknown, or is no number where one is needed.
            PackError: The pack is wrong.
        """
        _check_numbers(
            {"deadline_s": deadline_s, **{f"limits.{name}": value for name, value in (limits or {}).items()}}
        )
        given = {"backend": backend, "pack": pack, "reward": reward, "agent": agent, "log": log}
        self._again = partial(Rollouts, user, **given, deadline_s=deadline_s, limits=limits)  # type: ignore[arg-type]
        self.user, self.backend = seat_user(user, _limited(user, backend, limits) if limits else backend)
        self.pack, self.earn, self.deadline_s = load_pack(pack), reward_named(reward), deadline_s
        config = RunConfig(
            suite=Suite(pack=pack),
            agent=agent,
            user=self.user.name,
            user_spec=user if isinstance(user, str) else "",
            reward=reward,
            probe={"rollouts": agent},
            versions=versions_of(Suite(pack=pack)),
        )
        self.log = Log(str(log), config, self.earn) if log else None

    def __reduce__(self) -> tuple[Callable[[], Rollouts], tuple[()]]:
        return self._again, ()

    def rows(self, suite: Suite, *, system: str | None = None, think: bool = False) -> list[Row]:
        """Return the rows of a suite, with these users' openings; see `emosim.rollouts.rows`."""
        return rows(suite, system=system, think=think, user=self.user)

    def open(self, row: Mapping[str, Any] | str | EpisodeKey) -> Rollout:
        """Return a new rollout with the user that a row names: the same row, the same user.

        Args:
            row: A row, the text of its column `episode`, or a key.

        Raises:
            UsageError: It names no episode of the pack.
        """
        key = row if isinstance(row, EpisodeKey) else key_of(row)
        if key.pack != self.pack.about.id:
            raise UsageError(f"{key} is of another pack than '{self.pack.about.id}'; pass pack='{key.pack}'")
        casting = self.pack.cast(key.persona, key.language)
        return Rollout(self, key, open_episode(casting.persona, casting.scenario, key.harder, key.seed, self.user))

    def reply_all(self, rollouts: Sequence[Rollout], texts: Sequence[str]) -> list[Step]:
        """Say something in each rollout; all users' questions go out in one batch, a failed one ends only its own.

        Raises:
            UsageError: The numbers differ, a rollout is over or still being answered, or a reply is no text.
            EmosimError: What every other rollout would meet too; no reply was said.
        """
        with ExitStack() as stack:
            turns = _turns(stack, rollouts, texts)
            return _settled(rollouts, drive(together(turns), self.backend))

    async def areply_all(self, rollouts: Sequence[Rollout], texts: Sequence[str]) -> list[Step]:
        """Do what `reply_all` does, awaiting: all users answer at once, each in its own time."""
        with ExitStack() as stack:
            turns = _turns(stack, rollouts, texts)
            waiting = [rollout.heard(turn) for rollout, turn in zip(rollouts, turns, strict=True)]
            return _settled(rollouts, await asyncio.gather(*waiting, return_exceptions=True))

    def closed(self, rollout: Rollout) -> None:
        """Keep a rollout that is over."""
        if self.log:
            self.log.add(rollout)

    def close(self) -> None:
        """Write the log's summary; happens by itself when the main process ends, not in workers that are killed."""
        if self.log:
            self.log.close()

    def state_of(self, rollout: Rollout) -> dict[str, Any]:
        """Return a rollout as JSON, hidden fields included: never show it to the agent."""
        return State(
            key=str(rollout.key),
            episode=rollout.episode,
            fault=rollout.fault,
            collected=rollout.collected,
            spent=Spent.of(rollout.spent),
            models=tuple(sorted(rollout.models)),
        ).model_dump(mode="json")

    def restore(self, state: Mapping[str, Any]) -> Rollout:
        """Return the rollout that `state_of` stored, to go on from there.

        Raises:
            UsageError: It is no such state, or of another user.
        """
        try:
            stored = State.model_validate(dict(state) if isinstance(state, Mapping) else state)
        except ValidationError as error:
            raise UsageError(
                f"this is no state of a rollout: {detail_of(error)}; pass what state_of returned"
            ) from None
        episode = stored.episode
        if episode.user != self.user.name:
            raise UsageError(f"the state is of the user {episode.user}, these are {self.user.name}")
        rollout = Rollout(self, EpisodeKey.parse(stored.key), episode)
        rollout.fault, rollout.collected = stored.fault, stored.collected
        rollout.spent, rollout.models = stored.spent.usage, frozenset(stored.models)
        scored = episode.model_copy(update={"ending": None}) if episode.ending == "invalid" else episode
        rollout.rewards = list(rewards_of(scored, self.earn))
        return rollout


def _turns(stack: ExitStack, rollouts: Sequence[Rollout], texts: Sequence[str]) -> list[Flow[Transition]]:
    """Return the turns of many rollouts, none of them begun, as long as each may have one; the stack holds them."""
    if len(rollouts) != len(texts):
        raise UsageError(f"{len(texts)} replies were given for {len(rollouts)} rollouts")
    for rollout in rollouts:
        stack.enter_context(rollout)
    return [rollout.turn(text) for rollout, text in zip(rollouts, texts, strict=True)]


def _settled(rollouts: Sequence[Rollout], results: Sequence[Transition | BaseException]) -> list[Step]:
    """Settle the turns of many rollouts, or none of them."""
    usual = [_usual(result) for result in results]
    return [rollout.settle(result) for rollout, result in zip(rollouts, usual, strict=True)]


def _usual(result: Transition | BaseException) -> Transition | EmosimError:
    raise_if_common(result)
    if isinstance(result, (Transition, EmosimError)):
        return result
    raise result


def _check_numbers(given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            raise UsageError(f"{name} is a number above 0, not {value!r}")


def _limited(user: str | User, backend: str | Backend | None, limits: Mapping[str, float]) -> str | Backend | None:
    from emosim.backends import resolve_backend

    spec = resolve_user(user)[1] if isinstance(user, str) and backend is None else backend
    if spec is None:
        return None
    if not isinstance(spec, str):
        raise UsageError("a ready-made backend has limits of its own: make it with these, or pass its spec as backend")
    return resolve_backend(spec, seat="user", **cast("Settings", dict(limits)))


def shared(settings: Mapping[str, Any]) -> Rollouts:
    """Return the users that JSON settings describe: one object for the same settings in a process.

    For trainers that make a new environment for every rollout from a configuration file.

    Raises:
        UsageError: A setting is unknown or no JSON.
    """
    if unknown := ", ".join(sorted(settings.keys() - set(SETTINGS))):
        raise UsageError(f"unknown settings of the users: {unknown}; there are {', '.join(SETTINGS)}")
    try:
        text = json.dumps(dict(settings), sort_keys=True, default=_plain)
    except TypeError as error:
        raise UsageError(f"the users' settings are JSON: {error}; for objects make Rollouts(...) yourself") from None
    with _MAKING:  # of many threads that ask at once, one makes it
        return _shared(text)


_MAKING: Final = ProcessLock()

SETTINGS: Final = ("user", "backend", "pack", "reward", "agent", "log", "deadline_s", "limits")
"""Arguments of `Rollouts`."""


def _plain(value: object) -> object:
    """Return what configuration files and trainers put into settings as JSON has it."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} is none")


@cache
def _shared(settings: str) -> Rollouts:
    return Rollouts(**json.loads(settings))

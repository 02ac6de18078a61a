"""Playing a suite: many episodes at once, one line for each, nothing lost and nothing played twice."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emosim.errors import BUDGET, CUT_SHORT, INTERRUPTED, RunError
from emosim.rewards import reward as reward_named
from emosim.runs.config import RunConfig, settings_of, versions_of
from emosim.runs.game import Game, House, Players, play_game
from emosim.runs.records import Failure, Record
from emosim.runs.store import FAILURES, RunStore
from emosim.runs.summary import Status, Summary, summarise
from emosim.runs.tally import Watch
from emosim.suite import EpisodeKey, Shard, Suite

TICK_S: Final = 0.5
"""Seconds between two looks at the progress, and between two waits for the disk."""

_PLAYING: Final[list[tuple[int, int, int]]] = []
_SELDOM: Final = threading.Lock()
GIVE_UP_AFTER: Final = 20
"""Failures, with nothing finished, after which a run stops: something is wrong with all of it."""


@dataclass(frozen=True)
class Pace:
    """How a suite is played; changes nothing of what is found."""

    concurrency: int = 64
    """Episodes at once."""
    deadline_s: float = 3600.0
    """Longest time for one episode."""
    watch: Watch = lambda tally: None
    """Is shown the progress."""


def config_of(
    suite: Suite, players: Players, *, reward: str = "delta", shard: Shard | None = None, user_spec: str = ""
) -> RunConfig:
    """Return the settings of a run.

    Raises:
        UsageError: The reward, or something in the suite, is unknown.
    """
    reward_named(reward)
    return RunConfig(
        suite=suite,
        agent=players.agent.name,
        agent_settings=settings_of(players.agent),
        user=players.user.name,
        user_settings=settings_of(players.user),
        user_spec=user_spec,
        reward=reward,
        shard=str(shard) if shard else None,
        privileged=players.agent.privileged,
        versions=versions_of(suite),
    )


def keys_of(config: RunConfig) -> tuple[EpisodeKey, ...]:
    """Return the keys that the settings stand for: of the suite, or of its shard."""
    shard = config.part()
    keys = config.suite.episode_keys()
    return shard.of(keys) if shard else keys


def play(config: RunConfig, players: Players, out: str | Path, pace: Pace | None = None) -> Summary:
    """Play a suite, or what is left of it, into a directory, blocking. See `aplay`."""
    return asyncio.run(aplay(config, players, out, pace))


async def aplay(config: RunConfig, players: Players, out: str | Path, pace: Pace | None = None) -> Summary:
    """Play a suite, or what is left of it, into a directory.

    Episodes that the directory holds are not played again, failed ones are. When the budget is reached the run stops
    with what is done (status `budget`); the same call goes on from there, and begins episodes that were cut short anew.

    Args:
        config: The settings, from `config_of`.
        players: Who plays.
        out: The run's directory.
        pace: How fast, how long, who watches.

    Raises:
        RunError: The directory cannot be used, the disk is full, or nothing can be finished.
        EmosimError: What every episode would meet: a refused key, an unknown model.
    """
    pace = pace or Pace()
    keys = keys_of(config)
    with RunStore(out, config, len(keys)) as store:
        status: Status = "interrupted"
        try:
            with seldom_collected():
                status = await Playing(store, players, pace).run(keys)
        finally:
            pace.watch(store.tally)
            summary = summarise(store.tally, config, status)
            store.conclude(summary)
    return summary


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let Python look for cyclic garbage less often: thousands of episodes hold none, and looking costs a sixth.

    Of several at once, the last to end puts back what the first found.
    """
    with _SELDOM:
        before = gc.get_threshold()
        _PLAYING.append(_PLAYING[0] if _PLAYING else before)
        if before[0]:
            gc.set_threshold(max(before[0], 50_000), max(before[1], 20), max(before[2], 100))
    try:
        yield
    finally:
        with _SELDOM:
            found = _PLAYING.pop()
            if not _PLAYING:
                gc.set_threshold(*found)


class Playing:
    """Plays episodes into an open run; `run` may be called several times.

    Args:
        store: The run.
        players: Who plays.
        pace: How fast, how long, who watches.
    """

    def __init__(self, store: RunStore, players: Players, pace: Pace) -> None:
        self.store, self.pace = store, pace
        config = store.config
        self.pack = config.suite.load()
        self.house = House(
            config=config,
            players=players,
            earn=reward_named(config.reward),
            deadline_s=pace.deadline_s,
            heard=store.tally.heard,
        )
        self.out_of_budget = False
        self.failures: Counter[str] = Counter()

    async def run(self, keys: tuple[EpisodeKey, ...]) -> Status:
        """Play those of the keys that the run does not hold."""
        finished = self.store.finished
        left = [key for key in keys if str(key) not in finished]
        todo = iter(left)
        ticker = asyncio.create_task(self._tick())
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(max(self.pace.concurrency, 1), len(left))):
                    group.create_task(self._work(todo))
        except BaseExceptionGroup as several:
            raise _first(several) from None
        finally:
            ticker.cancel()
            with suppress(asyncio.CancelledError):
                await ticker
        return "budget" if self.out_of_budget else "complete"

    async def _work(self, todo: Iterator[EpisodeKey]) -> None:
        """Play one episode after the other until none is left, or no budget."""
        for key in todo:
            game = Game(self.house, key, self.house.open(key, self.pack.cast(key.persona, key.language)))
            try:
                entry = await play_game(game)
            except BaseException as ended:
                why = f": {ended}" if str(ended) else ""
                self._keep(game.failure("environment", INTERRUPTED, f"the run ended before the episode did{why}"))
                raise
            self._keep(entry)
            if self.out_of_budget:
                return
            await asyncio.sleep(0)

    def _keep(self, entry: Record | Failure) -> None:
        if isinstance(entry, Failure) and entry.cause in CUT_SHORT:
            self.out_of_budget |= entry.cause == BUDGET
            if entry.usage.agent.calls + entry.usage.user.calls:
                self.store.add(entry)
            return
        self.store.add(entry)
        if not isinstance(entry, Failure):
            return
        if entry.cause == "exception" and os.environ.get("EMOSIM_DEBUG") == "1":
            raise RunError(f"{entry.key}: turn {entry.turn}: {entry.message}")
        self.failures[entry.cause] += 1
        if not self.store.tally.rows and self.failures.total() >= GIVE_UP_AFTER:
            what = f"{entry.seat}: {entry.cause}: {entry.message}"
            where = self.store.directory / FAILURES
            raise RunError(f"the first {self.failures.total()} episodes all failed ({what}); see {where}")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.pace.watch(self.store.tally)
            await asyncio.to_thread(self.store.sync)


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that the others followed from."""
    error: BaseException = several
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

"""Every rollout kept as an episode of a run, so that what was trained on can be verified and analysed."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final
from weakref import WeakSet

from emosim.backends.loops import ProcessLock
from emosim.errors import RunError
from emosim.rewards import Reward
from emosim.rollouts.rollout import Rollout
from emosim.runs.config import RunConfig, masked
from emosim.runs.records import Failure, Models, Record, Spent, SpentBySeat, record_of
from emosim.runs.store import RunStore, read_failures
from emosim.runs.summary import summarise
from emosim.suite import EpisodeKey

_LOGS: Final[WeakSet[Log]] = WeakSet()


class Log:
    """A run directory that rollouts are written to as they end; opened by the first, safe in threads and after forks.

    Args:
        directory: Where; `{pid}` becomes the id of the process, for trainers with several. `emosim merge` joins
            them, every rollout kept.
        config: Settings of the run.
        earn: The reward that the settings name.
    """

    def __init__(self, directory: str, config: RunConfig, earn: Reward) -> None:
        self.directory, self.config, self.earn = directory, config, earn
        self._lock = ProcessLock()
        self._process = 0
        self._store: RunStore | None = None
        self._next: dict[str, int] = {}
        """The number of the next attempt at each episode, by the text of its key, which is the first one's own."""
        _LOGS.add(self)

    def add(self, rollout: Rollout) -> None:
        """Write a rollout that is over, under its key and the number of the attempt.

        Raises:
            RunError: The directory cannot be written, is locked by another process, or holds another run.
        """
        with self._lock:
            store = self._opened()
            first = str(replace(rollout.key, attempt=0))
            attempt = self._next.get(first, 0)
            key = str(replace(rollout.key, attempt=attempt)) if attempt else first
            store.add(self._entry(rollout, key))
            self._next[first] = attempt + 1

    def close(self) -> None:
        """Write the summary and give the directory free; the next rollout opens it again."""
        with self._lock:
            if self._store is not None and self._process == os.getpid():
                self._store.tally.plan_what_was_played()
                self._store.conclude(summarise(self._store.tally, self.config, "complete"))
                self._store.__exit__(None, None, None)
            self._store = None
        atexit.unregister(self.close)

    def _opened(self) -> RunStore:
        if self._store is None or self._process != os.getpid():
            where = Path(self.directory.replace("{pid}", str(os.getpid())))
            self._store, self._process = self._enter(where), os.getpid()
            failed = [failure.key for failure in read_failures(where)]
            self._next = _following(EpisodeKey.parse(key) for key in {*self._store.finished, *failed})
            atexit.register(self.close)
        return self._store

    def _enter(self, where: Path) -> RunStore:
        try:
            return RunStore(where, self.config, 0).__enter__()
        except RunError as error:
            advice = "each process and each change of settings needs a log of its own, such as log='runs/NAME-{pid}'"
            raise type(error)(f"log='{self.directory}': {error}; {advice}") from None

    def _entry(self, rollout: Rollout, key: str) -> Record | Failure:
        config, episode = self.config, rollout.episode
        used = SpentBySeat(user=Spent.of(rollout.spent))
        models = Models(user=tuple(sorted(rollout.models)))
        if rollout.outcome.valid:
            return record_of(key, config.agent, episode, (config.reward, self.earn), config.versions, used, models)
        cause, _, message = rollout.fault.partition(": ")
        return Failure(
            key=key,
            agent=config.agent,
            user=config.user,
            seat="environment" if cause == "outside" else "user",
            cause=cause,
            message=masked(message)[:300],
            turn=len(episode.turns) + 1,
            moods=episode.moods,
            usage=used,
            models=models,
            versions=config.versions,
        )


def _following(met: Iterable[EpisodeKey]) -> dict[str, int]:
    """Return the number after the highest attempt at each episode."""
    following: dict[str, int] = {}
    for key in met:
        first = str(replace(key, attempt=0))
        following[first] = max(following.get(first, 0), key.attempt + 1)
    return following


def close_logs(directory: str | Path) -> None:
    """Close every log of this process that lies under a directory, so that the directory may be moved or removed."""
    for log in list(_LOGS):
        if Path(log.directory).is_relative_to(directory):
            log.close()

"""Where an adapter plays: rows, settings and a log directory in, rewards and everything that was stored out."""

from __future__ import annotations

import asyncio
import json
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeAlias

from emosim.episode import Episode
from emosim.rollouts import Row, rows
from emosim.rollouts.log import close_logs
from emosim.runs import Failure, Record, read_failures, read_run
from emosim.suite import EpisodeKey, Suite
from emosim.testing.conformance.agents import Agent, Recorder, Said, thinking, trying
from emosim.testing.conformance.report import Broken, short
from emosim.testing.fake_server import FakeServer, Fault
from emosim.testing.talking import answer

Rewards: TypeAlias = Sequence["float | None"]
"""One for each row, in order; None or NaN where nothing may be concluded."""
Play: TypeAlias = Callable[[list[Row], Agent, dict[str, Any]], "Rewards | Awaitable[Rewards]"]
"""What the author of an adapter writes: plays rows with an agent as the trainer would, and returns its rewards."""

REWARD = "padded_auc"
"""Paid at every turn, so that an adapter that keeps only the last one is found."""
SUITE = Suite(personas=("amara", "feng"), languages=("en", "zh"))
COPIES = 3
KINDS: tuple[Fault, ...] = (
    "rate_limit",
    "server_error",
    "hang",
    "truncated",
    "bad_body",
    "wrong_schema",
    "bad_json",
    "empty",
    "refusal",
    "length",
)
IMPATIENT = {"timeout_s": 0.4, "attempts": 1, "first_wait_s": 0.01, "longest_wait_s": 0.05}


@dataclass(frozen=True)
class Played:
    """What came of playing some rows."""

    rows: list[Row]
    """The rows."""
    rewards: tuple[float | None, ...]
    """What the trainer got for each, None where nothing may be concluded."""
    said: tuple[Said, ...]
    """What the agent was shown and said."""
    records: tuple[Record, ...]
    """Episodes that were stored."""
    failures: tuple[Failure, ...]
    """Episodes that were stored as failed."""
    runs: tuple[Path, ...]
    """Directories of the runs that were stored."""
    reward: str
    """The reward that was asked for."""

    @cached_property
    def paid(self) -> dict[str, list[float | None]]:
        """Rewards by episode key."""
        found = defaultdict(list)
        for row, reward in zip(self.rows, self.rewards, strict=True):
            found[row["episode"]].append(reward)
        return dict(found)

    @cached_property
    def stored(self) -> dict[str, list[Record]]:
        """Records by episode key, without the number of the attempt."""
        found = defaultdict(list)
        for record in self.records:
            found[first_attempt(record.key)].append(record)
        return dict(found)

    @cached_property
    def dialogues(self) -> dict[str, list[tuple[str, ...]]]:
        """What the user said in each stored episode, by key, sorted."""
        return {key: sorted(spoken(record.episode) for record in found) for key, found in self.stored.items()}


class Stage:
    """Plays rows through an adapter; what several checks need is played once.

    Args:
        play: The adapter.
        suite: Which episodes.
        user_faults: Share of the user model's calls that fail, 0..1.
        folder: Where logs go.
    """

    def __init__(self, play: Play, suite: Suite, user_faults: float, folder: str | Path) -> None:
        self.adapter, self.suite, self.user_faults, self._folder = play, suite, user_faults, Path(folder)
        self._count = 0
        self._tried: dict[str, Played] = {}

    @cached_property
    def rows(self) -> list[Row]:
        """One row for each episode."""
        return rows(self.suite)

    @cached_property
    def group(self) -> list[Row]:
        """Some copies of each row, one after the other."""
        return [row for row in self.rows for _ in range(COPIES)]

    @cached_property
    def plain(self) -> Played:
        """The group, played by an agent that tries."""
        return self.play(self.group, trying)

    @cached_property
    def thoughtful(self) -> Played:
        """The same with reasoning before each reply."""
        return self.play(self.group, thinking)

    def tried(self, reward: str) -> Played:
        """Return the rows, played by an agent that tries, under a reward."""
        if reward not in self._tried:
            self._tried[reward] = self.play(self.rows, trying, reward=reward)
        return self._tried[reward]

    def faulty(self, rate: float) -> Played:
        """Return the group, played with a user whose model fails at a rate."""
        with FakeServer(answer, faults={kind: rate / len(KINDS) for kind in KINDS}, keep=0) as server:
            user = f"llm:{server.url}#fake"
            return self.play(self.group, trying, user=user, limits=IMPATIENT, deadline_s=30.0)

    def play(self, given: Sequence[Row], agent: Agent, through: Play | None = None, **settings: Any) -> Played:
        """Play rows and read what was stored.

        Args:
            given: The rows.
            agent: Whose replies.
            through: What plays, if not the adapter itself.
            settings: Settings of the users besides the usual ones.

        Raises:
            Broken: The adapter returned no rewards, or stored nothing.
        """
        self._count += 1
        folder, recorder = self._folder / str(self._count), Recorder(agent)
        told = {"user": "rules", "reward": REWARD, "log": str(folder / "{pid}"), **settings}
        try:
            got = finished((through or self.adapter)(json.loads(json.dumps(given)), recorder, told))
        finally:
            close_logs(folder)
        return _read(list(given), _scored(got, len(given)), tuple(recorder.said), folder, told["reward"])


def finished(result: Rewards | Awaitable[Rewards]) -> Rewards:
    """Return a result, awaited if need be; also where an event loop runs already."""
    if not isawaitable(result):
        return result

    async def wait() -> Rewards:
        return await result

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, wait()).result()


def first_attempt(key: str) -> str:
    """Return a key without the number of the attempt."""
    return str(replace(EpisodeKey.parse(key), attempt=0))


def spoken(episode: Episode) -> tuple[str, ...]:
    """Return what the user said, the opening first."""
    return (episode.opening.text, *(turn.spoken.text for turn in episode.turns))


def paying(played: Played) -> dict[str, float]:
    """Return the mean reward of each key; keys with an unscorable rollout are left out."""
    known = {key: [r for r in paid if r is not None] for key, paid in played.paid.items()}
    return {key: sum(paid) / len(paid) for key, paid in known.items() if len(paid) == len(played.paid[key])}


def _scored(got: object, count: int) -> tuple[float | None, ...]:
    if not isinstance(got, Iterable) or isinstance(got, str):
        raise Broken(f"expected {count} rewards, one for each row in order, got {short(got)}; return a list from play")
    found = list(got)
    if len(found) != count:
        raise Broken(f"expected {count} rewards, one for each row in order, got {len(found)}")
    try:
        numbers = [None if reward is None else float(reward) for reward in found]
    except (TypeError, ValueError):
        raise Broken(f"expected numbers, None or NaN as rewards, got {short(found)}") from None
    return tuple(None if number is None or math.isnan(number) else number for number in numbers)


def _read(
    given: list[Row], rewards: tuple[float | None, ...], said: tuple[Said, ...], folder: Path, reward: str
) -> Played:
    runs = tuple(sorted(path.parent for path in folder.glob("*/run.json")))
    if not runs:
        raise Broken("expected episodes in settings['log'], found none; make the users with Rollouts(**settings)")
    return Played(
        rows=given,
        rewards=rewards,
        said=said,
        records=tuple(record for run in runs for record in read_run(run)),
        failures=tuple(failure for run in runs for failure in read_failures(run)),
        runs=runs,
        reward=reward,
    )

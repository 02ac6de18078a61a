"""`emosim run --dry-run`: what would be played, asked and spent at most; asks nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path
from typing import Final

from emosim.backends import Meter, ModelBackend, Price
from emosim.cli.display import money
from emosim.engine import open_episode
from emosim.flow import Backend
from emosim.runs import Players, RunConfig, keys_of, read_run
from emosim.runs.store import holds_run
from emosim.suite import EpisodeKey
from emosim.usage import Usage

CALLS_PER_TURN: Final = {"llm": 1}
"""Questions that a kind of user asks a turn where it is not two."""
USER_TOKENS: Final = (2000, 200)
"""Tokens read and written by a call of the user, about. Source: measured by `tests/benchmarks/test_prompts.py`."""
AGENT_TOKENS: Final = (900, 150)
"""Tokens read and written by a call of the agent, about, over ten turns."""


@dataclass(frozen=True)
class Asking:
    """What one seat asks of its model, at most."""

    name: str
    calls: int | None = None
    """None where it asks none."""
    tokens: int | None = None
    """About, read and written; None where nobody counts them."""
    cost: float | None = None
    """US dollars, about; None where the price is not known."""

    def __str__(self) -> str:
        if self.calls is None:
            return f"{self.name}: asks no model"
        if self.tokens is None:
            return f"{self.name}: at most {self.calls} replies"
        return f"{self.name}: at most {self.calls} calls, about {self.tokens:,} tokens, {money(self.cost)}"


@dataclass(frozen=True)
class Plan:
    """What would be played."""

    episodes: int
    """To play now."""
    planned: int
    """Of the whole run."""
    done: int
    turns: int
    """At most."""
    out: str
    agent: Asking
    user: Asking

    def __str__(self) -> str:
        head = f"{self.episodes} episodes to play of {self.planned} ({self.done} are done), at most {self.turns} turns"
        return f"{head}, into {self.out}\nagent {self.agent}\nuser {self.user}"

    @property
    def json(self) -> str:
        """The same as one JSON object."""
        return dumps(asdict(self), indent=2, ensure_ascii=False)


def plan(
    config: RunConfig, players: Players, meter: Meter, out: Path, most: tuple[EpisodeKey, ...] | None = None
) -> Plan:
    """Return the plan; ceilings leave out what is asked again because an answer could not be used.

    Args:
        config: The settings.
        players: Who plays.
        meter: Knows prices.
        out: The run's directory.
        most: Episodes that cost as much as those a search may ask for; None for the suite's own.

    Raises:
        ChangedSettings: The directory holds a run with other settings.
        UsageError: It is a file, or the suite is too large.
        RunError: It cannot be read.
    """
    keys = keys_of(config) if most is None else most
    done = {record.key for record in read_run(out)} if holds_run(out, config) else set()
    left = [key for key in keys if str(key) not in done] if most is None else list(keys[len(done) :])
    turns = sum(_turns(config, players, left))
    kind = config.user_spec.partition(":")[0]
    user_calls = turns * CALLS_PER_TURN.get(kind, 2)
    return Plan(
        episodes=len(left),
        planned=len(keys),
        done=len(done),
        turns=turns,
        out=str(out),
        agent=_asking(config.agent, players.agent_backend, turns, AGENT_TOKENS, meter),
        user=_asking(config.user_spec or config.user, players.user_backend, user_calls, USER_TOKENS, meter),
    )


def _turns(config: RunConfig, players: Players, keys: Iterable[EpisodeKey]) -> Iterable[int]:
    pack = config.suite.load()
    by_kind: dict[str, int] = {}
    for key in keys:
        kind = f"{key.persona}:{key.language}:{key.cell}"
        if kind not in by_kind:
            casting = pack.cast(key.persona, key.language)
            opened = open_episode(casting.persona, casting.scenario, key.harder, key.seed, players.user)
            by_kind[kind] = opened.max_turns
        yield by_kind[kind]


def _asking(name: str, backend: Backend | None, calls: int, tokens: tuple[int, int], meter: Meter) -> Asking:
    if backend is None:
        return Asking(name)
    if not isinstance(backend, ModelBackend):
        return Asking(name, calls)
    used = Usage(calls, calls * tokens[0], calls * tokens[1])
    price: Price | None = meter.price_of(backend.transport.model)
    return Asking(name, calls, used.tokens, price.of(used) if price else None)

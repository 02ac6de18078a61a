"""The report as a value: what was found, shown, played, spent and done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pydantic import Field

from emosim.analysis.report.charts import Exhibit
from emosim.episode import Episode
from emosim.value import Value


class Played(Protocol):
    """A stored episode, such as `emosim.runs.Record`."""

    @property
    def key(self) -> str:
        """Name of the episode in its suite."""
        ...

    @property
    def agent(self) -> str:
        """Spec of the agent."""
        ...

    @property
    def episode(self) -> Episode:
        """Everything that happened."""
        ...

    @property
    def return_(self) -> float:
        """Sum of its rewards."""
        ...


class Transcript(Value):
    """One episode of a report."""

    key: str
    """Name of the episode in its suite."""
    agent: str
    """Spec of the agent."""
    episode: Episode
    """Everything that happened."""
    return_: float | None = None
    """Sum of its rewards."""
    note: str = ""
    """Why it is worth a look, if it is."""

    @property
    def is_scored(self) -> bool:
        """Whether it may enter a mean: what the environment spoiled may not."""
        return self.episode.ending != "invalid"

    @classmethod
    def of(cls, played: Played) -> Transcript:
        """Return a stored episode as a report shows it."""
        return cls.model_construct(
            key=played.key, agent=played.agent, episode=played.episode, return_=played.return_, note=""
        )


class Fault(Value):
    """A kind of failed attempt. None is in any mean."""

    seat: str
    """Who could not go on: agent, user or environment."""
    cause: str
    """Typed cause, such as `timeout` or `bad_json`."""
    count: int
    """Attempts that failed so."""
    example: str = ""
    """One message."""
    keys: tuple[str, ...] = ()
    """Some of the episodes concerned."""


class Faults(Value):
    """What could not be finished."""

    attempts: int
    """All attempts at an episode, finished ones included."""
    kinds: tuple[Fault, ...] = ()
    """Failed attempts by kind."""

    @property
    def failed(self) -> int:
        """Failed attempts."""
        return sum(kind.count for kind in self.kinds)


class Cost(Value):
    """What one seat used."""

    seat: str
    """Agent, user or judge."""
    model: str = ""
    """Who answered."""
    calls: int = 0
    """Answers of a model."""
    input_tokens: int = 0
    """Tokens read."""
    output_tokens: int = 0
    """Tokens written."""
    cost: float | None = 0.0
    """US dollars; None if a price is unknown, shown as ?."""
    estimated: bool = False
    """Tokens were estimated from characters."""


class Methods(Value):
    """What was done, and how to do it again."""

    command: str
    """The command that reproduces the report."""
    notes: tuple[str, ...] = ()
    """Definitions, estimators and settings, one paragraph each."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions by name: emosim, pack, user, reward."""
    hashes: dict[str, str] = Field(default_factory=dict)
    """Content hashes by name: run, pack."""
    seeds: str = ""
    """Seeds that were used, such as `0..15`."""


class Report(Value):
    """Everything one page says."""

    title: str
    """What was examined, a phrase."""
    verdict: str
    """What was found, one sentence with its interval, or `undetermined` and what is needed."""
    reasons: tuple[str, ...] = ()
    """What the verdict rests on, one sentence each."""
    figures: dict[str, str] = Field(default_factory=dict)
    """Key figures by name, in order, such as `episodes: 240`."""
    exhibits: tuple[Exhibit, ...] = ()
    """Charts and tables, the one that carries the verdict first."""
    faults: Faults | None = None
    """What could not be finished; None if it was not recorded."""
    costs: tuple[Cost, ...] = ()
    """What was spent, by seat; empty if no model was asked."""
    episodes: tuple[Transcript, ...] = ()
    """What was played."""
    methods: Methods
    """What was done."""


def transcripts(records: Iterable[Played]) -> tuple[Transcript, ...]:
    """Return stored episodes as a report shows them, in order."""
    return tuple(Transcript.of(record) for record in records)

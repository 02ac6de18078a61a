"""What a run stores: one `Record` for each finished episode, one `Failure` for each that could not be finished."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from pydantic import ConfigDict, Field

from emosim.episode import Episode
from emosim.rewards import Reward, rewards_of
from emosim.runs.seals import Seals, seal_head, seal_turn
from emosim.usage import Usage
from emosim.value import Compact, Value

RECORD_SCHEMA: Final = 1
"""Version of the stored form of records and failures."""

AtFault: TypeAlias = Literal["agent", "user", "environment"]
"""Who could not go on: the agent's seat, the user's seat, or emosim and the machine."""


class Spent(Compact):
    """What one seat used in one episode."""

    calls: int = 0
    """Requests sent to a model, tries that failed included."""
    input_tokens: int = 0
    """Tokens read."""
    output_tokens: int = 0
    """Tokens written."""
    cached_tokens: int = 0
    """Tokens read from the server's prefix cache."""
    cost: float | None = 0.0
    """US dollars; None if a price is unknown."""
    estimated: bool = False
    """Tokens were estimated from characters, as a server reported none."""

    @classmethod
    def of(cls, usage: Usage) -> Spent:
        """Return the stored form of a usage."""
        return cls.model_construct(**vars(usage))

    @property
    def usage(self) -> Usage:
        """The usage that was stored."""
        return Usage(self.calls, self.input_tokens, self.output_tokens, self.cached_tokens, self.cost, self.estimated)


class SpentBySeat(Compact):
    """What an episode used, by seat."""

    agent: Spent = Spent()
    """What the agent used."""
    user: Spent = Spent()
    """What the simulated user used."""


class Models(Compact):
    """Which models answered, as their servers named them."""

    agent: tuple[str, ...] = ()
    """Models behind the agent."""
    user: tuple[str, ...] = ()
    """Models behind the simulated user."""


class Versions(Value):
    """What has to be the same for two records to be comparable."""

    emosim: str
    """Version of emosim."""
    pack: str
    """Pack, `id@version#sha256`."""


class Record(Value):
    """One line of `episodes.jsonl`: a finished episode with what it earned and what it cost."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    schema_version: Literal[1] = RECORD_SCHEMA
    """Version of the stored form."""
    key: str
    """Name of the episode in the suite."""
    agent: str
    """Spec of the agent."""
    user: str
    """Name and version of the user."""
    episode: Episode
    """Everything that happened."""
    reward: str
    """Name of the reward function."""
    rewards: tuple[float, ...]
    """Reward of each turn."""
    return_: float = Field(alias="return")
    """Sum of the rewards, in order."""
    score: float
    """Final mood over 100."""
    usage: SpentBySeat = SpentBySeat()
    """Tokens and money."""
    models: Models = Models()
    """Who answered."""
    versions: Versions
    """What made this record."""
    head_seals: Seals
    """Checksums of what stood before the first reply."""
    seals: tuple[Seals, ...]
    """Checksums of what each turn holds besides numbers that follow from it."""
    sha256: str = ""
    """Hex sha256 of this record in its stored form with this field empty."""

    def hashed(self) -> str:
        """Return the hash that this record should carry."""
        return hashlib.sha256(self._unhashed().encode()).hexdigest()

    def line(self) -> str:
        """Return the stored form with a fresh hash, without the line's end."""
        text = self._unhashed()
        return f'{text.removesuffix(_NO_HASH)}"sha256":"{hashlib.sha256(text.encode()).hexdigest()}"}}'

    def _unhashed(self) -> str:
        blank = self if not self.sha256 else self.model_copy(update={"sha256": ""})
        return blank.model_dump_json()


_NO_HASH: Final = '"sha256":""}'


class Failure(Value):
    """One line of `failures.jsonl`: an episode that could not be finished. Never part of a mean."""

    schema_version: Literal[1] = RECORD_SCHEMA
    """Version of the stored form."""
    key: str
    """Name of the episode in the suite."""
    agent: str
    """Spec of the agent."""
    user: str
    """Name and version of the user."""
    seat: AtFault
    """Who could not go on."""
    cause: str
    """Typed cause, such as `timeout`, `bad_json` or `deadline`."""
    message: str
    """What happened, one line."""
    turn: int
    """Turn that could not be finished, from 1."""
    moods: tuple[float, ...]
    """Moods until then, the opening's first."""
    usage: SpentBySeat = SpentBySeat()
    """Tokens and money."""
    models: Models = Models()
    """Who answered."""
    versions: Versions
    """What made this record."""

    @property
    def told(self) -> str:
        """What happened and where, in one line."""
        return f"{self.key}, turn {self.turn}: {self.message}"

    def line(self) -> str:
        """Return the stored form, without the line's end."""
        return self.model_dump_json()


def record_of(
    key: str,
    agent: str,
    episode: Episode,
    reward: tuple[str, Reward],
    versions: Versions,
    usage: SpentBySeat | None = None,
    models: Models | None = None,
    rewards: tuple[float, ...] | None = None,
) -> Record:
    """Return the record of a finished episode, scored and sealed; its rewards are computed unless they are given."""
    name, earn = reward
    rewards = rewards_of(episode, earn) if rewards is None else rewards
    return Record.model_construct(
        schema_version=RECORD_SCHEMA,
        key=key,
        agent=agent,
        user=episode.user,
        episode=episode,
        reward=name,
        rewards=rewards,
        return_=return_of(rewards),
        score=episode.score,
        usage=usage or SpentBySeat(),
        models=models or Models(),
        versions=versions,
        head_seals=_sorted(seal_head(episode)),
        seals=tuple([_sorted(seal_turn(turn)) for turn in episode.turns]),
        sha256="",
    )


def return_of(rewards: Iterable[float]) -> float:
    """Return the sum of rewards, left to right: the order is part of the result's bits."""
    total = 0.0
    for earned in rewards:
        total += earned
    return total


def _sorted(seals: Seals) -> Seals:
    """Return seals in the order of their names, which any tool that sorts keys keeps: the hash depends on it."""
    return dict(sorted(seals.items()))

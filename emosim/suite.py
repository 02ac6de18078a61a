"""Suites: which episodes to play, as an ordered set of keys that do not depend on the agent.

A key such as `core/dolores:en:L0.50:s0007` names one episode: persona, language, difficulty, and the number of its
seed. The dice of an episode hang on persona and seed number alone, so that agents, languages and levels are compared on
common random numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydantic import Field

from emosim.difficulty import Difficulty, difficulty
from emosim.errors import UsageError
from emosim.packs import Pack, load_pack
from emosim.persona import Language
from emosim.value import Value

MOST_EPISODES: Final = 1_000_000
"""Most episodes of one suite: all their keys are held at once."""

_KEY: Final = re.compile(r"^([^/:]+)/([^/:]+):([a-z]+):L([0-9.e-]+)((?:,[a-z]+=[0-9.e-]+)*):s(\d+)(?::a(\d+))?$")


@dataclass(frozen=True, slots=True)
class EpisodeKey:
    """The name of one episode in any run.

    >>> str(EpisodeKey("core", "dolores", "en", 0.5, (("skepticism", 0.8),), 7))
    'core/dolores:en:L0.50,skepticism=0.80:s0007'
    """

    pack: str
    persona: str
    language: Language
    level: float
    """Level on the reference ray, 0..1, of all knobs that are not set singly."""
    knobs: tuple[tuple[str, float], ...] = ()
    """Knobs set singly, sorted."""
    number: int = 0
    """Number of the seed."""
    attempt: int = 0
    """How often the agent met this very episode before, as the rollouts of a group in training do; `:a0001`, …"""

    def __str__(self) -> str:
        again = f":a{self.attempt:04d}" if self.attempt else ""
        return f"{self.pack}/{self.persona}:{self.language}:{self.cell}:s{self.number:04d}{again}"

    @property
    def cell(self) -> str:
        """The difficulty as text, `L0.50`."""
        return ",".join([f"L{_number(self.level)}", *(f"{knob}={_number(value)}" for knob, value in self.knobs)])

    @property
    def harder(self) -> Difficulty:
        """The difficulty."""
        return difficulty(dict(self.knobs), self.level)

    @property
    def seed(self) -> int:
        """Address of the episode's dice: the same for every agent, language and level."""
        return seed_of(self.pack, self.persona, self.number)

    @classmethod
    def parse(cls, text: str) -> EpisodeKey:
        """Return the key that a text names.

        Raises:
            UsageError: It is no key.
        """
        found = _KEY.match(text)
        if found is None or found[3] not in ("en", "zh"):
            raise UsageError(f"'{text}' is no episode key; keys look like core/dolores:en:L0.50:s0007")
        knobs = tuple((name, float(value)) for name, value in (part.split("=") for part in found[5].split(",")[1:]))
        language: Language = "en" if found[3] == "en" else "zh"
        return cls(found[1], found[2], language, float(found[4]), knobs, int(found[6]), int(found[7] or 0))


class Trial(NamedTuple):
    """One episode that a search asks for."""

    point: tuple[float, ...]
    """Difficulty: the level, or the value of every knob, each 0..1."""
    persona: str
    """Persona id."""
    number: int
    """Number of the persona's seed: how often it was proposed before."""

    @property
    def level(self) -> float:
        """The level, where the search runs along one axis."""
        return self.point[0]


def seed_of(pack: str, persona: str, number: int) -> int:
    """Return the episode seed of a persona's number-th episode, 0..2**63-1."""
    digest = hashlib.sha256(f"{pack}/{persona}:s{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Suite(Value):
    """Which episodes to play: every persona in every language at every level with every seed."""

    pack: str = "core"
    """Name of the pack, or path of its folder."""
    personas: tuple[str, ...] = ()
    """Ids of the personas; empty for all."""
    languages: tuple[Language, ...] = ("en",)
    """Languages."""
    levels: tuple[float, ...] = (0.0,)
    """Levels on the reference ray, 0..1."""
    knobs: dict[str, float] = Field(default_factory=dict)
    """Knobs set singly, over every level."""
    seed: int = Field(default=0, ge=0)
    """Number of the first seed."""
    repeats: int = Field(default=1, ge=1)
    """Seeds for each persona, language and level."""

    def load(self) -> Pack:
        """Return the pack."""
        return load_pack(self.pack)

    def episode_keys(self) -> tuple[EpisodeKey, ...]:
        """Return the keys of all episodes, sorted, each once.

        Raises:
            UsageError: A persona, language, level or knob is unknown or out of range, or there are too many episodes.
            PackError: A persona's files are wrong.
        """
        pack, knobs = self.load(), tuple(sorted(self.knobs.items()))
        if not self.levels or not self.languages:
            raise UsageError("a suite without a level or without a language plays nothing; give at least one of each")
        for level in self.levels:
            difficulty(dict(knobs), level)
        cast = sorted(set(self.personas or pack.personas))
        for persona in cast:
            for language in self.languages:
                pack.cast(persona, language)
        languages, levels = sorted(set(self.languages)), sorted(set(self.levels))
        size = len(cast) * len(languages) * len(levels) * self.repeats
        if size > MOST_EPISODES:
            raise UsageError(
                f"{size:,} episodes are more than a suite may hold ({MOST_EPISODES:,}); play parts of it with fewer "
                "--repeats, each with a --seed and an --out of its own"
            )
        return tuple(
            EpisodeKey(pack.about.id, persona, language, float(level), knobs, number)
            for persona in cast
            for language in languages
            for level in levels
            for number in range(self.seed, self.seed + self.repeats)
        )


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of a suite, by hash of the key: stable when the suite grows."""

    index: int
    """Which part, from 0."""
    count: int
    """How many parts there are."""

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, key: EpisodeKey) -> bool:
        """Return whether an episode belongs to this part."""
        digest = hashlib.sha256(str(key).encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index

    def of(self, keys: Iterable[EpisodeKey]) -> tuple[EpisodeKey, ...]:
        """Return the keys of this part, in order."""
        return tuple(key for key in keys if self.holds(key))

    @classmethod
    def parse(cls, text: str, environment: Mapping[str, str] | None = None) -> Shard:
        """Return the part that a text such as `1/3` names; `slurm` takes it from the job array's variables.

        Raises:
            UsageError: It names no part.
        """
        if text == "slurm":
            text = _of_job_array(environment or {})
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
            raise UsageError(f"no shard '{text}'; write i/N with 0 <= i < N, such as 0/4 to 3/4")
        return cls(int(index), int(count))


def _of_job_array(variables: Mapping[str, str]) -> str:
    """Return the shard of a Slurm job array's task, as text."""
    number, least, count = (variables.get(f"SLURM_ARRAY_TASK_{name}", "") for name in ("ID", "MIN", "COUNT"))
    return f"{int(number) - int(least or 0)}/{count}" if number.isdecimal() else "slurm"


def _number(value: float) -> str:
    """Return a number with two digits after the point, or with all that it has."""
    short = f"{value:.2f}"
    return short if float(short) == value else repr(value)

"""Who may be met in an environment, in which language and how hard: what both environments take and open alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from emosim.difficulty import Difficulty, difficulty
from emosim.engine import open_episode
from emosim.episode import Episode
from emosim.errors import UsageError, did_you_mean
from emosim.packs import Casting, Pack, load_pack
from emosim.persona import Language
from emosim.users.protocol import User
from emosim.value import pick

DICE_PERSONA: Final = 100
OPTIONS: Final = ("persona", "level", "knobs", "seed", "episode")
"""Options of `reset`."""
LARGEST_SEED: Final = 2**63 - 1
_WHOLE: Final = (int, np.integer)


@dataclass(frozen=True)
class Playbill:
    """The arguments of an environment that say whom it plays; see `emosim.env.EmpathyEnv` for their meaning."""

    pack: Pack
    language: Language
    personas: tuple[str, ...]
    difficulty: Difficulty
    level: float = 0.0
    """Difficulty of all knobs that are not set singly."""

    @classmethod
    def of(
        cls,
        persona: str | Sequence[str] | None,
        pack: str,
        language: Language,
        level: float,
        knobs: Mapping[str, float] | None,
    ) -> Playbill:
        """Return what an environment's arguments say.

        Raises:
            UsageError: A persona, language or knob is unknown, or a number out of range.
            PackError: The pack is wrong.
        """
        loaded = load_pack(pack)
        personas = (persona,) if isinstance(persona, str) else persona if persona is not None else loaded.personas
        if not isinstance(personas, Sequence) or not personas or not all(isinstance(name, str) for name in personas):
            raise UsageError(f"persona must be an id, several ids or None, not {persona!r}")
        bill = cls(loaded, language, tuple(personas), difficulty(_table(knobs, "knobs"), level), level)
        for name in personas:
            bill.casting(name)
        return bill

    def casting(self, name: str) -> Casting:
        """Return a persona of the pack, by its id or as `pack/id`.

        Raises:
            UsageError: It is not in the pack.
        """
        return self.pack.cast(name, self.language)

    def harder(self, options: Mapping[str, Any]) -> Difficulty:
        """Return the difficulty of the next episode under these reset options; knobs alone go over the bill's level."""
        if "level" not in options and "knobs" not in options:
            return self.difficulty
        return difficulty(_table(options.get("knobs"), "option 'knobs'"), options.get("level", self.level))

    def open(self, options: Mapping[str, Any], address: int, user: User) -> Episode:
        """Return the next episode under these reset options, which `checked_options` has passed.

        Args:
            options: Of `reset`.
            address: Seed of the episode, unless the options name one.
            user: Who plays the persona.

        Raises:
            UsageError: The stored episode is none, or of another user.
        """
        stored = options.get("episode")
        if stored is not None:
            return _restored(stored, user)
        seed = int(options.get("seed", address))
        name = options.get("persona") or self.personas[pick(len(self.personas), seed, 0, DICE_PERSONA)]
        casting = self.casting(str(name))
        return open_episode(casting.persona, casting.scenario, self.harder(options), seed, user)


def checked_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return reset options.

    Raises:
        UsageError: One is unknown, or `seed` is not a seed.
    """
    chosen = _table(options, "options")
    for name in chosen:
        if name not in OPTIONS:
            raise UsageError(f"unknown reset option '{name}'{did_you_mean(name, OPTIONS)}")
    seed = chosen.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, _WHOLE) or not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"option 'seed' must be a whole number from 0 to 2**63 - 1, not {seed!r}")
    return chosen


def seeds_of(seed: int | Iterable[int | None] | None, count: int) -> list[int | None]:
    """Return a seed for each of `count` environments: environment i gets `seed + i`, or its own of several.

    Raises:
        UsageError: The numbers differ, or one is no whole number.
    """
    if isinstance(seed, _WHOLE):
        return [int(seed) + i for i in range(count)]
    seeds = list(seed) if isinstance(seed, Iterable) else [seed] * count
    if len(seeds) != count:
        raise UsageError(f"{len(seeds)} seeds were given for {count} environments")
    for one in seeds:
        if one is not None and not isinstance(one, _WHOLE):
            raise UsageError(f"a seed must be a whole number or None, not {one!r}")
    return [None if one is None else int(one) for one in seeds]


def _table(given: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise UsageError(f"{name} must be a dictionary, not {given!r}")
    return dict(given or {})


def _restored(stored: object, user: User) -> Episode:
    """Return a stored episode, or one from JSON values, for the user that it was played with.

    Raises:
        UsageError: It is none, or of another user.
    """
    try:
        episode = stored if isinstance(stored, Episode) else Episode.model_validate(stored)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "it"
        wrong = f"{place}: {error.errors()[0]['msg']}"
        raise UsageError(f"option 'episode' is no stored episode ({wrong}); pass a record's field `episode`") from None
    if episode.user != user.name:
        raise UsageError(f"the stored episode is of the user {episode.user}, not {user.name}; go on with that user")
    return episode

"""Seals: a checksum for every stored thing that cannot be recomputed, so that an altered one can be named.

Moods, rewards and endings follow from the evidence and are recomputed. The evidence itself follows from nothing, and
a changed digit in it may not even move a clamped mood; so each piece carries its CRC-32, which finds every change of
up to 32 bits in a row with certainty. Seals guard against accidents and quiet edits, not against somebody who seals
anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, TypeAlias
from zlib import crc32

from emosim.episode import Episode, Turn
from emosim.value import Value

Seals: TypeAlias = dict[str, str]
"""Checksums by the name of what they seal."""

HEAD: Final = ("persona", "scenario", "difficulty", "rules", "user", "seed", "opening")
"""What is sealed of an episode's beginning."""


def seal_head(episode: Episode) -> Seals:
    """Return the seals of what stood before the first reply."""
    return {name: _of_part(getattr(episode, name)) for name in HEAD}


def seal_turn(turn: Turn) -> Seals:
    """Return the seals of a turn: reply, every piece of the appraisal, and what the user said."""
    return {name: _of(part) for name, part in _parts(turn)}


def broken(stored: Seals, content: Seals) -> str | None:
    """Return the name of the first thing that differs from its seal, or that is missing or added."""
    for name, seal in content.items():
        if stored.get(name) != seal:
            return name
    return next((name for name in stored if name not in content), None)


def _parts(turn: Turn) -> Iterator[tuple[str, object]]:
    yield "reply", turn.reply.raw
    appraisal = turn.appraisal
    if appraisal is not None:
        for number, item in enumerate(appraisal.evidence):
            yield f"appraisal.evidence[{number}]", (item.act.value, item.quote)
        yield "appraisal.fit", appraisal.fit
        yield "appraisal.specificity", appraisal.specificity
        yield "appraisal.thought", appraisal.thought
        yield "appraisal.stated_change", appraisal.stated_change
    spoken = turn.spoken
    yield "spoken", (spoken.text, spoken.kinds, spoken.revealed, spoken.goodbye)


def _of(content: object) -> str:
    return f"{crc32(repr(content).encode('utf-8', 'surrogatepass')):08x}"


def _of_part(part: object) -> str:
    if not isinstance(part, Value):
        return _of(part)
    try:
        return _cached(part)
    except TypeError:  # it holds a table, and has no hash
        return _of_value(part)


def _of_value(value: Value) -> str:
    return f"{crc32(value.model_dump_json().encode()):08x}"


_cached = lru_cache(maxsize=1024)(_of_value)

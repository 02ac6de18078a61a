"""Seals: a checksum for every stored thing that cannot be recomputed, so that an altered one can be named.

Moods, rewards and endings follow from the evidence and are recomputed. The evidence itself follows from nothing, and
a changed digit in it may not even move a clamped mood; so each piece carries its CRC-32, which finds every change of
up to 32 bits in a row with certainty. Seals guard against accidents and quiet edits, not against somebody who seals
anew.
"""

from __future__ import annotations

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
    seals = {"reply": _of(turn.reply.raw)}
    appraisal = turn.appraisal
    if appraisal is not None:
        for number, item in enumerate(appraisal.evidence):
            seals[f"appraisal.evidence[{number}]"] = _of((str.__str__(item.act), item.quote))
        seals["appraisal.fit"] = _of_number(appraisal.fit)
        seals["appraisal.specificity"] = _of_number(appraisal.specificity)
        seals["appraisal.thought"] = _of(appraisal.thought)
        seals["appraisal.stated_change"] = _of_number(appraisal.stated_change)
    spoken = turn.spoken
    seals["spoken"] = _of((spoken.text, spoken.kinds, spoken.revealed, spoken.goodbye))
    return seals


def broken(stored: Seals, content: Seals) -> str | None:
    """Return the name of the first thing that differs from its seal, or that is missing or added."""
    for name, seal in content.items():
        if stored.get(name) != seal:
            return name
    return next((name for name in stored if name not in content), None)


def _of(content: object) -> str:
    return _of_text(repr(content))


def _of_text(text: str) -> str:
    return f"{crc32(text.encode('utf-8', 'surrogatepass')):08x}"


_of_word = lru_cache(maxsize=512)(_of_text)


def _of_number(number: float | None) -> str:
    """Return the seal of a number; it is kept, as appraisals hold few different ones."""
    return _of_word(repr(number))


def _of_part(part: object) -> str:
    """Return the seal of a part of an episode's beginning; that of a value is kept, as many episodes share it."""
    if not isinstance(part, Value):
        return _of(part)
    kept = _KEPT.get(id(part))
    if kept is not None and kept[0] is part:
        return kept[1]
    if len(_KEPT) >= KEPT:
        _KEPT.clear()
    seal = f"{crc32(part.model_dump_json().encode()):08x}"
    _KEPT[id(part)] = part, seal
    return seal


KEPT: Final = 1024
"""Values whose seals are kept."""
_KEPT: Final[dict[int, tuple[Value, str]]] = {}
"""Seals by the id of what they seal, with that value itself, so that the id stays its own."""

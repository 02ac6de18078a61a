"""Verbatim quotes: a clause or a sentence, never altered."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 120
"""Characters of a quote."""


def clip_quote(text: str, start: int, end: int) -> str:
    """Return text[start:end] without white space around it, cut at a word if it is too long.

    >>> clip_quote("Well. I hear you.", 5, 17)
    'I hear you.'
    """
    whole = text[start:end].strip()
    if len(whole) <= LONGEST:
        return whole
    cut = whole[:LONGEST]
    return cut.rsplit(" ", 1)[0] if " " in cut[60:] else cut

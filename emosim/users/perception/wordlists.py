"""Word lists, kept as text in `words.txt`."""

from __future__ import annotations

from functools import cache
from importlib import resources


def word_list(name: str) -> frozenset[str]:
    """Return a list by name.

    >>> "not" in word_list("negators")
    True
    """
    return _all()[name]


@cache
def _all() -> dict[str, frozenset[str]]:
    """Return every list, read once."""
    text = resources.files("emosim.users.perception").joinpath("words.txt").read_text("utf-8")
    lines = (line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: frozenset(words.split()) for name, words in lines}

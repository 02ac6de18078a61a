"""From what is typed to values: lists with commas, numbers, `name=value`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from emosim.errors import UsageError, did_you_mean
from emosim.persona import Language


def words(text: str) -> tuple[str, ...]:
    """Return the parts of a list with commas, each once, in order; none where nothing but commas is typed.

    >>> words("en, zh,en")
    ('en', 'zh')

    Raises:
        UsageError: A part is empty and others are not.
    """
    parts = [part.strip() for part in text.split(",")]
    found = tuple(dict.fromkeys(filter(None, parts)))
    if found and "" in parts:
        raise UsageError(f"'{text}' has a comma too many; write it as {','.join(found)}")
    return found


def names(text: str | None, pack: str) -> tuple[str, ...]:
    """Return the ids of a list with commas, each as `tom` or `core/tom`; none where nothing was asked for.

    Raises:
        UsageError: The list is empty.
    """
    if text is None:
        return ()
    found = tuple(name.removeprefix(f"{pack}/") for name in words(text))
    if not found:
        raise UsageError("--personas is empty; name some with commas, or leave it out to play all of them")
    return found


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Return the numbers of a list with commas.

    Raises:
        UsageError: One is no number, or there is none.
    """
    found = tuple(number(part, option) for part in words(text))
    if not found:
        raise UsageError(f"{option} is empty; write a number or several with commas, such as 0,0.5,1")
    return found


def languages(text: str) -> tuple[Language, ...]:
    """Return the languages of a list with commas.

    Raises:
        UsageError: One is unknown, or there is none.
    """
    known: dict[str, Language] = {name: name for name in get_args(Language)}
    found = words(text)
    for name in found or ("",):
        if name not in known:
            raise UsageError(f"--language: no language '{name}'{did_you_mean(name, known)}")
    return tuple(known[name] for name in found)


def number(text: str, option: str) -> float:
    """Return a number.

    Raises:
        UsageError: It is none.
    """
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{option}: '{text}' is not a number") from None


def assignments(texts: Iterable[str], option: str) -> dict[str, float]:
    """Return `name=value` pairs.

    Raises:
        UsageError: One has another form, or a name is there twice.
    """
    found: dict[str, float] = {}
    for text in (part for given in texts for part in words(given)):
        name, sign, value = text.partition("=")
        if not sign:
            raise UsageError(f"{option}: '{text}' has no value; write {option} skepticism=0.8")
        if name.strip() in found:
            raise UsageError(f"{option}: {name.strip()} is set twice; give it one value")
        found[name.strip()] = number(value, f"{option} {name.strip()}")
    return found

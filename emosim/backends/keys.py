"""API keys: found late, carried out of sight, cut out of every message."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable

from emosim.errors import UsageError

_USERINFO = re.compile(r"(?<=://)[^/@\s]*@")


class Secret:
    """A key that shows itself to nobody but `reveal`: not in repr, str, logs, or the readable part of a pickle."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key, for the request that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        # Not encryption: a worker process needs the key. It only keeps the key out of what a person reads or greps.
        return _unveil, (base64.b85encode(self._text.encode()),)


def _unveil(veiled: bytes) -> Secret:
    return Secret(base64.b85decode(veiled).decode())


def find_key(given: str | Secret | None, variables: Iterable[str]) -> Secret:
    """Return the given key, or the first of the environment variables that is set, or an empty secret."""
    if given:
        return given if isinstance(given, Secret) else Secret(given)
    return Secret(next((value for name in variables if (value := os.environ.get(name, "").strip())), ""))


def need_key(given: str | Secret | None, variable: str, whose: str) -> Secret:
    """Return the key as `find_key` does.

    Raises:
        UsageError: There is none; the message names the variable.
    """
    key = find_key(given, (variable,))
    if not key:
        raise UsageError(f"{whose} needs an API key: set the environment variable {variable}")
    return key


def scrub(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return text without the secrets, and without a `user:password@` in addresses."""
    for secret in secrets:
        if len(secret.reveal()) >= 4:
            text = text.replace(secret.reveal(), "***")
    return _USERINFO.sub("", text)


def one_line(text: str, limit: int = 300) -> str:
    """Return text on one line, cut at `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"

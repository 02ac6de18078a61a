"""Settings from a file: `emosim run @run.toml`, weaker than the environment and than what is typed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

from emosim.errors import UsageError, did_you_mean

Known: TypeAlias = Mapping[str, Mapping[str, bool]]
"""By command: the names that a file may set, and whether an option can be given several times."""


class Taken(NamedTuple):
    """A command line whose file of settings was read."""

    words: list[str]
    """What was typed, without the file."""
    settings: dict[str, dict[str, object]]
    """What the file says, by command."""
    file: Path | None
    """The file, if there is one."""


def take_file(args: Sequence[str], known: Callable[[], Known]) -> Taken:
    """Read the `@FILE.toml` of a command line, if there is one.

    Args:
        args: What was typed.
        known: Tells what the commands take; called only if there is a file.

    Raises:
        UsageError: The file cannot be read, is no TOML, has another ending, or sets what the command does not have.
    """
    files = [word for word in args if word.startswith("@") and word.endswith(".toml")]
    rest = [word for word in args if word not in files]
    _check_names(rest)
    if not files:
        return Taken(rest, {}, None)
    command, path = rest[0] if rest else "", Path(files[0][1:])
    options = known().get(command)
    if len(files) > 1 or options is None:
        raise UsageError(f"{files[-1]}: one file of settings, after a command: emosim run @run.toml")
    settings = {name.replace("-", "_"): value for name, value in _read(path).items()}
    for name in settings:
        if name not in options:
            raise UsageError(f"{path}: emosim {command} has no setting '{name}'{did_you_mean(name, options)}")
    typed = {name: _typed(value, options[name]) for name, value in settings.items()}
    return Taken(rest, {command: typed}, path)


def _check_names(words: Sequence[str]) -> None:
    """Refuse `@FILE` with another ending, unless it is an option's value or a path that is there."""
    for before, word in pairwise(words):
        if word.startswith("@") and not before.startswith("-") and not Path(word).exists():
            raise UsageError(f"{word}: a file of settings ends in .toml, such as emosim {words[0]} @run.toml")


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the settings in {path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from None


def _typed(value: object, several: bool) -> object:
    """Return a value as it would be typed: a table as `name=value`, a list with commas if one text is taken."""
    if isinstance(value, dict):
        value = [f"{name}={number}" for name, number in value.items()]
    if isinstance(value, list) and not several:
        return ",".join(map(str, value))
    return value

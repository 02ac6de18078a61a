"""Settings from a file: `emosim run @run.toml`, weaker than the environment and than what is typed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from emosim.errors import UsageError, did_you_mean

Known: TypeAlias = Mapping[str, Mapping[str, bool]]
"""By command: the names that a file may set, and whether an option can be given several times."""


def take_file(args: Sequence[str], known: Callable[[], Known]) -> tuple[list[str], dict[str, dict[str, object]]]:
    """Return the words of a command line without `@FILE.toml`, and what the file says, by command.

    Args:
        args: What was typed.
        known: Tells what the commands take; called only if there is a file.

    Raises:
        UsageError: The file cannot be read, is no TOML, or sets what the command does not have.
    """
    files = [word for word in args if word.startswith("@") and word.endswith(".toml")]
    rest = [word for word in args if word not in files]
    if not files:
        return rest, {}
    command, path = rest[0] if rest else "", Path(files[0][1:])
    options = known().get(command)
    if len(files) > 1 or options is None:
        raise UsageError(f"{files[-1]}: one file of settings, after a command: emosim run @run.toml")
    settings = {name.replace("-", "_"): value for name, value in _read(path).items()}
    for name in settings:
        if name not in options:
            raise UsageError(f"{path}: emosim {command} has no setting '{name}'{did_you_mean(name, options)}")
    return rest, {command: {name: _typed(value, options[name]) for name, value in settings.items()}}


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

"""Reading TOML so that every mistake names file, line, key and the next step."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError

from emosim.errors import PackError, did_you_mean
from emosim.value import Value

V = TypeVar("V", bound=Value)
_HEADER = re.compile(r"^\s*\[(\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-\"']+(?:\s*\.\s*[A-Za-z0-9_\-\"']+)*)\s*=")


def read_toml(path: Path, form: type[V]) -> V:
    """Read a TOML file as a value of the given form.

    Raises:
        PackError: The file is missing, not TOML, or has a wrong, missing or unknown key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return form.model_validate(tomllib.loads(text))
    except FileNotFoundError:
        raise PackError("file not found; every persona needs it", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise PackError(f"not UTF-8 text ({error.reason}); save it as UTF-8", file=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"not valid TOML: {error}", file=str(path), line=_line_in(str(error))) from None
    except ValidationError as error:
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        keys = [part for part in first["loc"] if not str(part).startswith("[")]
        problem = _problem(first["type"], first["msg"], keys, form)
        raise PackError(problem, file=str(path), line=find_line(text, keys), key=_dotted(keys)) from None


def find_line(text: str, keys: Iterable[int | str]) -> int:
    """Return the one-based line of a key in TOML text, or of the nearest table around it, or 0.

    >>> find_line('a = 1\\n[[b]]\\nc = 2\\n[[b]]\\nc = 3\\n', ["b", 1, "c"])
    5
    """
    wanted = [str(key) for key in keys]
    best, best_line = 0, 0
    for number, path in _paths(text):
        depth = _common(path, wanted)
        if depth == len(path) and depth > best:
            best, best_line = depth, number
    return best_line


def _paths(text: str) -> Iterable[tuple[int, list[str]]]:
    table: list[str] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _split(header[2])
            if header[1]:
                counts[header[2]] = counts.get(header[2], -1) + 1
                table = [*table, str(counts[header[2]])]
            yield number, table
        elif key := _KEY.match(line):
            yield number, [*table, *_split(key[1])]


def _split(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _common(path: list[str], wanted: list[str]) -> int:
    count = 0
    for a, b in zip(path, wanted, strict=False):
        if a != b:
            break
        count += 1
    return count


def _problem(kind: str, message: str, keys: list[int | str], form: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        return f"unknown key '{keys[-1]}'{did_you_mean(str(keys[-1]), _fields_at(form, keys[:-1]))}"
    if kind == "missing":
        return "this key is missing"
    return message.removeprefix("Value error, ")


def _fields_at(form: type[BaseModel], keys: list[int | str]) -> list[str]:
    for key in keys:
        if isinstance(key, int) or key not in form.model_fields:
            continue
        found = [
            t for t in _types(form.model_fields[key].annotation) if isinstance(t, type) and issubclass(t, BaseModel)
        ]
        if found:
            form = found[0]
    return list(form.model_fields)


def _types(annotation: object) -> list[object]:
    inner = get_args(annotation)
    return [annotation] if not inner else [t for part in inner for t in _types(part)]


def _dotted(keys: list[int | str]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")


def _line_in(message: str) -> int:
    found = re.search(r"line (\d+)", message)
    return int(found[1]) if found else 0

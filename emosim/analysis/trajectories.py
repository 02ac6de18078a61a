"""Emotion trajectories of any simulator as arrays: agents by profiles, read from JSON lines.

One object a line: `agent`, `profile` (a number or a name, the same profile in every agent's lines) and `emotions`
(moods 0..100, the opening's first). `simulator`, `need` and `final` are read where given, other fields are left alone.
Lines come in any order; cells may be missing, or be there several times, which counts as repeats. A file whose every
mood is at most 1 is on another scale, and refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field, ValidationError

from emosim.analysis.intervals import Floats, Ints
from emosim.analysis.returns import pad, returns_of
from emosim.errors import UsageError, did_you_mean
from emosim.value import Value

Mood = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Trajectory(Value):
    """How the mood of one simulated user went with one agent."""

    model_config = ConfigDict(extra="ignore", strict=True)

    agent: Annotated[str, Field(min_length=1)]
    """Who was tested."""
    profile: int | Annotated[str, Field(min_length=1)]
    """Whom it met."""
    emotions: Annotated[tuple[Mood, ...], Field(min_length=1)]
    """Mood from the opening to the last scored turn."""
    final: float | None = None
    """The last mood once more, if given."""
    simulator: str = ""
    """Who played the profile."""
    need: str = ""
    """Hidden need of the profile."""


@dataclass(frozen=True)
class Trajectories:
    """Trajectories of one simulator, by agent and profile."""

    rows: tuple[Trajectory, ...]
    """The trajectories, [N], sorted by agent, then profile."""

    @cached_property
    def agents(self) -> tuple[str, ...]:
        """The agents, each once, sorted."""
        return tuple(sorted({row.agent for row in self.rows}))

    @cached_property
    def profiles(self) -> tuple[int | str, ...]:
        """The profiles, each once, sorted; numbers before names."""
        return tuple(sorted({row.profile for row in self.rows}, key=_rank))

    @cached_property
    def moods(self) -> Floats:
        """Mood paths [N, T+1], the last mood carried on."""
        return pad([row.emotions for row in self.rows])

    @cached_property
    def played(self) -> Ints:
        """Scored turns of each, [N]."""
        return np.array([len(row.emotions) - 1 for row in self.rows], np.int64)

    @cached_property
    def places(self) -> tuple[Ints, Ints]:
        """Agent and profile of each trajectory as their numbers, [N] each."""
        agents, profiles = ({name: i for i, name in enumerate(names)} for names in (self.agents, self.profiles))
        return (
            np.array([agents[row.agent] for row in self.rows], np.int64),
            np.array([profiles[row.profile] for row in self.rows], np.int64),
        )

    @cached_property
    def simulator(self) -> str:
        """Who played the profiles; empty where no line says so."""
        return self.rows[0].simulator

    def scores(self, kind: str = "final") -> Floats:
        """Return returns [agents, profiles, repeats] of a kind in `analysis.returns.RETURNS`, NaN for missing."""
        one, other = self.places
        counts = np.zeros((len(self.agents), len(self.profiles)), np.int64)
        order = np.empty(len(self.rows), np.int64)
        for n, cell in enumerate(zip(one, other, strict=True)):
            order[n] = counts[cell]
            counts[cell] += 1
        cube = np.full((*counts.shape, int(counts.max())), np.nan)
        cube[one, other, order] = returns_of(self.moods, kind)
        return cube


def gather(rows: Iterable[Trajectory], simulator: str = "") -> Trajectories:
    """Return trajectories of one simulator.

    Args:
        rows: In any order.
        simulator: Which to take; needed where there are several.

    Raises:
        UsageError: No trajectory, several simulators and none chosen, or none of that name.
    """
    found = list(rows)
    known = Counter(row.simulator for row in found)
    if simulator and simulator not in known:
        raise UsageError(f"no trajectory of simulator '{simulator}'{did_you_mean(simulator, known)}")
    if not simulator and len(known) > 1:
        raise UsageError(f"trajectories of several simulators ({', '.join(sorted(known))}); choose one with simulator=")
    kept = [row for row in found if not simulator or row.simulator == simulator]
    if not kept:
        raise UsageError("no trajectory to read; give at least one")
    return Trajectories(tuple(sorted(kept, key=lambda row: (row.agent, _rank(row.profile)))))


def read_trajectories(path: str | Path, simulator: str = "") -> Trajectories:
    """Return the trajectories of a file of JSON lines; see the module for the fields.

    Args:
        path: The file, UTF-8; blank lines are skipped.
        simulator: Which to take; needed where there are several.

    Raises:
        UsageError: The file cannot be read, is empty, or a line is wrong, named with file, line and field; or its moods
            are on another scale.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {why}; give a file of JSON lines") from None
    rows = [_parse(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise UsageError(f"{path} holds no trajectory; one JSON object a line is needed")
    found = gather(rows, simulator)
    _check_scale(path, found)
    return found


def _check_scale(path: str | Path, found: Trajectories) -> None:
    """Refuse moods that all lie within 0..1, where those of real users on 0..100 never do."""
    low, high = found.moods.min(), found.moods.max()
    if high <= 1.0:
        raise UsageError(
            f"{path}: emotions: every mood lies within 0..1 ({low:g} to {high:g} were seen), as on another scale; "
            "multiply them by 100, as moods are 0..100"
        )


def _parse(line: str, place: str) -> Trajectory:
    try:
        row = Trajectory.model_validate_json(line)
    except ValidationError as error:
        raise UsageError(f"{place}: {_told(error)}") from None
    if row.final is not None and abs(row.final - row.emotions[-1]) > 1e-9:
        raise UsageError(f"{place}: final: {row.final:g} is not the last of emotions, {row.emotions[-1]:g}")
    return row


def _told(error: ValidationError) -> str:
    """Return the first complaint in one line."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return f"no JSON object ({first['ctx']['error']})"
    at: Sequence[int | str] = [part for part in first["loc"] if part not in ("int", "constrained-str", "str")]
    field = "".join(f"[{part}]" if isinstance(part, int) else str(part) for part in at)
    wanted = {"missing": "is missing", "too_short": "is empty; the opening's mood is needed at least"}
    return f"{field or 'the line'}: {wanted.get(first['type'], first['msg'][:1].lower() + first['msg'][1:])}"


def _rank(profile: int | str) -> tuple[bool, int, str]:
    return isinstance(profile, str), profile if isinstance(profile, int) else 0, str(profile)

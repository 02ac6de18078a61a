"""What a conformance check found: a table, or an error that lists everything that failed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import getdoc
from typing import Literal, TypeAlias, TypeVar

from emosim.errors import EmosimError, UsageError, did_you_mean

S = TypeVar("S")
Problems: TypeAlias = Iterator[str]
"""What is wrong, one line each: what was expected, what came, what to do."""
Check: TypeAlias = Callable[[S], Problems]
"""Yields what is wrong with a subject; its docstring says what is checked."""


class ConformanceError(EmosimError, AssertionError):
    """Something does not conform; the message lists every failed check."""

    cause = "conformance"


class Broken(Exception):
    """A check cannot go on; the message is what is wrong."""


class NotApplicable(Exception):
    """A check means nothing here; the message is why."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    name: str
    """Name of the check."""
    about: str
    """What it checks."""
    status: Literal["passed", "failed", "skipped"]
    """What came of it."""
    message: str = ""
    """What is wrong, or why it was left out."""
    error: Exception | None = field(default=None, compare=False, repr=False)
    """What was raised, if that is what is wrong."""


@dataclass(frozen=True)
class Report:
    """What all checks found; `str` is a table."""

    subject: str
    """What was checked."""
    findings: tuple[Finding, ...]
    """One for each check."""

    @property
    def passed(self) -> tuple[str, ...]:
        """Names of the checks that passed."""
        return self._names("passed")

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed."""
        return self._names("failed")

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the checks that were left out."""
        return self._names("skipped")

    @property
    def is_good(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    def __getitem__(self, name: str) -> Finding:
        return {finding.name: finding for finding in self.findings}[name]

    def __str__(self) -> str:
        width = max(len(finding.name) for finding in self.findings)
        lines = [f"  {f.name:<{width}}  {f.status:<7}  {f.message or f.about}".rstrip() for f in self.findings]
        total = f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"
        return "\n".join([f"{self.subject}: {total}", *lines])

    def _names(self, status: str) -> tuple[str, ...]:
        return tuple(finding.name for finding in self.findings if finding.status == status)


def run_checks(
    subject: str,
    stage: S,
    known: Mapping[str, Check[S]],
    chosen: Collection[str] | None,
    skip: Mapping[str, str] | None,
    raises: bool,
) -> Report:
    """Run checks one after another.

    Args:
        subject: What is checked, for the report.
        stage: What each check is given.
        known: All checks by name.
        chosen: Names of those to run, None for all.
        skip: Names of checks to leave out, with the reason.
        raises: Raise if any fails.

    Raises:
        UsageError: No such check, or one is skipped without a reason.
        ConformanceError: A check failed.
    """
    skip = dict(skip or {})
    for name in [*(chosen or ()), *skip]:
        if name not in known:
            raise UsageError(f"no check '{name}'{did_you_mean(name, known)}")
        if name in skip and not skip[name].strip():
            raise UsageError(f"say why '{name}' is left out: skip={{'{name}': 'the reason'}}")
    names = [name for name in known if chosen is None or name in chosen or name in skip]
    report = Report(subject, tuple(_found(name, known[name], stage, skip.get(name, "")) for name in names))
    if raises and not report.is_good:
        raise ConformanceError(str(report)) from next((f.error for f in report.findings if f.error), None)
    return report


def _found(name: str, check: Check[S], stage: S, why: str) -> Finding:
    about = (getdoc(check) or "").partition("\n")[0]
    if why:
        return Finding(name, about, "skipped", f"left out: {why}")
    try:
        problem = next(check(stage), "")
    except Broken as error:
        problem = str(error)
    except NotApplicable as error:
        return Finding(name, about, "skipped", str(error))
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        return Finding(name, about, "failed", f"expected no error, got {type(error).__name__}: {said}", error)
    return Finding(name, about, "failed" if problem else "passed", problem)


def short(value: object, limit: int = 70) -> str:
    """Return a value for a message, on one line, cut at `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"

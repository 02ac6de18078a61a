"""Everything that emosim raises on purpose.

    EmosimError                      one line for the user, never a traceback in the command line
    ├── UsageError                   an unknown name, a value out of range, a call out of order
    │   └── MissingExtra             an optional package is needed; the message holds the install line
    ├── PackError                    a persona pack is wrong: file, line, key, did-you-mean
    ├── RunError                     a run directory cannot be used: locked, other settings, damaged
    ├── BackendError                 a model could not be asked
    │   ├── TransientBackendError    it may work later (429, 5xx, time-out); retried inside the backend
    │   └── BudgetExceeded           the hard limit on calls, tokens or cost is reached
    └── SimulationError              the simulated user could not answer; the turn did not happen

What an agent says is never an error: see `emosim.engine`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from emosim.usage import Usage

FATAL: Final = frozenset(
    {"auth", "not_found", "quota", "no_backend", "missing_extra", "pack", "usage", "run", "changed_settings"}
)
"""Causes that every other episode would meet too: they end the run instead of failing an episode."""

BUDGET: Final = "budget"
"""Cause of an episode that the budget cut short: nobody's fault, to be played when there is budget again."""

INTERRUPTED: Final = "interrupted"
"""Cause of an episode that had not ended when its run did, by Ctrl-C or by an error that all others would meet."""

CUT_SHORT: Final = frozenset({BUDGET, INTERRUPTED})
"""Causes of episodes that were cut short: nobody's fault, to be played anew."""


_NOTHING: Final = Usage()


class EmosimError(Exception):
    """Any error that emosim raises on purpose; `str(error)` is one line that names the next step."""

    cause: str = "error"
    """Typed cause, written to `failures.jsonl`."""


class UsageError(EmosimError, ValueError):
    """The caller asked for something that does not exist or is out of range."""

    cause = "usage"


class MissingExtra(UsageError):
    """An optional dependency is not installed."""

    cause = "missing_extra"

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional package: pip install 'emosim[{extra}]'")


class PackError(EmosimError):
    """A persona pack is wrong.

    Args:
        problem: What is wrong and what to do, without the place.
        file: The file at fault.
        line: One-based line, 0 if unknown.
        key: Dotted key at fault, if any.
    """

    cause = "pack"

    def __init__(self, problem: str, *, file: str = "", line: int = 0, key: str = "") -> None:
        self.problem, self.file, self.line, self.key = problem, file, line, key
        place = f"{file}:{line}: " if line else f"{file}: " if file else ""
        super().__init__(f"{place}{f'{key}: ' if key else ''}{problem}")


class RunError(EmosimError):
    """A run directory cannot be used."""

    cause = "run"


class BackendError(EmosimError):
    """A model could not be asked, and asking again would not help.

    Args:
        message: One line.
        cause: Typed cause, such as `auth`, `bad_request`, `timeout`, `rate_limit`, `server` or `unreachable`.
        usage: What all tries together used, as far as is known.
    """

    def __init__(self, message: str, *, cause: str = "backend", usage: Usage = _NOTHING) -> None:
        super().__init__(message)
        self.cause, self.usage = cause, usage


class TransientBackendError(BackendError):
    """A model did not answer this time.

    Args:
        message: One line.
        cause: Typed cause.
        retry_after_s: Seconds that the server asked to wait, or None.
    """

    def __init__(self, message: str, *, cause: str = "backend", retry_after_s: float | None = None) -> None:
        super().__init__(message, cause=cause)
        self.retry_after_s = retry_after_s


class BudgetExceeded(BackendError):
    """The hard limit on calls, tokens or cost is reached; nothing more was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, cause=BUDGET)


class SimulationError(EmosimError):
    """The simulated user could not produce a usable answer; the episode is as it was before the turn.

    Args:
        message: One line.
        cause: Typed cause, such as `bad_json`, `bad_schema`, `bad_evidence`, `empty`, `refusal`, or a backend's cause.
    """

    def __init__(self, message: str, *, cause: str = "simulation") -> None:
        super().__init__(message)
        self.cause = cause


def raise_if_common(result: object) -> None:
    """Raise an error that every other episode would meet too: a refused key, an unknown model, no budget, misuse."""
    if isinstance(result, EmosimError) and (result.cause in {*FATAL, BUDGET} or isinstance(result, UsageError)):
        raise result


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the known word nearest to `word`, or a short list, or nothing.

    >>> did_you_mean("dolorse", ["dolores", "tom"])
    " (did you mean 'dolores'?)"
    """
    names = sorted(set(known))
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f" (did you mean '{near[0]}'?)"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f" (known: {shown})"

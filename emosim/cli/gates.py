"""Gates: conditions on a run's summary that decide the exit code, such as `score>=0.7`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emosim.errors import UsageError, did_you_mean
from emosim.runs import Mean, Summary

_GATE: Final = re.compile(r"^\s*([a-z_.]+)\s*(>=|<=|>|<)\s*([-+0-9.e]+)\s*$")
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def _share(ending: str) -> Callable[[Summary], float | None]:
    return lambda summary: summary.endings.get(ending, 0) / summary.finished if summary.finished else None


def _part(of: Callable[[Summary], Mean | None], part: str) -> Callable[[Summary], float | None]:
    return lambda summary: getattr(of(summary), part, None)


METRICS: Final[dict[str, Callable[[Summary], float | None]]] = {
    "score": _part(lambda summary: summary.score, "mean"),
    "score.low": _part(lambda summary: summary.score, "low"),
    "score.high": _part(lambda summary: summary.score, "high"),
    "return": _part(lambda summary: summary.return_, "mean"),
    "return.low": _part(lambda summary: summary.return_, "low"),
    "return.high": _part(lambda summary: summary.return_, "high"),
    "satisfied": _share("satisfied"),
    "left": _share("left"),
    "out_of_turns": _share("out_of_turns"),
    "agent_left": _share("agent_left"),
    "turns": lambda summary: summary.turns,
    "fault_rate": lambda summary: summary.faults.rate,
    "missing": lambda summary: float(summary.missing),
}
"""What gates can be set on; `.low` and `.high` are the ends of the 95 % interval, endings are shares."""


@dataclass(frozen=True)
class Gate:
    """A condition on a summary."""

    metric: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.sign}{self.bound:g}"

    @classmethod
    def parse(cls, text: str) -> Gate:
        """Return the gate that a text names.

        Raises:
            UsageError: It has another form, or names no metric.
        """
        found = _GATE.match(text)
        if found is None:
            raise UsageError(f"no gate '{text}'; write it as 'score>=0.7'")
        if found[1] not in METRICS:
            raise UsageError(f"no metric '{found[1]}'{did_you_mean(found[1], METRICS)}")
        try:
            return cls(found[1], found[2], float(found[3]))
        except ValueError:
            raise UsageError(f"gate '{text}': '{found[3]}' is not a number") from None

    def value(self, summary: Summary) -> float | None:
        """Return what the gate is set on; None if the run cannot tell."""
        return METRICS[self.metric](summary)

    def holds(self, summary: Summary) -> bool:
        """Return whether the condition is met; what the run cannot tell does not meet it."""
        value = self.value(summary)
        return value is not None and _COMPARE[self.sign](value, self.bound)

    def verdict(self, summary: Summary) -> str:
        """Return the result in one line."""
        value = self.value(summary)
        shown = "undetermined" if value is None else f"{value:.3f}"
        return f"gate {self}: {'passed' if self.holds(summary) else 'FAILED'} ({self.metric} is {shown})"

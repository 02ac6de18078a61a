"""Gates on findings, such as `boundary>=0.4`: what must hold for a measuring command to exit with 0."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emosim.analysis.boundary import Boundary
from emosim.analysis.findings import ComparisonFindings, FrontierFindings, SurfaceFindings
from emosim.analysis.intervals import Interval
from emosim.analysis.search import Mark
from emosim.analysis.verdict import FEWEST_PERSONAS
from emosim.errors import UsageError, did_you_mean

REGRESSION: Final = "regression"
"""The gate that fails when the trained agent is shown to be worse, or when too little was played to show it."""
_BAR: Final = re.compile(r"^\s*([a-z0-9_.]+)\s*(>=|<=|>|<)\s*([-+0-9.e]+)\s*$")
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_PARTS: Final = ("estimate", "low", "high")


def _of_boundary(found: Boundary, part: str) -> float | None:
    if found.status == "undetermined":
        return None
    value: Mark | None = getattr(found, part)
    return {"> 1": math.inf, "< 0": -math.inf}[value] if isinstance(value, str) else value


def _place(name: str) -> Callable[[object, str], float | None]:
    def read(found: object, part: str) -> float | None:
        if isinstance(found, SurfaceFindings):
            return _of_boundary(found.ray, part) if name == "boundary" else None
        return _of_boundary(getattr(found, name), part) if isinstance(found, FrontierFindings) else None

    return read


def _volume(found: object, part: str) -> float | None:
    if not isinstance(found, SurfaceFindings) or found.volume.status == "undetermined":
        return None
    share: Interval | None = found.volume.explorable
    return None if share is None else float(getattr(share, part))


def _gain(found: object, part: str) -> float | None:
    """Return the smallest gain over the difficulties."""
    if not isinstance(found, ComparisonFindings) or any(cell.difference is None for cell in found.cells):
        return None
    return min(float(getattr(cell.difference.difference, part)) for cell in found.cells if cell.difference)


def _fall(found: object) -> str:
    """Return what is known of a fall of the score, with what could not be seen."""
    if not isinstance(found, ComparisonFindings) or found.regressed is None:
        return f"undetermined: a difficulty with fewer than {FEWEST_PERSONAS} personas shows no fall; play more"
    if found.regressed:
        return "the score fell"
    kept = [cell.difference for cell in found.cells if cell.difference]
    if all(one.kind == "unchanged" for one in kept):
        return "every pair of episodes is identical"
    unseen = max(one.detectable for one in kept if one.kind != "unchanged")
    return f"no fall is shown; one of less than {unseen:.2f} could go unseen"


METRICS: Final[dict[str, Callable[[object, str], float | None]]] = {
    "boundary": _place("boundary"),
    "edge": _place("edge"),
    "d50": _place("d50"),
    "volume": _volume,
    "gain": _gain,
}
"""What gates can be set on; `.low` and `.high` are the ends of the 95 % interval."""
OF_FRONTIERS: Final = ("boundary", "edge", "d50", "volume")
OF_COMPARISONS: Final = (REGRESSION, "gain")


@dataclass(frozen=True)
class Bar:
    """A condition on findings; what they leave undetermined does not meet it."""

    metric: str
    part: str = "estimate"
    sign: str = ">="
    bound: float = 0.0

    def __str__(self) -> str:
        if self.metric == REGRESSION:
            return REGRESSION
        name = self.metric if self.part == "estimate" else f"{self.metric}.{self.part}"
        return f"{name}{self.sign}{self.bound:g}"

    @classmethod
    def parse(cls, text: str, known: tuple[str, ...] = OF_FRONTIERS) -> Bar:
        """Return the gate that a text names.

        Args:
            text: Such as `boundary>=0.4` or `gain.low>=0`.
            known: What this command's findings have.

        Raises:
            UsageError: It has another form, or names nothing known.
        """
        if text.strip() == REGRESSION and REGRESSION in known:
            return cls(REGRESSION)
        found = _BAR.match(text)
        if found is None:
            raise UsageError(f"no gate '{text}'; write it as '{known[-1]}>=0.4'{did_you_mean(text, known)}")
        metric, _, part = found[1].partition(".")
        if metric not in known or metric == REGRESSION or part not in ("", "low", "high"):
            raise UsageError(f"no metric '{found[1]}'{did_you_mean(metric, known)}")
        try:
            return cls(metric, part or "estimate", found[2], float(found[3]))
        except ValueError:
            raise UsageError(f"gate '{text}': '{found[3]}' is not a number") from None

    def value(self, found: object) -> float | None:
        """Return what the gate is set on; None if it is undetermined."""
        return METRICS[self.metric](found, self.part)

    def holds(self, found: object) -> bool:
        """Return whether the condition is met."""
        if self.metric == REGRESSION:
            return isinstance(found, ComparisonFindings) and found.regressed is False
        value = self.value(found)
        return value is not None and _COMPARE[self.sign](value, self.bound)

    def verdict(self, found: object) -> str:
        """Return the result in one line."""
        result = "passed" if self.holds(found) else "FAILED"
        if self.metric == REGRESSION:
            return f"gate {self}: {result} ({_fall(found)})"
        value = self.value(found)
        shown = "undetermined" if value is None else "off the scale" if math.isinf(value) else f"{value:.3f}"
        return f"gate {self}: {result} ({self.metric} is {shown})"

"""What a step and a whole rollout came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emosim.episode import Ending
from emosim.errors import SimulationError


@dataclass(frozen=True, slots=True)
class Step:
    """What the user did in answer to one reply of the agent."""

    text: str
    """The user's new message only; empty where the agent left or the environment failed."""
    reward: float | None
    """What the turn earned; None where the environment failed."""
    terminated: bool
    """The user was helped or left, or the agent left."""
    truncated: bool
    """Time was up, or the environment failed."""
    info: dict[str, Any]
    """Privileged, the same keys always; see `emosim.info`."""

    @property
    def over(self) -> bool:
        """Whether it was the last."""
        return self.terminated or self.truncated


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rollout came to."""

    key: str
    """Key of the episode, without the number of the attempt."""
    reward: float | None
    """Return: the sum of `rewards`, as `emosim verify` recomputes it; None where nothing may be concluded."""
    rewards: tuple[float, ...]
    """What each turn earned."""
    score: float | None
    """Final mood over 100, 0..1; None where nothing may be concluded."""
    ending: Ending
    """How it ended; `invalid` where the environment failed."""
    moods: tuple[float, ...]
    """Moods from the opening on, 0..100."""
    fault: str = ""
    """Why it cannot be scored, `cause: message`; empty if it can."""

    @property
    def valid(self) -> bool:
        """Whether it can be scored."""
        return self.reward is not None

    @property
    def error(self) -> SimulationError:
        """What to raise where a trainer has no reward that means "unscorable"."""
        return SimulationError(f"{self.key}: {self.fault}", cause=self.fault.partition(":")[0])

    @property
    def metrics(self) -> dict[str, float]:
        """Numbers for a trainer's logger: always the same names, NaN where nothing may be concluded."""
        score = float("nan") if self.score is None else self.score
        return {
            "mood": 100.0 * score,
            "mood_change": 100.0 * score - self.moods[0],
            "turns": float(len(self.moods) - 1),
            "satisfied": _share(self, "satisfied"),
            "left": _share(self, "left"),
            "agent_left": _share(self, "agent_left"),
            "fault": float(not self.valid),
        }


def _share(outcome: Outcome, ending: Ending) -> float:
    return float(outcome.ending == ending) if outcome.valid else float("nan")

"""Which episode a trial is: its point on the reference ray, on one knob or on several, as an episode key and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emosim.difficulty import difficulty
from emosim.errors import RunError
from emosim.persona import Language
from emosim.runs import RunConfig
from emosim.suite import EpisodeKey, Trial

KNOBS = "knobs"
"""Where the settings of a run name the knobs."""


@dataclass(frozen=True)
class Layout:
    """How the points of trials are read."""

    pack: str
    """Id of the pack."""
    language: Language = "en"
    """Language of the episodes."""
    knobs: tuple[str, ...] = ()
    """Knobs that a point sets, in order, the others being 0; empty for the level of the reference ray."""
    first: int = 0
    """Number of the first seed."""

    def __post_init__(self) -> None:
        difficulty(dict.fromkeys(self.knobs, 0.0))

    @classmethod
    def of(cls, config: RunConfig) -> Layout:
        """Return the layout that the settings of a probed run stand for."""
        suite, knobs = config.suite, config.probe.get(KNOBS, "")
        pack = config.versions.pack.partition("@")[0]
        return cls(pack, suite.languages[0], tuple(knobs.split(",")) if knobs else (), suite.seed)

    def key(self, trial: Trial) -> EpisodeKey:
        """Return the episode that a trial asks for."""
        number = self.first + trial.number
        if not self.knobs:
            return EpisodeKey(self.pack, trial.persona, self.language, trial.level, (), number)
        knobs = tuple(sorted(zip(self.knobs, trial.point, strict=True)))
        return EpisodeKey(self.pack, trial.persona, self.language, 0.0, knobs, number)

    def trial(self, key: EpisodeKey) -> Trial:
        """Return the trial that asked for an episode.

        Raises:
            RunError: None of this layout can have.
        """
        knobs = dict(key.knobs)
        if knobs.keys() != set(self.knobs) or key.number < self.first:
            raise RunError(f"{key} is no episode of this probe; choose another --out")
        point = tuple(knobs[knob] for knob in self.knobs) if self.knobs else (key.level,)
        return Trial(point, key.persona, key.number - self.first)

    def keys(self, trials: Sequence[Trial]) -> tuple[EpisodeKey, ...]:
        """Return the episodes of trials."""
        return tuple(self.key(trial) for trial in trials)

"""What every simulated user is: evidence first, then words for the state that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, TypeAlias

from emosim.acts import Appraisal
from emosim.emotion import EmotionState
from emosim.episode import Ending, Episode, Rulebook, Spoken, Utterance
from emosim.flow import Flow

Outcome: TypeAlias = Literal["better", "same", "worse"]
"""What a reply did to the mood, as the speaker needs to know it."""

SAME_WITHIN = 1.0
"""Changes of mood smaller than this count as `same`."""


class Heard(NamedTuple):
    """A reply as it reaches the user."""

    episode: Episode
    """The episode before the reply."""
    reply: Utterance
    """The reply."""

    @property
    def text(self) -> str:
        """The visible part of the reply."""
        return self.reply.text

    @property
    def turn(self) -> int:
        """One-based number of this turn."""
        return len(self.episode.turns) + 1


class Felt(NamedTuple):
    """A reply with what it did: everything that the user's words may depend on."""

    heard: Heard
    appraisal: Appraisal | None
    """None when the protocol leaves the reply unscored."""
    emotion: EmotionState
    """How the user feels now."""
    ending: Ending | None
    """How the episode ends with this turn, None if it goes on."""

    @property
    def outcome(self) -> Outcome:
        """Whether the mood rose, fell or stayed."""
        change = self.emotion.last_change
        return "better" if change >= SAME_WITHIN else "worse" if change <= -SAME_WITHIN else "same"


Speech: TypeAlias = Callable[[Felt], Flow[Spoken]]
"""Says what fits the state; may ask a model."""


class User(Protocol):
    """A simulated user: stateless, so that one object serves any number of episodes."""

    @property
    def name(self) -> str:
        """Name and version, `rules@4`."""
        ...

    @property
    def rules(self) -> Rulebook:
        """The protocol that this user plays by."""
        ...

    def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
        """Perceive a reply that is not empty: what it meant, and how to speak once the state is known.

        Raises:
            SimulationError: No usable answer after bounded re-asking.
        """
        ...

    def speak(self, felt: Felt) -> Flow[Spoken]:
        """Say something where no reply was perceived: it was blank, or the protocol leaves it unscored."""
        ...

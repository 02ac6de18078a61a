"""What the user brings to a reply: language, hidden need, and the words said so far."""

from __future__ import annotations

from dataclasses import dataclass

from emosim.acts import Need
from emosim.persona import Language


@dataclass(frozen=True)
class Context:
    """Everything besides the reply that perception may look at."""

    language: Language
    """Language that the user speaks."""
    need: Need
    """The hidden need."""
    user_said: str
    """The user's last message."""
    known: tuple[str, ...] = ()
    """What the user has told so far: opening, facts, earlier messages."""
    own_replies: tuple[str, ...] = ()
    """The agent's earlier replies, oldest first."""

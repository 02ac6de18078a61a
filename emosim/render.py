"""An episode as text for people: who said what, and the mood as a bar. Safe for terminals."""

from __future__ import annotations

import sys
import unicodedata
from typing import Final

from emosim.episode import Episode
from emosim.errors import UsageError, did_you_mean

BLOCKS: Final = "▁▂▃▄▅▆▇█"
MODES: Final = ("ansi", "human")
"""Render modes of the environments."""


class NoSuchRenderMode(UsageError, TypeError):
    """An environment cannot render that way.

    A `TypeError` too, as an environment without the argument would raise: Stable-Baselines3's `make_vec_env` asks every
    environment for `rgb_array` first and on a `TypeError` makes it without.
    """


def render_mode_of(mode: str | None) -> str | None:
    """Return a render mode.

    Raises:
        NoSuchRenderMode: It is none of `MODES`, nor None.
    """
    if mode not in (None, *MODES):
        raise NoSuchRenderMode(f"unknown render_mode '{mode}'{did_you_mean(str(mode), MODES)}")
    return mode


def render_ansi(episode: Episode) -> str:
    """Return the whole chat with moods, one line or more a message."""
    who = episode.persona
    head = f"{who.name}, {who.age}, {who.job}"
    lines = [head, "", f"{_first_name(episode)}: {plain(episode.opening.text)}"]
    lines += [render_turn(episode, number) for number in range(1, len(episode.turns) + 1)]
    return "\n".join(lines)


def render_turn(episode: Episode, number: int) -> str:
    """Return one turn: the agent's reply, what it did to the mood, the user's answer."""
    turn = episode.turns[number - 1]
    change = turn.emotion.last_change
    mark = f"    {sparkline(episode.moods[: number + 1])}  mood {turn.emotion.mood:.0f} ({change:+.1f})"
    reply = plain(turn.reply.text) or "(silence)"
    return f"agent: {reply}\n{mark}\n{_first_name(episode)}: {plain(turn.spoken.text) or '…'}"


def show(text: str) -> None:
    """Print text; what the encoding of stdout has no sign for becomes `?`."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


def sparkline(moods: tuple[float, ...]) -> str:
    """Return moods (0..100) as a line of blocks.

    >>> sparkline((0.0, 50.0, 100.0))
    '▁▅█'
    """
    return "".join(BLOCKS[min(7, max(0, int(mood / 100 * 8)))] for mood in moods)


def plain(text: str) -> str:
    """Return text that cannot steer a terminal: control and formatting characters gone, line breaks kept."""
    return "".join(c for c in text if c == "\n" or not unicodedata.category(c).startswith("C"))


def _first_name(episode: Episode) -> str:
    name = episode.persona.name
    return name if episode.persona.language == "zh" else name.split()[0]

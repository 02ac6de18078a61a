"""The chat so far as a model is shown it: a text that only grows, and is not written again for every turn.

What stands before the reply just heard is the same as the turn before, plus one turn; so the text of the latest turn is
kept and added to. It is only a memory: a text that is not there, or was made from other turns, is made anew.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from emosim.emotion import EmotionState
from emosim.episode import Episode, Spoken, Turn
from emosim.users.briefing import entries, marked
from emosim.users.protocol import Heard

Aside = Callable[[int, EmotionState, Turn], str]
"""What stands after an earlier reply: from the turn's number, the emotion before it, and the turn itself."""
KEPT: Final = 2560
"""Texts that are kept, of the episodes that were played last."""


class _Kept(NamedTuple):
    """The text of an episode up to a turn, and what it was made from."""

    seed: int
    opening: weakref.ref[Spoken]
    last: weakref.ref[Turn]
    turns: tuple[int, ...]
    text: str

    def belongs(self, episode: Episode, count: int) -> bool:
        """Return whether the episode begins with exactly the turns that the text was made from."""
        turns = episode.turns
        return (
            self.last() is turns[count - 1]
            and self.opening() is episode.opening
            and self.seed == episode.seed
            and self.turns == tuple(map(id, turns[:count]))
        )


_TEXTS: dict[tuple[str, int], _Kept] = {}


def chat(heard: Heard, name: str, aside: Aside | None = None, kind: str = "") -> str:
    """Return the chat up to the reply just heard, which stands last.

    Args:
        heard: The reply.
        name: Prompt file, for its words.
        aside: What to show after each earlier reply.
        kind: Names the aside: texts with different asides have different names.
    """
    words = entries(name, heard.episode.persona.language, "words")
    now = marked(heard.text, heard.episode.seed, heard.turn, words)
    return f"{_earlier(heard.episode, words, aside, f'{name}:{kind}')}\n{now}"


def _earlier(episode: Episode, words: dict[str, str], aside: Aside | None, form: str) -> str:
    """Return everything before the reply just heard: kept, or kept and one turn more, or made."""
    count = len(episode.turns)
    if not count:
        return f"{words['you']} {episode.opening.text}"
    kept = _TEXTS.get((form, id(episode.turns[-1])))
    if kept is not None and kept.belongs(episode, count):
        return kept.text
    begun, start = f"{words['you']} {episode.opening.text}", 0
    if count > 1:
        kept = _TEXTS.pop((form, id(episode.turns[-2])), None)
        if kept is not None and kept.belongs(episode, count - 1):
            begun, start = kept.text, count - 1
    text = "\n".join([begun, *_parts(episode, start, words, aside)])
    _keep((form, id(episode.turns[-1])), episode, text)
    return text


def _parts(episode: Episode, start: int, words: dict[str, str], aside: Aside | None) -> Iterator[str]:
    before = episode.turns[start - 1].emotion if start else episode.start
    for number, turn in enumerate(episode.turns[start:], start + 1):
        yield marked(turn.reply.text, episode.seed, number, words)
        if aside and (said := aside(number, before, turn)):
            yield said
        yield f"{words['you']} {turn.spoken.text}"
        before = turn.emotion


def _keep(place: tuple[str, int], episode: Episode, text: str) -> None:
    """Keep a text until its last turn is forgotten, or too many are kept."""
    if len(_TEXTS) >= KEPT:
        with suppress(StopIteration, RuntimeError, KeyError):  # another thread has just made room
            del _TEXTS[next(iter(_TEXTS))]
    last = weakref.ref(episode.turns[-1], lambda _: _TEXTS.pop(place, None))
    turns = tuple(map(id, episode.turns))
    _TEXTS[place] = _Kept(episode.seed, weakref.ref(episode.opening), last, turns, text)

"""Acts as utterances: what each support act and harm sounds like, about what this user has said.

The texts are `emosim/phrases/<language>.toml`. Only the user's spoken messages are read: no fact, need, mood or dice
that the agent could not see.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from emosim.acts import Act
from emosim.episode import Episode
from emosim.persona import Language

_OPTIONAL: Final = re.compile(r"\[([^\]]*)\]")
_START: Final = re.compile(r"(^|[.!?] )([a-z])")
_SENTENCE: Final = {"en": re.compile(r"(?<=[.!?…])\s+"), "zh": re.compile(r"(?<=[。！？…])")}
_COMMA: Final = {"en": re.compile(r"[,;:—]\s+|\s—\s|\s-\s"), "zh": re.compile(r"[，；：、—,;]")}
_LOOSE_END: Final = re.compile(r"^(?:and|but|because|so|as|or|then)\s+|\s+(?:and|but|or)$|^(?:然后|所以|但是|可是)")
_AIMED: Final = re.compile(r"\b(?:you|tell me|give me|explain|just say|sorry)\b|[你您]|不好意思|对不起", re.IGNORECASE)
_MARKS: Final = ' \t\n"“”‘’「」『』.。!！?？…,，;；:：、—-'
_SHORTEST: Final = {"en": 3, "zh": 4}
_LONGEST: Final = {"en": 16, "zh": 20}
_MESSAGE_CHARS: Final = 600


def realise(act: Act, episode: Episode, variant: int, *, plain: bool = False) -> str:
    """Return an act as an utterance that fits what the user has said so far.

    Within an episode no two variants of an act are equal, however many are asked for; `empty` alone is always "".

    Args:
        act: What the utterance does.
        episode: The episode to answer; only the user's messages and the agent's own replies are read.
        variant: 0 or more; pass the number of turns played and nothing is said twice.
        plain: Say it without any reference to the user's words, as it could be said to anybody.
    """
    language = episode.persona.language
    start = sum(map(ord, episode.opening.text))
    quote = "" if plain else quotable(episode)
    if not quote:
        return generic(act, language, variant, start=start)
    phrases = _book(language)
    message = episode.spoken.text.strip()[:_MESSAGE_CHARS]
    text = phrases.choose(phrases.quoting[act], variant, start)
    return text.replace("{quote}", quote).replace("{message}", message)


def generic(act: Act, language: Language, variant: int, *, start: int = 0) -> str:
    """Return an act as an utterance that refers to nothing.

    Args:
        act: What the utterance does.
        language: `en` or `zh`.
        variant: 0 or more; no two are equal, `empty` apart.
        start: Where in the list to begin, 0 or more.
    """
    phrases = _book(language)
    return phrases.choose(phrases.plain[act], variant, start)


def quotable(episode: Episode) -> str:
    """Return a short clause in the user's words: from the newest message that has one, unquoted so far if possible."""
    language = episode.persona.language
    messages = [episode.opening.text, *(turn.spoken.text for turn in episode.turns)]
    replies = [turn.reply.text for turn in episode.turns]
    fallback = ""
    for message in reversed(messages):
        told = clauses(message, language)
        order = told if message is messages[0] else told[::-1]
        for clause in sorted(order, key=lambda c: -_weight(c, language)):
            if not any(clause in reply for reply in replies):
                return clause
            fallback = fallback or clause
    return fallback


def clauses(message: str, language: Language) -> list[str]:
    """Return the clauses of a message that are fit to be quoted; questions only if there is nothing else.

    >>> clauses("Hm. The rent went up again, by 450. Why me?", "en")
    ['The rent went up again, by 450']
    """
    told: list[str] = []
    asked: list[str] = []
    for sentence in _SENTENCE[language].split(message):
        parts = [sentence] if _size(sentence, language) <= _LONGEST[language] else _COMMA[language].split(sentence)
        fit = [c for part in parts if _fits(c := _LOOSE_END.sub("", part.strip(_MARKS)), language)]
        (asked if sentence.rstrip().endswith(("?", "？")) else told).extend(fit)
    return told or asked


def _fits(clause: str, language: Language) -> bool:
    marked = any(mark in clause for mark in '“”"「」{}')
    return not marked and _SHORTEST[language] <= _size(clause, language) <= _LONGEST[language]


def _weight(clause: str, language: Language) -> float:
    """Return how much a clause tells: about nine words or twelve characters, names and numbers; requests tell least."""
    ideal = 9 if language == "en" else 12
    named = any(c.isdigit() for c in clause) or any(word[0].isupper() for word in clause.split()[1:] if word != "I")
    aimed = 4.0 if _AIMED.search(clause) else 0.0
    return (1.5 if named else 0.0) - aimed - abs(_size(clause, language) - ideal) // 3


def _size(text: str, language: Language) -> int:
    return len(text.split()) if language == "en" else len(text.strip(_MARKS))


@dataclass(frozen=True)
class _Book:
    """The phrases of one language, ready for use."""

    quoting: dict[Act, tuple[str, ...]]
    plain: dict[Act, tuple[str, ...]]
    again: tuple[str, ...]
    gap: str

    def choose(self, texts: tuple[str, ...], variant: int, start: int) -> str:
        place = (start + variant) % len(texts)
        openers = self._openers(variant // len(texts), place)
        return self.gap.join([*openers, texts[place]]) if texts[place] else ""

    def _openers(self, times: int, place: int) -> list[str]:
        """Return the opening words of a sentence's next use, different for every number of earlier uses."""
        words: list[str] = []
        while times > 0:
            times -= 1
            words.append(self.again[(times + place) % len(self.again)])
            times //= len(self.again)
        return words


@lru_cache(maxsize=8)
def _book(language: Language) -> _Book:
    path = Path(__file__).with_name("phrases") / f"{language}.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    acts = {Act(name): tuple(texts) for name, texts in content["acts"].items()}
    bare = {Act(name): tuple(texts) for name, texts in content["plain"].items()}
    return _Book(
        quoting={act: tuple(_tidy(_OPTIONAL.sub(r"\1", text)) for text in texts) for act, texts in acts.items()},
        plain={act: tuple(_tidy(_OPTIONAL.sub("", text)) for text in texts) for act, texts in (acts | bare).items()},
        again=tuple(content["again"]),
        gap="" if language == "zh" else " ",
    )


def _tidy(text: str) -> str:
    return _START.sub(lambda m: m[1] + m[2].upper(), text.strip())

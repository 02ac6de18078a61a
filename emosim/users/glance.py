"""A glance at a reply: which plain tricks are in it, and whether it asks to be told more; the check on a model.

It finds the tricks that `emosim.users.perception.attacks` knows by their form and judges nothing else: what a reply is
worth, the pressure and the praise that only meaning shows, is the model's to say. Most replies hold no trick, and most
of reading is not needed to say so: `harmless` looks for what has to be there for a trick, and only where it is, the
reply is read in full.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from importlib import resources
from itertools import compress
from typing import Final, NamedTuple

from emosim.acts import Act, Appraisal, Evidence
from emosim.episode import Turn
from emosim.persona import Language
from emosim.users.perception.attacks import findings, first_trick
from emosim.users.perception.cues import GAP, spellings
from emosim.users.perception.features import read
from emosim.users.perception.tokens import HEAD, STOP_EN, TAIL, fold, separated, tokenise
from emosim.users.perception.wordlists import word_list
from emosim.users.protocol import Heard
from emosim.users.rules import context

INVITING: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "tell me", "say more", "go on", "i'm listening", "i am listening", "all ears", "talk to me", "keep talking",
        "keep going", "like to hear", "love to hear", "want to hear", "walk me through", "take your time",
    ),
    "zh": (
        "说说", "讲讲", "聊聊", "告诉我", "跟我说", "和我说", "我在听", "我听着", "听你说", "听你讲", "想听", "愿意听",
        "慢慢说", "慢慢讲", "接着说", "继续说", "多说",
    ),
}  # fmt: skip
"""Words that ask to be told more, besides a question mark."""
MOST_FOUND: Final = 3
"""Tricks of one reply that are kept."""
REMEMBERED: Final = 8192
"""Replies whose fingerprints are kept, about 0.5 KB each: the last three of more episodes than are played at once."""
_IN_MIND: Final = OrderedDict[str, int]()
_BITS: Final = tuple(1 << place for place in range(512))
NOTHING: Final = Appraisal(evidence=(), fit=0.0, specificity=0.0)
INVITED: Final = Appraisal(evidence=(Evidence(act=Act.LISTENING, quote=""),), fit=0.0, specificity=0.0)
_MARKS: Final = "{}<>[]|=:`"
_RULED, _PARTING = word_list("ruled"), word_list("parting")
_BUTTER, _AGREEING = word_list("butter"), word_list("agreeing")
_MIRRORED: Final = frozenset(("you", "you're", "you've", "you'd", "you'll", "your", "yours", "yourself", "are", "were"))
_SWEET: Final = frozenset(("genericpraise", "lovebomb", "agree"))
"""Families of phrases that flatter, adore or agree."""
_ENDS: Final = (".", "!", "?", ";", "\n")
_TURNS: Final = (" but ", " however", " though ", " yet ")
_TURNERS: Final = frozenset(("but", "however", "though", "yet"))


def glance(heard: Heard) -> Appraisal:
    """Return the tricks in a reply as evidence, and `listening` where it asks to be told more; it judges nothing.

    A question mark is left to whoever reads the reply next (`emosim.users.voice.is_asking`): it needs no evidence.
    """
    text = heard.text
    invited = "?" not in text and invites(text, heard.episode.persona.language)
    if harmless(heard):
        return INVITED if invited else NOTHING
    seen = context(heard)
    found = tuple(dict.fromkeys(findings(read(text, seen), seen)))[:MOST_FOUND]
    if invited:
        found += INVITED.evidence
    return Appraisal.model_construct(evidence=found, fit=0.0, specificity=0.0)


def invites(text: str, language: Language) -> bool:
    """Return whether a reply asks to be told more in so many words.

    >>> invites("I'd like to hear it all.", "en"), invites("Here is what you do.", "en")
    (True, False)
    """
    low = text[:HEAD].lower().replace("’", "'")
    return any(map(low.__contains__, INVITING[language]))


class Words(NamedTuple):
    """The words of an English text."""

    row: list[str]
    """In order."""
    each: frozenset[str]
    """Each once."""
    content: frozenset[str]
    """Those that carry meaning, each once."""
    parts: int
    """Sentences, and parts of sentences after a turn, at most."""


def harmless(heard: Heard) -> bool:
    """Return whether `findings` would surely find nothing; only of English is enough looked at to say so."""
    text, episode = heard.text, heard.episode
    if episode.persona.language != "en" or not text.isascii() or len(text) > HEAD + TAIL:
        return False
    words = words_of(text)
    signs = words.each & telling()
    if len(words.row) < 8 or is_pile(text, words) or is_tricky(text, signs) or (signs and is_sweet(words.row, signs)):
        return False
    turns = episode.turns
    return not is_echo(words, (turns[-1].spoken if turns else episode.opening).text) and not is_old(text, words, turns)


@cache
def telling() -> frozenset[str]:
    """Return the words one of which stands in every trick that is told by its words."""
    return _RULED.union(_PARTING, _BUTTER, _AGREEING, sweet_phrases(), ("json",))


def is_tricky(text: str, signs: frozenset[str]) -> bool:
    """Return whether an order to the simulator, a forged turn, pasted data or a farewell lure is in a reply.

    Args:
        text: The reply.
        signs: Its words that are `telling`.
    """
    kinds = ["forged", "data"] if "json" in signs or any([mark in text for mark in _MARKS]) else []
    if not _RULED.isdisjoint(signs):
        kinds.append("order")
    if not _PARTING.isdisjoint(signs):
        kinds.append("farewell")
    if not kinds:
        return False
    low = text.lower()
    return any([first_trick(kind, text, low) is not None for kind in kinds])


def is_pile(text: str, words: Words) -> bool:
    """Return whether a reply could be a pile of words."""
    size, distinct = len(words.row), len(words.each)
    if (size > 14 and distinct < 0.3 * size) or text.count(",") * 2.6 > size or words.parts * 1.7 > size:
        return True
    return distinct - len(words.content) < max(0.13 * size - 0.5, 2.0)


def is_sweet(tokens: list[str], signs: frozenset[str]) -> bool:
    """Return whether a reply could flatter, or agree with everything.

    Args:
        tokens: The words of the reply, in order.
        signs: Those that are `telling`.
    """
    if len(signs & _BUTTER) > 2:
        return True
    if not _AGREEING.isdisjoint(signs) and sum(map(_AGREEING.__contains__, tokens)) > 2:
        return True
    found, phrases = 0, sweet_phrases()
    for place in compress(range(len(tokens)), map(phrases.__contains__, tokens)):
        for before, phrase in phrases[tokens[place]]:
            start = place - before
            found += start >= 0 and tokens[start : start + len(phrase)] == phrase
    return found > 2


@cache
def sweet_phrases() -> dict[str, list[tuple[int, list[str]]]]:
    """Return sweet phrases, each up to a gap, by their most telling word, with how many words stand before it."""
    text = resources.files("emosim.users.perception").joinpath("cues_en.txt").read_text("utf-8")
    lines = (line.partition(": ") for line in text.splitlines())
    phrases = [rest.split(" | ") for family, _, rest in lines if family in _SWEET]
    found: dict[str, list[tuple[int, list[str]]]] = {}
    for spelling in {spelling for each in phrases for phrase in each for spelling in spellings(phrase.strip())}:
        words = spelling.partition(GAP)[0].split()
        key = max(words, key=lambda word: (word not in STOP_EN, len(word)))
        found.setdefault(key, []).append((words.index(key), words))
    return found


def is_echo(words: Words, said: str) -> bool:
    """Return whether a reply could be the person's own words, as said or with I and you exchanged."""
    low, each = fold(said[:HEAD]), words.each
    own = _MIRRORED.union(tokenise(low, "en"))
    size, distinct = len(words.row), len(each)
    if distinct - len(each & own) < 0.4 * size and sum(map(own.__contains__, words.row)) > 0.6 * size:
        return True
    strange, enough = set[str](), 0.15 * distinct
    for word in words.content:
        if word[:5] not in low and len(word) > 2:
            strange.add(word[:5])
            if len(strange) >= enough:  # as there are no more keys than words
                return False
    return len(strange) < 0.15 * len({word[:5] for word in words.content if len(word) > 2})


def is_old(text: str, words: Words, turns: Sequence[Turn]) -> bool:
    """Return whether the agent could have said this before: nearly every word stands in one of its latest replies.

    Each word that an older reply lacks is in a pair of words that it lacks, and a copy lacks less than a fifth of them.
    """
    few, mine = 0.2 * (len(words.row) + 2 + words.parts), fingerprint(words.content)
    keep_in_mind(text, mine)
    for turn in turns[-3:]:
        old = turn.reply.text
        if not old.isascii() or len(old) > HEAD + TAIL:
            return True
        if (mine & ~recall(old)).bit_count() <= few and len(words.each.difference(tokenise(old, "en"))) <= few:
            return True
    return len(turns) > 3 and text in [turn.reply.text for turn in turns[:-3]]


def fingerprint(content: frozenset[str]) -> int:
    """Return a number with a bit for each of some words: what one lacks of another is more words than bits."""
    found, bits = 0, _BITS
    for word in content:
        found |= bits[hash(word) & 511]
    return found


def words_of(text: str) -> Words:
    """Return the words of an English text, which is ASCII."""
    low = text.lower()
    plain = separated(low)
    if plain is None:
        tokens, parts = tokenise(low, "en"), sum(map(low.count, _ENDS))
    else:
        tokens, parts = plain.replace(".", " ").split(), plain.count(".")
    each = frozenset(tokens)
    if not _TURNERS.isdisjoint(each):
        parts += sum(map(low.count, _TURNS))
    return Words(tokens, each, each - STOP_EN, parts)


def keep_in_mind(text: str, mine: int) -> None:
    """Keep the fingerprint of a reply, as the next three replies are compared with it."""
    _IN_MIND[text] = mine
    if len(_IN_MIND) > REMEMBERED:
        _IN_MIND.popitem(last=False)


def recall(text: str) -> int:
    """Return the fingerprint of an earlier reply."""
    kept = _IN_MIND.get(text)
    return fingerprint(frozenset(tokenise(text, "en")) - STOP_EN) if kept is None else kept

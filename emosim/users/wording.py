"""What a user may say: cleaning a model's message, and refusing what no person in this chat would or may say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from emosim.persona import Fact, Language, Scenario
from emosim.users.answers import Unusable, flat, is_refusal
from emosim.users.protocol import Heard

MAX_WORDS: Final = 90
"""Words of one message."""
MAX_CJK: Final = 150
"""Characters of one Chinese message, about as long."""
NEED_RUN: Final = 5
"""Words in a row that give the secret away; in Chinese `NEED_RUN_CJK` characters."""
NEED_RUN_CJK: Final = 8
FACT_RUN, FACT_RUN_CJK = 8, 14


class _Secrets(NamedTuple):
    """What may give away the secrets of a scenario."""

    runs: dict[int, frozenset[tuple[str, ...]]]
    """Runs of words, by their length."""
    words: frozenset[str]
    """The words in them."""
    shortest: int
    """Words of the shortest run, 0 if there is none."""


KEPT_SECRETS: Final = 512
_SECRETS: dict[int, tuple[Scenario, _Secrets]] = {}
"""Runs of words of the scenarios played last, with what they were made from."""

_LABEL: Final = r"(?:user|assistant|agent|system|human|you|me|reply|say|用户|助手|对方|你|我)\s*[:：]\s*"
_FIRST_LABEL: Final = re.compile(rf"^{_LABEL}", re.IGNORECASE)
_LATER_LABEL: Final = re.compile(r"\n\s*(?:user|assistant|agent|system|human|用户|助手|对方)\s*[:：]", re.IGNORECASE)
_STARRED: Final = re.compile(r"\*+([^*\n]{1,120})\*+")
_BRACKETED: Final = re.compile(
    r"^\s*[\[(（【][^\])）】\n]{1,60}[\])）】]"
    r"|[\[(（【][^\])）】\n]{0,30}(?:sigh|paus|laugh|cry|cries|smil|shrug|silen|叹|沉默|笑|哭|停顿|摇头|低头)"
    r"[^\])）】\n]{0,30}[\])）】]",
    re.IGNORECASE,
)
_HELPER: Final = re.compile(
    r"\bas an ai\b[^.!?]{0,40}\bi\b|\bi(?:'|’)?m an ai\b|how (?:can|may) i (?:help|assist|support)"
    r"|\bi(?:'|’)?m (?:just )?here (?:to (?:help|listen|support)|for you)|happy to help|let me know if you need"
    r"|feel free to (?:share|ask|reach)|how can i be of|i(?:'|’)?m sorry you(?:'|’)?re (?:going through|feeling)"
    r"|作为(?:一个|一名)?(?:AI|人工智能|助手)|(?:有什么|需要我|我能|我可以).{0,4}(?:帮你|帮您|帮到你|协助)"
    r"|我(?:会|一直)在这里(?:陪|听|支持)|很高兴(?:能)?帮",
    re.IGNORECASE,
)
_HELPFUL: Final = (
    " an ai", "m an ai", "can i ", "may i ", "m here ", "m just here ", "happy to help", "let me know if",
    "feel free to ", "m sorry you",
)  # fmt: skip
"""Words without which the English part of that expression finds nothing."""
_CJK: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_LATIN: Final = re.compile(r"[A-Za-z\u00aa-\u024f]")
_TOKEN: Final = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+(?:['’][^\W\u3400-\u9fff]+)*")
_SPACED: Final = bytes(code if chr(code).isalnum() or chr(code) in "_'" else 32 for code in range(128)) + bytes(128)
"""What stands between words of an ASCII text as spaces."""
_JSON: Final = re.compile(r"[{\[]\s*\"|\"\s*:\s*[\"\[{\d]|```")


_flat = lru_cache(maxsize=4096)(flat)


def clean(text: str) -> str:
    """Return a message without wrapping quotes, speaker label and stage directions.

    >>> clean('"*sighs* I *really* tried."')
    'I really tried.'
    """
    text = (text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")).strip()
    if (":" in text or "：" in text) and (label := _FIRST_LABEL.match(text)) is not None:
        text = text[label.end() :]
    if len(text) > 1 and text[0] + text[-1] in ('""', "''", "“”", "「」"):
        text = text[1:-1]
    if "*" in text:
        text = _STARRED.sub(lambda found: _unstarred(found, text), text)
    if "(" in text or "[" in text or "（" in text or "【" in text:
        text = _BRACKETED.sub("", text)
    return text.strip() if "\n" in text else " ".join(text.split())


def _unstarred(found: re.Match[str], text: str) -> str:
    """Keep a stressed word, drop an action."""
    alone = found.start() == 0 or found.end() == len(text)
    return "" if alone or " " in found[1].strip() else found[1]


def checked(text: str, heard: Heard, open_fact: Fact | None) -> str:
    """Return a message that this user may say now.

    Args:
        text: What the model wrote.
        heard: The reply that it answers.
        open_fact: The fact that may be told, if any.

    Raises:
        Unusable: `empty`, `bad_schema`, `refusal`, `role_flip`, `too_long`, `wrong_language`, `repeated`, `need_leak`
            or `fact_leak`.
    """
    episode = heard.episode
    language = episode.persona.language
    if "\n" in text and _LATER_LABEL.search(text):
        raise Unusable("role_flip")
    text = clean(text)
    _check_part(text, heard)
    _check_form(text, language)
    said = [episode.opening.text, *[turn.spoken.text for turn in episode.turns]]
    if _flat(text) in map(_flat, said):
        raise Unusable("repeated")
    _check_secrets(text, heard, said, open_fact)
    return text


def _check_secrets(text: str, heard: Heard, said: list[str], open_fact: Fact | None) -> None:
    episode, scenario = heard.episode, heard.episode.scenario
    if not _touches(text, scenario):
        return
    public = [*said, heard.text, *scenario.openings, *episode.persona.style.examples]
    if gives_away(text, scenario.need_text, [*public, *(fact.text for fact in scenario.facts)], NEED_RUN, NEED_RUN_CJK):
        raise Unusable("need_leak")
    allowed = {*episode.revealed, open_fact.id if open_fact else ""}
    for fact in scenario.facts:
        if fact.id not in allowed and gives_away(text, fact.text, public, FACT_RUN, FACT_RUN_CJK):
            raise Unusable("fact_leak")


def _touches(text: str, scenario: Scenario) -> bool:
    """Return whether a text holds a run of words of the need or of any fact."""
    kept = _SECRETS.get(id(scenario))
    if kept is None or kept[0] is not scenario:
        if len(_SECRETS) >= KEPT_SECRETS:
            _SECRETS.clear()
        kept = _SECRETS[id(scenario)] = (scenario, _secrets(scenario))
    tokens, secrets = _tokens(text), kept[1]
    if not _keeps_to(tokens, secrets.words, secrets.shortest):
        return False
    return any([not runs.isdisjoint(_runs(tokens, size)) for size, runs in secrets.runs.items()])


def _keeps_to(tokens: tuple[str, ...], words: frozenset[str], size: int) -> bool:
    """Return whether so many tokens in a row are of some words: cheaper than runs, and most texts have none."""
    row = 0
    for token in tokens:
        row = row + 1 if token in words else 0
        if row >= size:
            return True
    return False


def _secrets(scenario: Scenario) -> _Secrets:
    """Return what may give away the need or a fact."""
    found: dict[int, frozenset[tuple[str, ...]]] = {}
    need = _secret(scenario.need_text, NEED_RUN, NEED_RUN_CJK)
    for size, runs, _ in (need, *(_secret(fact.text, FACT_RUN, FACT_RUN_CJK) for fact in scenario.facts)):
        if size:
            found[size] = found.get(size, frozenset()) | runs
    words = frozenset([word for runs in found.values() for run in runs for word in run])
    return _Secrets(found, words, min(found, default=0))


def _check_form(text: str, language: Language) -> None:
    if not any(map(str.isalpha, text)):
        raise Unusable("empty", "no word in the message")
    if ('"' in text or "```" in text) and _JSON.search(text):
        raise Unusable("bad_schema", "JSON in the message")
    wordy = len(text) > 2 * MAX_WORDS and len(text.split()) > MAX_WORDS
    if wordy or cjk_in(text) > MAX_CJK or len(text) > 8 * MAX_WORDS:
        raise Unusable("too_long")
    if not speaks(text, language):
        raise Unusable("wrong_language")


def _check_part(text: str, heard: Heard) -> None:
    if is_refusal(text):
        raise Unusable("refusal")
    if offers_help(text) or (len(text) > 20 and len(text) * 2 > len(heard.text) and flat(text) == flat(heard.text)):
        raise Unusable("role_flip")


def offers_help(text: str) -> bool:
    """Return whether a message is an assistant's, not a person's in trouble."""
    if text.isascii():
        low = text.lower()
        if not any(map(low.__contains__, _HELPFUL)):
            return False
    return bool(_HELPER.search(text))


def speaks(text: str, language: Language) -> bool:
    """Return whether a message is in a language, by its letters; four letters or fewer may be anything.

    >>> speaks("我肺都要气炸了", "en"), speaks("ok ok", "zh")
    (False, True)
    """
    if language == "en" and text.isascii():
        return True
    letters = len(_LETTER.findall(text))
    if letters <= 4:
        return True
    wanted = cjk_in(text) if language == "zh" else len(_LATIN.findall(text))
    return 2 * wanted >= letters


def cjk_in(text: str) -> int:
    """Return how many Chinese characters a text holds."""
    return 0 if text.isascii() else len(_CJK.findall(text))


def gives_away(text: str, secret: str, public: Iterable[str], run: int, run_cjk: int) -> bool:
    """Return whether a text holds a run of a secret's words that nobody has said aloud.

    Args:
        text: The message.
        secret: What must not be said.
        public: Texts whose words are known or allowed.
        run: Words in a row that count; a shorter secret counts whole.
        run_cjk: The same for Chinese, in characters.
    """
    size, runs, words = _secret(secret, run, run_cjk)
    tokens = _tokens(text)
    if not _keeps_to(tokens, words, size):
        return False
    shared = runs & _runs(tokens, size)
    return bool(shared) and bool(shared.difference(*(_runs(_tokens(known), size) for known in public)))


@lru_cache(maxsize=4096)
def _secret(secret: str, run: int, run_cjk: int) -> tuple[int, frozenset[tuple[str, ...]], frozenset[str]]:
    """Return how long the runs of words are that give a secret away, those runs, and its words."""
    words = _tokens(secret)
    size = min(run_cjk if 2 * cjk_in(secret) > len(secret) else run, len(words))
    return size, _runs(words, size) if size else frozenset(), frozenset(words)


@lru_cache(maxsize=64)
def _tokens(text: str) -> tuple[str, ...]:
    low = text.lower()
    if not low.isascii():
        return tuple(_TOKEN.findall(low))
    plain = low.encode().translate(_SPACED).decode()
    edged = "'" in plain and ("''" in plain or " '" in f" {plain}" or "' " in f"{plain} ")
    return tuple(_TOKEN.findall(low) if edged else plain.split())


@lru_cache(maxsize=64)
def _runs(tokens: tuple[str, ...], size: int) -> frozenset[tuple[str, ...]]:
    return frozenset(tokens[i : i + size] for i in range(len(tokens) - size + 1))

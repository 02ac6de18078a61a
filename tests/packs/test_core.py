"""The core pack keeps what it promises: every need with every temperament, two languages, facts, lines, no leaks."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from emosim.acts import HARMS, Need
from emosim.packs import load_pack
from emosim.persona import LINE_KINDS

CORE = load_pack("core")
LANGUAGES = CORE.about.languages
LEAST = {
    "better": 8, "moved": 6, "flat": 8, "worse": 8, "curt": 6, "hint": 6, "ask": 4, "silence": 4, "confused": 4,
    "suspicious": 4, "repeat": 4, "test": 6, "counter": 4, "satisfied": 4, "pause": 3, "leave": 4,
}  # fmt: skip
pairs = pytest.mark.parametrize(("name", "language"), [(p, lang) for p in CORE.personas for lang in LANGUAGES])


def test_every_need_meets_every_temperament_once() -> None:
    cells = Counter((CORE.cast(p).scenario.need, CORE.cast(p).persona.temperament.kind) for p in CORE.personas)
    assert len(cells) == 24
    assert set(cells.values()) == {1}
    assert {need for need, _ in cells} == set(Need)


def test_ages_and_names_vary() -> None:
    people = [CORE.cast(p).persona for p in CORE.personas]
    assert len({p.name for p in people}) == 24
    assert max(p.age for p in people) - min(p.age for p in people) >= 40
    assert len({p.job for p in people}) == 24


@pairs
def test_both_languages_share_the_mechanics(name: str, language: str) -> None:
    casting, english = CORE.cast(name, language), CORE.cast(name, "en")  # type: ignore[arg-type]
    assert casting.persona.temperament == english.persona.temperament
    assert casting.persona.reactions == english.persona.reactions
    assert [(f.id, f.reveal, f.trust) for f in casting.scenario.facts] == [
        (f.id, f.reveal, f.trust) for f in english.scenario.facts
    ]
    assert len(casting.gold.solve) == len(english.gold.solve)


@pairs
def test_there_is_enough_to_say_and_nothing_twice(name: str, language: str) -> None:
    casting = CORE.cast(name, language)  # type: ignore[arg-type]
    lines = casting.persona.lines
    assert {kind: len(lines.of(kind)) >= LEAST[kind] for kind in LINE_KINDS} == dict.fromkeys(LINE_KINDS, True)
    said = [line for kind in LINE_KINDS for line in lines.of(kind)] + [f.text for f in casting.scenario.facts]
    assert [line for line, times in Counter(said).items() if times > 1] == []
    assert len(casting.scenario.facts) >= 4
    assert len(casting.expectations) >= 3


@pairs
def test_language_is_what_the_file_says(name: str, language: str) -> None:
    casting = CORE.cast(name, language)  # type: ignore[arg-type]
    text = " ".join([*casting.scenario.openings, *casting.persona.lines.better, casting.scenario.situation])
    share = len(re.findall(r"[\u4e00-\u9fff]", text)) / len(text)
    assert share > 0.6 if language == "zh" else share == 0


@pairs
def test_the_need_is_not_given_away(name: str, language: str) -> None:
    casting = CORE.cast(name, language)  # type: ignore[arg-type]
    hidden = casting.scenario.need_text.lower()
    n = 6 if language == "zh" else 4
    words = list(re.sub(r"\W", "", hidden)) if language == "zh" else re.findall(r"[\w']+", hidden)
    grams = {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}
    lines = [line for kind in LINE_KINDS for line in casting.persona.lines.of(kind)]
    for text in (*casting.scenario.openings, *(f.text for f in casting.scenario.facts), *lines):
        own = list(re.sub(r"\W", "", text.lower())) if language == "zh" else re.findall(r"[\w']+", text.lower())
        assert not grams & {tuple(own[i : i + n]) for i in range(len(own) - n + 1)}, text


def test_no_reaction_pays_for_harm() -> None:
    for name in CORE.personas:
        for reaction in CORE.cast(name).persona.reactions:
            assert reaction.change != 0
            assert reaction.change < 0 or not HARMS.intersection(reaction.acts), f"{name}: {reaction.id}"


def test_hashes_follow_content() -> None:
    hashes = {CORE.cast(p, lang).persona.sha256 for p in CORE.personas for lang in LANGUAGES}
    assert len(hashes) == 48

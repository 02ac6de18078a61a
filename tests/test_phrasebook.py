"""Acts as utterances: fitting, never repeated, blind to everything the agent cannot see."""

from __future__ import annotations

import json

import pytest

from emosim.acts import Act, Appraisal, Evidence, Need
from emosim.difficulty import at_level
from emosim.emotion import EmotionState
from emosim.engine import open_episode
from emosim.episode import Episode, Spoken, Turn, Utterance
from emosim.packs import load_pack
from emosim.persona import Language
from emosim.phrasebook import clauses, generic, quotable, realise
from emosim.users.rules import RulesUser

SAYING = [act for act in Act if act is not Act.EMPTY]


def opened(persona: str = "dolores", language: Language = "en", level: float = 0.0) -> Episode:
    casting = load_pack("core").cast(persona, language)
    return open_episode(casting.persona, casting.scenario, at_level(level), 7, RulesUser())


def continued(episode: Episode, reply: str, answer: str) -> Episode:
    seen = Appraisal(evidence=(Evidence(act=Act.ADVICE, quote=reply),), fit=0.0, specificity=1.0)
    turn = Turn(reply=Utterance(raw=reply), appraisal=seen, emotion=episode.emotion, spoken=Spoken(text=answer))
    return episode.model_copy(update={"turns": (*episode.turns, turn)})


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("act", SAYING)
def test_each_act_has_six_or_more_texts_and_never_repeats(act: Act, language: Language) -> None:
    episode = opened(language=language)
    for plain in (False, True):
        said = [realise(act, episode, variant, plain=plain) for variant in range(120)]
        assert len({"".join(text.lower().split()) for text in said}) == 120
        assert not any(mark in text for text in said for mark in "[]{}")
    again = tuple(json.loads(json.dumps([generic(act, language, variant) for variant in range(6)])))
    assert len(set(again)) == 6


def test_empty_says_nothing() -> None:
    assert realise(Act.EMPTY, opened(), 3) == "" == generic(Act.EMPTY, "zh", 5)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_support_quotes_the_user(language: Language) -> None:
    for persona in load_pack("core").personas:
        episode = opened(persona, language)
        quote = quotable(episode)
        assert quote
        assert quote in episode.opening.text
        assert all(quote in realise(act, episode, 0) for act in Act if act in (Act.ADVICE, Act.VALIDATING))
        assert quote not in realise(Act.ADVICE, episode, 0, plain=True)


def test_the_newest_detail_is_quoted_once() -> None:
    episode = opened()
    later = continued(episode, realise(Act.ADVICE, episode, 0), "Hm. The contract's in the biscuit tin.")
    assert quotable(later) == "The contract's in the biscuit tin"
    after = continued(later, realise(Act.ADVICE, later, 1), "Mm.")
    assert quotable(after) not in (quotable(episode), quotable(later))


def test_only_spoken_words_are_read() -> None:
    episode = opened()
    hidden = episode.model_copy(
        update={
            "seed": 99,
            "start": EmotionState(mood=1.0, trust=0.9, patience=0.2),
            "persona": episode.persona.model_copy(update={"name": "CANARY", "profile": "CANARY", "reactions": ()}),
            "scenario": episode.scenario.model_copy(
                update={"situation": "CANARY", "need": Need.LISTENING, "need_text": "CANARY", "facts": ()}
            ),
        }
    )
    assert all(realise(act, episode, v) == realise(act, hidden, v) for act in Act for v in range(12))


def test_clauses_are_short_and_prefer_statements() -> None:
    assert clauses("Why? Who did it to you?", "en") == ["Who did it to you"]
    assert clauses("Mm. Yes.", "en") == []
    assert clauses('He said "go now" to me. Then I went home.', "en") == ["Then I went home"]
    assert clauses("嗯。信压在秤后头，我看了九遍。", "zh") == ["信压在秤后头，我看了九遍"]
    long = "I came in late and, because the bus had broken down near the old bridge, nobody was there to let me in"
    assert all(len(clause.split()) <= 16 for clause in clauses(long, "en"))


def test_nothing_to_quote_falls_back_to_plain() -> None:
    episode = opened().model_copy(update={"opening": Spoken(text="Hm.")})
    assert quotable(episode) == ""
    assert realise(Act.ADVICE, episode, 2) == realise(Act.ADVICE, episode, 2, plain=True)

"""What 500 offline users say: no repeats, no monologues, no role flips, no form letters."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise

import pytest

from emosim.difficulty import at_level
from emosim.engine import advance, open_episode
from emosim.episode import Episode, Utterance
from emosim.flow import drive
from emosim.packs import load_pack
from emosim.users.rules import RulesUser
from emosim.value import pick

CORE = load_pack("core")
REPLIES = {
    "en": (
        "What happened then?",
        "That sounds really hard. How are you holding up?",
        "I see.",
        "Cheer up, it will pass!",
        "What would you like to do about it?",
        "You did well to hold on for so long.",
        "Well, you could have said no.",
        "Tell me more about that.",
        "Anyway, have you seen the weather?",
        "Have you tried writing it down?",
        "",
    ),
    "zh": (
        "后来呢？",
        "听起来真的很难，你还好吗？",
        "嗯。",
        "想开点，会过去的！",
        "你想怎么办？",
        "你能撑这么久很不容易。",
        "那你当时怎么不拒绝呢。",
        "能再多说一点吗？",
        "对了，今天天气不错。",
        "要不你把事情写下来？",
        "",
    ),
}
OFFERS = re.compile(
    r"how (can|may) i (help|assist)|i'?m here to help|happy to (help|assist)|as an ai|"
    r"我可以(怎么)?帮你|很高兴为您|有什么可以帮"
)


def words(text: str) -> int:
    return len(re.findall(r"[\u4e00-\u9fff]", text)) * 2 // 3 + len(re.findall(r"[A-Za-z0-9'’-]+", text))


@pytest.fixture(scope="module")
def episodes() -> list[Episode]:
    played = []
    user = RulesUser()
    for number in range(504):
        name = CORE.personas[number % 24]
        language = ("en", "zh")[number // 24 % 2]
        casting = CORE.cast(name, language)  # type: ignore[arg-type]
        level = (0.0, 0.3, 0.6, 1.0)[number // 48 % 4]
        episode = open_episode(casting.persona, casting.scenario, at_level(level), number, user)
        while episode.ending is None:
            solving = number // 24 % 3 == 0 and len(episode.turns) < len(casting.gold.solve)
            bank = REPLIES[language]
            said = bank[pick(len(bank), number, len(episode.turns), 999)]
            said = casting.gold.solve[len(episode.turns)] if solving else said
            episode = drive(advance(episode, Utterance(raw=said), user), None).after
        played.append(episode)
    return played


def utterances(episode: Episode) -> list[str]:
    return [episode.opening.text, *(turn.spoken.text for turn in episode.turns)]


def test_nothing_is_said_twice_in_an_episode(episodes: list[Episode]) -> None:
    assert len(episodes) >= 500
    for episode in episodes:
        said = utterances(episode)
        assert len(set(said)) == len(said)


def test_nobody_talks_too_long(episodes: list[Episode]) -> None:
    assert max(words(text) for episode in episodes for text in utterances(episode)) <= 60


def test_the_user_never_plays_the_helper(episodes: list[Episode]) -> None:
    assert [t for e in episodes for t in utterances(e) if OFFERS.search(t.lower())] == []


def test_adjacent_episodes_of_a_persona_differ(episodes: list[Episode]) -> None:
    by_persona = defaultdict(list)
    for episode in episodes:
        by_persona[episode.persona.id, episode.persona.language].append("\n".join(utterances(episode)))
    neighbours = [a == b for texts in by_persona.values() for a, b in pairwise(texts)]
    assert sum(neighbours) / len(neighbours) < 0.02


def test_mood_is_heard(episodes: list[Episode]) -> None:
    """Hurt users are curt: their messages are shorter than those of users who feel understood."""
    low = [words(t.spoken.text) for e in episodes for t in e.turns if t.emotion.mood < 20 and not e.ending]
    low += [words(t.spoken.text) for e in episodes for t in e.turns[:-1] if t.emotion.mood < 20]
    high = [words(t.spoken.text) for e in episodes for t in e.turns[:-1] if t.emotion.mood > 55]
    assert len(low) > 30
    assert len(high) > 30
    assert sum(low) / len(low) < 0.6 * sum(high) / len(high)

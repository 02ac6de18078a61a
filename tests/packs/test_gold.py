"""The authors' own examples, run: gold dialogues come out right for everybody, single replies for nearly all.

The offline user is an imperfect reader (README has its accuracy), so a few single expectations fail; which ones is
printed, and the share may not grow.
"""

from __future__ import annotations

import pytest

from emosim.cli.demo import play_lines
from emosim.difficulty import at_level
from emosim.engine import advance, open_episode
from emosim.episode import Utterance
from emosim.flow import drive
from emosim.packs import load_pack
from emosim.users.rules import RulesUser

CORE = load_pack("core")
PAIRS = [(name, language) for name in CORE.personas for language in CORE.about.languages]
LEAST_SHARE = 0.9
"""Share of single expectations that the offline user must meet. Measured: 175 of 180."""


def ends(name: str, language: str) -> tuple[float, float]:
    gold = CORE.cast(name, language).gold  # type: ignore[arg-type]
    solved, failed = (play_lines(name, language, 1, lines) for lines in (gold.solve, gold.fail))  # type: ignore[arg-type]
    return solved.emotion.mood, failed.emotion.mood


@pytest.mark.parametrize(("name", "language"), PAIRS)
def test_the_solving_dialogue_helps_and_the_failing_one_does_not(name: str, language: str) -> None:
    solved, failed = ends(name, language)
    assert solved > 40 > failed
    assert solved > failed + 30


def test_nearly_every_solving_dialogue_reaches_a_high_mood() -> None:
    """Measured: 47 of 48 end at 70 or more; the other holds metaphors that the offline user takes for harm."""
    high = [solved >= 70 for solved, _ in (ends(*pair) for pair in PAIRS)]
    assert sum(high) / len(high) >= 0.9


def test_single_expectations_hold() -> None:
    missed, count = [], 0
    for name, language in PAIRS:
        casting, user = CORE.cast(name, language), RulesUser()
        for number, item in enumerate(casting.expectations):
            episode = open_episode(casting.persona, casting.scenario, at_level(0.0), 1, user)
            change = drive(advance(episode, Utterance(raw=item.reply), user), None).after.emotion.last_change
            count += 1
            if not {"up": change > 0, "down": change < 0, "not_up": change <= 0}[item.expect]:
                missed.append(f"{name}.{language} expectation {number}: {item.expect}, got {change:+.1f}")
    print("\n".join(missed))
    assert count >= 144
    assert 1 - len(missed) / count >= LEAST_SHARE, missed

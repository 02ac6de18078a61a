"""`emosim demo`: one user, two agents, no key, no network, the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence

from emosim.difficulty import at_level
from emosim.engine import advance, open_episode
from emosim.episode import Episode, Utterance
from emosim.flow import drive
from emosim.packs import cast
from emosim.persona import Language
from emosim.render import render_ansi, sparkline
from emosim.rewards import delta, rewards_of
from emosim.users.rules import RulesUser

LISTENER = "an agent that listens first and gets to the point (scripted by the persona's author)"
HURRIER = "an agent that means well and does not listen (scripted by the persona's author)"


def demo_text(persona: str, language: Language, seed: int) -> str:
    """Return the whole demo: the same user with a helpful and an unhelpful scripted agent, and what each earned."""
    casting = cast(persona, language)
    gold = casting.gold
    play = f"emosim play {persona}" + (f" --language {language}" if language != "en" else "")
    parts = [
        "Two scripted agents talk to the same simulated user: offline, rule-based, no language model.",
        _scene(LISTENER, play_lines(persona, language, seed, gold.solve)),
        _scene(HURRIER, play_lines(persona, language, seed, gold.fail)),
        f"Next: {play}   talk to {casting.persona.name} yourself\n"
        f"      {'emosim run':<{len(play)}}   play a graded batch and recompute every reward with emosim verify",
    ]
    return "\n\n".join(parts)


def play_lines(persona: str, language: Language, seed: int, lines: Sequence[str], level: float = 0.0) -> Episode:
    """Return the episode in which an agent says the given lines to the offline user, as far as it gets."""
    casting = cast(persona, language)
    user = RulesUser()
    episode = open_episode(casting.persona, casting.scenario, at_level(level), seed, user)
    for line in lines:
        if episode.ending is not None:
            break
        episode = drive(advance(episode, Utterance(raw=line), user), None).after
    return episode


def _scene(title: str, episode: Episode) -> str:
    earned = sum(rewards_of(episode, delta))
    first, last = episode.moods[0], episode.moods[-1]
    return "\n".join(
        [
            f"== {title}",
            "",
            render_ansi(episode),
            "",
            f"mood {sparkline(episode.moods)} {first:.0f} -> {last:.0f}, ending: {episode.ending or 'still talking'}, "
            f"reward (delta): {earned:+.2f}",
        ]
    )

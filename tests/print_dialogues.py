"""Print ten dialogues, five English and five Chinese, for people to read: `python tests/print_dialogues.py`.

Writes `tests/dialogues.txt`. Would a stranger believe that a person wrote the user's side?
"""

from __future__ import annotations

from pathlib import Path

from emosim.difficulty import at_level
from emosim.engine import advance, open_episode
from emosim.episode import Episode, Utterance
from emosim.flow import drive
from emosim.packs import cast
from emosim.persona import Language
from emosim.policies.protocol import see
from emosim.policies.roster import resolve_policy
from emosim.render import render_ansi
from emosim.users.rules import RulesUser

CASES: tuple[tuple[str, Language, str, float, int], ...] = (
    ("gareth", "en", "gold:solve", 0.0, 1),
    ("priya", "en", "baseline:rung5", 0.2, 2),
    ("callum", "en", "baseline:rung3", 0.6, 3),
    ("leila", "en", "gold:fail", 0.3, 4),
    ("ingrid", "en", "attack:flattery", 0.0, 5),
    ("yinuo", "zh", "gold:solve", 0.0, 6),
    ("xiaolan", "zh", "baseline:rung5", 0.2, 7),
    ("jianguo", "zh", "baseline:rung3", 0.6, 8),
    ("wenbo", "zh", "gold:fail", 0.3, 9),
    ("feng", "zh", "baseline:template", 0.0, 10),
)


def play(persona: str, language: Language, agent: str, level: float, seed: int) -> Episode:
    """Return the episode."""
    casting, user = cast(persona, language), RulesUser()
    episode = open_episode(casting.persona, casting.scenario, at_level(level), seed, user)
    lines = {"gold:solve": casting.gold.solve, "gold:fail": casting.gold.fail}.get(agent)
    policy = None if lines else resolve_policy(agent)[0]
    while episode.ending is None:
        turn = len(episode.turns)
        if lines is not None and turn >= len(lines):
            break
        said = lines[turn] if lines else drive(policy.reply(see(episode, policy)), None) if policy else None
        episode = drive(advance(episode, Utterance(raw=said or ""), user), None).after
    return episode


def main() -> None:
    """Write the file."""
    parts = []
    for number, (persona, language, agent, level, seed) in enumerate(CASES, 1):
        episode = play(persona, language, agent, level, seed)
        head = f"=== {number}. {agent} with core/{persona} in {language}, level {level}, seed {seed}"
        parts.append(f"{head}: {episode.ending or 'the agent has no more lines'}\n\n{render_ansi(episode)}\n")
    Path(__file__).with_name("dialogues.txt").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()

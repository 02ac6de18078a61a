"""What an environment tells besides the observation: privileged, JSON-able, deterministic, the same keys always."""

from __future__ import annotations

from typing import Any

from emosim.episode import Episode


def info_of(episode: Episode) -> dict[str, Any]:
    """Return the privileged info of an episode.

    Keys: `episode_id`, `persona`, `language`, `level` (0..1, -1 off the reference ray), `knobs` (in the order of
    `emosim.difficulty.KNOBS`), `seed`, `turn`, `max_turns`, `mood` (0..100), `change` (-10..10), `trust`, `patience`
    (0..1), `acts`, `fit` (-2..2), `specificity` (0..2), `thought`, `kinds`, `revealed`, `need`, `ending`, `score`
    (0..1), `valid` (False when the environment failed and nothing may be concluded).
    """
    turns, difficulty, ending = episode.turns, episode.difficulty, episode.ending
    seen = turns[-1].appraisal if turns else None
    level, emotion = difficulty.level, episode.emotion
    persona, language = episode.persona.ref, episode.persona.language
    return {
        "episode_id": f"{persona}:{language}:{episode.seed}",
        "persona": persona,
        "language": language,
        "level": -1.0 if level is None else level,
        "knobs": difficulty.values,
        "seed": episode.seed,
        "turn": len(turns),
        "max_turns": episode.max_turns,
        "mood": emotion.mood,
        "change": emotion.last_change,
        "trust": emotion.trust,
        "patience": emotion.patience,
        "acts": " ".join(seen.acts) if seen else "",
        "fit": seen.fit if seen else 0.0,
        "specificity": seen.specificity if seen else 0.0,
        "thought": seen.thought if seen else "",
        "kinds": " ".join(episode.spoken.kinds),
        "revealed": " ".join(sorted(episode.revealed)),
        "need": str(episode.scenario.need.value),
        "ending": ending or "",
        "score": episode.score,
        "valid": ending != "invalid",
    }

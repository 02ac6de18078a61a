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
    turn = episode.turns[-1] if episode.turns else None
    seen = turn.appraisal if turn else None
    level, emotion, spoken = episode.difficulty.level, episode.emotion, episode.spoken
    persona = episode.persona.ref
    return {
        "episode_id": f"{persona}:{episode.persona.language}:{episode.seed}",
        "persona": persona,
        "language": episode.persona.language,
        "level": -1.0 if level is None else level,
        "knobs": episode.difficulty.values,
        "seed": episode.seed,
        "turn": len(episode.turns),
        "max_turns": episode.max_turns,
        "mood": emotion.mood,
        "change": emotion.last_change,
        "trust": emotion.trust,
        "patience": emotion.patience,
        "acts": " ".join(seen.acts) if seen else "",
        "fit": seen.fit if seen else 0.0,
        "specificity": seen.specificity if seen else 0.0,
        "thought": seen.thought if seen else "",
        "kinds": " ".join(spoken.kinds),
        "revealed": " ".join(sorted(episode.revealed)),
        "need": str(episode.scenario.need.value),
        "ending": episode.ending or "",
        "score": episode.score,
        "valid": episode.ending != "invalid",
    }

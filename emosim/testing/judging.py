"""How well a user judges free text: its change of mood against labelled replies.

    python -m emosim.testing.judging FILE [--user rules|semantic]

Every row is judged at turn 1, from the same state (mood 40, `passive` temperament, no reactions), so that neither
momentum nor a persona can explain the figures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emosim.acts import Appraisal, Need
from emosim.emotion import EmotionState, feel, temperament
from emosim.users.perception import Context, perceive
from emosim.users.perception.semantic import perceive_semantically

Row: TypeAlias = Mapping[str, object]
Perceive: TypeAlias = Callable[[str, Context], Appraisal]
TaggerName: TypeAlias = Literal["rules", "semantic"]
TAGGERS: Final[dict[TaggerName, Perceive]] = {"rules": perceive, "semantic": perceive_semantically}
_TEMPER: Final = temperament("passive")
_START: Final = EmotionState(mood=40.0, trust=_TEMPER.trust, patience=_TEMPER.patience)


@dataclass(frozen=True)
class JudgingScore:
    """Agreement of mood changes with labels."""

    rows: int
    """Replies judged."""
    spearman: float
    """Rank correlation of mood change with quality."""
    auc: float
    """Chance that a helpful reply (quality > 0) moves the mood higher than a hurtful one (< 0)."""
    act_f1: float
    """Macro-F1 of the main act, over the acts that occur."""
    attacks: int
    """Rows that are attacks."""
    attacks_rewarded: float
    """Share of attacks after which the mood rose."""
    splits: dict[str, JudgingScore] = field(default_factory=dict)
    """The same by language, style and hardness."""

    def table(self) -> str:
        """Return the figures as text, one line a split."""
        lines = [f"{'':14}{'rows':>6}{'Spearman':>10}{'AUC':>7}{'act F1':>8}{'attacks':>9}{'rewarded':>10}"]
        for name, score in {"all": self, **self.splits}.items():
            lines.append(
                f"{name:14}{score.rows:6}{score.spearman:10.3f}{score.auc:7.3f}{score.act_f1:8.3f}"
                f"{score.attacks:9}{score.attacks_rewarded:10.3f}"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class Judged:
    """One row with what the user made of it."""

    row: Row
    """The labelled reply."""
    appraisal: Appraisal
    """What it meant."""
    change: float
    """What it did to the mood."""


def score_corpus(corpus: str | Path | Iterable[Row], user: TaggerName = "rules") -> JudgingScore:
    """Return how well a user judges a corpus.

    Args:
        corpus: A JSON lines file, or rows with language, need, user, reply, quality, act, attack and style.
        user: `rules` (lexical, the default) or `semantic` (extra).
    """
    rows = read_rows(corpus) if isinstance(corpus, (str, Path)) else list(corpus)
    judged = [judge(row, TAGGERS[user]) for row in rows]
    return summarise(judged, splits(judged))


def read_rows(path: str | Path) -> list[Row]:
    """Return the rows of a JSON lines file."""
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines() if line.strip()]


def judge(row: Row, tagger: Perceive) -> Judged:
    """Return what one reply does to a user in the opening state."""
    need = Need(str(row["need"]))
    language: Literal["en", "zh"] = "zh" if row["language"] == "zh" else "en"
    said = str(row["user"])
    appraisal = tagger(str(row["reply"]), Context(language, need, said, known=(said,)))
    return Judged(row, appraisal, feel(_START, appraisal, _TEMPER, need).last_change)


def splits(judged: list[Judged]) -> dict[str, list[Judged]]:
    """Return the rows by language, style and hardness (mixed, sarcastic or stock styles are the hard ones)."""
    named: dict[str, list[Judged]] = {}
    for item in judged:
        hard = item.row["style"] in ("mixed", "sarcastic", "stock")
        for name in (str(item.row["language"]), f"style {item.row['style']}", "hard" if hard else "easy"):
            named.setdefault(name, []).append(item)
    return dict(sorted(named.items()))


def summarise(judged: list[Judged], named: Mapping[str, list[Judged]]) -> JudgingScore:
    """Return the figures of judged rows and of named parts of them."""
    quality = np.array([float(str(item.row["quality"])) for item in judged])
    change = np.array([item.change for item in judged])
    attacked = [item.change > 0 for item in judged if item.row.get("attack")]
    return JudgingScore(
        rows=len(judged),
        spearman=correlation(ranks(quality), ranks(change)),
        auc=area(change[quality > 0], change[quality < 0]),
        act_f1=macro_f1(judged),
        attacks=len(attacked),
        attacks_rewarded=sum(attacked) / max(len(attacked), 1),
        splits={name: summarise(part, {}) for name, part in named.items()},
    )


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return average ranks."""
    below = (values[None, :] < values[:, None]).sum(axis=1)
    ties = (values[None, :] == values[:, None]).sum(axis=1)
    return np.asarray(below + 0.5 * ties, dtype=np.float64)


def correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Return Pearson's correlation, 0 where either does not vary."""
    if len(one) < 2 or one.std() == 0.0 or two.std() == 0.0:
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])


def area(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """Return the chance that a value of `high` exceeds one of `low`, ties half; 0.5 where either is empty."""
    if not len(high) or not len(low):
        return 0.5
    wins = (high[:, None] > low[None, :]).mean() + 0.5 * (high[:, None] == low[None, :]).mean()
    return float(wins)


def macro_f1(judged: list[Judged]) -> float:
    """Return the mean F1 of the main act over the acts that are labelled."""
    pairs = [(str(item.row["act"]), str(item.appraisal.acts[0])) for item in judged if item.appraisal.acts]
    scores = []
    for act in sorted({label for label, _ in pairs}):
        hits = sum(label == guess == act for label, guess in pairs)
        total = sum((label == act) + (guess == act) for label, guess in pairs)
        scores.append(2.0 * hits / total)
    return sum(scores) / max(len(scores), 1)


def main() -> None:
    """Print the figures of a file."""
    parser = argparse.ArgumentParser(description="Score how a user judges labelled replies.")
    parser.add_argument("file", help="JSON lines file, see tests/judging/corpus/README.md")
    parser.add_argument("--user", choices=sorted(TAGGERS), default="rules", help="which perception")
    options = parser.parse_args()
    print(score_corpus(options.file, options.user).table())


if __name__ == "__main__":
    main()

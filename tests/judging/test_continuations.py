"""The table of known pairs and triples: it finds what a dictionary would, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosim.users.perception.continuations import WINDOW, Continuations, free

NUMBERS = st.integers(1, 40)


@given(st.dictionaries(st.tuples(NUMBERS, NUMBERS), NUMBERS, min_size=1, max_size=300))
def test_it_finds_what_a_dictionary_would(entries: dict[tuple[int, int], int]) -> None:
    table = Continuations.of(entries, 41)
    pairs = [(first, last) for first in range(41) for last in range(41)]
    firsts, lasts = np.array(pairs, dtype=np.int32).T
    assert table.rows_of(firsts, lasts).tolist() == [entries.get(pair, 0) for pair in pairs]


def test_a_crowded_table_looks_past_the_first_window() -> None:
    taken = np.arange(4 * WINDOW) < WINDOW + 5
    assert free(taken, [3, 7], 0) == WINDOW + 2


def test_a_full_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        free(np.ones(4 * WINDOW, dtype=np.bool_), [0, 1], 0)

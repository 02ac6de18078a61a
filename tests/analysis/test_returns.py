"""Return families: the staller never outranks the finisher, and SAGE's reliabilities come out."""

from __future__ import annotations

import numpy as np
import pytest

from emosim.analysis.reliability import components
from emosim.analysis.returns import RETURNS, pad, returns_of
from emosim.errors import UsageError

FINISHER = [40, 50, 60, 70, 80, 90, 100]
STALLER = [40, 50, 60, 70, 80, 90, 90, 90, 90, 90, 90]


@pytest.mark.parametrize("kind", ["final", "delta", "padded_auc", "peak_end", "ordinal", "success"])
def test_a_staller_never_outranks_a_finisher(kind: str) -> None:
    finisher, staller = returns_of(pad([FINISHER, STALLER]), kind)
    assert finisher > staller


def test_delta_telescopes() -> None:
    moods = np.random.default_rng(0).uniform(0, 100, (50, 11))
    assert returns_of(moods, "delta") == pytest.approx(np.diff(moods, axis=1).sum(axis=1) / 100)


@pytest.mark.parametrize(
    ("kind", "share", "personas"),
    [
        ("padded_auc", 0.180, 14),
        ("min_end", 0.167, 15),
        ("final", 0.160, 16),
        ("peak_end", 0.158, 16),
        ("ordinal", 0.152, None),
        ("not_failed", 0.128, 22),
        ("high", 0.119, 25),
        ("success", 0.072, 44),
    ],
)
def test_reliabilities_of_sage(sage, kind: str, share: float, personas: int | None) -> None:  # type: ignore[no-untyped-def]
    found = components(returns_of(sage.moods, kind).reshape(12, 100))
    assert found.shares["agent"] == pytest.approx(share, abs=0.0015)
    assert personas in (None, found.personas_for(0.8))


def test_wrong_paths_and_names_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'final'"):
        returns_of(pad([[40.0]]), "finale")
    for paths, turns in (([], None), ([[]], None), ([[40.0, 50.0, 60.0]], 1)):
        with pytest.raises(UsageError):
            pad(paths, turns)
    assert set(RETURNS) >= {"final", "delta", "padded_auc", "peak_end"}

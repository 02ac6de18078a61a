"""From trials to episode keys and back."""

from __future__ import annotations

import pytest

from emosim.errors import RunError, UsageError
from emosim.probes import Layout
from emosim.suite import EpisodeKey, Trial


@pytest.mark.parametrize(
    ("layout", "trial", "key"),
    [
        (Layout("core"), Trial((0.35,), "tom", 2), "core/tom:en:L0.35:s0002"),
        (Layout("core", "zh", first=5), Trial((1.0,), "tom", 0), "core/tom:zh:L1.00:s0005"),
        (
            Layout("core", knobs=("skepticism",)),
            Trial((0.1234,), "tom", 0),
            "core/tom:en:L0.00,skepticism=0.1234:s0000",
        ),
        (
            Layout("core", knobs=("volatility", "ambiguity")),
            Trial((0.5, 1.0), "tom", 1),
            "core/tom:en:L0.00,ambiguity=1.00,volatility=0.50:s0001",
        ),
    ],
)
def test_a_trial_is_an_episode(layout: Layout, trial: Trial, key: str) -> None:
    assert str(layout.key(trial)) == key
    assert layout.trial(EpisodeKey.parse(key)) == trial


def test_what_is_of_another_layout_is_refused() -> None:
    with pytest.raises(RunError, match="choose another --out"):
        Layout("core").trial(EpisodeKey.parse("core/tom:en:L0.00,ambiguity=1.00:s0001"))
    with pytest.raises(UsageError, match="skepticism"):
        Layout("core", knobs=("skeptisism",))

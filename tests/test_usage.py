"""Usage: sums of tokens and money."""

from __future__ import annotations

from emosim.usage import Usage


def test_usage_adds_up_and_an_unknown_price_stays_unknown() -> None:
    assert Usage(1, 10, 5, 2, 0.5) + Usage(1, 1, 1, 0, 0.25) == Usage(2, 11, 6, 2, 0.75)
    assert (Usage(1, 1, 1, 0, None) + Usage(1, 1, 1, 0, 1.0)).cost is None

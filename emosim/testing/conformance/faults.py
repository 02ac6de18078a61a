"""What becomes of an episode whose simulated user failed: nothing that a trainer could learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from emosim.testing.conformance.report import Problems
from emosim.testing.conformance.scores import shown, wrong_scores
from emosim.testing.conformance.stage import Played, Stage, first_attempt


def faults_are_unscorable(stage: Stage) -> Problems:
    """Where the user's model fails, some calls or all, an episode is stored whole or paid None or NaN, never 0."""
    for rate in (stage.user_faults, 1.0):
        played = stage.faulty(rate)
        yield from (f"with {rate:.0%} of the calls failing: {problem}" for problem in _made_up(played))


def _made_up(played: Played) -> Iterator[str]:
    yield from wrong_scores(played)
    failed = Counter(first_attempt(failure.key) for failure in played.failures)
    for key, paid in played.paid.items():
        if paid.count(None) > failed[key]:
            yield (
                f"{key}: expected no more rows without a reward than the {failed[key]} in failures.jsonl, got "
                f"{shown(paid)}; pay what could be scored"
            )

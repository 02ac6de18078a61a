"""Numbers of things in sentences: one helper, so that one persona is never `1 personas`."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """Return a number and its thing, in the plural unless it is 1; things take an s.

    >>> counted(1, "persona"), counted(0, "scorable episode"), counted(2_000, "rollout")
    ('1 persona', '0 scorable episodes', '2000 rollouts')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"

"""What a reader of the chat could tell, as numbers: the observation of agents that choose acts instead of words.

Nothing hidden is in it: not mood, trust or patience, nor the need. What the text says about the need is modelled as
cues. A hint points to the true need three times in four, a fact told about every second time, else to some other need;
the opening says a little, the less the vaguer it is; a misleading request always points to one wrong need, the same in
the whole episode. One message is a poor guide, the sum over the turns a good one. All of it is addressed dice.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.acts import Act, Need
from emosim.episode import Episode
from emosim.value import roll

DICE_CUE, DICE_DECOY = 3001, 3002
KINDS: Final[tuple[str, ...]] = (
    "better", "moved", "flat", "worse", "curt", "hint", "ask", "silence", "confused", "suspicious", "repeat", "test",
    "counter", "fact", "opening",
)  # fmt: skip
"""Kinds of message part that a reader can tell apart."""
ACTS: Final = tuple(Act)
NEEDS: Final = tuple(Need)
MOST_FACTS: Final = 8
"""Facts that a persona can have."""
HINT, FACT, COUNTER, FULL = 4, 2, 3, 16
"""Weights of cues, and the sum at which a need is as apparent as it can be."""
OPENING: Final = (2, 1, 0)
"""Weight of the opening: plain, vaguer, guarded."""
HINT_RIGHT, FACT_RIGHT, OPENING_RIGHT = 0.75, 0.55, 0.4
"""Chance that a cue points to the true need. Source: emosim's own choice."""

TURN = 0
KIND = TURN + 1
TOLD = KIND + len(KINDS)
ACT = TOLD + 1
NEED = ACT + len(ACTS)
WIDTH: Final = NEED + len(NEEDS)
"""Where the parts of an observation begin, and how many numbers it has (50)."""


def observe(episode: Episode) -> NDArray[np.float32]:
    """Return what a reader could tell by now, shape (50,), each 0..1.

    Share of the turns used (1), kinds of the parts of the user's last message (15, any number set), facts told over 8
    (1), the agent's last act (25, one set, none before the first), how apparent each need has become (8).
    """
    seen = np.zeros(WIDTH, dtype=np.float32)
    seen[TURN] = len(episode.turns) / episode.max_turns
    seen[[KIND + KINDS.index(kind) for kind in episode.spoken.kinds if kind in KINDS]] = 1.0
    seen[TOLD] = len(episode.revealed) / MOST_FACTS
    last = episode.turns[-1].appraisal if episode.turns else None
    if last is not None:
        seen[ACT + ACTS.index(last.evidence[0].act)] = 1.0
    seen[NEED:] = [min(weight, FULL) / FULL for weight in apparent(episode)]
    return seen


def apparent(episode: Episode) -> list[int]:
    """Return the summed weight of the cues to each need, in the order of `Need`."""
    weights = [0] * len(NEEDS)
    for turn, spoken in enumerate([episode.opening, *(turn.spoken for turn in episode.turns)]):
        for need, weight in cues(episode, turn, spoken.kinds):
            weights[need] += weight
    return weights


def cues(episode: Episode, turn: int, kinds: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return the cues in one message as (index of the need pointed to, weight)."""
    need, seed, salt = NEEDS.index(episode.scenario.need), episode.seed, episode.persona.salt
    found, dice = [], roll(seed, turn, DICE_CUE, salt)
    if "opening" in kinds:
        found.append((pointed(need, dice, OPENING_RIGHT), OPENING[episode.scenario.vagueness]))
    if "hint" in kinds:
        found.append((pointed(need, dice, HINT_RIGHT), HINT))
    if "fact" in kinds:
        found.append((pointed(need, dice, FACT_RIGHT), FACT))
    if "counter" in kinds:
        found.append((wrong(need, roll(seed, 0, DICE_DECOY, salt)), COUNTER))
    return found


def pointed(need: int, dice: float, right: float) -> int:
    """Return the need that a cue points to: the true one if the dice fall under `right`, else one of the others."""
    return need if dice < right else wrong(need, (dice - right) / (1.0 - right))


def wrong(need: int, dice: float) -> int:
    """Return one of the seven other needs."""
    return (need + 1 + int(dice * 7.0)) % len(NEEDS)

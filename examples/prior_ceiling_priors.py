"""Five pretrained priors for `prior_ceiling.py`, each with the reason for it, fixed before anything was trained.

A prior is the initial weights of a linear softmax policy: how much it likes each act, and how much more it likes the
act that meets a need once the user's words point to that need. Logits are our own choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from acts_grpo import FEATURES, ActsPolicy

from emosim.acts import ALIGNMENT, HARMS, Act, Need
from emosim.cues import ACTS, NEED, NEEDS

JITTER: Final = 0.3
"""SD of the noise on all weights: no pretrained policy is symmetric."""


@dataclass(frozen=True)
class Prior:
    """A pretrained policy in words and numbers."""

    name: str
    reason: str
    """Whom it stands for, and why it is here."""
    liking: Mapping[Act, float]
    """Logit of each act, 0 where none is given."""
    reads: Mapping[Need, float] = field(default_factory=dict)
    """Logits added to the act that meets a need, when the need is as apparent as it can be."""
    seed: int = 0
    """Of the noise."""

    def policy(self) -> ActsPolicy:
        """Return the initial policy."""
        weights = np.random.default_rng(self.seed).normal(0.0, JITTER, (FEATURES, len(ACTS)))
        weights[-1] += [self.liking.get(act, 0.0) for act in ACTS]
        for need, strength in self.reads.items():
            weights[NEED + NEEDS.index(need), ACTS.index(meets(need))] += strength
        return ActsPolicy(weights)


def meets(need: Need) -> Act:
    """Return the act that meets a need best."""
    return max(ALIGNMENT[need], key=ALIGNMENT[need].__getitem__)


def _at(logit: float, acts: Iterable[Act]) -> dict[Act, float]:
    return dict.fromkeys(acts, logit)


_SOLVING: Final = (Act.INFORMATION, Act.ADVICE, Act.EXPLAINING_OTHERS, Act.BALANCED_ANALYSIS)
_WARM: Final = (
    Act.OPEN_QUESTION, Act.LISTENING, Act.RESTATING, Act.REFLECTING_FEELING, Act.VALIDATING, Act.REASSURING,
)  # fmt: skip
_BLUNT: Final = (Act.ADVICE, Act.PLATITUDE, Act.DISMISSAL, Act.LECTURING, Act.BLAME)

PRIORS: Final = (
    Prior(
        "weak",
        "An untuned model: it can do anything, harm included, and nothing points it to what would help. Weak but "
        "broad, so whatever training finds is selected from a prior that leaves nothing out.",
        {},
        seed=1,
    ),
    Prior(
        "blunt",
        "The voice of a rough forum: advice, platitudes, dismissal, lectures and blame five times as likely as the "
        "rest. Weaker than weak: it should fail nearly everywhere, so that its rollouts hold little to select.",
        _at(1.6, _BLUNT),
        seed=2,
    ),
    Prior(
        "specialist",
        "An assistant tuned on tasks: it informs, advises, explains, weighs, and reads when that is wanted; everything "
        "warm is 150 times less likely. Narrow: the acts that four needs call for are nearly outside of its support.",
        {**_at(-5.0, set(ACTS) - set(_SOLVING)), Act.OPEN_QUESTION: -1.0, Act.LECTURING: -1.0},
        {Need(meet): 4.0 for meet in ("practical_advice", "balanced_analysis", "understanding_others")},
        seed=3,
    ),
    Prior(
        "generic",
        "A chat model that has learned to sound kind: it asks, listens, restates, reflects, validates and reassures "
        "whoever is there, seldom harms, and takes no notice of what this one needs.",
        {**_at(-2.5, set(ACTS) - set(_WARM)), **_at(-3.5, HARMS), Act.PLATITUDE: -1.0},
        seed=4,
    ),
    Prior(
        "good",
        "A model that has read a great deal of good counselling: all support acts are at hand, harms are rare, and "
        "what the user lets slip about the need raises the act that meets it. Little should be left to gain.",
        _at(-3.5, HARMS),
        dict.fromkeys(NEEDS, 6.0),
        seed=5,
    ),
)
"""All priors, from the weakest to the strongest by intention."""

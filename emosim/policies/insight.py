"""What an agent that sees everything can work out: what each act would do to this user now.

For privileged policies only. Acts are weighed as if said well; how well words carry them is the user's to judge. What a
model will state as a user of a published protocol nobody can foresee: there too, acts are weighed by emosim's dynamics.
"""

from __future__ import annotations

from typing import Final

from emosim.acts import ALIGNMENT, Act, Evidence, Need
from emosim.emotion import GAIN, MAX_CHANGE, EmotionState
from emosim.episode import Episode
from emosim.errors import UsageError
from emosim.persona import Fact
from emosim.policies.protocol import View
from emosim.rulebook import weigh
from emosim.users.acts import canonical

ASKING: Final = frozenset({Act.OPEN_QUESTION, Act.GUIDING_REFLECTION, Act.LISTENING})
"""Acts that invite the user to tell more."""

DECOYS: Final[dict[Need, tuple[Act, ...]]] = {
    need: tuple(
        sorted((max(worths, key=worths.__getitem__) for worths in ALIGNMENT.values()), key=ALIGNMENT[need].__getitem__)
    )[:3]
    for need in Need
}
"""For each need, the three acts that other needs ask for and that help it least: what a misleading request leads to."""


def episode_of(view: View) -> Episode:
    """Return the whole episode behind a view.

    Raises:
        UsageError: The view was made for an agent that is not privileged.
    """
    if view.privileged is None:
        raise UsageError("this policy reads hidden fields: show it a view made by see(episode, policy)")
    return view.privileged


def foresee(episode: Episode, *acts: Act) -> EmotionState:
    """Return how the user would feel after these acts, the leading one first, done well and in fresh words."""
    fresh = str(len(episode.turns))
    lead = canonical(acts[0], episode, f"{acts[0].value} {fresh}")
    more = (Evidence(act=act, quote=f"{act.value} {fresh}") for act in acts[1:])
    return weigh(episode, lead.model_copy(update={"evidence": (*lead.evidence, *more)}))


def prospect(episode: Episode, *acts: Act) -> float:
    """Return what acts are worth now, in points of mood: their change, and what the fact they bring out earns later."""
    felt = foresee(episode, *acts)
    if felt.last_change < 0.0 or brought_out(episode, acts, felt) is None:
        return felt.last_change
    share = 1.0 / len(episode.scenario.facts)
    later = episode.max_turns - len(episode.turns) - 1
    return felt.last_change + MAX_CHANGE * GAIN * episode.persona.temperament.guard * share * 0.5 * later


def brought_out(episode: Episode, acts: tuple[Act, ...], felt: EmotionState) -> Fact | None:
    """Return a fact that may be told after these acts, or None."""
    untold = (fact for fact in episode.scenario.facts if fact.id not in episode.revealed)
    return next((fact for fact in untold if _opens(fact, acts, felt)), None)


def _opens(fact: Fact, acts: tuple[Act, ...], felt: EmotionState) -> bool:
    if fact.reveal == "if_asked":
        return not ASKING.isdisjoint(acts)
    return fact.reveal == "volunteer" or felt.trust >= fact.trust

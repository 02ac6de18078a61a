"""What personas are, as arrays with one row for each: every entry is computed by the functions of the single game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.acts import HARMS, Act
from emosim.acts_vector.speech import SPOKEN
from emosim.cues import ACTS, MOST_FACTS, NEEDS, OPENING
from emosim.emotion import EmotionState, Memory, Reaction, parts, supported, touch
from emosim.episode import Episode, Utterance
from emosim.errors import UsageError
from emosim.feeling import combine, novelty
from emosim.persona import Fact
from emosim.rulebook import BLANK
from emosim.users.acts import WORDLESS, act_fit, canonical
from emosim.users.protocol import SAME_WITHIN, Felt, Heard
from emosim.users.voice import CURT_BELOW, MOVED_FROM, STUNG_FROM, is_asking, may_tell, reaction

TRUSTS: Final = 101

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass
class Natures:
    """`Temperament` of many users, each of shape (n,)."""

    acceptance: Floats
    openness: Floats
    guard: Floats
    inertia: Floats
    loss_aversion: Floats
    impatience: Floats
    drift: Floats


NATURE: Final = tuple(Natures.__dataclass_fields__)
RATES: Final = ("test_rate", "counter_rate", "hint_rate")


class Table:
    """Personas as rows of arrays.

    Args:
        episodes: One fresh episode for each row, made harder already; seeds do not matter.
    """

    def __init__(self, episodes: Sequence[Episode]) -> None:
        self.episodes = tuple(episodes)
        self.rows = len(self.episodes)
        tempers = [e.persona.temperament for e in self.episodes]
        self.nature = Natures(**{name: _column(tempers, name) for name in NATURE})
        self.salts = np.array([e.persona.salt for e in self.episodes], dtype=np.uint64)
        """Whose dice are whose, see `emosim.value.roll`."""
        scenarios = [e.scenario for e in self.episodes]
        self.test_rate, self.counter_rate, self.hint_rate = (_column(scenarios, name) for name in RATES)
        self.provokes = bool((self.test_rate > 0).any() or (self.counter_rate > 0).any())
        """Whether anybody here ever tests or misleads the agent."""
        starts = [e.start for e in self.episodes]
        self.mood, self.trust, self.patience = (_column(starts, name) for name in ("mood", "trust", "patience"))
        self.max_turns = np.array([e.max_turns for e in self.episodes], dtype=np.int64)
        self.longest = int(self.max_turns.max())
        self.need = np.array([NEEDS.index(e.scenario.need) for e in self.episodes], dtype=np.int64)
        self.opening = np.array([OPENING[e.scenario.vagueness] for e in self.episodes], dtype=np.float32)
        self.lines = np.array([_lines(e) for e in self.episodes], dtype=np.int64)
        """Lines that a persona has of each kind, shape (rows, NOTHING + 1)."""
        self.told = np.array([_shares(e) for e in self.episodes], dtype=np.float64).ravel()
        """Share of facts told by number told, shape (rows * 9,)."""
        self.tellable = np.array([_tellable(e) for e in self.episodes], dtype=np.int64).ravel()
        """Bits of the facts that may be told, by trust in hundredths and whether asked, shape (rows * 202,)."""
        once = max((len(_once(e)) for e in self.episodes), default=0)
        self.memories = 1 << once
        """Number of combinations of reactions that fire but once."""
        self.touch = np.array([_touches(e, self.memories) for e in self.episodes], dtype=np.float64).ravel()
        """Points of the persona's reactions, by act and what has fired, shape (rows * 25 * memories,)."""
        self.set_off = np.array([_set_off(e) for e in self.episodes], dtype=np.int64).ravel()
        """Bits of the reactions that an act sets off, shape (rows * 25,)."""
        self.worth = _worths(self.episodes, self.told, self.longest + 1).ravel()
        """Worth by act, facts told and earlier uses, shape (rows * 25 * 9 * (longest + 1),)."""
        one = self.episodes[0]
        self.reactions, self.asks, self.supports = _reactions(one), _asks(one), _supports(one)
        """By act: the line that answers it, by outcome, shape (25 * 8,); whether it asks; whether it can help."""


def _reactions(episode: Episode) -> Ints:
    moods = [CURT_BELOW, CURT_BELOW - 1.0]
    changes = [STUNG_FROM, 0.0, SAME_WITHIN, MOVED_FROM]
    felt = [_felt(episode, act, mood, change) for act in ACTS for mood in moods for change in changes]
    return np.array([SPOKEN.index(reaction(f)) for f in felt], dtype=np.int64)


def _asks(episode: Episode) -> Ints:
    return np.array([is_asking(_felt(episode, act, 50.0, 0.0)) for act in ACTS], dtype=np.int64)


def _supports(episode: Episode) -> Floats:
    return np.array([supported(canonical(act, episode, "words")) for act in ACTS], dtype=np.float64)


def _felt(episode: Episode, act: Act, mood: float, change: float) -> Felt:
    reply = Utterance(raw="") if act is Act.EMPTY else WORDLESS
    seen = BLANK if act is Act.EMPTY else canonical(act, episode, "words")
    now = EmotionState(mood=mood, trust=0.0, patience=1.0, last_change=change)
    return Felt(Heard(episode, reply), seen, now, None)


def _column(values: Sequence[object], name: str) -> Floats:
    return np.array([getattr(value, name) for value in values], dtype=np.float64)


def _lines(episode: Episode) -> list[int]:
    return [*(len(episode.persona.lines.of(kind)) for kind in SPOKEN), 0]


def _worths(episodes: Sequence[Episode], shares: Floats, uses: int) -> Floats:
    """Return worths, shape (rows, 25, 9, uses), by the arithmetic of `emosim.emotion.worth`."""
    shape = (len(episodes), len(ACTS), MOST_FACTS + 1, uses)
    value = np.array([[_value(e, act) for act in ACTS] for e in episodes], dtype=np.float64)
    good, bad, harm, fit, general = (np.broadcast_to(v[..., None, None], shape) for v in np.moveaxis(value, -1, 0))
    told = np.broadcast_to(shares.reshape(-1, 1, MOST_FACTS + 1, 1), shape)
    times = np.broadcast_to(np.arange(uses, dtype=np.float64), shape)
    return combine(good, bad, harm, fit, general * (1.0 + told), novelty(0.0 * times, times))


def _value(episode: Episode, act: Act) -> tuple[float, float, float, float, float]:
    return (*parts((act,), episode.scenario.need), act_fit(act, episode), float(act not in HARMS))


def _shares(episode: Episode) -> list[float]:
    facts = len(episode.scenario.facts)
    if facts > MOST_FACTS:
        raise UsageError(f"persona '{episode.persona.ref}' has {facts} facts; at most {MOST_FACTS} can be observed")
    return [told / facts if facts else 1.0 for told in range(MOST_FACTS + 1)]


def _tellable(episode: Episode) -> list[int]:
    facts = episode.scenario.facts
    states = [EmotionState(mood=50.0, trust=k / 100.0, patience=1.0) for k in range(TRUSTS)]
    return [_bits(facts, state, asked) for state in states for asked in (False, True)]


def _bits(facts: tuple[Fact, ...], state: EmotionState, asked: bool) -> int:
    return sum(1 << i for i, fact in enumerate(facts) if may_tell(fact, state, asked))


def _once(episode: Episode) -> list[Reaction]:
    return [r for r in episode.persona.reactions if r.once]


def _touches(episode: Episode, memories: int) -> list[list[float]]:
    once = _once(episode)
    fired = [Memory(fired=frozenset(r.id for i, r in enumerate(once) if bits >> i & 1)) for bits in range(memories)]
    seen = [canonical(act, episode, "words") for act in ACTS]
    return [[float(touch(one, episode.persona.reactions, memory)) for memory in fired] for one in seen]


def _set_off(episode: Episode) -> list[int]:
    once = _once(episode)
    return [sum(1 << i for i, r in enumerate(once) if act in r.acts) for act in ACTS]

"""The state of n users as arrays, and one turn of all of them: feel, end, speak, be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emosim.acts import Act
from emosim.acts_vector import dice
from emosim.acts_vector.readers import Readers
from emosim.acts_vector.series import Openings
from emosim.acts_vector.speech import CLASH, COUNTER, MUTE, NOTHING, OPENING, TEST, Lines, additions
from emosim.acts_vector.table import NATURE, RATES, TRUSTS, Natures, Table
from emosim.cues import ACTS, DICE_CUE, MOST_FACTS
from emosim.episode import Rulebook
from emosim.feeling import Flags, Numbers, response, shift
from emosim.users.protocol import SAME_WITHIN
from emosim.users.voice import (
    ASK_RATE,
    CALM_FROM,
    CURT_BELOW,
    DICE_ASK,
    DICE_COUNTER,
    DICE_HINT,
    DICE_TEST,
    MOVED_FROM,
    STUNG_FROM,
)

Ints = NDArray[np.int64]
RULES: Final = Rulebook()
SILENCE: Final = ACTS.index(Act.EMPTY)
TURN_DICE: Final = dice.purposes(DICE_HINT, DICE_ASK, DICE_CUE, DICE_TEST, DICE_COUNTER)
CALM_DICE: Final = TURN_DICE[:3]


@dataclass
class Moods:
    """`EmotionState` of n users, each of shape (n,)."""

    mood: Numbers
    trust: Numbers
    patience: Numbers
    last_change: Numbers


@dataclass
class Outcome:
    """What a turn brought, each of shape (n,)."""

    before: Numbers
    """Mood before."""
    over: Flags
    """Satisfied, or gone."""
    timed_out: Flags
    """Time was up."""


class Crowd:
    """`n` users in play.

    Args:
        n: How many.
        table: The personas they are drawn from.
    """

    def __init__(self, n: int, table: Table) -> None:
        self.n = n
        self.lines, self.readers = Lines(n), Readers(n)
        self.row, self.seed, self.turn = (np.zeros(n, dtype=np.int64) for _ in range(3))
        self.address, self.salt = np.zeros(n, dtype=np.uint64), np.zeros(n, dtype=np.uint64)
        self.now, self.peak = Moods(*(np.zeros(n) for _ in range(4))), np.zeros(n)
        self.told, self.told_bits, self.fired = (np.zeros(n, dtype=np.int64) for _ in range(3))
        self.tested, self.uses = np.zeros(n), np.zeros((n, len(ACTS)), dtype=np.int64)
        self.acts, self.acted = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.float32)
        self.said, self.telling = np.full((2, n), NOTHING), np.zeros(n, dtype=np.int64)
        """Kinds in the last message (reaction, addition), and 1 where a fact was told in it."""
        self.nature = Natures(*(np.zeros(n) for _ in NATURE))
        self.test_rate, self.counter_rate, self.hint_rate = (np.zeros(n) for _ in range(3))
        self.max_turns = np.zeros(n, dtype=np.int64)
        """Turns until time is up."""
        self._never = np.zeros(n, dtype=np.bool_)
        self._at_act = np.arange(n) * len(ACTS)
        self.sit(table)

    def sit(self, table: Table) -> None:
        """Take a table of personas; before all users open an episode."""
        self.table = table
        self.history = np.zeros((self.n, table.longest + 1), dtype=np.int64)
        """Acts so far, by turn."""
        self._columns = [(getattr(self.nature, name), getattr(table.nature, name)) for name in NATURE]
        self._columns += [(getattr(self, name), getattr(table, name)) for name in (*RATES, "max_turns")]
        self._columns.append((self.salt, table.salts))
        self._at_turn = np.arange(self.n) * (table.longest + 1)

    def open(self, who: Ints, opened: Openings) -> None:
        """Open an episode for some users.

        Args:
            who: Which users, shape (k,).
            opened: What opens their episodes.
        """
        table, rows, now = self.table, opened.rows, self.now
        self.row[who], self.seed[who], self.address[who] = rows, opened.seeds, opened.addresses
        now.mood[who] = self.peak[who] = table.mood.take(rows)
        now.trust[who], now.patience[who] = table.trust.take(rows), table.patience.take(rows)
        for mine, theirs in self._columns:
            mine[who] = theirs.take(rows)
        self.uses[who] = 0
        for blank in (now.last_change, self.turn, self.told, self.told_bits, self.fired, self.tested, self.telling):
            blank[who] = 0
        self.acts[who], self.acted[who] = 0, 0
        misled = opened.counter < table.counter_rate.take(rows)
        self.said[0, who], self.said[1, who] = OPENING, np.where(misled, COUNTER, NOTHING)
        self.lines.open(who, table.lines.take(rows, axis=0), misled)
        self.readers.open(who, table.need.take(rows), table.opening.take(rows), misled, opened)

    def answer(self, acts: Ints) -> Outcome:
        """Play one turn of all users.

        Args:
            acts: Index of each agent's act, shape (n,).
        """
        was = self.now
        self.history.ravel()[self._at_turn + self.turn] = acts
        self._feel(acts)
        self.turn += 1
        mood = self.now.mood
        left = mood < RULES.left_below
        over = (mood >= RULES.satisfied_at) | left
        silent = acts == SILENCE
        if silent.any():
            self._walk_out(left & silent, was)
        timed_out = (self.turn >= self.max_turns) & ~over
        self._speak(acts, over, timed_out)
        self.acts = acts
        self.acted[:] = 1.0
        return Outcome(was.mood, over, timed_out)

    def observe(self) -> NDArray[np.float32]:
        """Return what readers could tell by now, shape (n, 50); see `emosim.cues.observe`."""
        turns = self.turn / self.max_turns
        return self.readers.observe(turns, self.said, self.telling, self.told, self.acts, self.acted)

    def _feel(self, acts: Ints) -> None:
        row, table = self.row, self.table
        at = row * len(ACTS) + acts
        used, uses = self._at_act + acts, self.uses.ravel()
        times = uses.take(used)
        uses[used] = times + 1
        value = table.worth.take((at * (MOST_FACTS + 1) + self.told) * (table.longest + 1) + times)
        touched = table.touch.take(at * table.memories + self.fired)
        told = table.told.take(row * (MOST_FACTS + 1) + self.told)
        push = response(value, self.now, self.nature, told, self.tested) + touched
        self.now = Moods(*shift(self.now, push, self.nature, table.supports.take(acts)))
        self.fired |= table.set_off.take(at)
        np.maximum(self.peak, self.now.mood, out=self.peak)

    def _walk_out(self, who: Flags, was: Moods) -> None:
        """Let some users feel what they feel when the agent hangs up; see `emosim.rulebook.walked_out`."""
        now = self.now
        now.mood[who] = now.trust[who] = 0.0
        now.patience[who], now.last_change[who] = was.patience[who], -was.mood[who]

    def _speak(self, acts: Ints, over: Flags, timed_out: Flags) -> None:
        mood, change = self.now.mood, self.now.last_change
        aims = TURN_DICE if self.table.provokes else CALM_DICE
        hint, ask, cue, *provoking = dice.rolls(dice.at_turn(self.address, self.turn) ^ self.salt, aims)
        first = self._reaction(acts, change)
        facts = self._tellable(acts)
        stirred = mood < CALM_FROM
        tests, misleads = self._provoked(stirred, *provoking) if provoking else (self._never, self._never)
        hints, asks = (hint < self.hint_rate) & stirred, ask < ASK_RATE
        mute = (change <= -SAME_WITHIN) | (mood < CURT_BELOW) | MUTE.take(first)
        added, telling = additions(over | timed_out, tests, misleads, hints, asks, mute, facts > 0)
        self.said[0], self.said[1] = first, added
        np.putmask(self.said[0], over | CLASH.take(first * (NOTHING + 2) + added + telling), NOTHING)
        self.lines.use(self.said)
        self.tested, self.telling = (self.said[1] == TEST).astype(np.float64), telling
        self.told += telling
        self.told_bits |= (facts & -facts) * telling
        self.readers.hear(self.said[1], telling, cue)

    def _provoked(self, stirred: Flags, test: Numbers, counter: Numbers) -> tuple[Flags, Flags]:
        """Return who provokes, unless just before, and who misleads, of those who are stirred."""
        return (test < self.test_rate) & stirred & (self.said[1] != TEST), (counter < self.counter_rate) & stirred

    def _reaction(self, acts: Ints, change: Numbers) -> Ints:
        """Return the kinds of line that answer these acts."""
        outcome = (self.now.mood < CURT_BELOW).view(np.uint8) * np.uint8(4)
        for flag in (change > STUNG_FROM, change >= SAME_WITHIN, change >= MOVED_FROM):
            outcome += flag.view(np.uint8)
        return self.table.reactions.take(acts * 8 + outcome.astype(np.int64))

    def _tellable(self, acts: Ints) -> Ints:
        """Return the facts that may be told now, as bits."""
        table = self.table
        trust = (self.now.trust * 100.0 + 0.5).astype(np.int64)
        facts = table.tellable.take((self.row * TRUSTS + trust) * 2 + table.asks.take(acts))
        facts &= ~self.told_bits
        return facts

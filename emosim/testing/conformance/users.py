"""What a simulated user must keep: no memory of its own, no clock, no look at the agent's reasoning.

print(check_user(MyUser()))                              # offline; a model that it asks is made up
print(check_user("llm:http://127.0.0.1:8000/v1#name"))   # the same with a real one
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from emosim.engine import advance
from emosim.env import seat_user
from emosim.episode import Episode, Utterance
from emosim.errors import UsageError
from emosim.flow import Backend, drive
from emosim.info import info_of
from emosim.suite import Suite
from emosim.testing.conformance.agents import saying_nothing, thinking, trying
from emosim.testing.conformance.report import Check, Problems, Report, run_checks, short
from emosim.testing.conformance.seat import SILENT_TURNS, SUITE, TURNS, Seat, Tap, all_differences, first_difference
from emosim.testing.conformance.unanswered import (
    cancelling_changes_nothing,
    failed_requests_change_nothing,
    hanging_is_cut,
    unusable_answers_are_errors,
)
from emosim.users.protocol import User

THREADS: Final = 32
STATELESS: Final = "keep nothing in the user, and draw dice by address: emosim.value.roll(seed, turn, purpose)"


def check_user(
    user: str | User,
    backend: str | Backend | None = None,
    *,
    checks: Collection[str] | None = None,
    skip: Mapping[str, str] | None = None,
    suite: Suite = SUITE,
    raises: bool = True,
) -> Report:
    """Check a simulated user.

    Args:
        user: The user, or its spec, such as `rules` or `llm:MODEL`.
        backend: What answers its questions, if the spec does not name it; None for a made-up model, offline. A real
            model must answer the same question alike (temperature 0, a cache), or skip what compares answers.
        checks: Names from `USER_CHECKS`, None for all.
        skip: Checks to leave out, each with the reason, which the report shows.
        suite: Which episodes.
        raises: Raise if a check fails, else only report.

    Raises:
        ConformanceError: A check failed; the message lists all that did.
        UsageError: No such check, user or model, or a check is skipped without a reason.
    """
    seated, answers = seat_user(user, backend)
    return run_checks(f"user {seated.name}", Seat(seated, answers, suite), USER_CHECKS, checks, skip, raises)


def deterministic(seat: Seat) -> Problems:
    """The same seed, replies and answers give the same evidence, emotions and words."""
    for key in seat.keys:
        if found := first_difference(seat.past(key), seat.talk(seat.open(key))):
            yield f"{key}: expected the same episode when played again, got {found}; {STATELESS}"


def constant_info(seat: Seat) -> Problems:
    """Info has the same keys at every step, is JSON, and holds nothing from the clock."""
    for key in seat.keys:
        infos = [info_of(episode) for episode in _steps(seat.past(key))]
        for number, info in enumerate(infos):
            try:
                json.dumps(info, allow_nan=False)
            except (TypeError, ValueError) as error:
                yield f"{key} turn {number}: expected JSON in info, got {error}; store numbers and texts only"
            if info.keys() != infos[0].keys():
                yield f"{key} turn {number}: expected the keys of the opening, got {short(sorted(info))}"
        time.sleep(0.01)
        for number, (info, later) in enumerate(
            zip(infos, map(info_of, _steps(seat.talk(seat.open(key)))), strict=False)
        ):
            changed = [name for name in info if info[name] != later.get(name)]
            if changed:
                yield f"{key} turn {number}: expected the same info later, got another '{changed[0]}'; read no clock"


def no_step_after_the_end(seat: Seat) -> Problems:
    """An agent that says nothing ends the episode, and nobody can speak after the end."""
    for key in seat.keys:
        episode = seat.talk(seat.open(key), saying_nothing, SILENT_TURNS)
        if episode.ending is None:
            yield f"{key}: expected an end within {SILENT_TURNS} blank replies, got none; bound rules.max_turns"
            return
        tap = Tap(seat.backend)
        try:
            drive(advance(episode, Utterance(raw="Hello?"), seat.user), tap)
            yield f"{key}: expected a UsageError after the end, got another turn; end what has ended"
        except UsageError:
            if tap.seen:
                yield f"{key}: expected no question after the end, got {len(tap.seen)}"


def reasoning_is_invisible(seat: Seat) -> Problems:
    """What the agent thinks in `<think>` changes nothing and is shown to no model."""
    for key in seat.keys:
        tap = Tap(seat.backend)
        got = seat.talk(seat.open(key), thinking, backend=tap)
        if found := first_difference(seat.past(key), got):
            yield f"{key}: expected no difference with <think> before each reply, got {found}; read heard.text, not raw"
        if any("SECRET" in message.content for request in tap.seen for message in request.messages):
            yield f"{key}: expected the agent's reasoning to stay hidden, it was sent to a model; send heard.text"


def state_round_trip(seat: Seat) -> Problems:
    """An episode goes through JSON in the middle and goes on identically."""
    for key in seat.keys:
        half = seat.talk(seat.open(key), turns=TURNS // 2)
        back = Episode.model_validate_json(half.model_dump_json(warnings="none"))
        if back != half:
            found = first_difference(half, back) or "another opening or state"
            yield f"{key}: expected the episode that was stored, got {found}; make values as their types have them"
        if found := first_difference(seat.past(key), seat.talk(back, turns=TURNS - TURNS // 2)):
            yield f"{key}: expected a restored episode to go on as if nothing happened, got {found}; {STATELESS}"


def fork(seat: Seat) -> Problems:
    """Going on in one way changes nothing for those who go on in another from the same turn."""
    for key in seat.keys:
        half = seat.talk(seat.open(key), turns=TURNS // 2)
        stored = half.sha256
        seat.talk(half, lambda messages: f"Go on. {trying(messages)[::-1]}", turns=2)
        if half.sha256 != stored:
            yield f"{key}: expected the episode to stay as it was, it was changed in place; make new values"
        if found := first_difference(seat.past(key), seat.talk(half, turns=TURNS - TURNS // 2)):
            yield f"{key}: expected a fork to know nothing of the other, got {found}; {STATELESS}"


def pickled(seat: Seat) -> Problems:
    """The user goes to other processes by pickle, and plays there as it does here."""
    try:
        copy = pickle.loads(pickle.dumps(seat.user))
    except Exception as error:
        yield f"expected a user that can be pickled, got {type(error).__name__}: {error}; hold plain values only"
        return
    for key in seat.keys[:1]:
        if found := first_difference(seat.past(key), seat.talk(seat.open(key), user=copy)):
            yield f"{key}: expected a pickled copy to play the same, got {found}; hold plain values only"


def threads(seat: Seat) -> Problems:
    """32 threads at once play what one plays alone."""
    keys = [seat.keys[number % len(seat.keys)] for number in range(THREADS)]
    alone = [seat.past(key) for key in keys]
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(lambda key: seat.talk(seat.open(key)), keys))
    if found := all_differences(alone, together):
        yield f"expected {THREADS} threads to play what one plays alone, got {found}; {STATELESS}"


def _steps(episode: Episode) -> list[Episode]:
    """Return the episode as it stood after each turn, the opening first."""
    before = [
        episode.model_copy(update={"turns": episode.turns[:n], "ending": None}) for n in range(len(episode.turns))
    ]
    return [*before, episode]


USER_CHECKS: Final[dict[str, Check[Seat]]] = {
    check.__name__: check
    for check in (
        deterministic,
        constant_info,
        no_step_after_the_end,
        reasoning_is_invisible,
        state_round_trip,
        fork,
        pickled,
        threads,
        cancelling_changes_nothing,
        hanging_is_cut,
        failed_requests_change_nothing,
        unusable_answers_are_errors,
    )
}
"""All checks of a user, by name."""

"""What becomes of a turn whose questions fail, hang, are cancelled or get nonsense: it has never happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from emosim.episode import Episode
from emosim.errors import BackendError, EmosimError, SimulationError, TransientBackendError
from emosim.flow import Answer, ChatRequest, ChatResponse, drive
from emosim.rollouts import Rollout, Rollouts
from emosim.suite import EpisodeKey
from emosim.testing.conformance.agents import trying
from emosim.testing.conformance.report import Broken, Problems, short
from emosim.testing.conformance.seat import TURNS, Seat, Tap, first_difference

DEADLINE_S: Final = 0.2
PATIENCE_S: Final = 1.0
"""How much later than the deadline a user may be cut on a busy machine, seconds."""
MOST_QUESTIONS: Final = 20
"""Questions of one turn after which a user is taken to ask for ever."""
NONSENSE: Final = {
    "an empty answer": ChatResponse(""),
    "no JSON": ChatResponse("I would rather talk about the weather."),
    "broken JSON": ChatResponse('{"evidence": [{"act": "listen'),
    "JSON of another form": ChatResponse('{"unexpected": [1]}'),
    "a refusal": ChatResponse("I can't help with that.", finish_reason="refusal"),
    "an answer that was cut off": ChatResponse('{"thought": "They', finish_reason="length"),
}


def cancelling_changes_nothing(seat: Seat) -> Problems:
    """A turn that is cancelled while the model is asked never happened, and can be played again."""
    seat.need_model()
    key = seat.keys[0]
    tap = Tap(seat.backend, hangs=True)
    rollout = _rollouts(seat, tap).open(key)
    opened = rollout.episode

    async def cancel_then_retry() -> None:
        task = asyncio.create_task(rollout.areply(trying(rollout.messages)))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancel_then_retry())
    if rollout.episode != opened:
        yield f"{key}: expected a cancelled turn to change nothing, got a changed episode; let cancellation through"
        return
    tap.hangs = False
    if found := first_difference(seat.past(key), _rest(rollout)):
        yield f"{key}: expected the turn after a cancelled one as if nothing happened, got {found}; keep no state"


def hanging_is_cut(seat: Seat) -> Problems:
    """A model that never answers is cut by the deadline, and the episode is unscorable."""
    seat.need_model()
    key = seat.keys[0]
    rollout = _rollouts(seat, Tap(seat.backend, hangs=True), DEADLINE_S).open(key)
    begun = time.monotonic()
    step = asyncio.run(rollout.areply(trying(rollout.messages)))
    took_s = time.monotonic() - begun
    if took_s > DEADLINE_S + PATIENCE_S:
        late = f"{took_s:.1f} s"
        yield f"{key}: expected a hanging model to be cut after {DEADLINE_S:g} s, it took {late}; wait only by asking"
    if step.reward is not None:
        yield f"{key}: expected no reward from a user whose model hangs, got {step.reward}; make up no answer"


def failed_requests_change_nothing(seat: Seat) -> Problems:
    """Whichever request fails, the turn never happened, and goes on as if nothing happened when played again."""
    seat.need_model()
    key = seat.keys[0]
    counting = Tap(seat.backend)
    wanted = seat.talk(seat.open(key), backend=counting)
    for position in range(len(counting.seen)):
        tap = Tap(seat.backend, _failing_at(position))
        got, failures = _with_retries(seat, key, tap)
        if not failures:
            yield f"{key}: expected the turn to fail when request {position} does, got an answer; make up none"
        elif found := first_difference(wanted, got):
            yield f"{key}: expected a retry as if request {position} had not failed, got {found}; keep no state"


def unusable_answers_are_errors(seat: Seat) -> Problems:
    """Answers that cannot be used end in SimulationError after a few tries, never in a mood."""
    seat.need_model()
    for name, nonsense in NONSENSE.items():
        tap = Tap(seat.backend, _always(nonsense))
        try:
            moved = drive(seat.turn(seat.open(seat.keys[0]), trying), tap)
        except SimulationError:
            continue
        except EmosimError as error:
            yield f"expected SimulationError for {name}, got {type(error).__name__}: {short(str(error))}; raise that"
        else:
            felt = f"a mood of {moved.after.emotion.mood:.1f}"
            yield f"expected SimulationError for {name}, got {felt}; raise it where an answer cannot be used"


def _rollouts(seat: Seat, tap: Tap, deadline_s: float = 600.0) -> Rollouts:
    return Rollouts(seat.user, backend=tap, pack=seat.suite.pack, deadline_s=deadline_s)


def _rest(rollout: Rollout) -> Episode:
    async def go_on() -> None:
        while not rollout.over and len(rollout.episode.turns) < TURNS:
            await rollout.areply(trying(rollout.messages))

    asyncio.run(go_on())
    return rollout.episode


def _with_retries(seat: Seat, key: EpisodeKey, tap: Tap) -> tuple[Episode, int]:
    """Play a chat, each turn again if it fails; return it with the number of failures."""
    episode, failures = seat.open(key), 0
    while len(episode.turns) < TURNS and episode.ending is None:
        before = episode.sha256
        try:
            episode = seat.talk(episode, turns=1, backend=tap)
        except (BackendError, SimulationError):
            failures += 1
            if episode.sha256 != before:
                raise Broken(f"{key}: expected a failed turn to leave the episode alone, it was changed") from None
        if failures > 1:
            raise Broken(f"{key}: expected one failed turn for one failed request, got {failures}; ask anew each time")
    return episode, failures


def _failing_at(position: int) -> Callable[[int, ChatRequest], Answer | None]:
    error = TransientBackendError("failed on purpose", cause="server")
    return lambda number, request: error if number == position else None


def _always(answer: ChatResponse) -> Callable[[int, ChatRequest], Answer | None]:
    def give(number: int, request: ChatRequest) -> Answer:
        if number >= MOST_QUESTIONS:
            raise Broken(f"expected SimulationError after a few tries, got {number} questions in one turn; bound them")
        return answer

    return give

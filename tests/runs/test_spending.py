"""What a run cost: its files hold all that its meter counted, tries that failed included."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from stage import SUITE, Asker, Counting, Listener, answered

from emosim.backends import Meter, resolve_backend
from emosim.errors import BackendError
from emosim.flow import ChatRequest, ChatResponse, Seat
from emosim.runs import Pace, Players, Summary, aplay, config_of, play, read_failures, read_run, verify
from emosim.runs.store import read_attempts
from emosim.suite import Suite
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import answer
from emosim.usage import Usage
from emosim.users.llm import LlmUser

FAULTS = ("rate_limit", "server_error", "hang", "truncated", "bad_body", "wrong_schema", "bad_json", "empty", "length")
SMALL = SUITE.model_copy(update={"languages": ("en",), "levels": (0.0,)})


def players(server: FakeServer, meter: Meter, **limits: float) -> Players:
    """Return an agent and a user that ask the server, both counted by one meter."""
    limits = {"timeout_s": 0.3, "first_wait_s": 0.01, "longest_wait_s": 0.02, "attempts": 3, **limits}
    seats: tuple[Seat, Seat] = ("agent", "user")
    agent, user = (resolve_backend(f"{server.url}#fake", seat=seat, meter=meter, **limits) for seat in seats)  # type: ignore[arg-type]
    return Players(Asker(), LlmUser(), agent, user)


def metered(**limits: float) -> Meter:
    return Meter(prices={"fake": {"input": 1.0, "output": 2.0}}, **limits)  # type: ignore[arg-type]


def stored(out: Path, seat: Seat) -> Usage:
    """Return what the files of a run say that a seat used."""
    spent = [getattr(entry.usage, seat).usage for entry in (*read_run(out), *read_attempts(out))]
    return sum(spent, Usage())


def check(out: Path, meter: Meter, summary: Summary) -> None:
    for seat in ("agent", "user"):
        counted, kept = meter.usage(seat), stored(out, seat)
        assert (kept.calls, kept.tokens, kept.estimated) == (counted.calls, counted.tokens, counted.estimated)
        assert kept.cost == pytest.approx(counted.cost)
        told = getattr(summary.usage, seat).usage
        assert (told.calls, told.tokens, told.cost) == (kept.calls, kept.tokens, pytest.approx(kept.cost))


def test_tries_that_failed_belong_to_the_episode(tmp_path: Path) -> None:
    meter = metered()
    with FakeServer(answer, faults=["", *FAULTS], retry_after_s=0.01) as server:
        cast = players(server, meter)
        summary = play(config_of(SMALL, cast), cast, tmp_path / "run", Pace(4, deadline_s=30))
        assert server.faults_served.total() == len(FAULTS)
        assert meter.usage().calls == server.requests
    assert summary.finished > 0
    check(tmp_path / "run", meter, summary)


def test_tries_of_episodes_that_fail_are_theirs(tmp_path: Path) -> None:
    meter = metered()
    with FakeServer(answer, faults={"server_error": 0.3, "truncated": 0.3}) as server:
        cast = players(server, meter)
        summary = play(config_of(SUITE, cast), cast, tmp_path / "run", Pace(8, deadline_s=30))
    assert summary.failed > 0
    check(tmp_path / "run", meter, summary)


def test_a_try_that_the_deadline_of_the_episode_cuts_off_is_charged_to_it(tmp_path: Path) -> None:
    meter = metered()
    with FakeServer(answer, faults=["", "", "", "hang"]) as server:
        cast = players(server, meter, timeout_s=20.0)
        suite = Suite(personas=("dolores",), languages=("en",))
        summary = play(config_of(suite, cast), cast, tmp_path / "run", Pace(1, deadline_s=0.5))
    assert summary.faults.by_cause == {"environment:deadline": 1}
    assert meter.usage().calls == 4
    check(tmp_path / "run", meter, summary)


@pytest.mark.parametrize("limit", [{"max_calls": 30}, {"max_tokens": 20_000}])
def test_tries_of_episodes_that_the_budget_cuts_short_are_theirs(tmp_path: Path, limit: dict[str, float]) -> None:
    meter = metered(**limit)
    with FakeServer(answer, faults={"server_error": 0.2}) as server:
        cast = players(server, meter)
        summary = play(config_of(SUITE, cast), cast, tmp_path / "run", Pace(8, deadline_s=30))
    assert summary.status == "budget"
    check(tmp_path / "run", meter, summary)


def summary_of(out: Path) -> Summary:
    return Summary.model_validate_json((out / "summary.json").read_bytes())


def test_episodes_that_an_interrupt_cuts_short_are_kept_with_what_they_cost(tmp_path: Path) -> None:
    meter = metered()

    async def cancel_soon(cast: Players, server: FakeServer) -> None:
        task = asyncio.create_task(aplay(config_of(SUITE, cast), cast, tmp_path / "run", Pace(3)))
        while server.requests < 40:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with FakeServer(answer, faults={"server_error": 0.1}, latency_s=0.01) as server:
        cast = players(server, meter)
        asyncio.run(cancel_soon(cast, server))
        summary = summary_of(tmp_path / "run")
        assert (summary.status, summary.cut.attempts) == ("interrupted", 3)
        check(tmp_path / "run", meter, summary)
        again = play(config_of(SUITE, cast), cast, tmp_path / "run", Pace(8))
    assert again.finished + again.failed == len(SUITE.episode_keys())
    assert again.cut == summary.cut
    check(tmp_path / "run", meter, again)
    assert verify(tmp_path / "run").is_good


def test_episodes_that_an_error_of_all_cuts_short_are_kept_with_what_they_cost(tmp_path: Path) -> None:
    left = iter(range(25))

    def refuse_late(request: ChatRequest) -> ChatResponse | BackendError:
        return answered() if next(left, None) is not None else BackendError("the key was refused", cause="auth")

    cast = Players(Asker(), Listener(), Counting(refuse_late, wait_s=0.001))  # type: ignore[arg-type]
    with pytest.raises(BackendError, match="the key was refused"):
        play(config_of(SUITE, cast), cast, tmp_path / "run", Pace(3))
    summary = summary_of(tmp_path / "run")
    assert 0 < summary.cut.attempts <= 3
    assert stored(tmp_path / "run", "agent").calls == summary.usage.agent.calls == 25
    assert not list(read_failures(tmp_path / "run"))

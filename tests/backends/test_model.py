"""`ModelBackend` through every transport: answers, faults, retries, limits, budgets, formats."""

from __future__ import annotations

import asyncio
import pickle
import time

import pytest

from emosim.backends import Limits, Meter
from emosim.errors import BackendError, BudgetExceeded, TransientBackendError, UsageError
from emosim.flow import ChatResponse, used_by
from emosim.testing.fake_server import FakeServer

TRANSIENT = {
    "rate_limit": {"rate_limit"},
    "server_error": {"server"},
    "hang": {"timeout"},
    "truncated": {"truncated"},
    "bad_body": {"bad_body"},
}


def test_answers_come_in_order_with_usage(connect, ask):
    with FakeServer(lambda body, n: f"re: {body['messages'][-1]['content']}") as server:
        answers = connect(server.url).complete([ask(str(i)) for i in range(40)])
    assert [answer.text for answer in answers] == [f"re: {i}" for i in range(40)]
    assert answers[0].model.endswith("fake")
    assert answers[0].usage.calls == 1
    assert answers[0].usage.input_tokens > 0
    assert answers[0].usage.cost is None


def test_body_holds_what_was_asked(connect, ask):
    with FakeServer() as server:
        connect(server.url).complete([ask("你好", schema=True, temperature=0.5, max_tokens=7, seed=3)])
        body = server.bodies[0]
    assert body["messages"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "你好"}]
    assert (body["model"], body["temperature"], body["max_tokens"], body["seed"]) == ("fake", 0.5, 7, 3)
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["name"] == "appraisal"


def test_lone_surrogates_do_not_stop_a_request(connect, ask):
    with FakeServer() as server:
        answer = connect(server.url).complete([ask("half an emoji \ud83d")])[0]
        assert server.bodies[0]["messages"][1]["content"] == "half an emoji ?"
    assert isinstance(answer, ChatResponse)


@pytest.mark.parametrize("fault", TRANSIENT)
def test_transient_faults_are_retried(connect, ask, fault):
    with FakeServer("fine", faults=[fault, fault]) as server:
        backend = connect(server.url, timeout_s=0.4 if fault == "hang" else 5.0)
        assert backend.complete([ask()])[0].text == "fine"
        assert server.requests == 3
    assert backend.meter.usage().calls == 3


@pytest.mark.parametrize("fault", TRANSIENT)
def test_retries_are_bounded_and_the_fault_is_typed(connect, ask, fault):
    with FakeServer(faults=[fault] * 9) as server:
        answer = connect(server.url, attempts=2, timeout_s=0.3 if fault == "hang" else 5.0).complete([ask()])[0]
        assert server.requests == 2
    assert isinstance(answer, TransientBackendError)
    assert answer.cause in TRANSIENT[fault]
    assert "\n" not in str(answer)


def test_all_tries_are_in_the_usage_of_what_is_left_of_a_call(connect, ask):
    with FakeServer(faults=["server_error", "truncated", "", "bad_body", "rate_limit"]) as server:
        patient, hasty = connect(server.url, attempts=3), connect(server.url, attempts=2)
        (answer,) = patient.complete([ask()])
        (error,) = hasty.complete([ask()])
    assert isinstance(error, BackendError)
    assert (answer.usage, answer.usage.calls) == (patient.meter.usage(), 3)
    assert (error.usage, error.usage.calls) == (hasty.meter.usage(), 2)


async def test_a_cancelled_batch_says_what_it_used(connect, ask):
    with FakeServer(faults=["", "hang", "hang", "server_error"]) as server:
        backend = connect(server.url, first_wait_s=30.0)
        await backend.acomplete([ask()])
        before = backend.meter.usage()
        batch = asyncio.create_task(backend.acomplete([ask(), ask(), ask(), ask()]))
        while server.requests < 5:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        batch.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await batch
        await backend.aclose()
    assert used_by(cancelled.value).calls == 4
    assert before + used_by(cancelled.value) == backend.meter.usage()


@pytest.mark.parametrize(
    ("fault", "text", "reason"),
    [
        ("wrong_schema", '{"unexpected": [1]}', "stop"),
        ("bad_json", '{"acts": ["listen', "stop"),
        ("empty", "", "stop"),
        ("refusal", "I can't help with that.", "refusal"),
        ("length", "hello", "length"),
    ],
)
def test_faulty_content_is_passed_on_untouched(connect, ask, fault, text, reason):
    with FakeServer("hello world", faults=[fault]) as server:
        answer = connect(server.url).complete([ask()])[0]
        assert server.requests == 1
    assert (answer.text, answer.finish_reason) == (text, reason)


def test_a_fault_leaves_the_rest_of_the_batch_alone(connect, ask):
    with FakeServer("ok", faults={"server_error": 0.3}, seed=4) as server:
        answers = connect(server.url, attempts=1).complete([ask(str(i)) for i in range(40)])
        lost = sum(isinstance(answer, BackendError) for answer in answers)
        assert 0 < lost == server.faults_served["server_error"] < 40


def test_wrong_key_is_final(connect, ask):
    with FakeServer(api_key="another") as server:
        answer = connect(server.url).complete([ask()])[0]
    assert isinstance(answer, BackendError)
    assert not isinstance(answer, TransientBackendError)
    assert answer.cause == "auth"


def test_unknown_address_is_final(connect, ask):
    with FakeServer() as server:
        answer = connect(server.url.replace("/v1", "/v9")).complete([ask()])[0]
    assert answer.cause == "not_found"


def test_unreachable_server_says_where(connect, ask):
    with FakeServer() as server:
        url = server.url
    answer = connect(url, attempts=2).complete([ask()])[0]
    assert isinstance(answer, TransientBackendError)
    assert answer.cause == "unreachable"
    assert url in str(answer)


def test_retry_after_is_honoured(connect, ask):
    with FakeServer(faults=["rate_limit"], retry_after_s=0.6) as server:
        assert isinstance(connect(server.url).complete([ask()])[0], ChatResponse)
        assert server.times_s[1] - server.times_s[0] >= 0.6


def test_retry_after_beyond_the_deadline_is_not_waited_for(connect, ask):
    with FakeServer(faults=["rate_limit"], retry_after_s=500) as server:
        begun = time.monotonic()
        answer = connect(server.url, deadline_s=3.0).complete([ask()])[0]
        assert time.monotonic() - begun < 2.5
    assert answer.cause == "rate_limit"
    assert answer.retry_after_s == 500


def test_deadline_bounds_all_tries(connect, ask):
    with FakeServer(faults=["hang"] * 50) as server:
        begun = time.monotonic()
        answer = connect(server.url, attempts=50, timeout_s=0.3, deadline_s=1.0).complete([ask()])[0]
        assert time.monotonic() - begun < 2.0
    assert answer.cause == "timeout"


@pytest.mark.parametrize("limit", [1, 7, 48])
def test_in_flight_reaches_the_limit_and_no_more(connect, ask, limit):
    with FakeServer(latency_s=0.15) as server:
        connect(server.url, concurrency=limit).complete([ask(str(i)) for i in range(min(96, limit * 3))])
        assert server.max_in_flight == limit


def test_max_calls_is_never_overshot(connect, ask):
    meter = Meter(max_calls=10)
    with FakeServer(latency_s=0.05, faults={"server_error": 0.3}) as server:
        backend = connect(server.url, meter=meter)
        answers = [*backend.complete([ask(str(i)) for i in range(30)]), *backend.complete([ask()])]
        assert server.requests == 10
    assert sum(isinstance(answer, ChatResponse) for answer in answers) <= 10
    assert isinstance(answers[-1], BudgetExceeded)
    assert "max_calls=10" in str(answers[-1])
    assert meter.usage().calls == 10


def test_max_tokens_and_max_cost_stop_a_wave(connect, ask):
    prices = {"fake": {"input": 1000.0, "output": 1000.0}}
    with FakeServer("four") as server:
        for meter in (Meter(max_tokens=200), Meter(max_cost=0.2, prices=prices)):
            begun = server.requests
            answers = connect(server.url, meter=meter).complete([ask(max_tokens=20) for _ in range(50)])
            assert 0 < server.requests - begun < 12
            assert isinstance(answers[-1], BudgetExceeded)
            assert meter.usage().tokens <= 200


def test_seats_and_cost_are_told_apart(connect, ask):
    meter = Meter(prices={"fake": {"input": 2.0, "output": 4.0}})
    with FakeServer("eight ch") as server:
        connect(server.url, meter=meter).complete([ask(), ask(seat="agent"), ask(seat="agent")])
    agent, user = meter.usage("agent"), meter.usage("user")
    assert (agent.calls, user.calls, meter.usage().calls) == (2, 1, 3)
    assert user.cost == pytest.approx((user.input_tokens * 2 + user.output_tokens * 4) / 1e6)
    assert agent.cost == pytest.approx(2 * user.cost)


def test_max_cost_without_a_price_is_a_mistake(connect):
    with pytest.raises(UsageError, match=r"a limit on the cost needs the price of .*--prices FILE"):
        connect("http://127.0.0.1:9/v1", meter=Meter(max_cost=1.0))


def test_missing_usage_is_estimated_and_flagged(connect, ask):
    with FakeServer("eight ch", usage=False) as server:
        usage = connect(server.url).complete([ask()])[0].usage
    if usage.estimated:  # litellm counts by itself and does not say so
        assert (usage.input_tokens, usage.output_tokens) == (12, 2)
    assert usage.tokens > 0


@pytest.mark.parametrize(
    ("rejects", "last"), [(["json_schema"], "json_object"), (["json_schema", "json_object"], None)]
)
def test_response_format_falls_back_once_and_is_remembered(connect, ask, rejects, last):
    with FakeServer(rejects=rejects) as server:
        backend = connect(server.url)
        for _ in range(3):
            assert isinstance(backend.complete([ask(schema=True)])[0], ChatResponse)
        tried = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert tried == [*rejects, last, last, last]


def test_a_seed_that_the_server_does_not_take_is_left_out_and_that_is_remembered(connect, ask):
    with FakeServer(unknown=["seed"], rejects=["json_schema"]) as server:
        backend = connect(server.url)
        for seed in (3, 4, 5):
            assert isinstance(backend.complete([ask(schema=True, seed=seed)])[0], ChatResponse)
        sent = [body.get("seed") for body in server.bodies]
        assert sent[-2:] == [None, None]
        assert len([seed for seed in sent if seed]) <= 2
        assert len(sent) <= 5
        copy = pickle.loads(pickle.dumps(backend))
        assert isinstance(copy.complete([ask(seed=6)])[0], ChatResponse)
        assert "seed" not in server.bodies[-1]
        copy.close()


def test_a_refusal_that_leaving_out_the_seed_does_not_mend_changes_nothing(connect, ask):
    with FakeServer(unknown=["bird seed"]) as server:
        backend = connect(server.url, extra={"bird seed": 1})
        for _ in range(2):
            assert isinstance(backend.complete([ask(seed=3)])[0], BackendError)
        assert [body.get("seed") for body in server.bodies] == [3, None, 3, None]


def test_secrets_are_never_shown(connect, ask, caplog, capfd):
    key = "sk-canary-1234567890"
    with FakeServer(lambda body, n: "x", faults=["server_error", "rate_limit"]) as server:
        backend = connect(server.url, attempts=1)
        shown = [backend.complete([ask()])[0] for _ in range(3)]
    shown += [backend, backend.transport, backend.__dict__, pickle.loads(pickle.dumps(backend))]
    shown += [backend.complete([ask()])[0], caplog.text, *capfd.readouterr()]
    assert key not in "\n".join(f"{thing!r} {thing}" for thing in shown)
    assert key.encode() not in pickle.dumps(backend)


def test_a_server_that_echoes_the_key_is_cut(connect, ask):
    with FakeServer(lambda body, n: 1 / 0) as server:
        url = server.url.replace("/v1", "/sk-canary-1234567890/v1")
        answer = connect(url, attempts=1).complete([ask()])[0]
    assert isinstance(answer, BackendError)
    assert "canary" not in str(answer)


def test_empty_batch_asks_nothing(connect):
    backend = connect("http://127.0.0.1:9/v1")
    assert list(backend.complete([])) == []


def test_limits_refuse_nonsense():
    with pytest.raises(UsageError, match="timeout_s must be above 0"):
        Limits(timeout_s=0)

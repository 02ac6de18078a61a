"""The OpenAI protocol as pure functions."""

from __future__ import annotations

import email.utils
import time

import pytest

from emosim.backends.protocol import read_reply, seconds_to_wait, status_error
from emosim.errors import BackendError, TransientBackendError


def reply(message, **choice):
    return {"model": "m", "choices": [{"message": message, **choice}]}


def test_reasoning_parts_and_cached_tokens():
    body = reply({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "reasoning_content": "hm"})
    body["usage"] = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 5}}
    response = read_reply(body, "m")
    assert (response.text, response.reasoning, response.finish_reason) == ("ab", "hm", "stop")
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.cached_tokens) == (9, 4, 5)


def test_usage_details_may_be_null():
    body = reply({"content": "x"}) | {
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": None}
    }
    assert read_reply(body, "m").usage.cached_tokens == 0


@pytest.mark.parametrize(
    "body",
    [None, [], "text", {}, {"choices": []}, {"choices": None}, {"error": {"message": "busy"}}, reply({"content": 5})],
)
def test_anything_else_is_a_transient_fault(body):
    with pytest.raises(TransientBackendError) as caught:
        read_reply(body, "m")
    assert caught.value.cause == "bad_body"


@pytest.mark.parametrize(
    ("status", "text", "cause", "transient"),
    [
        (400, "no", "bad_request", False),
        (400, "response_format is not supported", "response_format", False),
        (400, "Unrecognized request argument supplied: seed", "seed", False),
        (400, "anthropic does not support parameters: ['seed']", "seed", False),
        (
            422,
            '[{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]',
            "seed",
            False,
        ),
        (400, "the seeded beds are not supported", "bad_request", False),
        (400, "your seed money talk was too long", "bad_request", False),
        (401, "no", "auth", False),
        (403, "no", "auth", False),
        (404, "no", "not_found", False),
        (408, "no", "timeout", True),
        (418, "no", "bad_request", False),
        (422, "json_schema unknown", "response_format", False),
        (429, "slow down", "rate_limit", True),
        (429, '{"error": {"code": "insufficient_quota", "message": "pay"}}', "quota", False),
        (500, "", "server", True),
        (529, "overloaded", "server", True),
    ],
)
def test_statuses_are_typed(status, text, cause, transient):
    error = status_error(status, text, None, "openai:m")
    assert isinstance(error, BackendError)
    assert (error.cause, isinstance(error, TransientBackendError)) == (cause, transient)
    assert str(error).startswith(f"openai:m answered {status}: ")


def test_the_servers_message_is_shown_without_its_wrapping():
    error = status_error(400, '{"error": {"message": "no such\\n thing"}}', None, "m")
    assert str(error) == "m answered 400: no such thing"


def test_retry_after_as_number_date_or_nonsense():
    assert seconds_to_wait("1.5") == 1.5
    assert seconds_to_wait("-3") == 0.0
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert seconds_to_wait(date) == pytest.approx(60, abs=2)
    assert seconds_to_wait("soon") is None
    assert seconds_to_wait(None) is None

"""Budget 4: what emosim adds to a bare call of the openai SDK, and of litellm where it is installed."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from measuring import compare, report
from talks import Play, Recording, messages_of

from emosim.backends import resolve_backend
from emosim.flow import ChatRequest
from emosim.suite import Suite

SUITE = Suite(personas=("dolores", "tom", "vera", "omar"), repeats=8)
Call = Callable[[ChatRequest], Awaitable[object]]


async def ask_all(call: Call, batch: list[ChatRequest], at_once: int = 64) -> int:
    """Ask everything, so many at once."""
    queue = iter(batch)

    async def loop() -> None:
        for request in queue:
            await call(request)

    await asyncio.gather(*[loop() for _ in range(at_once)])
    return len(batch)


def bare_openai(url: str) -> Call:
    """Return a call of the SDK, one client for all."""
    import openai

    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(max_connections=64, max_keepalive_connections=64)
    client = openai.AsyncOpenAI(
        base_url=url, api_key="none", max_retries=0, http_client=openai.DefaultAsyncHttpxClient(limits=limits)
    )
    return lambda request: client.chat.completions.create(model="fake", **messages_of(request))


def bare_litellm(url: str) -> Call:
    """Return a call of litellm."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.suppress_debug_info = True
    return lambda request: litellm.acompletion(
        model="openai/fake", api_base=url, api_key="none", num_retries=0, max_retries=0, **messages_of(request)
    )


# The SDKs warn of their own types, and leave connections to the garbage collector.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("sdk", "spec", "bare"), [("openai", "openai:fake", bare_openai), ("litellm", "litellm:openai/fake", bare_litellm)]
)
def test_little_is_added_to_a_call_of_an_sdk(
    serve: Callable[..., str], tmp_path: Path, sdk: str, spec: str, bare: Callable[[str], Call]
) -> None:
    if importlib.util.find_spec(sdk) is None:
        pytest.skip(f"{sdk} is not installed here: run this file in an environment with it")
    url = serve()
    play = Play(url, SUITE)
    recording = Recording(play.backend())
    asyncio.run(play.into(tmp_path / "recorded", recording))
    batch, count = recording.requests, 0

    def own() -> int:
        nonlocal count
        count += 1
        backend = resolve_backend(spec, seat="user", base_url=url, api_key="none")
        asyncio.run(play.into(tmp_path / f"run{count}", backend))
        return len(batch)

    found = compare(own, lambda: asyncio.run(ask_all(bare(url), batch)))
    report(f"budget 4, {sdk}", own_ms=found.own_ms, bare_ms=found.floor_ms, overhead=found.ratio - 1)
    assert found.ratio <= 1.15

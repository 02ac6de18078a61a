"""Measure the lean backend's CPU per call against a raw aiohttp POST-and-json loop, in one run.

    python tests/legs/lean_floor.py [--calls 3000] [--in-flight 64] [--rounds 5]

The server runs in its own process. Prints the median of the rounds; the budget is a ratio of 1.35.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time

import aiohttp

from emosim.backends import resolve_backend
from emosim.flow import Backend, ChatRequest, Message

SCHEMA = '{"type":"object","properties":{"fit":{"type":"integer"}},"required":["fit"],"additionalProperties":false}'


def requests(count: int) -> list[ChatRequest]:
    """Return requests of six messages, about 4,000 characters each."""
    system = Message("system", "You are Vera. " * 150)
    talk = tuple(Message("user" if i % 2 else "assistant", f"reply {i}: " + "I hear you. " * 30) for i in range(5))
    return [
        ChatRequest((system, *talk, Message("user", str(i))), "user", "appraisal", SCHEMA, 0.7) for i in range(count)
    ]


async def floor(url: str, batch: list[ChatRequest], in_flight: int) -> None:
    """Post the same bodies with aiohttp alone, in as many loops as calls are in flight."""
    queue = iter(batch)

    async def loop(client: aiohttp.ClientSession) -> None:
        for request in queue:
            body = {
                "model": "fake",
                "messages": [{"role": m.role, "content": m.content} for m in request.messages],
                "temperature": request.temperature,
            }
            async with client.post(f"{url}/chat/completions", json=body) as reply:
                (await reply.json())["choices"][0]["message"]["content"]

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        await asyncio.gather(*[loop(client) for _ in range(in_flight)])


async def lean(backend: Backend, batch: list[ChatRequest]) -> None:
    """Answer the batch through the backend."""
    await backend.acomplete(batch)


def cpu_ms(job: object, calls: int) -> float:
    """Run a coroutine and return this process's CPU milliseconds per call."""
    begun = time.process_time()
    asyncio.run(job)  # type: ignore[arg-type]
    return (time.process_time() - begun) * 1000 / calls


def main() -> None:
    """Print floor, lean and ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency-s", default="0")
    options = parser.parse_args()
    command = [sys.executable, "-m", "emosim.testing.fake_server", "--latency-s", options.latency_s]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        backend = resolve_backend(f"{url}#fake", seat="user", concurrency=options.in_flight)
        batch = requests(options.calls)
        rounds = []
        for _ in range(options.rounds + 1):
            raw = cpu_ms(floor(url, batch, options.in_flight), options.calls)
            rounds.append((raw, cpu_ms(lean(backend, batch), options.calls)))
        server.terminate()
    raw, own = (statistics.median(column) for column in zip(*rounds[1:], strict=True))
    ratio = statistics.median(own / raw for raw, own in rounds[1:])
    print(f"in flight {options.in_flight}: raw aiohttp {raw:.3f} ms, lean {own:.3f} ms a call, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()

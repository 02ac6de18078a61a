"""A loopback server in a process of its own: a model user can use its answers, and each can be traced to its request.

    python tests/benchmarks/talking_server.py [--latency-s 0.2] [--faults 0.05] [--seed 0]

Prints its address. A question with a schema is the simulated user's, any other the agent's. Each message holds a mark
that follows from what it answers, so that whoever reads a stored episode can tell that nothing was mixed up.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Final, get_args
from zlib import crc32

from emosim.testing.fake_server import FakeServer, Fault

FILLER: Final = "That took some saying, and I would rather hear the rest from you than guess at it. " * 2
"""Makes replies about as long as people's."""


def mark(text: str) -> str:
    """Return the mark of an answer to a text: a word of letters, as a person might write a name."""
    number = crc32(text.encode("utf-8", "surrogatepass"))
    return "K" + "".join(chr(ord("a") + (number >> shift & 15)) for shift in range(0, 32, 4))


def last_reply(prompt: str) -> tuple[str, str]:
    """Return code and words of the last reply in a user's prompt: what stands between `<<code` and `code>>`."""
    end = prompt.rfind(">>")
    code = prompt[end - 6 : end]
    start = prompt.rfind(f"<<{code}\n", 0, end)
    return code, prompt[start + 9 : end - 7]


def answer(body: dict[str, object], number: int) -> str:
    """Return what the model says: as the user where a schema is asked for, else as the agent."""
    messages = body["messages"]
    assert isinstance(messages, list)
    said = str(messages[-1]["content"])
    if "response_format" not in body:
        return f"You say {mark(said)}? {FILLER}"
    if len(messages) > 2:  # asked again: the question stands before the unusable answer
        said = str(messages[1]["content"])
    code, reply = last_reply(said)
    word = mark(code + reply)
    return json.dumps(
        {
            "thought": f"They said it, {word}.",
            "evidence": [{"act": "open_question", "quote": reply[:24]}],
            "fit": crc32(code.encode()) % 2,
            "specificity": 1,
            "told": [],
            "better": f"Yes, that is how it was with {word}.",
            "same": f"Well, it is what it is with {word}.",
            "worse": f"No, that is not it at all, {word}.",
        }
    )


def main() -> None:
    """Serve until standard input ends; then print how often each fault was served."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency-s", type=float, default=0.0)
    parser.add_argument("--faults", type=float, default=0.0, help="rate of all kinds together")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    kinds = get_args(Fault)
    server = FakeServer(
        answer,
        latency_s=options.latency_s,
        faults={kind: options.faults / len(kinds) for kind in kinds},
        seed=options.seed,
        keep=0,
    )
    server.start()
    print(server.url, flush=True)
    sys.stdin.read()
    print(json.dumps({"requests": server.requests, "faults": server.faults_served}), flush=True)


if __name__ == "__main__":
    main()

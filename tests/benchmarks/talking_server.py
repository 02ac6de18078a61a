"""A loopback server in a process of its own: a model user can use its answers, and each can be traced to its request.

    python tests/benchmarks/talking_server.py [--latency-s 0.2] [--faults 0.05] [--seed 0]

Prints its address. A question with a schema is the simulated user's, any other the agent's: `emosim.testing.talking`.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import get_args

from emosim.testing.fake_server import FakeServer, Fault
from emosim.testing.talking import answer


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

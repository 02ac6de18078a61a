"""Conformance: run it against your own adapter and your own simulated user; offline, in seconds.

    check_adapter(play)            # does a trainer meet users, and get rewards, as emosim promises?
    check_user(MyUser())           # is a user deterministic, resumable, and honest about faults?

Each returns a `Report`, printed as a table, and raises `ConformanceError` if a check fails. `serve(agent)` puts the
kit's agent behind a loopback server, for trainers that reach their model over the OpenAI protocol. From a shell:
`python -m emosim.testing.conformance user llm:http://127.0.0.1:8000/v1#NAME`.
"""

from emosim.testing.conformance.adapters import ADAPTER_CHECKS, check_adapter
from emosim.testing.conformance.agents import Agent, serve
from emosim.testing.conformance.report import ConformanceError, Finding, Report
from emosim.testing.conformance.stage import Play
from emosim.testing.conformance.users import USER_CHECKS, check_user

__all__ = [
    "ADAPTER_CHECKS",
    "USER_CHECKS",
    "Agent",
    "ConformanceError",
    "Finding",
    "Play",
    "Report",
    "check_adapter",
    "check_user",
    "serve",
]

"""Conformance: run it against your own adapter and your own simulated user; offline, in seconds.

    check_adapter(play)            # does a trainer meet users, and get rewards, as emosim promises?
    check_user(MyUser())           # is a user deterministic, resumable, and honest about faults?
    check_env(make)                # is an environment what Gymnasium and emosim promise?

Each returns a `Report`, printed as a table, and raises `ConformanceError` if a check fails. Where the trainer reaches
its model over the OpenAI protocol, `serve(agent)` puts the kit's agent behind a loopback server; where the model is one
of tokens, use the template `CHATML` and let the agent answer `messages_in(prompt)` in the model's place. From a shell:
`python -m emosim.testing.conformance user llm:http://127.0.0.1:8000/v1#NAME`.
"""

from emosim.testing.conformance.adapters import ADAPTER_CHECKS, check_adapter
from emosim.testing.conformance.agents import CHATML, Agent, messages_in, serve
from emosim.testing.conformance.envs import ENV_CHECKS, check_env
from emosim.testing.conformance.report import ConformanceError, Finding, Report
from emosim.testing.conformance.stage import Play
from emosim.testing.conformance.users import USER_CHECKS, check_user

__all__ = [
    "ADAPTER_CHECKS",
    "CHATML",
    "ENV_CHECKS",
    "USER_CHECKS",
    "Agent",
    "ConformanceError",
    "Finding",
    "Play",
    "Report",
    "check_adapter",
    "check_env",
    "check_user",
    "messages_in",
    "serve",
]

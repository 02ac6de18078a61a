"""From a spec such as `baseline:oracle` or `openai:gpt-5-mini` to an agent and what answers its questions."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from emosim.errors import UsageError
from emosim.flow import Backend
from emosim.policies.attacks import ATTACKS
from emosim.policies.callable import CallableBackend
from emosim.policies.chat import ChatPolicy
from emosim.policies.command import REPLY_TIMEOUT_S, CommandBackend
from emosim.policies.floor import FLOOR
from emosim.policies.protocol import Policy
from emosim.policies.reference import REFERENCES

_SHIPPED: Final[tuple[Policy, ...]] = (*FLOOR, *REFERENCES, *ATTACKS)
_OFFLINE: Final = {policy.name: policy for policy in _SHIPPED}

POLICY_NAMES: Final[tuple[str, ...]] = tuple(_OFFLINE)
"""Agents that come with emosim and ask no model."""

CHAT_SCHEMES: Final = ("openai", "litellm", "http", "https", "local", "replay", "scripted")
"""First words of the backend specs that make a chat-model agent."""


def resolve_policy(
    spec: str,
    *,
    system: str | None = None,
    think: bool = False,
    temperature: float | None = None,
    max_tokens: int | None = None,
    timeout_s: float = REPLY_TIMEOUT_S,
) -> tuple[Policy, Backend | str | None]:
    """Return an agent and what answers its questions.

    | spec | agent | answered by |
    |---|---|---|
    | `baseline:NAME`, `attack:NAME` | comes with emosim | None, it asks nothing |
    | `py:MODULE:FUNCTION` | a function (messages) -> str | a backend object |
    | `cmd:COMMAND` | a command over stdin and stdout | a backend object |
    | `openai:MODEL`, `http://HOST/v1#MODEL`, `local`, … | a chat model | that backend spec |

    Args:
        spec: Which agent.
        system: System prompt of a chat model, None for emosim's own.
        think: Ask a chat model to reason in `<think>` first.
        temperature: Sampling temperature of a chat model.
        max_tokens: Longest reply of a chat model, in tokens.
        timeout_s: Seconds that a command may take for one reply.

    Raises:
        UsageError: No such agent, module, function or program.
    """
    spec = spec.strip()
    if spec in _OFFLINE:
        return _OFFLINE[spec], None
    scheme, _, rest = spec.partition(":")
    if scheme == "py":
        return ChatPolicy(spec, system=system or ""), CallableBackend(rest)
    if scheme == "cmd":
        return ChatPolicy(spec, system=system or ""), CommandBackend(rest, timeout_s)
    if scheme in CHAT_SCHEMES:
        return ChatPolicy(spec, system, think, temperature, max_tokens), spec
    raise UsageError(f"no agent '{spec}'{_hint(spec, scheme)}")


def _hint(spec: str, scheme: str) -> str:
    """Suggest the nearest name; a bare `oracle` finds `baseline:oracle`."""
    short = {name.partition(":")[2]: name for name in reversed(POLICY_NAMES)}
    if spec in short:
        return f" (did you mean '{short[spec]}'?)"
    if near := get_close_matches(spec, POLICY_NAMES, n=1):
        return f" (did you mean '{near[0]}'?)"
    if near := get_close_matches(scheme, (*CHAT_SCHEMES, "py", "cmd"), n=1):
        return f" (did you mean '{near[0]}:…'?)"
    return "; try baseline:oracle, attack:flattery, openai:MODEL, py:MODULE:FUNCTION or cmd:COMMAND"

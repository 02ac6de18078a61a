"""From a spec such as `llm:openai:gpt-5-mini` to a user and the backend that it asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from emosim.errors import UsageError, did_you_mean
from emosim.users.protocol import User

EXAMPLE: Final = "openai:gpt-5-mini"


def _rules(kind: str) -> User:
    from emosim.users.rules import RulesUser

    kinds = {
        "": RulesUser(),
        "lexical": RulesUser(),
        "semantic": RulesUser("semantic"),
        "sage": RulesUser(dynamics="sage"),
    }
    if kind not in kinds:
        raise UsageError(
            f"no user 'rules:{kind}'{did_you_mean(kind, filter(None, kinds))}; use rules, rules:semantic or rules:sage"
        )
    return kinds[kind]


def _human(rest: str) -> User:
    from emosim.users.human import HumanUser

    if rest:
        raise UsageError(f"the user 'human' takes nothing after it; use human, not human:{rest}")
    return HumanUser()


def _llm(calls: Literal["fused", "split"]) -> Callable[[], User]:
    def make() -> User:
        from emosim.users.llm import LlmUser

        return LlmUser(calls)

    return make


def _preset(preset: Literal["sage", "rlver-vanilla", "rlver-challenging"]) -> Callable[[], User]:
    def make() -> User:
        from emosim.users.presets import PresetUser

        return PresetUser(preset)

    return make


_OFFLINE: Final[dict[str, Callable[[str], User]]] = {"rules": _rules, "human": _human}
_ASKING: Final[dict[str, Callable[[], User]]] = {
    "llm": _llm("fused"),
    "llm-split": _llm("split"),
    "sage": _preset("sage"),
    "rlver-vanilla": _preset("rlver-vanilla"),
    "rlver-challenging": _preset("rlver-challenging"),
}
USERS: Final = (*_OFFLINE, *_ASKING)
"""The names of all kinds of users."""


def resolve_user(spec: str) -> tuple[User, str | None]:
    """Return the user that a spec names, and the spec of the backend that it asks, None where it asks no model.

    | spec | user |
    |---|---|
    | `rules`, `rules:semantic`, `rules:sage` | offline; read by an encoder; with SAGE's momentum |
    | `llm:MODEL`, `llm-split:MODEL` | a chat model, one or two questions a turn |
    | `sage:MODEL`, `rlver-vanilla:MODEL`, `rlver-challenging:MODEL` | the published protocols |
    | `human` | the keyboard |

    `MODEL` is a backend spec, such as `openai:gpt-5-mini`, `local` or `http://localhost:8000/v1#name`.

    Raises:
        UsageError: No such user, or it needs a model and none is named.
    """
    kind, _, rest = spec.partition(":")
    if kind in _OFFLINE:
        return _OFFLINE[kind](rest), None
    if kind not in _ASKING:
        raise UsageError(f"no user '{kind}'{did_you_mean(kind, USERS)}; try --user rules or --user llm:{EXAMPLE}")
    if not rest:
        raise UsageError(f"the user '{kind}' needs a model: --user {kind}:{EXAMPLE}, or {kind}:local without a key")
    return _ASKING[kind](), rest

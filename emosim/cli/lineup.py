"""From specs and limits to the players of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emosim.backends import Meter, ReplayBackend, Settings, resolve_backend
from emosim.errors import UsageError
from emosim.flow import Backend, Seat
from emosim.policies.roster import CHAT_SCHEMES, resolve_policy
from emosim.runs import Players, RunConfig
from emosim.users.protocol import User
from emosim.users.roster import resolve_user

_ADDRESSED = ("openai", "litellm")
_SILENT = ("replay", "scripted", "local")


@dataclass(frozen=True)
class Limits:
    """What may be spent, and how models are reached."""

    max_cost: float | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    prices: Path | None = None
    concurrency: int = 64
    timeout_s: float = 60.0
    base_url: str = ""
    cassette: Path | None = None
    """Folder in which what models answer is kept, and looked up before they are asked."""

    def meter(self) -> Meter:
        """Return the account that both seats share."""
        return Meter(max_calls=self.max_calls, max_tokens=self.max_tokens, max_cost=self.max_cost, prices=self.prices)


@dataclass(frozen=True)
class Voice:
    """How an agent that is a chat model is asked."""

    system: Path | None = None
    think: bool = False
    temperature: float | None = None
    max_tokens: int | None = None

    @property
    def prompt(self) -> str | None:
        """The system prompt.

        Raises:
            UsageError: Its file cannot be read.
        """
        try:
            return self.system.read_text(encoding="utf-8").strip() if self.system else None
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--agent-system: cannot read {self.system} ({error})") from None

    def check(self, agent: str) -> None:
        """Refuse what an agent has no use for.

        Raises:
            UsageError: An option is for another kind of agent.
        """
        kind = agent.strip().partition(":")[0]
        options = {
            "--agent-system": self.system is not None and kind not in (*CHAT_SCHEMES, "py", "cmd"),
            "--agent-temperature": self.temperature is not None and kind not in CHAT_SCHEMES,
            "--agent-max-tokens": self.max_tokens is not None and kind not in CHAT_SCHEMES,
            "--think": self.think and kind not in CHAT_SCHEMES,
        }
        for option, idle in options.items():
            if idle:
                raise UsageError(f"{option} does nothing for the agent '{agent}', which is no chat model; leave it out")


def players_of(agent: str, user: str, limits: Limits, meter: Meter, voice: Voice | None = None) -> Players:
    """Return the players that two specs name.

    Raises:
        UsageError: A spec is unknown, or a key, file or package is missing.
    """
    voice = voice or Voice()
    policy, answers = resolve_policy(
        agent,
        system=voice.prompt,
        think=voice.think,
        temperature=voice.temperature,
        max_tokens=voice.max_tokens,
        timeout_s=limits.timeout_s,
    )
    voice.check(agent)
    person, model = resolve_user(user)
    return Players(
        agent=policy,
        user=person,
        agent_backend=_backend(answers, "agent", limits, meter),
        user_backend=_backend(model, "user", limits, meter),
    )


def offline_user(config: RunConfig) -> User:
    """Return the user that played a run, if it asks no model.

    Raises:
        UsageError: It asks one.
    """
    user, backend = resolve_user(config.user_spec or config.user.partition("@")[0])
    if backend is not None:
        raise UsageError(f"--reperceive is for runs of an offline user; this one was played by {config.user}")
    return user


def _backend(spec: Backend | str | None, seat: Seat, limits: Limits, meter: Meter) -> Backend | None:
    if not isinstance(spec, str):
        return spec
    scheme = spec.partition(":")[0]
    settings: Settings = {"meter": meter}
    if scheme not in _SILENT:
        settings["concurrency"] = limits.concurrency
        settings["timeout_s"] = limits.timeout_s
    if limits.base_url and scheme in _ADDRESSED:
        settings["base_url"] = limits.base_url
    backend = resolve_backend(spec, seat=seat, **settings)
    if limits.cassette is None or scheme in ("replay", "scripted"):
        return backend
    return ReplayBackend(limits.cassette / f"{seat}.jsonl", backend, mode="auto")

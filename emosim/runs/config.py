"""`run.json`: the settings that make a run what it is, and how two of them differ."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field

from emosim import __version__
from emosim.backends.keys import Secret, scrub
from emosim.episode import content_hash
from emosim.errors import RunError
from emosim.runs.records import Versions
from emosim.suite import Shard, Suite
from emosim.value import Value

_SECRET_NAME: Final = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_KEY: Final = re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")


def masked(text: str) -> str:
    """Return text without passwords in addresses, keys of the environment, and what looks like a key."""
    secret = [value for name, value in os.environ.items() if _SECRET_NAME.search(name) and len(value) >= 8]
    return _KEY.sub("***", scrub(text, map(Secret, secret)))


Masked: TypeAlias = Annotated[str, AfterValidator(masked)]
"""Text that holds no secret, whatever it was made from."""


class RunConfig(Value):
    """What is played, by whom, for which reward. Holds no secret: specs come without keys and passwords."""

    schema_version: Literal[1] = 1
    """Version of the stored form."""
    suite: Suite
    """Which episodes."""
    agent: Masked
    """Spec of the agent."""
    agent_settings: dict[str, Masked] = Field(default_factory=dict)
    """What else the agent was told, such as a system prompt or a temperature, where it is not the default."""
    user: str
    """Name and version of the simulated user, `rules@4`."""
    user_spec: Masked = ""
    """Spec that the user was made from, with its model."""
    user_settings: dict[str, Masked] = Field(default_factory=dict)
    """What else the user was told."""
    reward: str = "delta"
    """Name of the reward function."""
    probe: dict[str, Masked] = Field(default_factory=dict)
    """What proposed the episodes, and how, where a search did instead of the suite (`emosim.probes`)."""
    shard: str | None = None
    """Part of the suite, `1/3`; None for all."""
    privileged: bool = False
    """Whether the agent reads hidden fields: a ceiling, not a result."""
    versions: Versions
    """What the records depend on."""
    rescored_from: str | None = None
    """Reward of the run that this one was recomputed from."""

    @property
    def slug(self) -> str:
        """Name of a directory that is the same whenever the settings are, `core-echo-1a2b3c4d`."""
        agent = "".join(c if c.isalnum() else "-" for c in self.agent.rpartition(":")[2] or self.agent)
        return f"{self.versions.pack.partition('@')[0]}-{agent.strip('-')[:24] or 'agent'}-{self.digest}"

    @property
    def digest(self) -> str:
        """Eight hex digits that differ when the settings do."""
        return content_hash(self.model_dump(mode="json"))[:8]

    def part(self) -> Shard | None:
        """Return the shard, parsed."""
        return Shard.parse(self.shard) if self.shard else None


class RunFile(Value):
    """The content of `run.json`: the settings, and for the reader how the run came about."""

    config: RunConfig
    """The settings."""
    argv: tuple[str, ...] = ()
    """Command that started it, without secrets."""
    started: str = ""
    """When, UTC."""
    python: str = platform.python_version()
    """Version of Python."""
    platform: str = platform.platform(terse=True)
    """Machine."""


class ChangedSettings(RunError):
    """The directory holds a run with other settings."""

    cause = "changed_settings"


def versions_of(suite: Suite) -> Versions:
    """Return what records of a suite depend on."""
    pack = suite.load()
    return Versions(emosim=__version__, pack=f"{pack.about.id}@{pack.about.version}#{pack.sha256}")


def settings_of(player: object) -> dict[str, str]:
    """Return the settings of a player that are not the default, its name apart, where it is a dataclass."""
    if not is_dataclass(player):
        return {}
    given = {field.name: (getattr(player, field.name), field.default) for field in fields(player)}
    return {
        name: str(value)
        for name, (value, default) in given.items()
        if name not in ("name", "rules") and default is not MISSING and value != default and not callable(value)
    }


def differences(stored: Value, wanted: Value, place: str = "") -> Iterator[str]:
    """Yield a line for each setting that differs, `suite.levels: 0.0 -> 0.5`."""
    for name in type(stored).model_fields:
        old, new = getattr(stored, name), getattr(wanted, name)
        if isinstance(old, Value) and isinstance(new, Value):
            yield from differences(old, new, f"{place}{name}.")
        elif isinstance(old, dict) and isinstance(new, dict):
            for key in sorted(old.keys() | new.keys()):
                if old.get(key) != new.get(key):
                    yield f"{place}{name}.{key}: {_shown(old.get(key))} -> {_shown(new.get(key))}"
        elif old != new:
            yield f"{place}{name}: {_shown(old)} -> {_shown(new)}"


def _shown(setting: object) -> str:
    text = ",".join(map(str, setting)) if isinstance(setting, tuple) else str(setting)
    return text if len(text) <= 60 else text[:57] + "…"

"""Gymnasium environments of simulated users whose mood is the reward: graded, seeded, recomputable.

    import emosim, gymnasium as gym
    env = gym.make("emosim/Empathy-v0", persona="dolores", level=0.3)

Importing emosim registers `emosim/Empathy-v0` (free text) and `emosim/EmpathyActs-v0` (discrete support acts); it loads
Gymnasium and nothing heavier.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import gymnasium as _gymnasium

__version__: Final = "0.1.0"

_PUBLIC: Final = {
    "Act": "emosim.acts",
    "Appraisal": "emosim.acts",
    "Difficulty": "emosim.difficulty",
    "EmosimError": "emosim.errors",
    "EmpathyActsEnv": "emosim.acts_env",
    "EmpathyEnv": "emosim.env",
    "EmpathyVectorEnv": "emosim.vector",
    "Episode": "emosim.episode",
    "Need": "emosim.acts",
    "Persona": "emosim.persona",
    "Scenario": "emosim.persona",
    "UtteranceSpace": "emosim.spaces",
    "agent_view": "emosim.episode",
    "at_level": "emosim.difficulty",
    "cast": "emosim.packs",
    "load_pack": "emosim.packs",
    "replay": "emosim.rulebook",
}
__all__ = ["__version__", *sorted(_PUBLIC)]

_gymnasium.register(
    id="emosim/Empathy-v0",
    entry_point="emosim.env:EmpathyEnv",
    vector_entry_point="emosim.vector:EmpathyVectorEnv",
)
_gymnasium.register(
    id="emosim/EmpathyActs-v0",
    entry_point="emosim.acts_env:EmpathyActsEnv",
    vector_entry_point="emosim.acts_vector:EmpathyActsVectorEnv",
)


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'emosim' has no attribute '{name}'")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])

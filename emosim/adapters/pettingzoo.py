"""PettingZoo: several agents, each with a user of its own, as a parallel environment. Tested with pettingzoo 1.27.0.

    from emosim.adapters.pettingzoo import EmpathyParallelEnv
    env = EmpathyParallelEnv(4, level=0.3)
    heard, infos = env.reset(seed=0)
    heard, rewards, terminations, truncations, infos = env.step({agent: "Tell me more?" for agent in env.agents})

All users' questions go out in one batch. PettingZoo's turn-based `api_test` wants arrays as observations and cannot
pass with text; `parallel_api_test` does.
"""

from __future__ import annotations

from typing import Any

from pettingzoo import ParallelEnv

from emosim.env import EmpathyEnv, seat_user
from emosim.errors import EmosimError, SimulationError, UsageError
from emosim.flow import drive, together
from emosim.playbill import OPTIONS
from emosim.spaces import UtteranceSpace

Answers = tuple[dict[str, str], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]


class EmpathyParallelEnv(ParallelEnv):
    """`agent_0` to `agent_{n-1}`, each talking to a user; an agent is gone when its episode has ended."""

    metadata: dict[str, Any] = {"name": "emosim_empathy_v0", "render_modes": []}  # noqa: RUF012

    def __init__(self, agents: int = 2, **settings: Any) -> None:
        """Make an environment.

        Args:
            agents: How many, 1 or more.
            **settings: Arguments of `EmpathyEnv`.
        """
        if agents < 1:
            raise UsageError(f"agents must be 1 or more, not {agents}")
        user, self.backend = seat_user(settings.pop("user", "rules"), settings.pop("backend", None))
        self.possible_agents = [f"agent_{number}" for number in range(agents)]
        self.envs = {name: EmpathyEnv(user=user, backend=self.backend, **settings) for name in self.possible_agents}
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> UtteranceSpace:
        """Return the space of what the agent hears."""
        return self.envs[agent].observation_space  # type: ignore[return-value]

    def action_space(self, agent: str) -> UtteranceSpace:
        """Return the space of what the agent says."""
        return self.envs[agent].action_space  # type: ignore[return-value]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        """Open an episode for every agent; agent i gets the seed `seed + i`.

        Options that `EmpathyEnv.reset` does not know are passed over: PettingZoo's own test sends one.
        """
        self.agents = list(self.possible_agents)
        options = {name: value for name, value in (options or {}).items() if name in OPTIONS}
        opened = {
            name: self.envs[name].reset(seed=None if seed is None else seed + number, options=options)
            for number, name in enumerate(self.agents)
        }
        return {name: heard for name, (heard, _) in opened.items()}, {name: info for name, (_, info) in opened.items()}

    def step(self, actions: dict[str, str]) -> Answers:
        """Say something to the user of every agent that is left.

        Raises:
            SimulationError: A user could not answer; no episode has changed and the step may be tried again.
        """
        names = list(self.agents)
        if missing := [name for name in names if name not in actions]:
            raise UsageError(f"no action for {', '.join(missing)}; every agent in env.agents acts")
        results = drive(together([self.envs[name].turn(actions[name]) for name in names]), self.backend)
        steps = []
        for name, result in zip(names, results, strict=True):
            if isinstance(result, EmosimError):
                raise SimulationError(f"{name}: {result}", cause=result.cause) from result
            steps.append(result)
        heard, rewards, ended, cut, infos = {}, {}, {}, {}, {}
        for name, step in zip(names, steps, strict=True):
            heard[name], rewards[name], ended[name], cut[name], infos[name] = self.envs[name].commit(step)
        self.agents = [name for name in names if not (ended[name] or cut[name])]
        return heard, rewards, ended, cut, infos

"""PettingZoo's own test of parallel environments, and the agreement with single environments."""

from __future__ import annotations

import pytest

pytest.importorskip("pettingzoo")
pytestmark = pytest.mark.filterwarnings("ignore")

from emosim.adapters.pettingzoo import EmpathyParallelEnv  # noqa: E402
from emosim.env import EmpathyEnv  # noqa: E402
from emosim.errors import BackendError, SimulationError, UsageError  # noqa: E402
from emosim.flow import Answers, Requests  # noqa: E402
from emosim.users.llm import LlmUser  # noqa: E402

REPLIES = ("What happened, and since when?", "That sounds heavy.", "Which part is worst for you?")


class Failing:
    """A backend that cannot answer."""

    def complete(self, requests: Requests) -> Answers:
        return [BackendError("no answer today", cause="server") for _ in requests]

    async def acomplete(self, requests: Requests) -> Answers:
        return self.complete(requests)


def test_its_own_checks_pass() -> None:
    from pettingzoo.test import parallel_api_test

    parallel_api_test(EmpathyParallelEnv(3), num_cycles=60)


def test_each_agent_has_what_a_single_environment_gives() -> None:
    many = EmpathyParallelEnv(3, level=0.3)
    ones = {name: EmpathyEnv(level=0.3) for name in many.possible_agents}
    heard, infos = many.reset(seed=5)
    for number, (name, one) in enumerate(ones.items()):
        assert (heard[name], infos[name]) == one.reset(seed=5 + number)
    turn = 0
    while many.agents:
        here = list(many.agents)
        said = REPLIES[turn % 3]
        got = many.step(dict.fromkeys(here, said))
        assert all(tuple(part[name] for part in got) == ones[name].step(said) for name in here)
        turn += 1


def test_mistakes_and_faults() -> None:
    with pytest.raises(UsageError, match="1 or more"):
        EmpathyParallelEnv(0)
    env = EmpathyParallelEnv(2)
    env.reset(seed=0)
    with pytest.raises(UsageError, match="no action for agent_1"):
        env.step({"agent_0": "Hello."})
    failing = EmpathyParallelEnv(2, user=LlmUser(), backend=Failing())
    failing.reset(seed=0)
    with pytest.raises(SimulationError, match=r"agent_0: .*no answer today"):
        failing.step(dict.fromkeys(failing.agents, "Hello."))
    assert failing.agents == ["agent_0", "agent_1"]

"""TRL: users behind a tool. The model talks to the user by calling `reply`; plain text ends the rollout.

    trainer = GRPOTrainer(model=model, args=args, train_dataset=dataset(users, suite), **tools(users))

For agents that have other tools as well. `GRPOTrainer` calls its tools one after another, so that a user who is a
model takes its time once for each rollout and turn: prefer `emosim.adapters.trl`, which asks all users at once. Who
stops calling before the user is done, or runs out of tokens, has left, which is the worst outcome. Set
`max_tool_calling_iterations`, or a model that does not stop calls until it is out of tokens.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from datasets import Dataset

from emosim.adapters.trl import ChatUser, columns, metrics
from emosim.rollouts import Rollouts, Row, key_of
from emosim.suite import Suite

USE: Final = {
    "en": "They hear only what you say with the tool `reply`. Call it for every message, until you are told that they "
    "are gone.",
    "zh": "对方只听得到你用工具 `reply` 说的话。每句话都要调用它，直到得知对方已经离开。",
}
"""Added to the system prompt, by language."""

GONE: Final = {"en": "(They are gone. Say nothing more.)", "zh": "（对方已经离开，不用再说了。）"}
"""What the tool says after the user's last words, by language."""


class ToolUser(ChatUser):
    """The user of one rollout, who answers a tool."""

    def __init__(self, users: Rollouts) -> None:
        super().__init__(users)
        self._broken: Exception | None = None

    def reset(self, **row: object) -> None:
        """Meet the user that a row names."""
        super().reset(**row)
        self._broken = None

    def reply(self, message: str) -> str:
        """Say something to the person you are talking with, and hear what they answer.

        Args:
            message: What you say to them, word for word.

        Returns:
            What they answer.
        """
        gone = GONE[self.rollout.key.language]
        if self.rollout.over:
            return gone
        try:
            step = self.rollout.reply(str(message))
        except Exception as error:
            self._broken = error
            raise
        return f"{step.text}\n{gone}".strip() if step.over else step.text

    def get_reward(self) -> float | None:
        """Return the reward, None where the environment failed; who stopped before the user was done has left.

        Raises:
            EmosimError: What every rollout would meet; TRL has shown it to the model as the tool's answer.
        """
        if self._broken:
            raise self._broken
        return super().get_reward()


def tools(users: Rollouts) -> dict[str, Any]:
    """Return the arguments of `GRPOTrainer` that put users behind a tool."""
    return {"environment_factory": partial(ToolUser, users), "reward_funcs": [metrics]}


def dataset(users: Rollouts, suite: Suite, *, system: str | None = None) -> Dataset:
    """Return the rows of a suite, whose system prompt says how to use the tool."""
    return Dataset.from_list([columns(_told(row)) for row in users.rows(suite, system=system)])


def _told(row: Row) -> Row:
    first, last = row["prompt"][:-1], row["prompt"][-1]
    lines = [*(message["content"] for message in first), USE[key_of(row).language]]
    return Row(prompt=[{"role": "system", "content": "\n".join(lines)}, last], episode=row["episode"])

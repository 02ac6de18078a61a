"""TRL: GRPO on chats with simulated users; all users of a batch answer at once.

    users = Rollouts(reward="final", log="runs/trl")
    trainer = GRPOTrainer(
        model=model,
        args=GRPOConfig(max_completion_length=1024, generation_kwargs={"max_new_tokens": 128}, ...),
        train_dataset=dataset(users, Suite(levels=(0.3,), repeats=8)),
        **chat(users),
    )

`max_completion_length` is the budget of tokens of a whole chat, the user's included; who uses it up before the user is
done has left, which is the worst outcome (`emosim/agent_left` tells). `max_new_tokens` caps one reply. A rollout whose
environment failed is worth None, which `GRPOTrainer` keeps out of baseline and loss. Rewards stand in the column
`rewards/ChatUser`; reward functions of your own go beside: `{**chat(users), "reward_funcs": [metrics, mine]}`. With
several processes let each have its log: `log="runs/trl/{pid}"`.

TRL wants a chat template that knows tools even where there are none; for ChatML models without one, set
`tokenizer.chat_template = trl.chat_template_utils.qwen2_5_chat_template`. Tried with trl 1.16. For users behind a tool
see `emosim.adapters.trl_tools`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from datasets import Dataset

from emosim.adapters.trl_play import play
from emosim.errors import UsageError
from emosim.rollouts import Rollout, Rollouts, Row, key_of
from emosim.suite import Suite


class ChatUser:
    """The user of one rollout, found by the columns of a row; has no public methods, so that TRL sees no tools."""

    def __init__(self, users: Rollouts) -> None:
        self.users = users
        self._rollout: Rollout | None = None

    def reset(self, **row: object) -> None:
        """Meet the user that a row names."""
        self._rollout = self.users.open(row)

    def get_reward(self) -> float | None:
        """Return the reward, None where the environment failed; who stopped before the user was done has left."""
        return self.rollout.leave().reward

    @property
    def rollout(self) -> Rollout:
        """The rollout under way."""
        if self._rollout is None:
            raise UsageError("no user was met yet; reset first")
        return self._rollout


def chat(users: Rollouts) -> dict[str, Any]:
    """Return the arguments of `GRPOTrainer` that let a model chat with users."""
    return {"environment_factory": partial(ChatUser, users), "rollout_func": play, "reward_funcs": [metrics]}


def dataset(users: Rollouts, suite: Suite, *, system: str | None = None, think: bool = False) -> Dataset:
    """Return the rows of a suite; see `emosim.rollouts.rows`, and `columns` for what they hold."""
    return Dataset.from_list([columns(row) for row in users.rows(suite, system=system, think=think)])


def columns(row: Row) -> dict[str, object]:
    """Return a row with what its key names in columns of their own, to filter by."""
    key = key_of(row)
    return {**row, "persona": key.persona, "language": key.language, "level": key.level, "seed": key.number}


def metrics(
    environments: Sequence[object],
    log_metric: Callable[[str, float], None],
    log_extra: Callable[[str, list[str]], None],
    **_: object,
) -> list[float | None]:
    """Log what rollouts came to, as `emosim/mood` and so on; a reward function that pays nothing.

    Returns:
        0 to add to each reward, and None where there is none, so that it stays none.
    """
    outcomes = [user.rollout.leave() if isinstance(user, ChatUser) else None for user in environments]
    found = [outcome.metrics for outcome in outcomes if outcome]
    for name in found[0] if found else ():
        values = [one[name] for one in found if one[name] == one[name]]
        if values:
            log_metric(f"emosim/{name}", fmean(values))
    log_extra("ending", [outcome.ending if outcome else "" for outcome in outcomes])
    return [0.0 if outcome and outcome.valid else None for outcome in outcomes]

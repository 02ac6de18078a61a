"""Rollouts: simulated users as a trainer meets them, one JSON row each, whatever the trainer.

    users = Rollouts(reward="final", log="runs/training")     # settings are JSON
    for row in users.rows(Suite(levels=(0.3,), repeats=4)):   # {"prompt": […], "episode": "core/dolores:en:L0.30:…"}
        rollout = users.open(row)                             # the same row is the same user, for a whole group
        while not rollout.over:
            rollout.reply(model(rollout.messages))            # or areply, or users.reply_all, users.areply_all
        reward = rollout.outcome.reward                       # None: the environment failed, nothing may be learned

`rows` dataset rows · `rollout` one episode as a trainer plays it · `outcome` what it came to · `simulation` settings,
batches, state · `log` every rollout kept as a run, so that `emosim verify` recomputes what was trained on.

Adapters (`emosim.adapters`) are thin shells over this page; rules of the game live in the engine.
"""

from emosim.rollouts.outcome import Outcome, Step
from emosim.rollouts.rollout import Rollout
from emosim.rollouts.rows import Row, key_of, rows
from emosim.rollouts.simulation import Rollouts, shared

__all__ = ["Outcome", "Rollout", "Rollouts", "Row", "Step", "key_of", "rows", "shared"]

"""Rescoring: the same episodes under another reward, as a run of its own, without a model."""

from __future__ import annotations

from pathlib import Path

from emosim.errors import UsageError
from emosim.rewards import reward as reward_named
from emosim.runs.merging import uncopied
from emosim.runs.playing import keys_of
from emosim.runs.records import record_of
from emosim.runs.store import RunStore, read_attempts, read_config, read_run
from emosim.runs.summary import Summary, summarise


def rescore(directory: str | Path, reward: str, out: str | Path | None = None) -> tuple[Path, Summary]:
    """Recompute the rewards of all stored episodes into a new run; the old one stays as it is.

    Args:
        directory: The run.
        reward: Name of the reward, or a sum such as `final+0.5*delta`.
        out: Directory of the new run; by default beside the old one, with the reward's name appended.

    Returns:
        The new run's directory and summary.

    Raises:
        UsageError: The reward is unknown, the directory is no run, or the new run would be the old one.
        RunError: The run cannot be read, or the new one exists with other settings.
    """
    earn, old = reward_named(reward), read_config(directory)
    source = Path(directory).resolve()
    target = Path(out) if out else source.with_name(f"{source.name}-{reward.replace('*', 'x').replace(' ', '')}")
    if target.resolve() == source:
        raise UsageError(f"{target} is the run itself; choose another --out")
    config = old.model_copy(update={"reward": reward, "rescored_from": old.rescored_from or old.reward})
    with RunStore(target, config, len(keys_of(old))) as store:
        done = store.finished
        for failure in uncopied(read_attempts(Path(directory)), target):
            store.add(failure)
        for record in read_run(directory):
            if record.key not in done:
                store.add(
                    record_of(
                        record.key,
                        record.agent,
                        record.episode,
                        (reward, earn),
                        record.versions,
                        record.usage,
                        record.models,
                    )
                )
        if config.probe:
            store.tally.plan_what_was_played()
        summary = summarise(store.tally, config, "complete")
        store.conclude(summary)
    return target, summary

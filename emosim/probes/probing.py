"""Playing what a search asks for into a run directory, so that the same call goes on where it stopped.

Besides what every run holds, the directory has `trials.jsonl`: the batches, in order, as they were asked for. On
resuming they are told to the search again from what is stored, which costs nothing; episodes that failed, or were not
played any more, are played first. The search then goes on as if it had never been stopped, with a larger budget too.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from emosim.persona import Language
from emosim.probes.layout import KNOBS, Layout
from emosim.probes.proposing import Proposer
from emosim.runs import Pace, Players, RunConfig, Summary, config_of
from emosim.runs.ledger import Ledger, read_values
from emosim.runs.playing import Playing
from emosim.runs.store import RunStore
from emosim.runs.summary import Status, summarise
from emosim.suite import EpisodeKey, Suite, Trial
from emosim.value import Value

TRIALS: Final = "trials.jsonl"


class Batch(Value):
    """One line of `trials.jsonl`: episodes that were asked for together."""

    keys: tuple[str, ...]
    """Their keys."""


def probe_config(
    players: Players,
    design: Mapping[str, str],
    *,
    pack: str = "core",
    personas: Sequence[str] = (),
    language: Language = "en",
    knobs: Sequence[str] = (),
    seed: int = 0,
    user_spec: str = "",
) -> RunConfig:
    """Return the settings of a probed run.

    Args:
        players: Who plays.
        design: What else decides which episodes are asked for, such as the group size; a run cannot go on with another.
        pack: Name of a pack, or path of its folder.
        personas: Ids of the cast; empty for the whole pack.
        language: Language of the episodes.
        knobs: Knobs that the points of trials set; empty for the level of the reference ray.
        seed: Number of the first seed.
        user_spec: Spec that the user was made from.

    Raises:
        UsageError: A persona or knob is unknown.
    """
    suite = Suite(pack=pack, personas=tuple(personas), languages=(language,), seed=seed)
    suite.episode_keys()
    config = config_of(suite, players, user_spec=user_spec)
    config = config.model_copy(update={"probe": {**design, KNOBS: ",".join(knobs)}})
    Layout.of(config)
    return config


def probe(
    config: RunConfig, players: Players, proposer: Proposer, out: str | Path, pace: Pace | None = None
) -> Summary:
    """Play what a search asks for into a directory, blocking. See `aprobe`."""
    return asyncio.run(aprobe(config, players, proposer, out, pace))


async def aprobe(
    config: RunConfig, players: Players, proposer: Proposer, out: str | Path, pace: Pace | None = None
) -> Summary:
    """Play what a search asks for into a directory.

    Args:
        config: The settings, from `probe_config`.
        players: Who plays.
        proposer: The search, fresh; it is told what the directory holds before it is asked.
        out: The run's directory.
        pace: How fast, how long, who watches.

    Returns:
        The summary; status `budget` if a limit on calls, tokens or cost was reached before the search was done.

    Raises:
        ChangedSettings: The directory holds a run with other settings.
        RunError: It cannot be used, or the first 20 episodes all failed.
        EmosimError: What every episode would meet: a refused key, an unknown model.
    """
    pace = pace or Pace()
    with RunStore(out, config, proposer.budget) as store:
        status: Status = "interrupted"
        try:
            status = await _Probe(store, players, proposer, pace).run()
        finally:
            tally = store.tally
            tally.plan_what_was_played()
            pace.watch(tally)
            summary = summarise(tally, config, status)
            store.conclude(summary)
    return summary


class _Probe:
    def __init__(self, store: RunStore, players: Players, proposer: Proposer, pace: Pace) -> None:
        self.store, self.proposer, self.pace = store, proposer, pace
        self.layout = Layout.of(store.config)
        self.playing = Playing(store, players, pace)

    async def run(self) -> Status:
        """Play to the end of the search."""
        for keys in self._batches():
            if await self.playing.run(keys) == "budget":
                return "budget"
            self._tell(keys)
            self.pace.watch(self.store.tally)
        return "complete"

    def _batches(self) -> Iterator[tuple[EpisodeKey, ...]]:
        """Yield the batches that were asked for before, then new ones."""
        path = self.store.directory / TRIALS
        ledger = Ledger(path)
        try:
            for _, batch in read_values(path, Batch):
                yield tuple(map(EpisodeKey.parse, batch.keys))
            while not self.proposer.done:
                keys = self.layout.keys(self.proposer.propose())
                if not keys:
                    return
                ledger.add(Batch(keys=tuple(map(str, keys))).model_dump_json())
                yield keys
        finally:
            ledger.close()

    def _tell(self, keys: tuple[EpisodeKey, ...]) -> None:
        """Tell the search what became of a batch; a failure is no observation."""
        scores = {row.key: row.score for row in self.store.tally.rows}
        trials: list[Trial] = [self.layout.trial(key) for key in keys]
        self.proposer.observe(trials, [scores.get(str(key), math.nan) for key in keys])

"""Merging shards, or parts of one suite, into one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from emosim.errors import RunError, UsageError
from emosim.runs.config import ChangedSettings, RunConfig, differences
from emosim.runs.ledger import read_lines, read_values
from emosim.runs.playing import keys_of
from emosim.runs.records import Failure, Record
from emosim.runs.store import EPISODES, RunStore, read_attempts, read_config
from emosim.runs.summary import Summary, summarise
from emosim.suite import EpisodeKey


def merge(directories: Sequence[str | Path], out: str | Path) -> Summary:
    """Merge runs that differ in their shard alone, or logs of a trainer's processes; the originals stay as they are.

    An episode that several runs hold is taken from the first. What no run holds is counted as missing: the original
    command without `--shard` and with `--out` set to the merged run plays it. Of a trainer's logs every rollout is
    kept: each process counted the attempts at an episode from 0, so that they are numbered anew.

    Raises:
        UsageError: There is nothing to merge, one is no run, or the merged run would be one of them.
        ChangedSettings: The runs differ in more than their shard.
        RunError: A run cannot be read, or the merged one cannot be written.
    """
    if not directories:
        raise UsageError("nothing to merge; name the runs: emosim merge RUN... --out DIR")
    config = _common(directories)
    if any(Path(out).resolve() == Path(directory).resolve() for directory in directories):
        raise UsageError(f"{out} is one of the runs to merge; choose another --out")
    if "rollouts" in config.probe:
        return _merge_rollouts(directories, out, config)
    places = _places(directories)
    with RunStore(out, config, len(keys_of(config))) as store:
        done = store.finished
        for failure in uncopied(_attempts(directories), out):
            store.add(failure)
        for key in sorted(set(places) - done):
            directory, offset, size = places[key]
            store.add(_record(directory, offset, size))
        if config.probe:
            store.tally.plan_what_was_played()
        summary = summarise(store.tally, config, "complete")
        store.conclude(summary)
    return summary


def _merge_rollouts(directories: Sequence[str | Path], out: str | Path, config: RunConfig) -> Summary:
    met: Counter[EpisodeKey] = Counter()
    with RunStore(out, config, 0) as store:
        if store.finished or store.tally.faults:
            raise RunError(f"{out} holds rollouts already, whose numbers would mix; choose another --out")
        for entry in _entries(directories):
            key = replace(EpisodeKey.parse(entry.key), attempt=0)
            store.add(entry.model_copy(update={"key": str(replace(key, attempt=met[key]))}))
            met[key] += 1
        store.tally.plan_what_was_played()
        summary = summarise(store.tally, config, "complete")
        store.conclude(summary)
    return summary


def uncopied(attempts: Iterable[Failure], out: str | Path) -> Iterator[Failure]:
    """Yield the attempts that a copying that was broken off has not written yet: it writes them in this order."""
    return islice(attempts, sum(1 for _ in read_attempts(Path(out))), None)


def _attempts(directories: Sequence[str | Path]) -> Iterator[Failure]:
    for directory in directories:
        yield from read_attempts(Path(directory))


def _entries(directories: Sequence[str | Path]) -> Iterator[Record | Failure]:
    for directory in directories:
        yield from read_attempts(Path(directory))
        for _, record in read_values(Path(directory) / EPISODES, Record):
            yield record


def _common(directories: Sequence[str | Path]) -> RunConfig:
    whole = [read_config(directory).model_copy(update={"shard": None}) for directory in directories]
    for directory, config in zip(directories[1:], whole[1:], strict=True):
        changes = list(differences(whole[0], config))
        if changes:
            raise ChangedSettings(f"{directory} is another run than {directories[0]} ({'; '.join(changes)})")
    return whole[0]


def _places(directories: Sequence[str | Path]) -> dict[str, tuple[Path, int, int]]:
    """Return where each episode stands, so that no more than one needs to be held."""
    places: dict[str, tuple[Path, int, int]] = {}
    for directory in directories:
        path, offset = Path(directory) / EPISODES, 0
        for (_, line), (_, record) in zip(read_lines(path), read_values(path, Record), strict=True):
            places.setdefault(record.key, (path, offset, len(line)))
            offset += len(line)
    return places


def _record(path: Path, offset: int, size: int) -> Record:
    with path.open("rb") as file:
        file.seek(offset)
        return Record.model_validate_json(file.read(size))

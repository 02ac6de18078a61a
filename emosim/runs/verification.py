"""Verifying a run: every number that follows from the stored evidence is recomputed, to the bit, without a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from emosim.engine import advance
from emosim.episode import Episode
from emosim.errors import EmosimError, RunError, UsageError
from emosim.flow import drive
from emosim.rewards import Reward, rewards_of
from emosim.rewards import reward as reward_named
from emosim.rulebook import GOODBYE, replay
from emosim.runs.config import RunConfig, differences
from emosim.runs.ledger import detail_of, problem_of, read_lines
from emosim.runs.records import Record, return_of
from emosim.runs.seals import broken, seal_head, seal_turn
from emosim.runs.store import EPISODES, SUMMARY, load_tally, read_attempts, read_config
from emosim.runs.summary import Summary, summarise
from emosim.runs.tally import Tally
from emosim.suite import EpisodeKey
from emosim.users.protocol import User


@dataclass
class Verdict:
    """What verifying a run found."""

    episodes: int = 0
    """Episodes read."""
    turns: int = 0
    """Turns recomputed."""
    problems: list[str] = field(default_factory=list)
    """The first wrong number of each episode that has one, with file, line and key."""

    @property
    def is_good(self) -> bool:
        """Whether there is something to recompute, and all of it does."""
        return bool(self.episodes) and not self.problems


def verify(directory: str | Path, user: User | None = None) -> Verdict:
    """Recompute every mood, change, trust, patience, ending, reward, return and score of a run, and check its seals.

    Args:
        directory: The run.
        user: The user that played, if it asks no model: then evidence and words are perceived and said anew as well.

    Raises:
        UsageError: The directory is no run, or was played by another user.
        RunError: Its `run.json` is damaged.
    """
    config = read_config(directory)
    if user is not None and user.name != config.user:
        raise UsageError(f"the run was played by {config.user}, not by {user.name}")
    verdict, seen = Verdict(), set[str]()
    for number, line in read_lines(Path(directory) / EPISODES):
        verdict.episodes += 1
        try:
            record = Record.model_validate_json(line)
        except ValidationError as error:
            verdict.problems.append(f"{EPISODES}:{number}: {problem_of(error)}")
            continue
        verdict.turns += len(record.episode.turns)
        found = "is there twice" if record.key in seen else first_problem(record, config, user)
        seen.add(record.key)
        if found:
            verdict.problems.append(f"{EPISODES}:{number}: {record.key}: {found}")
    verdict.problems += _damaged_attempts(Path(directory))
    if not verdict.problems:
        verdict.problems += _summary_problems(Path(directory), config)
    return verdict


def first_problem(record: Record, config: RunConfig, user: User | None = None) -> str | None:
    """Return what is wrong first with a record, or None."""
    return next(_problems(record, config, user), None)


def _problems(record: Record, config: RunConfig, user: User | None) -> Iterator[str]:
    # What cannot be recomputed comes first: altered evidence must be named itself, not the moods that follow from it.
    episode = record.episode
    yield from _broken_seals(record)
    yield from _wrong_names(record, config)
    for mismatch in replay(episode):
        yield str(mismatch)
    if episode.ending in (None, "invalid") or not episode.turns:
        yield f"ending is stored as {episode.ending} after {len(episode.turns)} turns, which is not finished"
    yield from _wrong_rewards(record, reward_named(config.reward))
    if user is not None:
        yield from _otherwise_perceived(episode, user)
    if record.hashed() != record.sha256:
        yield f"sha256 is stored as {record.sha256[:12]}…, the record hashes to {record.hashed()[:12]}…"


def _broken_seals(record: Record) -> Iterator[str]:
    episode = record.episode
    name = broken(record.head_seals, seal_head(episode))
    if name is not None:
        yield f"{name} is not what was sealed: it was altered after the episode was stored"
    if len(record.seals) != len(episode.turns):
        yield f"{len(record.seals)} turns are sealed, {len(episode.turns)} are stored"
    for number, (seals, turn) in enumerate(zip(record.seals, episode.turns, strict=False), 1):
        name = broken(seals, seal_turn(turn))
        if name is not None:
            yield f"turn {number}: {name} is not what was sealed: it was altered after the episode was stored"


def _wrong_names(record: Record, config: RunConfig) -> Iterator[str]:
    episode = record.episode
    try:
        key = EpisodeKey.parse(record.key)
        expected = (f"{key.pack}/{key.persona}", key.language, key.harder, key.seed)
    except UsageError as error:
        yield str(error)
        return
    persona = episode.persona
    if expected != (persona.ref, persona.language, episode.difficulty, episode.seed):
        yield "key names another persona, language, difficulty or seed than the episode has"
    for name in ("agent", "user", "reward", "versions"):
        stored, of_run = getattr(record, name), getattr(config, name)
        if stored != of_run:
            yield f"{name} is stored as {stored}, the run's is {of_run}"


def _wrong_rewards(record: Record, earn: Reward) -> Iterator[str]:
    computed = rewards_of(record.episode, earn)
    if len(record.rewards) != len(computed):
        yield f"{len(record.rewards)} rewards are stored for {len(computed)} turns"
    for number, (stored, earned) in enumerate(zip(record.rewards, computed, strict=False), 1):
        if stored != earned:
            yield f"turn {number}: reward is stored as {stored}, recomputes to {earned}"
    if record.return_ != return_of(computed):
        yield f"return is stored as {record.return_}, recomputes to {return_of(computed)}"
    if record.score != record.episode.score:
        yield f"score is stored as {record.score}, recomputes to {record.episode.score}"


def _otherwise_perceived(episode: Episode, user: User) -> Iterator[str]:
    """Play the stored replies to the user again."""
    now = episode.model_copy(update={"turns": (), "ending": None})
    for number, turn in enumerate(episode.turns, 1):
        if turn.appraisal == GOODBYE:
            return
        try:
            again = drive(advance(now, turn.reply, user), None).turn
        except EmosimError as error:
            yield f"turn {number}: cannot be perceived again: {error}"
            return
        if again.appraisal != turn.appraisal:
            yield f"turn {number}: appraisal is perceived otherwise by {user.name} now"
        if again.spoken != turn.spoken:
            yield f"turn {number}: spoken is said otherwise by {user.name} now"
        now = now.model_copy(update={"turns": (*now.turns, turn)})


def _damaged_attempts(directory: Path) -> Iterator[str]:
    try:
        for _ in read_attempts(directory):
            pass
    except RunError as error:
        yield str(error)


def _summary_problems(directory: Path, config: RunConfig) -> Iterator[str]:
    path = directory / SUMMARY
    try:
        stored = Summary.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return
    except ValidationError as error:
        yield f"{SUMMARY}: {detail_of(error)}; delete the file and run the same command again: it writes it anew"
        return
    tally = Tally(stored.planned)
    # A run may have gone on after its summary was written: what it tells of stands first in the files.
    load_tally(directory, tally, stored.finished, stored.faults.attempts, stored.cut.attempts)
    now = summarise(tally, config, stored.status)
    if now.finished < stored.finished:
        yield (
            f"{SUMMARY}: tells of {stored.finished} finished episodes, {EPISODES} holds {now.finished}; "
            "restore the file, or run the same command again: it adds what is missing"
        )
        return
    for difference in differences(stored, now):
        yield f"{SUMMARY}: {difference.replace(' -> ', ' is stored, recomputes to ')}"

"""What an adapter to a trainer must keep: one user for a group, nothing rewritten, rewards that recompute.

def play(rows, agent, settings):                 # or async; what you would have the trainer do
    users = Rollouts(**settings)
    ...                                          # replies come from agent(messages), None hangs up
    return rewards                               # one for each row, None or NaN where nothing may be concluded

print(check_adapter(play))
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping
from typing import Any, Final

from emosim.rollouts import Row
from emosim.suite import Suite
from emosim.testing.conformance.agents import Agent, trying
from emosim.testing.conformance.exploits import leaving_never_pays, silence_never_pays
from emosim.testing.conformance.faults import faults_are_unscorable
from emosim.testing.conformance.report import Check, Problems, Report, run_checks
from emosim.testing.conformance.scores import close, shown, wrong_scores
from emosim.testing.conformance.stage import SUITE, Play, Stage
from emosim.testing.conformance.words import differences, grown, rewritten
from emosim.users.rules import RulesUser


def check_adapter(
    play: Play,
    *,
    checks: Collection[str] | None = None,
    skip: Mapping[str, str] | None = None,
    user_faults: float = 0.2,
    suite: Suite = SUITE,
    raises: bool = True,
) -> Report:
    """Check an adapter, offline.

    Args:
        play: Plays rows as the trainer would: `play(rows, agent, settings)` returns, perhaps awaited, the reward that
            the trainer got for each row, in order, None or NaN where nothing may be concluded. `rows` are dataset rows,
            several copies of one as a group; `agent(messages)` is the next reply, None to hang up (see `serve` for
            trainers that reach a model over HTTP); `settings` are JSON for `Rollouts(**settings)`.
        checks: Names from `ADAPTER_CHECKS`, None for all.
        skip: Checks to leave out, each with the reason, which the report shows.
        user_faults: Share of the calls of the user's model that fail in `faults_are_unscorable`, 0..1.
        suite: Which episodes.
        raises: Raise if a check fails, else only report.

    Raises:
        ConformanceError: A check failed; the message lists all that did.
        UsageError: No such check, or one is skipped without a reason.
    """
    name = getattr(play, "__qualname__", type(play).__name__)
    with tempfile.TemporaryDirectory(prefix="emosim-", ignore_cleanup_errors=True) as folder:
        stage = Stage(play, suite, user_faults, folder)
        return run_checks(f"adapter {name}", stage, ADAPTER_CHECKS, checks, skip, raises)


def same_user_for_a_group(stage: Stage) -> Problems:
    """All copies of a row meet the same user, the one that the row names."""
    played = stage.plain
    for key in sorted(played.stored.keys() - played.paid.keys()):
        yield f"expected only the rows' own episodes, got {key}; open the row's key as it is, never with a new seed"
    for key, said in played.dialogues.items():
        if len(set(said)) > 1:
            yield (
                f"{key}: expected one user for all {len(said)} copies, as the agent says the same in each, got "
                f"{len(set(said))} different dialogues; share nothing between copies and open the row's key as it is"
            )


def deterministic(stage: Stage) -> Problems:
    """The same rows, agent and settings give the same dialogues and rewards."""
    yield from differences(stage.plain, stage.play(stage.group, trying), "when played again")


def only_the_new_message(stage: Stage) -> Problems:
    """Each prompt is the last one, the agent's own reply, and the user's new message, byte for byte."""
    for played in (stage.plain, stage.thoughtful):
        if not played.said:
            yield "expected the agent to be asked, it never was; take every reply from agent(messages)"
        yield from grown(played)


def reasoning_is_invisible(stage: Stage) -> Problems:
    """Reasoning in `<think>` changes nothing that the user says or pays, and is stored as the agent wrote it."""
    yield from differences(stage.plain, stage.thoughtful, "when the agent reasons in <think> before each reply")
    for played in (stage.plain, stage.thoughtful):
        yield from rewritten(played)


def rewards_recompute(stage: Stage) -> Problems:
    """The log passes `emosim verify`, and the trainer's rewards are the returns that it recomputes."""
    if None in stage.plain.rewards:
        yield f"expected a number for every row, as nothing fails, got {shown(stage.plain.rewards)}; end every rollout"
    yield from wrong_scores(stage.plain, RulesUser())


def json_settings(stage: Stage) -> Problems:
    """Settings and rows are JSON, come back unchanged, and a column that the trainer adds does no harm."""
    given: list[Any] = [{**row, "index": number} for number, row in enumerate(stage.group)]
    kept: list[tuple[str, str]] = []

    def watched(rows: list[Row], agent: Agent, settings: dict[str, Any]) -> Any:
        before = json.dumps([rows, settings], sort_keys=True)
        result = stage.adapter(rows, agent, settings)
        kept.append((before, json.dumps([rows, settings], sort_keys=True)))
        return result

    again = stage.play(given, trying, through=watched)
    if any(before != after for before, after in kept):
        yield "expected rows and settings as they were, they were changed in place; copy what you add to"
    yield from differences(stage.plain, again, "with one more column in each row")


def concurrent(stage: Stage) -> Problems:
    """32 rows at once give what each gives alone."""
    few = stage.rows[:4]
    many = [row for _ in range(32 // len(few)) for row in few]
    together = stage.play(many, trying)
    for row in few:
        alone = stage.play([row], trying)
        key = row["episode"]
        if set(together.dialogues.get(key, [])) != set(alone.dialogues.get(key, [])):
            yield f"{key}: expected the dialogue of a row played alone, got another among {len(many)}; share no state"
        if not all(close(a, b) for a in together.paid[key] for b in alone.paid[key]):
            paid = f"{shown(alone.paid[key])} alone, {shown(together.paid[key])} among {len(many)}"
            yield f"{key}: expected one reward however many play at once, got {paid}; keep each row's own rollout"


ADAPTER_CHECKS: Final[dict[str, Check[Stage]]] = {
    check.__name__: check
    for check in (
        same_user_for_a_group,
        deterministic,
        only_the_new_message,
        reasoning_is_invisible,
        rewards_recompute,
        faults_are_unscorable,
        leaving_never_pays,
        silence_never_pays,
        json_settings,
        concurrent,
    )
}
"""All checks of an adapter, by name."""

"""A run's summary as text for people, and as Markdown for a CI page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from emosim.cli.display import money
from emosim.runs import Mean, Summary
from emosim.runs.records import Spent
from emosim.runs.store import FAILURES

_HEAD = ("difficulty", "n", "score", "95 % interval", "return", "turns", "endings")
_AGAIN = "the same command plays what is missing"


def report(summary: Summary, directory: Path, rest: str = _AGAIN) -> str:
    """Return the result as a few aligned lines; `rest` says what to do about missing episodes."""
    if not summary.finished:
        return "\n".join([headline(summary), counts(summary, rest), *spending(summary), f"stored in {directory}"])
    first = [f"first failure: {summary.faults.first}"] if summary.faults.first else []
    lines = [headline(summary), counts(summary, rest), *first, ""]
    rows = _rows(summary)
    widths = [max(len(row[column]) for row in (_HEAD, *rows)) for column in range(len(_HEAD))]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (_HEAD, *rows)
    ]
    lines += ["", *spending(summary), f"stored in {directory}; recompute it with: emosim verify {directory}"]
    return "\n".join(lines)


def markdown(summary: Summary, verdicts: Iterable[str] = ()) -> str:
    """Return the result as Markdown."""
    table = [_HEAD, ("---",) * len(_HEAD), *_rows(summary)]
    lines = [f"### emosim: {headline(summary)}", "", counts(summary), ""]
    lines += ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([*lines, "", *(f"- {verdict}" for verdict in verdicts), ""])


def headline(summary: Summary) -> str:
    """Return who played what."""
    pack = summary.versions.pack.partition("#")[0]
    peeks = " (reads hidden fields: a reference, not a result)" if summary.privileged else ""
    return f"{pack}, agent {summary.agent}{peeks}, user {summary.user}, reward {summary.reward}"


def counts(summary: Summary, rest: str = _AGAIN) -> str:
    """Return how many episodes there are, what failed, and what to do about missing ones."""
    line = f"{summary.finished} of {summary.planned} episodes finished"
    if summary.failed:
        line += f"; {summary.failed} failed and are in no mean ({causes(summary)})"
    if summary.missing:
        line += f"; {rest}"
    return line


def causes(summary: Summary) -> str:
    """Return who could not go on and why, how often each."""
    return ", ".join(f"{cause} {count}" for cause, count in summary.faults.by_cause.items())


def budget(summary: Summary) -> str:
    """Return, in one line, that the budget is reached, what that cut short, and how to lose less."""
    line = "budget reached; what is done is kept, the same command goes on with a new budget"
    if not summary.cut.attempts:
        return line
    lost = f"{summary.cut.attempts} episodes were cut short and start anew, {_used(summary.cut.usage)} spent on them"
    return f"{line}; {lost}: fewer at once (emosim run --concurrency) or kept answers (--cassette) lose less"


def unfinished(summary: Summary, directory: Path) -> str:
    """Return, in one line, why a run has nothing to show, and where all of it is written."""
    first = f"; first failure: {summary.faults.first}" if summary.faults.first else ""
    return f"no episode could be finished{first}; see {directory / FAILURES}"


def _rows(summary: Summary) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (cell, str(of.episodes), *_means(of.score, of.return_), f"{of.turns:.1f}", _endings(of.endings))
        for cell, of in summary.by_level.items()
    ]
    if summary.turns is not None and len(rows) > 1:
        means = _means(summary.score, summary.return_)
        rows.append(("all", str(summary.finished), *means, f"{summary.turns:.1f}", _endings(summary.endings)))
    return rows


def _means(score: Mean | None, earned: Mean | None) -> tuple[str, str, str]:
    return _mean(score), _interval(score), _mean(earned)


def _mean(mean: Mean | None) -> str:
    return "-" if mean is None else f"{mean.mean:.3f}"


def _interval(mean: Mean | None) -> str:
    if mean is None or mean.low is None or mean.high is None:
        return "undetermined"
    return f"{mean.low:.3f}..{mean.high:.3f} ({mean.n} {mean.unit}s)"


def _endings(endings: dict[str, int]) -> str:
    return ", ".join(f"{ending} {count}" for ending, count in sorted(endings.items(), key=lambda item: -item[1]))


def spending(summary: Summary) -> list[str]:
    """Return what was used, a line a seat that asked a model."""
    seats: list[tuple[str, Spent]] = [("agent", summary.usage.agent), ("user", summary.usage.user)]
    return [f"{seat}: {_used(spent)}" for seat, spent in seats if spent.calls]


def _used(spent: Spent) -> str:
    tokens = f"{'~' if spent.estimated else ''}{spent.usage.tokens:,} tokens"
    return f"{spent.calls:,} calls, {tokens}, {money(spent.cost)}"

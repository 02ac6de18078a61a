"""A frontier as an HTML report: the curve with its boundary, what was played, and how to do it again."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from emosim.analysis.boundary import Boundary
from emosim.analysis.calibration import Placed
from emosim.analysis.findings import FrontierFindings, SurfaceFindings
from emosim.analysis.findings.sentences import half, mark, span
from emosim.analysis.frontier import Curve
from emosim.analysis.report import Cost, Fault, Faults, Methods, Report, Transcript, charts, transcripts, write_report
from emosim.analysis.report.exhibits import ending_bars, mood_by_level, persona_table, score_map
from emosim.cli.frontier_text import zone_named
from emosim.runs import Failure, Record, RunConfig, read_config, read_failures, read_run
from emosim.runs.config import masked
from emosim.runs.records import Spent

Findings = FrontierFindings | SurfaceFindings
KEYS_SHOWN = 5
"""Episodes named a kind of fault."""


def write_page(found: Findings, run: Path) -> Path:
    """Write report.html beside the episodes of a run."""
    records, failures = list(read_run(run)), list(read_failures(run))
    return write_report(run / "report.html", page_of(found, read_config(run), records, failures))


def page_of(found: Findings, config: RunConfig, records: Sequence[Record], failures: Sequence[Failure]) -> Report:
    """Return the report of a frontier."""
    episodes = transcripts(records)
    exhibits: Iterable[charts.Exhibit]
    exhibits = _axis(found, episodes) if isinstance(found, FrontierFindings) else _cube(found)
    return Report(
        title=f"Where {found.agent} leaves its explorable space",
        verdict=found.verdict,
        reasons=_reasons(found),
        figures=_figures(found),
        exhibits=(*exhibits, ending_bars(episodes)),
        faults=_faults(failures, len(records)),
        costs=tuple(_costs(records)),
        episodes=episodes,
        methods=_methods(found, config),
    )


def _axis(found: FrontierFindings, episodes: Sequence[Transcript]) -> Iterable[charts.Exhibit]:
    if found.curve is not None:
        yield from _curves(found, found.curve)
    yield _level_table(found)
    if found.personas:
        yield _persona_bars(found.personas)
    if found.by_persona is not None:
        yield persona_table(found.by_persona, found.axis)
    if found.axis == "level":
        yield score_map(episodes)
        yield mood_by_level(episodes)


def _curves(found: FrontierFindings, curve: Curve) -> Iterable[charts.Exhibit]:
    size = found.group_size
    yield charts.FrontierChart(
        title=f"Contrast of groups of {size} by {found.axis}",
        note="U_G is the chance that a group of G rollouts holds successes and failures; band: 95 % credible.",
        x=charts.Axis(label="level on the reference ray" if found.axis == "level" else found.axis, low=0, high=1),
        group_size=size,
        series=(_line(f"U_{size}", curve.levels, curve.contrast),),
        boundary=_chart_boundary(found.boundary),
    )
    yield charts.LineChart(
        title=f"Success by {found.axis}",
        note="Success is a final mood of 70 or more. The line is the fitted curve of the whole cast.",
        x=charts.Axis(label=found.axis, low=0, high=1),
        y=charts.Axis(label="success rate", low=0, high=1),
        series=(_line("success", curve.levels, curve.success),),
    )


def _level_table(found: FrontierFindings) -> charts.Table:
    return charts.Table(
        title="Zones",
        note="Scores are seen; success and U_G are the curve's in the bin's middle. Beneath is too easy, edge "
        "and outside lie on the hard side; a zone is undetermined where the intervals allow several.",
        headers=(found.axis, "episodes", "score", "success", f"U_{found.group_size}", "95 % interval", "zone"),
        rows=tuple(
            (
                f"{one.low:.1f} to {one.high:.1f}",
                one.episodes,
                None if one.score is None else round(one.score.estimate, 3),
                None if one.success is None else round(one.success[0], 3),
                None if one.contrast is None else round(one.contrast[0], 3),
                None if one.contrast is None else f"{one.contrast[1]:.2f} to {one.contrast[2]:.2f}",
                zone_named(one),
            )
            for one in found.levels
        ),
    )


def _persona_bars(found: Sequence[Placed]) -> charts.BarChart:
    return charts.BarChart(
        title="Personas that are harder or easier for this agent than the middle one",
        note="Logits of a graded model over all levels; personas whose interval holds 0 are left out.",
        axis=charts.Axis(label="difficulty, logits"),
        bars=tuple(
            charts.Bar(name=one.name, value=one.estimate, low=one.low, high=one.high, find=one.name) for one in found
        ),
    )


def _cube(found: SurfaceFindings) -> Iterable[charts.Exhibit]:
    volume = found.volume
    shares = {"too easy": volume.beneath, "explorable": volume.explorable, "too hard": volume.outside}
    yield charts.BarChart(
        title=f"Shares of the space of {', '.join(found.knobs)}",
        axis=charts.Axis(label="share", low=0, high=1),
        bars=tuple(
            charts.Bar(name=name, value=one.estimate, low=one.low, high=one.high)
            for name, one in shares.items()
            if one is not None
        ),
    )
    if found.costs:
        yield charts.BarChart(
            title="What each knob costs",
            note="Logits of success from 0 to 1 with the others at 0; a*b is what both together cost besides.",
            axis=charts.Axis(label="logits"),
            bars=tuple(
                charts.Bar(name=name, value=one.estimate, low=one.low, high=one.high)
                for name, one in found.costs.items()
            ),
        )


def _line(name: str, levels: Sequence[float], values: Sequence[tuple[float, float, float]]) -> charts.Series:
    points = (charts.Point(x=x, y=y, low=low, high=high) for x, (y, low, high) in zip(levels, values, strict=True))
    return charts.Series(name=name, points=tuple(points))


def _chart_boundary(found: Boundary) -> charts.Boundary | None:
    if found.status == "undetermined":
        return None
    ends = {"< 0": 0.0, "> 1": 1.0, None: 0.0}
    low, middle, high = (
        ends[x] if isinstance(x, str) or x is None else x for x in (found.low, found.estimate, found.high)
    )
    if found.status == "located":
        return charts.Boundary(estimate=middle, low=low, high=high)
    return charts.Boundary(estimate=None, low=low, high=high, censored="above" if found.status == "beyond" else "below")


def _reasons(found: Findings) -> tuple[str, ...]:
    if isinstance(found, SurfaceFindings):
        return found.volume.reasons
    return (*found.boundary.reasons, half(found.d50))


def _figures(found: Findings) -> dict[str, str]:
    figures = {"episodes": str(found.episodes), "G": str(found.group_size), "u": f"{found.contrast:g}"}
    if isinstance(found, FrontierFindings):
        figures |= _place(found.boundary)
    return figures | ({"not finished": str(found.faults)} if found.faults else {})


def _place(found: Boundary) -> dict[str, str]:
    """Return the boundary with its interval; no number where it is undetermined."""
    if found.status == "undetermined":
        return {"boundary": "undetermined"}
    return {"boundary": mark(found.estimate), "95 %": span(found)}


def _faults(failures: Sequence[Failure], finished: int) -> Faults:
    counts = Counter((failure.seat, failure.cause) for failure in failures)
    return Faults(
        attempts=finished + len(failures),
        kinds=tuple(
            Fault(
                seat=seat, cause=cause, count=count, example=of[0].message, keys=tuple(f.key for f in of[:KEYS_SHOWN])
            )
            for (seat, cause), count in counts.most_common()
            for of in [[f for f in failures if (f.seat, f.cause) == (seat, cause)]]
        ),
    )


def _costs(records: Sequence[Record]) -> Iterable[Cost]:
    seats: dict[str, list[tuple[Spent, tuple[str, ...]]]] = {
        "agent": [(record.usage.agent, record.models.agent) for record in records],
        "user": [(record.usage.user, record.models.user) for record in records],
    }
    for seat, spent in seats.items():
        if not any(one.calls for one, _ in spent):
            continue
        prices = [one.cost for one, _ in spent]
        known = [price for price in prices if price is not None]
        yield Cost(
            seat=seat,
            model=", ".join(sorted({name for _, names in spent for name in names})),
            calls=sum(one.calls for one, _ in spent),
            input_tokens=sum(one.input_tokens for one, _ in spent),
            output_tokens=sum(one.output_tokens for one, _ in spent),
            cost=sum(known) if len(known) == len(prices) else None,
            estimated=any(one.estimated for one, _ in spent),
        )


def _methods(found: Findings, config: RunConfig) -> Methods:
    notes = [
        f"The boundary is where U_G, the chance that {found.group_size} rollouts for one persona hold both successes "
        f"and failures, falls to {found.contrast:g} on the hard side, averaged over personas. It depends on G.",
        "Episodes were placed one batch after the other where they tell most about the boundary; episodes that could "
        "not be finished are counted and are in no number.",
    ]
    if config.privileged:
        notes.append("This agent reads hidden fields: it is a measuring rod, not an achievable score.")
    return Methods(
        command=masked(" ".join(["emosim", *sys.argv[1:]])),
        notes=tuple(notes),
        versions={"emosim": config.versions.emosim, "pack": config.versions.pack, "user": config.user},
        hashes={"settings": config.digest},
        seeds=f"from {config.suite.seed}",
    )

"""`emosim frontier`: where does an agent leave its explorable space?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emosim.cli import options
from emosim.cli.options import Option

if TYPE_CHECKING:
    from emosim.analysis.findings import FrontierFindings, SurfaceFindings
    from emosim.analysis.frontier import Frontier
    from emosim.analysis.surface import Surface
    from emosim.cli.bars import Bar
    from emosim.runs import Players, RunConfig, Summary
    from emosim.suite import EpisodeKey


def frontier_command(
    agent: options.Agent = "baseline:rung3",
    user: options.User = "rules",
    pack: options.PackName = "core",
    knob: Annotated[
        list[str] | None, Option(help="Search along this knob alone, or over several; the level by default.")
    ] = None,
    group_size: Annotated[
        int, Option(min=2, help="G: rollouts that a learner compares; the boundary depends on it.")
    ] = 8,
    contrast: Annotated[float, Option(min=0.01, max=0.99, help="u: contrast at which the space ends.")] = 0.5,
    budget: Annotated[int, Option(min=1, help="Episodes at most.")] = 240,
    width: Annotated[float, Option(min=0.001, help="Stop at this half-width of the 95 % interval.")] = 0.05,
    batch: Annotated[int, Option(min=1, help="Episodes proposed together, and at once.")] = 8,
    language: options.Language = "en",
    personas: options.Personas = None,
    seed: options.Seed = 0,
    out: options.Out = None,
    gate: Annotated[list[str] | None, Option(help="Exit 3 unless it holds: 'boundary>=0.4'.")] = None,
    max_cost: options.MaxCost = None,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    prices: options.Prices = None,
    base_url: options.BaseUrl = "",
    timeout_s: options.Timeout = 60.0,
    deadline_s: options.Deadline = 3600.0,
    agent_system: options.AgentSystem = None,
    agent_temperature: options.AgentTemperature = None,
    agent_max_tokens: options.AgentMaxTokens = None,
    think: options.Think = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be played and asked at most.")] = False,
    display: options.Display = "auto",
    json: options.Json = False,
) -> None:
    """Find the difficulty at which an agent leaves its explorable space, with an interval; resumes where it stopped.

    Past that boundary, groups of G of its own rollouts hold nothing to learn from: they nearly all fail. Writes
    frontier.json and report.html beside the episodes.
    """
    from emosim.cli.bars import Bar
    from emosim.cli.display import display_of
    from emosim.cli.lineup import Limits, Voice, players_of
    from emosim.cli.parsing import words
    from emosim.runs import Pace

    shown, bars = display_of(display), [Bar.parse(text) for text in gate or ()]
    limits = Limits(max_cost, max_calls, max_tokens, prices, batch, timeout_s, base_url)
    meter = limits.meter()
    voice = Voice(agent_system, think, agent_temperature, agent_max_tokens)
    players = players_of(agent, user, limits, meter, voice)
    knobs = tuple(name for given in knob or () for name in words(given))
    asked = Asked(group_size, contrast, budget, width, batch, seed, knobs)
    config = _settle(asked, players, (pack, personas, language, user))
    search, target = asked.search(config), out or Path("runs") / f"frontier-{config.slug}"
    if dry_run:
        from emosim.cli.plan import plan

        planned = plan(config, players, meter, target, asked.most(config))
        typer.echo(planned.json if json else planned)
        return
    from emosim.cli.display import watching
    from emosim.probes import probe

    with watching(shown) as watch:
        summary = probe(config, players, search, target, Pace(batch, deadline_s, watch))
    code = _conclude(config.agent, search, summary, target, bars, json)
    if code:
        raise typer.Exit(code)


@dataclass(frozen=True)
class Asked:
    """What is searched for, and how."""

    group_size: int
    contrast: float
    budget: int
    width: float
    batch: int
    seed: int
    knobs: tuple[str, ...]

    def __post_init__(self) -> None:
        from emosim.errors import UsageError
        from emosim.suite import MOST_EPISODES

        if self.budget > MOST_EPISODES:
            raise UsageError(f"--budget: {self.budget:,} episodes are more than a run may hold ({MOST_EPISODES:,})")

    @property
    def design(self) -> dict[str, str]:
        """What decides which episodes are asked for, budget, width and batch apart: those only say when to stop."""
        return {"search": "frontier", "group_size": str(self.group_size), "contrast": f"{self.contrast:g}"}

    def search(self, config: RunConfig) -> Frontier | Surface:
        """Return a fresh search."""
        from emosim.analysis.frontier import Frontier
        from emosim.analysis.psychometric import Target
        from emosim.analysis.surface import Surface

        target, cast = Target(value=self.contrast, group_size=self.group_size), _cast(config)
        budget, width, batch, seed = self.budget, self.width, self.batch, self.seed
        if len(self.knobs) > 1:
            return Surface(self.knobs, cast, target=target, width=width, budget=budget, batch=batch, seed=seed)
        axis = self.knobs[0] if self.knobs else "level"
        return Frontier(cast, target=target, axis=axis, width=width, budget=budget, batch=batch, seed=seed)

    def most(self, config: RunConfig) -> tuple[EpisodeKey, ...]:
        """Return episodes that cost as much as the budget can: all at the easiest level, with the most turns."""
        from emosim.analysis.search import Cast
        from emosim.probes import Layout
        from emosim.suite import Trial

        layout = Layout.of(config)
        dealt = Cast(_cast(config), self.seed).deal(0, self.budget)
        return layout.keys([Trial((0.0,) * max(len(self.knobs), 1), *who) for who in dealt])


def _cast(config: RunConfig) -> tuple[str, ...]:
    """Return the personas.

    Raises:
        UsageError: They are too few for a boundary that is not theirs alone.
    """
    from emosim.analysis.boundary import FEWEST_PERSONAS
    from emosim.analysis.counted import counted
    from emosim.errors import UsageError

    cast = tuple(sorted(config.suite.personas or config.suite.load().personas))
    if len(cast) < FEWEST_PERSONAS:
        few = f"{counted(len(cast), 'persona')} {'is' if len(cast) == 1 else 'are'} too few for a frontier"
        raise UsageError(f"{few}; play at least {FEWEST_PERSONAS}, better 24")
    return cast


def _settle(asked: Asked, players: Players, what: tuple[str, str | None, str, str]) -> RunConfig:
    from emosim.cli.parsing import languages, names
    from emosim.errors import UsageError
    from emosim.probes import probe_config

    pack, personas, language, user = what
    spoken = languages(language)
    if len(spoken) > 1:
        raise UsageError("--language: a frontier is that of one language; run the command once for each")
    return probe_config(
        players,
        asked.design,
        pack=pack,
        personas=names(personas, pack),
        language=spoken[0],
        knobs=asked.knobs,
        seed=asked.seed,
        user_spec=user,
    )


def _conclude(agent: str, search: Frontier | Surface, summary: Summary, out: Path, bars: list[Bar], json: bool) -> int:
    """Store and print what was found, and return the exit code."""
    from emosim.analysis.findings import frontier_findings, surface_findings
    from emosim.analysis.surface import Surface
    from emosim.cli.frontier_page import write_page
    from emosim.cli.frontier_text import text
    from emosim.runs.store import write_whole

    _check_scored(search, summary, out)
    found: FrontierFindings | SurfaceFindings
    found = surface_findings(agent, search) if isinstance(search, Surface) else frontier_findings(agent, search)
    write_whole(out / "frontier.json", found.model_dump_json(indent=2))
    write_page(found, out)
    if json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        options.echo(text(found, summary, out))
    code = conclude(found, bars)
    return options.shortfall(summary, out) or code


def _check_scored(search: Frontier | Surface, summary: Summary, out: Path) -> None:
    """Refuse a search without a single score: all that it could print is what was assumed before it.

    Raises:
        BudgetExceeded: The budget was reached before a batch of episodes was done.
        RunError: No episode could be finished.
    """
    from emosim.errors import BudgetExceeded, RunError
    from emosim.runs import read_failures

    if any(map(math.isfinite, search.returns)):
        return
    if summary.status == "budget":
        raise BudgetExceeded(
            "budget reached before a batch of episodes was done, so there is no frontier yet; what is done is kept, "
            "the same command goes on with a new budget"
        )
    first = next(iter(read_failures(out)), None)
    why = "" if first is None else f"; the first failure: {first.seat}: {first.cause}: {first.message}"
    raise RunError(
        f"no episode could be finished, so there is no frontier{why}; mend that and give the same command again "
        f"(all failures: {out / 'failures.jsonl'})"
    )


def conclude(found: object, bars: list[Bar]) -> int:
    """Say on stderr which gates hold, and return the exit code."""
    for bar in bars:
        typer.echo(f"emosim: {bar.verdict(found)}", err=True)
    return 0 if all(bar.holds(found) for bar in bars) else 3

"""`emosim run`: play a suite into a directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emosim.cli import options
from emosim.cli.options import Option

if TYPE_CHECKING:
    from emosim.cli.display import Display
    from emosim.cli.gates import Gate
    from emosim.runs import Players, RunConfig, Summary
    from emosim.suite import Suite


def run_command(
    pack: Annotated[str, typer.Argument(help="Name of a pack, or path of its folder.")] = "core",
    agent: options.Agent = "baseline:rung3",
    user: options.User = "rules",
    level: Annotated[str, Option(help="Levels 0..1, with commas.")] = "0,0.5,1",
    knob: Annotated[list[str] | None, Option(help="Set one knob over all levels: name=value.")] = None,
    language: Annotated[str, Option(help="Languages, with commas.")] = "en",
    personas: options.Personas = None,
    repeats: Annotated[int, Option("--repeats", "-n", min=1, help="Seeds per persona, language and level.")] = 1,
    seed: Annotated[int, Option(min=0, help="Number of the first seed.")] = 0,
    reward: Annotated[str, Option(help="Reward function; see emosim list rewards.")] = "delta",
    out: options.Out = None,
    shard: Annotated[str, Option(help="Play part i of N: i/N from 0/N, or slurm.")] = "",
    concurrency: options.Concurrency = 64,
    max_cost: options.MaxCost = None,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    prices: options.Prices = None,
    base_url: options.BaseUrl = "",
    timeout_s: options.Timeout = 60.0,
    deadline_s: options.Deadline = 3600.0,
    cassette: Annotated[
        Path | None, Option(help="Folder to keep models' answers in; what is there is not asked again.")
    ] = None,
    agent_system: options.AgentSystem = None,
    agent_temperature: options.AgentTemperature = None,
    agent_max_tokens: options.AgentMaxTokens = None,
    think: options.Think = False,
    gate: Annotated[list[str] | None, Option(help="Exit 3 unless it holds: 'score>=0.7'.")] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be played and asked; ask nothing.")] = False,
    display: options.Display = "auto",
    json: Annotated[bool, Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Play a graded batch of episodes; the same command goes on where it stopped.

    Every option can be set in the environment too (EMOSIM_RUN_AGENT is --agent), or in a file: emosim run @run.toml,
    with lines such as agent = "baseline:rung3" and level = [0, 0.5]. What is typed wins, then the environment.
    """
    from emosim.cli.display import display_of
    from emosim.cli.gates import Gate
    from emosim.cli.lineup import Limits, Voice, players_of

    shown, gates = display_of(display), [Gate.parse(text) for text in gate or ()]
    limits = Limits(max_cost, max_calls, max_tokens, prices, concurrency, timeout_s, base_url, cassette)
    voice = Voice(agent_system, think, agent_temperature, agent_max_tokens)
    meter = limits.meter()
    suite = _suite(pack, personas, language, level, knob or [], seed, repeats)
    players = players_of(agent, user, limits, meter, voice)
    config = _settle(suite, players, reward, shard, user)
    target = out or Path("runs") / config.slug
    if dry_run:
        from emosim.cli.plan import plan

        planned = plan(config, players, meter, target)
        typer.echo(planned.json if json else planned)
        return
    summary = _play(config, players, target, shown, concurrency, deadline_s)
    code = _conclude(summary, target, gates, json)
    if code:
        raise typer.Exit(code)


def _suite(
    pack: str, personas: str | None, language: str, level: str, knobs: list[str], seed: int, repeats: int
) -> Suite:
    from emosim.cli.parsing import assignments, languages, names, numbers
    from emosim.suite import Suite

    return Suite(
        pack=pack,
        personas=names(personas, pack),
        languages=languages(language),
        levels=numbers(level, "--level"),
        knobs=assignments(knobs, "--knob"),
        seed=seed,
        repeats=repeats,
    )


def _settle(suite: Suite, players: Players, reward: str, shard: str, user: str) -> RunConfig:
    from emosim.runs import config_of
    from emosim.suite import Shard

    part = Shard.parse(shard, os.environ) if shard else None
    return config_of(suite, players, reward=reward, shard=part, user_spec=user)


def _play(
    config: RunConfig, players: Players, out: Path, shown: Display, concurrency: int, deadline_s: float
) -> Summary:
    from emosim.cli.display import watching
    from emosim.runs import Pace, play

    with watching(shown) as watch:
        return play(config, players, out, Pace(concurrency, deadline_s, watch))


def _conclude(summary: Summary, out: Path, gates: list[Gate], json: bool) -> int:
    """Print the result and return the exit code."""
    from emosim.cli.options import shortfall
    from emosim.cli.report import markdown, report
    from emosim.render import plain

    verdicts = [gate.verdict(summary) for gate in gates]
    typer.echo(summary.model_dump_json(indent=2) if json else plain(report(summary, out)))
    for verdict in verdicts:
        typer.echo(f"emosim: {verdict}", err=True)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with open(page, "a", encoding="utf-8") as file:
            file.write(markdown(summary, verdicts))
    return shortfall(summary, out) or (0 if all(gate.holds(summary) for gate in gates) else 3)

"""`emosim run`: play a suite into a directory."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from emosim.cli.display import Display
    from emosim.cli.gates import Gate
    from emosim.runs import Players, RunConfig, Summary
    from emosim.suite import Suite

Option = partial(typer.Option, show_envvar=False)
"""An option that can also be set in the environment, as `EMOSIM_RUN_` and its name; help need not repeat that."""


def run_command(
    pack: Annotated[str, typer.Argument(help="Name of a pack, or path of its folder.")] = "core",
    agent: Annotated[str, Option(help="Who is tested; see emosim list agents.")] = "baseline:rung3",
    user: Annotated[str, Option(help="Who plays the personas; see emosim list users.")] = "rules",
    level: Annotated[str, Option(help="Levels 0..1, with commas.")] = "0,0.5,1",
    knob: Annotated[list[str] | None, Option(help="Set one knob over all levels: name=value.")] = None,
    language: Annotated[str, Option(help="Languages, with commas.")] = "en",
    personas: Annotated[str | None, Option(help="Ids of personas, with commas; all by default.")] = None,
    repeats: Annotated[int, Option("--repeats", "-n", min=1, help="Seeds per persona, language and level.")] = 1,
    seed: Annotated[int, Option(min=0, help="Number of the first seed.")] = 0,
    reward: Annotated[str, Option(help="Reward function; see emosim list rewards.")] = "delta",
    out: Annotated[Path | None, Option(help="Directory of the run; by default one named by the settings.")] = None,
    shard: Annotated[str, Option(help="Play part i of N: i/N from 0/N, or slurm.")] = "",
    concurrency: Annotated[int, Option(min=1, help="Episodes at once.")] = 64,
    max_cost: Annotated[float | None, Option(min=0, help="Stop at this many US dollars.")] = None,
    max_calls: Annotated[int | None, Option(min=0, help="Stop at this many model calls.")] = None,
    max_tokens: Annotated[int | None, Option(min=0, help="Stop at this many tokens.")] = None,
    prices: Annotated[Path | None, Option(help="Prices of models, JSON or TOML.")] = None,
    base_url: Annotated[str, Option(help="Server for openai: and litellm: specs.")] = "",
    timeout_s: Annotated[float, Option(min=0.01, help="Longest wait for one answer of a model or cmd: agent.")] = 60.0,
    deadline_s: Annotated[float, Option(min=0.01, help="Longest time for one episode.")] = 3600.0,
    cassette: Annotated[
        Path | None, Option(help="Folder to keep models' answers in; what is there is not asked again.")
    ] = None,
    agent_system: Annotated[Path | None, Option(help="File with the agent's system prompt.")] = None,
    agent_temperature: Annotated[float | None, Option(help="Sampling temperature of the agent.")] = None,
    agent_max_tokens: Annotated[int | None, Option(min=1, help="Longest reply of the agent.")] = None,
    think: Annotated[bool, Option("--think", help="Ask the agent to reason in <think> first.")] = False,
    gate: Annotated[list[str] | None, Option(help="Exit 3 unless it holds: 'score>=0.7'.")] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be played and asked; ask nothing.")] = False,
    display: Annotated[str, Option(help="Progress: auto, rich, plain or none.")] = "auto",
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

        typer.echo(plan(config, players, meter, target))
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

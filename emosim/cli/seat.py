"""`emosim demo`, `emosim play` and `emosim fetch-model`: for people who have just arrived."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from typing import Annotated

import typer


def demo_command(
    persona: Annotated[str, typer.Option(help="Who to talk to, an id of the core pack.")] = "sakura",
    language: Annotated[str, typer.Option(help="Language of the user: en or zh.")] = "en",
    seed: Annotated[int, typer.Option(min=0, help="Fixes every choice; the same seed prints the same bytes.")] = 7,
) -> None:
    """Watch two scripted agents talk to the same simulated user: no key, no network, the same bytes every time."""
    from emosim.cli.demo import demo_text
    from emosim.cli.parsing import languages

    typer.echo(demo_text(persona, languages(language)[0], seed))


def play_command(
    persona: Annotated[str | None, typer.Argument(help="Id of a persona; drawn by the seed if left out.")] = None,
    pack: Annotated[str, typer.Option(help="Name or folder of the pack.")] = "core",
    language: Annotated[str, typer.Option(help="Language of the user: en or zh.")] = "en",
    level: Annotated[float, typer.Option(min=0, max=1, help="Difficulty on the reference ray.")] = 0.0,
    user: Annotated[str, typer.Option(help="Who plays the persona: rules, llm:MODEL, …")] = "rules",
    seed: Annotated[int, typer.Option(min=0, help="Fixes every choice of the offline user.")] = 0,
    show_state: Annotated[bool, typer.Option("--show-state", help="Show the mood after every turn.")] = False,
) -> None:
    """Talk to a persona yourself; /state /hint /undo /save FILE /quit."""
    from emosim.cli.parsing import languages
    from emosim.cli.play import Table
    from emosim.env import EmpathyEnv

    env = EmpathyEnv(persona, pack=pack, language=languages(language)[0], level=level, user=user)
    Table(env, _reader(), typer.echo, show_state).play(seed)


def fetch_command() -> None:
    """Fetch the small open-weight chat model that `--agent local` and `--user llm:local` use (about 98 MB, once)."""
    from emosim.backends.weights import fetch_model

    typer.echo(f"ready: {fetch_model()}")


def _reader() -> Callable[[str], str]:
    keys = sys.stdin or StringIO()  # None where it was closed
    return input if keys.isatty() else lambda prompt: _piped(keys.readline())


def _piped(line: str) -> str:
    if not line:
        raise EOFError
    return line.rstrip("\n")

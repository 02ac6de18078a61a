"""The frame of the command line: the guide, one-line errors, exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import Annotated, Final

import typer

from emosim import __version__
from emosim.cli.after import merge_command, rescore_command, verify_command
from emosim.cli.calibrate import calibrate_command
from emosim.cli.catalogue import list_command, show_command
from emosim.cli.ceiling import ceiling_command
from emosim.cli.compare import compare_command, diversity_command
from emosim.cli.frontier import frontier_command
from emosim.cli.run import run_command
from emosim.cli.seat import demo_command, fetch_command, play_command
from emosim.cli.settings import Taken, take_file
from emosim.errors import BudgetExceeded, EmosimError, PackError, UsageError

OK, FAILED, USAGE, GATE, BUDGET, INTERRUPTED = 0, 1, 2, 3, 4, 130

_COMPLAINT: Final[type[BaseException]] = typer.BadParameter.__mro__[2]
"""What the parser raises about anything that was typed; typer gives it no public name."""

_STOPPED: Final = "stopped; what is finished is kept, the same command goes on from there"

EXITS: Final = (
    "Exit codes: 0 ok, 1 the run failed, 2 usage or settings, 3 a gate failed, 4 the budget is reached, 130 Ctrl-C."
)

GUIDE: Final = f"""emosim {__version__}: simulated users whose mood is the reward

  emosim demo                              watch two agents talk to the same user
  emosim run core --agent baseline:rung3   play a graded batch, no key needed
  emosim frontier --agent baseline:rung3   find where it leaves its explorable space

Your own agent: emosim run core --agent openai:MODEL, http://HOST/v1#MODEL, py:MODULE:FUNCTION or cmd:COMMAND
All commands:   emosim --help"""

app = typer.Typer(
    name="emosim",
    help="Simulated users whose mood is the reward: graded, seeded, recomputable.",
    epilog=EXITS,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def guide(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Print the guide when no command is given."""
    if version:
        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        typer.echo(GUIDE)


_FROM_ENVIRONMENT: Final = {name: f"EMOSIM_{name.upper()}" for name in ("run", "frontier", "ceiling")}
"""Commands whose options can be set as EMOSIM_<COMMAND>_<OPTION>, and what these names begin with."""
_COMMANDS: Final[tuple[tuple[str, Callable[..., None], str], ...]] = (
    ("demo", demo_command, "Watch two scripted agents talk to one user."),
    ("play", play_command, "Talk to a persona yourself."),
    ("run", run_command, "Play a graded batch of episodes."),
    ("frontier", frontier_command, "Find where an agent leaves its explorable space."),
    ("ceiling", ceiling_command, "Show what an agent's best of k tries reaches."),
    ("compare", compare_command, "Say whether training selected or created."),
    ("diversity", diversity_command, "Say how varied an agent is, or has stayed."),
    ("calibrate", calibrate_command, "Place agents and personas on one scale."),
    ("verify", verify_command, "Recompute every number of a run."),
    ("rescore", rescore_command, "Recompute rewards under another function."),
    ("merge", merge_command, "Merge shards or parts into one run."),
    ("list", list_command, "List packs, personas, knobs, agents, users, rewards."),
    ("show", show_command, "Show a persona; what is hidden needs --reveal."),
    ("fetch-model", fetch_command, "Fetch the small chat model that `local` uses."),
)
for _name, _command, _summary in _COMMANDS:
    _settings = {"auto_envvar_prefix": _FROM_ENVIRONMENT[_name]} if _name in _FROM_ENVIRONMENT else None
    app.command(_name, short_help=_summary, context_settings=_settings)(_command)


def main() -> None:
    """Run the command line and exit; modules of the working directory can be named, as with `python -m`."""
    if not sys.flags.safe_path and "" not in sys.path:
        sys.path.insert(0, "")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without the signs of moods is no reason to stop
    sys.exit(run_args(sys.argv[1:]))


def run_args(args: Sequence[str]) -> int:
    """Run a command and return its exit code; errors are one line on stderr, a traceback only with EMOSIM_DEBUG=1."""
    source = ""
    try:
        taken = take_file(args, _options)
        source = _sources(taken)
        code = int(app(taken.words, prog_name="emosim", standalone_mode=False, default_map=taken.settings) or OK)
        return _fail(_STOPPED, code) if code == INTERRUPTED else code
    except EmosimError as error:
        return _fail(str(error) + source if exit_code(error) == USAGE else str(error), exit_code(error))
    except (KeyboardInterrupt, typer.Abort):
        return _fail(_STOPPED, INTERRUPTED)
    except _COMPLAINT as error:
        return _fail(f"{_complaint(error)}; see {_command_of(error)} --help{source}", USAGE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        return _fail(f"cannot use{place or ' a file'}: {error.strerror}", FAILED)


def _sources(taken: Taken) -> str:
    """Return where settings were read from besides what was typed."""
    prefix = _FROM_ENVIRONMENT.get(taken.words[0]) if taken.words else None
    variables = sorted(name for name in os.environ if name.startswith(f"{prefix}_")) if prefix else []
    places = [*([str(taken.file)] if taken.file else []), *variables]
    return f"; settings were read from {', '.join(places)}" if places else ""


def _options() -> dict[str, dict[str, bool]]:
    """Return the options of every command, and whether they can be given several times."""
    commands = typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    return {
        name: {option.name: getattr(option, "multiple", False) for option in command.params}
        for name, command in commands
    }


def exit_code(error: EmosimError) -> int:
    """Return the exit code that an error has."""
    if isinstance(error, BudgetExceeded):
        return BUDGET
    if isinstance(error, (UsageError, PackError)) or error.cause == "changed_settings":
        return USAGE
    return FAILED


def _fail(message: str, code: int) -> int:
    from emosim.render import plain

    if os.environ.get("EMOSIM_DEBUG") == "1":
        traceback.print_exc()
    typer.echo(f"emosim: {' '.join(plain(message).split())}", err=True)
    return code


def _complaint(error: BaseException) -> str:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return f"{message[:1].lower()}{message[1:]}".rstrip(".")


def _command_of(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "emosim"

"""From a shell: `python -m emosim.testing.conformance user SPEC`, or `adapter MODULE:FUNCTION`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pkgutil import resolve_name

from emosim.errors import EmosimError, UsageError
from emosim.testing.conformance import ADAPTER_CHECKS, USER_CHECKS, Play, Report, check_adapter, check_user
from emosim.testing.talking import TalkingBackend
from emosim.users.roster import resolve_user


def main(words: Sequence[str] | None = None) -> int:
    """Print what was found; return 0 if all is well, 1 if a check failed, 2 if none could be run."""
    parser = argparse.ArgumentParser(prog="python -m emosim.testing.conformance", description="Check what you built.")
    parser.add_argument("kind", choices=("user", "adapter"))
    parser.add_argument("what", help="rules, llm (with a made-up model), llm:MODEL, sage:MODEL, …; or MODULE:FUNCTION")
    known = ", ".join(dict.fromkeys([*USER_CHECKS, *ADAPTER_CHECKS]))
    parser.add_argument("--check", action="append", metavar="NAME", help=f"only this one; {known}")
    parser.add_argument(
        "--skip", action="append", default=[], metavar="NAME=WHY", help="leave one out, with the reason"
    )
    options = parser.parse_args(words)
    skip = {name: why for name, _, why in (text.partition("=") for text in options.skip)}
    try:
        report = _report(options.kind, options.what, options.check, skip)
    except EmosimError as error:
        print(error, file=sys.stderr)
        return 2
    print(report)
    return 0 if report.is_good else 1


def _report(kind: str, what: str, checks: Sequence[str] | None, skip: dict[str, str]) -> Report:
    if kind == "adapter":
        return check_adapter(_play(what), checks=checks, skip=skip, raises=False)
    if what in ("llm", "llm-split", "sage", "rlver-vanilla", "rlver-challenging"):
        made_up = resolve_user(f"{what}:talking")[0]
        return check_user(made_up, TalkingBackend(), checks=checks, skip=skip, raises=False)
    return check_user(what, checks=checks, skip=skip, raises=False)


def _play(what: str) -> Play:
    try:
        found: Play = resolve_name(what)
    except (ValueError, ImportError, AttributeError) as error:
        raise UsageError(f"no adapter '{what}': {error}; write MODULE:FUNCTION") from None
    return found


if __name__ == "__main__":
    sys.exit(main())

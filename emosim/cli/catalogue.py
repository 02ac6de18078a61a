"""`emosim list` and `emosim show`: what there is, without spoilers unless asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from emosim.packs import Casting

Row: TypeAlias = dict[str, object]
Rows: TypeAlias = list[Row]


def list_command(
    what: Annotated[str, typer.Argument(help="packs, personas, knobs, agents, users or rewards.")] = "packs",
    pack: Annotated[str, typer.Option(help="Whose personas.")] = "core",
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List packs, personas, knobs, agents, users or rewards."""
    from emosim.errors import UsageError, did_you_mean
    from emosim.render import plain

    if what not in _LISTS:
        raise UsageError(f"nothing to list called '{what}'{did_you_mean(what, _LISTS)}")
    rows = _LISTS[what](pack)
    typer.echo(_as_json(rows) if json else plain(_table(rows)))


def show_command(
    persona: Annotated[str, typer.Argument(help="core/dolores, or the id of a persona of the core pack.")],
    language: Annotated[str, typer.Option(help="Language.")] = "en",
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the hidden need and facts too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show a persona; what an agent has to find out stays hidden without --reveal."""
    from emosim.cli.parsing import languages
    from emosim.packs import cast
    from emosim.render import plain

    casting = cast(persona, languages(language)[0])
    card = _card(casting) | (_secrets(casting) if reveal else {})
    if json:
        typer.echo(_as_json(card))
        return
    typer.echo(plain("\n".join(f"{name:<12} {_text(value)}" for name, value in card.items())))
    if not reveal:
        typer.echo("(what would help, and what can be found out, is hidden; --reveal shows it)")


def _packs(_: str) -> Rows:
    from emosim.packs import load_pack, pack_names

    packs = [load_pack(name) for name in pack_names()]
    return [
        {
            "pack": pack.about.id,
            "version": pack.about.version,
            "personas": len(pack.personas),
            "languages": ",".join(pack.about.languages),
            "title": pack.about.title,
        }
        for pack in packs
    ]


def _personas(pack: str) -> Rows:
    from emosim.packs import load_pack

    shelf = load_pack(pack)
    people = [shelf.cast(name).persona for name in shelf.personas]
    return [
        {"persona": one.ref, "name": one.name, "age": one.age, "job": one.job, "traits": ", ".join(one.traits)}
        for one in people
    ]


def _knobs(_: str) -> Rows:
    from emosim.difficulty import Difficulty

    return [{"knob": name, "harder": field.description} for name, field in Difficulty.model_fields.items()]


def _agents(_: str) -> Rows:
    from emosim.policies.roster import POLICY_NAMES

    shells = {
        "openai:MODEL": "a model of OpenAI, or of any compatible server with --base-url",
        "litellm:MODEL": "any provider that litellm knows (extra litellm)",
        "http://HOST/v1#MODEL": "an OpenAI-compatible server, lean and fast",
        "local": "the small model in this process (extra local)",
        "py:MODULE:FUNCTION": "a function (messages) -> str; None hangs up (scored 0); --timeout-s cannot stop it",
        "cmd:COMMAND": "a command over stdin and stdout, each reply within --timeout-s",
    }
    shipped: Rows = [{"agent": name, "what": "comes with emosim, asks no model"} for name in POLICY_NAMES]
    return shipped + [{"agent": name, "what": what} for name, what in shells.items()]


def _users(_: str) -> Rows:
    from emosim.users.roster import USERS

    offline = {
        "rules": "offline, deterministic, the default",
        "rules:semantic": "the same, read by a sentence encoder (extra semantic)",
        "rules:sage": "the same, moving as in the released SAGE dialogues",
        "human": "you, at the keyboard",
    }
    models = {"llm": "a chat model, one structured call a turn", "llm-split": "a chat model, two calls a turn"}
    shipped: Rows = [{"user": name, "what": what} for name, what in offline.items()]
    asking = [name for name in USERS if name not in offline]
    return shipped + [{"user": f"{n}:MODEL", "what": models.get(n, f"the published protocol {n}")} for n in asking]


def _rewards(_: str) -> Rows:
    from emosim.rewards import REWARDS

    rows: Rows = [{"reward": name, "what": (earn.__doc__ or "").partition("\n")[0]} for name, earn in REWARDS.items()]
    return [*rows, {"reward": "final+0.5*delta", "what": "Sums with weights."}]


_LISTS: dict[str, Callable[[str], Rows]] = {
    "packs": _packs,
    "personas": _personas,
    "knobs": _knobs,
    "agents": _agents,
    "users": _users,
    "rewards": _rewards,
}


def _card(casting: Casting) -> dict[str, object]:
    persona, scenario = casting.persona, casting.scenario
    return {
        "persona": persona.ref,
        "language": persona.language,
        "name": persona.name,
        "age": persona.age,
        "pronouns": persona.pronouns,
        "job": persona.job,
        "traits": list(persona.traits),
        "profile": persona.profile,
        "style": persona.style.notes,
        "opening": scenario.openings[0],
        "facts": len(scenario.facts),
        "max_turns": scenario.max_turns,
        "pack": f"{persona.pack}@{persona.pack_version}",
        "sha256": persona.sha256,
    }


def _secrets(casting: Casting) -> dict[str, object]:
    persona, scenario = casting.persona, casting.scenario
    return {
        "need": scenario.need.value,
        "need_text": scenario.need_text,
        "situation": scenario.situation,
        "temperament": persona.temperament.model_dump(mode="json"),
        "facts": [f"{fact.id} ({fact.reveal}): {fact.text}" for fact in scenario.facts],
        "reactions": [f"{one.id} {one.change:+g}: {', '.join(one.acts)}" for one in persona.reactions],
    }


def _table(rows: Rows) -> str:
    if not rows:
        return ""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) if all(len(part) < 30 for part in value) else "".join(f"\n  - {part}" for part in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return str(value)


def _as_json(content: object) -> str:
    import json

    return json.dumps(content, ensure_ascii=False, indent=2)

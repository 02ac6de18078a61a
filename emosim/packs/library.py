"""Finding packs, and casting a persona in one of its languages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from emosim.emotion import Reaction, temperament
from emosim.episode import content_hash
from emosim.errors import PackError, UsageError, did_you_mean
from emosim.packs.files import Expectation, Gold, MechanicsFile, PackFile, SurfaceFile
from emosim.packs.reading import read_toml
from emosim.persona import Fact, Language, Persona, Scenario


@dataclass(frozen=True)
class Casting:
    """A persona ready to play, with its author's examples."""

    persona: Persona
    scenario: Scenario
    gold: Gold
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True)
class Pack:
    """A validated pack; personas are read when first cast."""

    folder: Path
    about: PackFile

    @cached_property
    def personas(self) -> tuple[str, ...]:
        """Ids of all personas, sorted."""
        return tuple(sorted(file.parent.name for file in self.folder.glob("*/persona.toml")))

    @cached_property
    def sha256(self) -> str:
        """Content hash of all personas in all languages."""
        return content_hash([self.cast(p, lang).persona.sha256 for p in self.personas for lang in self.about.languages])

    def cast(self, persona: str, language: Language = "en") -> Casting:
        """Return a persona, by its id or as `pack/id`, in a language.

        Raises:
            UsageError: No such persona or language, or it is said to be in another pack.
            PackError: Its files are wrong.
        """
        pack, _, persona = (name := persona).rpartition("/")
        if pack not in ("", self.about.id):
            raise UsageError(f"persona '{name}' is not in pack '{self.about.id}'; pass pack='{pack}'")
        if persona not in self.personas:
            raise UsageError(f"no persona '{persona}' in pack '{self.about.id}'{did_you_mean(persona, self.personas)}")
        if language not in self.about.languages:
            known = ", ".join(self.about.languages)
            raise UsageError(f"pack '{self.about.id}' does not speak '{language}' (it speaks {known})")
        return _cast(self.folder, self.about.id, self.about.version, persona, language)


def load_pack(name: str | Path = "core") -> Pack:
    """Return a pack by name or by the path of its folder.

    Looked for, in this order: a path, `./personas`, the folders in `$EMOSIM_PACKS`, entry points of the group
    `emosim.packs`, the packs that emosim ships.

    Raises:
        UsageError: No such pack.
        PackError: Its `pack.toml` is wrong.
    """
    found = _found()
    folder = Path(name) if os.sep in str(name) or (Path(name) / "pack.toml").is_file() else found.get(str(name))
    if folder is None or not (folder / "pack.toml").is_file():
        hint = did_you_mean(str(name), found)
        raise UsageError(f"no pack '{name}'{hint}; give the path of a folder that holds pack.toml")
    return _load(folder.resolve())


def pack_names() -> tuple[str, ...]:
    """Return the names of all packs that can be found."""
    return tuple(sorted(_found()))


def cast(ref: str, language: Language = "en") -> Casting:
    """Return a persona by `pack/id`, or by its id in the core pack."""
    pack, _, persona = ref.rpartition("/")
    return load_pack(pack or "core").cast(persona, language)


@lru_cache(maxsize=64)
def _load(folder: Path) -> Pack:
    about = read_toml(folder / "pack.toml", PackFile)
    if about.id != folder.name:
        raise PackError(f"is '{about.id}' but the folder is '{folder.name}'", file=str(folder / "pack.toml"), key="id")
    pack = Pack(folder, about)
    if not pack.personas:
        raise PackError("the pack has no <persona>/persona.toml", file=str(folder))
    return pack


@lru_cache(maxsize=512)
def _cast(folder: Path, pack: str, version: str, name: str, language: Language) -> Casting:
    mechanics = read_toml(folder / name / "persona.toml", MechanicsFile)
    surface_path = folder / name / f"{language}.toml"
    surface = read_toml(surface_path, SurfaceFile)
    _check_names(folder / name, surface_path, mechanics, surface, language)
    scenario = _scenario(mechanics, surface)
    persona = _persona(pack, version, mechanics, surface)
    content = [persona.model_dump(mode="json", exclude={"pack_version", "sha256"}), scenario.model_dump(mode="json")]
    persona = persona.model_copy(update={"sha256": content_hash(content)})
    return Casting(persona, scenario, surface.gold, surface.expectations)


def _persona(pack: str, version: str, mechanics: MechanicsFile, surface: SurfaceFile) -> Persona:
    table = mechanics.temperament.model_dump(exclude_none=True, exclude={"kind"})
    return Persona(
        pack=pack,
        pack_version=version,
        id=mechanics.id,
        language=surface.language,
        name=surface.name,
        age=mechanics.age,
        pronouns=mechanics.pronouns,
        job=surface.job,
        profile=surface.profile,
        traits=mechanics.traits,
        style=surface.style,
        temperament=temperament(mechanics.temperament.kind, **table),
        reactions=tuple(
            Reaction(id=r.id, acts=r.acts, change=r.change, once=r.once, note=r.note) for r in mechanics.reactions
        ),
        lines=surface.lines,
    )


def _scenario(mechanics: MechanicsFile, surface: SurfaceFile) -> Scenario:
    return Scenario(
        situation=surface.situation,
        need=mechanics.need,
        need_text=surface.need_text,
        openings=surface.opening,
        facts=tuple(
            Fact(id=f.id, reveal=f.reveal, trust=f.trust or 0.0, **surface.facts[f.id].model_dump())
            for f in mechanics.facts
        ),
    )


def _check_names(
    folder: Path, surface_path: Path, mechanics: MechanicsFile, surface: SurfaceFile, language: Language
) -> None:
    if mechanics.id != folder.name:
        place = str(folder / "persona.toml")
        raise PackError(f"is '{mechanics.id}' but the folder is '{folder.name}'", file=place, key="id")
    if surface.language != language:
        raise PackError(f"is '{surface.language}', the file is '{language}'", file=str(surface_path), key="language")
    ids = [fact.id for fact in mechanics.facts]
    for fact in ids:
        if fact not in surface.facts or ids.count(fact) > 1:
            raise PackError(
                "fact of persona.toml is missing here or named twice", file=str(surface_path), key=f"facts.{fact}"
            )
    for fact in surface.facts:
        if fact not in ids:
            hint = did_you_mean(fact, ids)
            raise PackError(f"no such fact in persona.toml{hint}", file=str(surface_path), key=f"facts.{fact}")


def _found() -> dict[str, Path]:
    folders = {folder.name: folder for parent in reversed(list(_shelves())) for folder in _packs_in(parent)}
    return folders | _plugins(tuple(sys.path))


def _packs_in(parent: Path) -> list[Path]:
    return sorted(file.parent for file in parent.glob("*/pack.toml"))


def _shelves() -> Iterator[Path]:
    yield Path("personas")
    yield from (Path(place) for place in os.environ.get("EMOSIM_PACKS", "").split(os.pathsep) if place)
    shipped = Path(__file__).parents[1] / "_personas"
    yield shipped if shipped.is_dir() else Path(__file__).parents[2] / "personas"


@lru_cache(maxsize=8)
def _plugins(path: tuple[str, ...]) -> dict[str, Path]:
    """Return the packs of installed packages; to look through all of them takes tens of milliseconds."""
    return {point.name: Path(str(files(point.value))) for point in entry_points(group="emosim.packs")}

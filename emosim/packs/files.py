"""What the files of a pack may hold: `pack.toml`, `<persona>/persona.toml` and `<persona>/<language>.toml`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from emosim.acts import Act, Need
from emosim.emotion import TemperamentKind
from emosim.persona import Language, Lines, Reveal, Style
from emosim.value import Value

Slug: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Prose: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1500, strip_whitespace=True)]


class PackFile(Value):
    """`pack.toml`: what the pack is and who may use it."""

    schema_version: Literal[1]
    """Version of the file form."""
    id: Slug
    """Equals the folder's name."""
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    """Semantic version."""
    title: Prose
    """What the pack is, one line."""
    license: str
    """SPDX identifier."""
    authors: tuple[str, ...] = Field(min_length=1)
    """Who wrote it."""
    languages: tuple[Language, ...] = Field(min_length=1)
    """Languages that every persona has."""
    provenance: Prose
    """How it was made and reviewed."""
    not_for: Prose
    """What it must not be used for."""


class TemperamentTable(Value):
    """`[temperament]`: the kind, and what differs from it."""

    kind: TemperamentKind
    """SAGE's persona family."""
    mood: float | None = Field(default=None, ge=25, le=55)
    """Mood at the opening."""
    trust: float | None = Field(default=None, ge=0, le=1)
    """Trust at the opening."""
    patience: float | None = Field(default=None, gt=0, le=1)
    """Patience at the opening."""
    inertia: float | None = Field(default=None, ge=0, le=0.6)
    """How much slower the mood warms than it cools."""
    loss_aversion: float | None = Field(default=None, ge=1, le=2)
    """How much more a loss weighs than a gain."""
    acceptance: float | None = Field(default=None, ge=0, le=0.5)
    """Bar that a reply must pass."""


class FactTable(Value):
    """`[[facts]]`: when a fact may be told."""

    id: Slug
    """Names the fact in the language files."""
    reveal: Reveal
    """When it is told."""
    trust: float | None = Field(default=None, ge=0.2, le=0.9)
    """Trust needed; with `if_trusted`, and only with it."""

    @model_validator(mode="after")
    def _trust_goes_with_if_trusted(self) -> FactTable:
        if (self.reveal == "if_trusted") != (self.trust is not None):
            raise ValueError('set trust with reveal = "if_trusted", and only then')
        return self


class ReactionTable(Value):
    """`[[reactions]]`: what this person is touchy or soft about."""

    id: Slug
    """Slug, unique in the persona."""
    acts: tuple[Act, ...] = Field(min_length=1)
    """Any of these acts sets it off."""
    change: float = Field(ge=-5, le=5)
    """Extra points of mood."""
    once: bool = False
    """Only the first time."""
    note: Prose
    """Why, for authors."""


class MechanicsFile(Value):
    """`persona.toml`: everything that is the same in all languages."""

    schema_version: Literal[1]
    """Version of the file form."""
    id: Slug
    """Equals the folder's name."""
    need: Need
    """The hidden need."""
    age: int = Field(ge=18, le=110)
    """Years; adults only."""
    pronouns: str
    """Such as she/her."""
    content: Literal["everyday", "distress"]
    """How heavy it gets."""
    traits: tuple[str, ...] = Field(min_length=1, max_length=6)
    """A few adjectives."""
    temperament: TemperamentTable
    """How strongly this person reacts."""
    facts: tuple[FactTable, ...] = Field(min_length=4, max_length=8)
    """What can be told, in telling order."""
    reactions: tuple[ReactionTable, ...] = Field(default=(), max_length=6)
    """What this person is touchy or soft about."""


class FactText(Value):
    """`[facts.<id>]`: the words of a fact."""

    text: Prose
    """What the user says when telling it."""
    about: tuple[str, ...] = Field(min_length=1)
    """Words of a question that asks for it."""


class Expectation(Value):
    """`[[expectations]]`: an executable example, one reply right after the opening."""

    reply: Prose
    """What the agent says."""
    expect: Literal["up", "down", "not_up"]
    """What the mood then does."""


class Gold(Value):
    """`[gold]`: one dialogue that solves it and one that fails."""

    solve: tuple[Prose, ...] = Field(min_length=5)
    """Replies that win the user over."""
    fail: tuple[Prose, ...] = Field(min_length=3)
    """Replies that do not."""


class SurfaceFile(Value):
    """`<language>.toml`: everything that is said or read."""

    language: Language
    """Equals the file's name."""
    name: Prose
    """Name as other people write it."""
    job: Prose
    """Occupation, a phrase."""
    profile: Prose
    """Who this is."""
    situation: Prose
    """What happened."""
    need_text: Prose
    """The hidden need made concrete."""
    opening: tuple[Prose, Prose, Prose]
    """First message: plain, vaguer, guarded."""
    style: Style
    """How this person types."""
    facts: dict[Slug, FactText]
    """Words of the facts, by id."""
    lines: Lines
    """What is said in reaction."""
    expectations: tuple[Expectation, ...] = Field(min_length=3)
    """Executable examples."""
    gold: Gold
    """Example dialogues."""

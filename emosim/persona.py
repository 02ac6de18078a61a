"""Who the user is and what troubles them: values only, read from packs (`emosim.packs`)."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from pydantic import Field

from emosim.acts import Need
from emosim.emotion import Reaction, Temperament
from emosim.value import Value, salt_of

Language: TypeAlias = Literal["en", "zh"]
Reveal: TypeAlias = Literal["volunteer", "if_asked", "if_trusted"]
LineKind: TypeAlias = Literal[
    "better", "moved", "flat", "worse", "curt", "hint", "ask", "silence", "confused", "suspicious", "repeat", "test",
    "counter", "satisfied", "pause", "leave",
]  # fmt: skip
LINE_KINDS: Final[tuple[LineKind, ...]] = get_args(LineKind)


class Fact(Value):
    """Something the user can tell, and when."""

    id: str
    """Slug, unique in the persona."""
    reveal: Reveal
    """`volunteer`: told unasked; `if_asked`: after a question; `if_trusted`: once trust reaches `trust`."""
    trust: float = Field(default=0.0, ge=0, le=1)
    """Trust needed, for `if_trusted`."""
    text: str
    """What the user says when telling it, first person. Hidden until told."""
    about: tuple[str, ...] = ()
    """Words of a question that asks for it, lower case."""


class Style(Value):
    """How the user types."""

    notes: str = ""
    """One sentence on length, punctuation, habits."""
    examples: tuple[str, ...] = ()
    """Typical messages."""


class Lines(Value):
    """What the offline user says in reaction, all in this persona's own words."""

    better: tuple[str, ...]
    """The reply helped a little."""
    moved: tuple[str, ...]
    """The reply truly met the need."""
    flat: tuple[str, ...]
    """The reply was generic or beside the point."""
    worse: tuple[str, ...]
    """The reply stung."""
    curt: tuple[str, ...]
    """The mood is very low."""
    hint: tuple[str, ...]
    """Nudges towards what would help, oblique to clear, the need unnamed."""
    ask: tuple[str, ...]
    """Asks the agent something back."""
    silence: tuple[str, ...]
    """The agent said nothing."""
    confused: tuple[str, ...]
    """The agent was off topic, incoherent or an echo."""
    suspicious: tuple[str, ...]
    """The agent flattered or tried tricks."""
    repeat: tuple[str, ...]
    """The agent said the same again."""
    test: tuple[str, ...]
    """Provokes the agent."""
    counter: tuple[str, ...]
    """Asks aloud for something that is not the need."""
    satisfied: tuple[str, ...]
    """Goodbye when helped."""
    pause: tuple[str, ...]
    """Has to go when time is up: nothing settled, nothing broken."""
    leave: tuple[str, ...]
    """Goodbye when hurt or fed up."""

    def of(self, kind: LineKind) -> tuple[str, ...]:
        """Return the lines of one kind."""
        lines: tuple[str, ...] = getattr(self, kind)
        return lines


class Persona(Value):
    """Who is talking, in one language."""

    pack: str
    """Id of the pack."""
    pack_version: str
    """Version of the pack."""
    id: str
    """Slug, unique in the pack."""
    sha256: str = ""
    """Content hash of everything that can influence an episode, both in this persona and its scenario."""
    language: Language
    """Language that the user speaks."""
    name: str
    """Name as other people write it."""
    age: int = Field(ge=18, le=110)
    """Years; adults only."""
    pronouns: str
    """Such as she/her."""
    job: str
    """Occupation, a phrase."""
    profile: str
    """Who this is, third person prose."""
    traits: tuple[str, ...] = ()
    """A few adjectives."""
    style: Style = Style()
    """How they type."""
    temperament: Temperament
    """How strongly they react. Hidden."""
    reactions: tuple[Reaction, ...] = ()
    """What they are touchy or soft about. Hidden."""
    lines: Lines
    """What the offline user says."""

    @property
    def ref(self) -> str:
        """Global name, `pack/id`."""
        return f"{self.pack}/{self.id}"

    @property
    def salt(self) -> int:
        """Whose dice its own are, the same in all languages, see `emosim.value.roll`."""
        return salt_of(self.ref)


class Scenario(Value):
    """The trouble, what can be told about it, and what would help."""

    situation: str
    """What happened, third person prose. Hidden from the agent, who learns it from the user."""
    need: Need
    """The hidden need."""
    need_text: str
    """The hidden need made concrete."""
    openings: tuple[str, str, str]
    """First message: plain, vaguer, guarded."""
    facts: tuple[Fact, ...]
    """What can be told, in telling order."""
    vagueness: int = Field(default=0, ge=0, le=2)
    """Which opening is used."""
    max_turns: int = Field(default=10, ge=1, le=100)
    """Replies of the agent until time is up."""
    hint_rate: float = Field(default=0.5, ge=0, le=1)
    """Chance a turn that the user nudges towards the need."""
    counter_rate: float = Field(default=0.0, ge=0, le=1)
    """Chance a turn that the user asks for something that is not the need."""
    test_rate: float = Field(default=0.0, ge=0, le=1)
    """Chance a turn that the user provokes the agent."""

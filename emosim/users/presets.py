"""SAGE and RLVER as users: an analyser that states the change of mood itself, then an actor, as published.

The prompts are our own words for the published structure (arXiv 2505.02847 and 2507.03112): five questions for the
analyser, four and a draft for the actor. What differs from the released code, for all three:

- One static block holds both jobs, persona and background; the chat grows behind it; emotion and analysis come last.
  There, two templates alternate, and in SAGE the emotion stands before the history, so nothing that grows is cached.
- The emotion that the analyser is shown is the present one. RLVER's is never refreshed: it says 30 on every turn.
- Answers are JSON and bounded: what cannot be used is asked again twice, then the turn fails. There, labels are split
  off by text search (they leak into 58 % of scored turns) and faults are retried for ever.
- Changes are clamped to -10..10 by code. SAGE's code does so, RLVER's does not.
- Goodbye is a field, not two Chinese words anywhere in the text, and only SAGE heeds it.
- The agent's words are marked as data. A blank reply is the worst turn there is, at no question; there, half of the
  blank replies that were scored raised the mood.
- The need is emosim's `need_text`, facts are background that the actor may tell at will, the opening is the persona's
  own; difficulty's hints, tests and misleading requests do not apply. No evidence is stated, so none is stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Template
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from emosim.acts import Appraisal
from emosim.emotion import EmotionState
from emosim.episode import Rulebook, Spoken
from emosim.flow import ChatRequest, ChatResponse, Flow, settled
from emosim.rulebook import is_blank
from emosim.users.answers import MAX_THOUGHT, TEXT, Unusable, object_schema, parse
from emosim.users.asking import ask_until_usable
from emosim.users.briefing import entries, request, sections, static_block
from emosim.users.chat import chat
from emosim.users.protocol import Felt, Heard, Speech
from emosim.users.voice import say
from emosim.users.wording import checked

Preset: TypeAlias = Literal["sage", "rlver-vanilla", "rlver-challenging"]

SAGE_RULES: Final = Rulebook(
    name="sage",
    dynamics="stated",
    start_mood=40.0,
    max_change=10.0,
    satisfied_at=100.0,
    left_below=10.0,
    max_turns=10,
    scores_last_reply=False,
    heeds_goodbye=True,
)
"""Start 40, changes within 10, ends at 100 or below 10 or at goodbye, 10 replies of which the tenth is not judged.

Source: SAGE (arXiv 2505.02847), released code and dialogues."""

RLVER_RULES: Final = SAGE_RULES.model_copy(
    update={"name": "rlver", "start_mood": 30.0, "max_turns": 8, "scores_last_reply": True, "heeds_goodbye": False}
)
"""Start 30, 8 replies, all judged; ends as in SAGE.

Source: RLVER (arXiv 2507.03112), released code. Its text stops at 0 instead of below 10, its changes are not clamped,
and its turn counter is tested after it was raised, so that 9 replies are played; here 8, as its paper has it."""

_ANALYSIS: Final = object_schema(
    "analysis", meaning=TEXT, fitting=TEXT, activity=TEXT, feeling=TEXT, change={"type": "integer"}
)
_ACTION: Final = object_schema(
    "action", attitude=TEXT, goal=TEXT, tone=TEXT, content=TEXT, reply=TEXT, goodbye={"type": "boolean"}
)
_SIGNED: Final = re.compile(r"[+-]?\d{1,6}")
_MINUS: Final = str.maketrans("−–－＋", "---+")


class Analysis(BaseModel):
    """The analyser's answer."""

    model_config = ConfigDict(extra="ignore")
    meaning: str = ""
    fitting: str = ""
    activity: str = ""
    feeling: str = ""
    change: int | float | str


class Action(BaseModel):
    """The actor's answer."""

    model_config = ConfigDict(extra="ignore")
    reply: str
    goodbye: bool = False


@dataclass(frozen=True)
class PresetUser:
    """A user that plays by a published protocol: two questions a scored turn, the model states the change.

    Args:
        preset: `sage`; `rlver-vanilla`, which may hint at its need and accepts general encouragement; or
            `rlver-challenging`, which judges nothing but fit to the hidden theme and may not hint at it.
        temperature: Sampling temperature, 0..2; None leaves it to the server.
        max_tokens: Longest answer; None leaves it to the server.
    """

    preset: Preset = "sage"
    temperature: float | None = None
    max_tokens: int | None = 2000

    @property
    def name(self) -> str:
        """`sage@1`, `rlver-vanilla@1` or `rlver-challenging@1`."""
        return f"{self.preset}@1"

    @property
    def rules(self) -> Rulebook:
        """The published constants."""
        return SAGE_RULES if self.preset == "sage" else RLVER_RULES.model_copy(update={"name": self.preset})

    def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
        """Let the analyser state the change, then the actor speak.

        Raises:
            SimulationError: No usable answer after asking again twice.
        """
        now = self._job(heard, "analyse", heard.episode.emotion)
        question = self._question(heard, now, _ANALYSIS)
        analysis = yield from ask_until_usable(question, read_analysis, heard.episode.persona.language)
        return analysis.value, self._act

    def speak(self, felt: Felt) -> Flow[Spoken]:
        """Answer silence in the persona's own lines; say nothing to a reply that the protocol leaves unscored."""
        if is_blank(felt.heard.reply):
            return settled(say(felt))
        return settled(Spoken(text="", kinds=("unanswered",)))

    def _act(self, felt: Felt) -> Flow[Spoken]:
        heard = felt.heard

        def read(response: ChatResponse) -> Spoken:
            answer = parse(response, Action)
            return Spoken(text=said(answer.reply, heard), kinds=("reply",), goodbye=answer.goodbye)

        thought = felt.appraisal.thought if felt.appraisal else ""
        job = self._job(heard, "act", felt.emotion, change=f"{felt.emotion.last_change:+.0f}", thought=thought)
        question = self._question(heard, job, _ACTION)
        return (yield from ask_until_usable(question, read, heard.episode.persona.language)).value

    def _job(self, heard: Heard, job: str, emotion: EmotionState, **more: str) -> str:
        line = Template(sections("protocol", heard.episode.persona.language)[job])
        return line.substitute(mood=f"{emotion.mood:.0f}", grade=grade(emotion.mood), **more)

    def _question(self, heard: Heard, job: str, schema: tuple[str, str]) -> ChatRequest:
        episode = heard.episode
        own = entries("protocol", episode.persona.language, self.preset)
        block = static_block(episode, "protocol", self.preset, **own)
        text = f"{chat(heard, 'protocol')}\n{job}"
        return request(heard, block, text, schema, self.temperature, self.max_tokens)


def read_analysis(response: ChatResponse) -> Appraisal:
    """Return the analyser's statement; its change is kept as stated, and bounded when it is applied.

    Raises:
        Unusable: The answer has not the form, or states no number.
    """
    answer = parse(response, Analysis)
    found = _SIGNED.search(str(answer.change).translate(_MINUS))
    if found is None:
        raise Unusable("bad_schema", "change: no number")
    thought = " ".join(part.strip() for part in (answer.fitting, answer.activity, answer.feeling) if part.strip())
    thought = thought.encode("utf-8", "replace").decode("utf-8")[: 2 * MAX_THOUGHT]
    return Appraisal(evidence=(), fit=0.0, specificity=0.0, thought=thought, stated_change=int(found[0]))


def said(text: str, heard: Heard) -> str:
    """Return the actor's message, checked as any user's; facts are background here, so none is closed."""
    episode = heard.episode
    ids = tuple(fact.id for fact in episode.scenario.facts)
    opened = episode.opening.model_copy(update={"revealed": ids})
    return checked(text, Heard(episode.model_copy(update={"opening": opened}), heard.reply), None)


def grade(mood: float) -> str:
    """Return SAGE's letter for a mood: S, A, B, C or F."""
    return next(letter for letter, bound in (("S", 100), ("A", 70), ("B", 40), ("C", 10), ("F", -1e9)) if mood >= bound)

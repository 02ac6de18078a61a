"""A simulated user played by a chat model: the model perceives and words, code decides what follows.

`fused`, the default, asks once a turn: evidence first, then one message for each outcome; code computes the outcome and
picks; only that message must be usable, and if it is worded again, the evidence stands. `split` asks for evidence, then
for the message with the outcome known, on the same growing prompt. The model never sees or sets a number of mood, tells
one fact at a time and only when code has opened it, and cannot reward an attack that plain reading recognises.

What it finds must be quoted from the reply. It is asked again twice for that; if it still cannot, what is unbacked is
left out, the turn goes on with the rest, and the number left out is recorded with it: nothing rises without a quote.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final, Literal, TypeAlias

from emosim.acts import Act, Appraisal
from emosim.emotion import EmotionState
from emosim.episode import UNBACKED, Rulebook, Spoken, Turn
from emosim.flow import ChatRequest, ChatResponse, Flow, settled
from emosim.users.answers import (
    EVIDENCE_SCHEMA,
    FUSED_SCHEMA,
    SPEECH_SCHEMA,
    EvidenceAnswer,
    FusedAnswer,
    Perceived,
    SpeechAnswer,
    Unusable,
    appraise,
    parse,
)
from emosim.users.asking import again, ask_until_usable
from emosim.users.briefing import Plan, felt_line, note, plan, request, sections, static_block, was_asked
from emosim.users.chat import chat
from emosim.users.glance import glance
from emosim.users.protocol import Felt, Heard, Speech
from emosim.users.voice import say
from emosim.users.wording import FACT_RUN, FACT_RUN_CJK, checked, gives_away

Calls: TypeAlias = Literal["fused", "split"]
_VETO: Final = frozenset({Act.MANIPULATION, Act.ECHO, Act.INCOHERENT, Act.EMPTY})


@dataclass(frozen=True)
class LlmUser:
    """A simulated user that asks a chat model.

    Args:
        calls: `fused` asks once a turn, `split` twice.
        temperature: Sampling temperature, 0..2; None leaves it to the server (reasoning models take no other).
        max_tokens: Longest answer, reasoning included; None leaves it to the server.
    """

    calls: Calls = "fused"
    temperature: float | None = None
    max_tokens: int | None = 2000

    @property
    def name(self) -> str:
        """`llm@4`, or `llm-split@4`."""
        return "llm@4" if self.calls == "fused" else "llm-split@4"

    @property
    def rules(self) -> Rulebook:
        """emosim's own protocol."""
        return Rulebook()

    def respond(self, heard: Heard) -> Flow[tuple[Appraisal, Speech]]:
        """Let the model perceive the reply; its message comes with it (`fused`) or is asked for later (`split`).

        Raises:
            SimulationError: No usable answer after asking again twice.
        """
        seen = glance(heard)
        planned = plan(heard, seen)
        respond = self._fused if self.calls == "fused" else self._split
        return (yield from respond(heard, seen, planned))

    def speak(self, felt: Felt) -> Flow[Spoken]:
        """Answer silence in the persona's own lines, without a question."""
        return settled(say(felt))

    def _fused(self, heard: Heard, seen: Appraisal, planned: Plan) -> Flow[tuple[Appraisal, Speech]]:
        language = heard.episode.persona.language

        def read(response: ChatResponse, last: bool = False) -> tuple[Perceived, FusedAnswer]:
            answer = parse(response, FusedAnswer)
            return appraise(answer, heard.text, last=last), answer

        def speech(felt: Felt) -> Flow[Spoken]:
            def word(answer: FusedAnswer) -> Spoken:
                text = {"better": answer.better, "same": answer.same, "worse": answer.worse}[felt.outcome]
                return spoken(text, answer.told, felt, planned, perceived.unbacked)

            try:
                return word(first.value[1])
            except Unusable as fault:
                question = again(first.question, first.response, fault, language, first.left)
            retried = yield from ask_until_usable(
                question, lambda response: word(parse(response, FusedAnswer)), language, first.left - 1
            )
            return retried.value

        question = self._question(heard, self._prompt(heard, planned), FUSED_SCHEMA)
        first = yield from ask_until_usable(question, read, language, read_last=partial(read, last=True))
        perceived = first.value[0]
        return vetoed(perceived.appraisal, seen), speech

    def _split(self, heard: Heard, seen: Appraisal, planned: Plan) -> Flow[tuple[Appraisal, Speech]]:
        language = heard.episode.persona.language
        prompt = self._prompt(heard, planned)

        def perceive(response: ChatResponse, last: bool = False) -> Perceived:
            return appraise(parse(response, EvidenceAnswer), heard.text, last=last)

        def speech(felt: Felt) -> Flow[Spoken]:
            def read(response: ChatResponse) -> Spoken:
                answer = parse(response, SpeechAnswer)
                return spoken(answer.say, answer.told, felt, planned, perceived.unbacked)

            text = f"{prompt}\n{felt_line(heard.episode, felt.emotion)}"
            return (yield from ask_until_usable(self._question(heard, text, SPEECH_SCHEMA), read, language)).value

        question = self._question(heard, prompt, EVIDENCE_SCHEMA)
        answered = yield from ask_until_usable(question, perceive, language, read_last=partial(perceive, last=True))
        perceived = answered.value
        return vetoed(perceived.appraisal, seen), speech

    def _prompt(self, heard: Heard, planned: Plan) -> str:
        episode = heard.episode

        def aside(number: int, before: EmotionState, turn: Turn) -> str:
            if not was_asked(turn):
                return ""
            line = note(episode, number, before, turn.spoken.kinds)
            return line if self.calls == "fused" else f"{line}\n{felt_line(episode, turn.emotion)}"

        now = note(episode, heard.turn, episode.emotion, planned.kinds)
        return f"{chat(heard, 'llm', aside, self.calls)}\n{now}"

    def _question(self, heard: Heard, text: str, schema: tuple[str, str]) -> ChatRequest:
        told = sections("llm", heard.episode.persona.language)
        block = static_block(heard.episode, "llm", self.calls, now=told["now"], task=told[self.calls])
        return request(heard, block, text, schema, self.temperature, self.max_tokens)


def vetoed(appraisal: Appraisal, seen: Appraisal) -> Appraisal:
    """Return the appraisal with the attacks that plain reading found, which nothing the model says can outweigh."""
    attacks = tuple(item for item in seen.evidence if item.act in _VETO)
    if not attacks:
        return appraisal
    new = tuple(item for item in attacks if item.act not in appraisal.acts)
    return appraisal.model_copy(update={"fit": min(appraisal.fit, 0.0), "evidence": appraisal.evidence + new})


def spoken(text: str, told: list[str] | None, felt: Felt, planned: Plan, unbacked: int = 0) -> Spoken:
    """Return the message to be said, with what code knows about it.

    Args:
        text: What the model wrote for this outcome.
        told: Ids of facts that it claims to tell.
        felt: What the reply did.
        planned: What code had opened.
        unbacked: Findings that were left out of the evidence; recorded with the message.

    Raises:
        Unusable: The message, or a fact told in it, may not be said now.
    """
    text = checked(text, felt.heard, planned.fact)
    fact = planned.fact
    claimed = set(told or ()) if felt.outcome != "worse" else set()
    episode = felt.heard.episode
    if claimed:
        closed = {other.id for other in episode.scenario.facts} - episode.revealed - {fact.id if fact else ""}
        if claimed & closed:
            raise Unusable("fact_leak")
    tells = fact is not None and (fact.id in claimed or gives_away(text, fact.text, (), FACT_RUN, FACT_RUN_CJK))
    revealed = (fact.id,) if fact is not None and tells else ()
    kinds = ("reply", *planned.kinds, *(("fact",) if revealed else ()))
    if unbacked:
        kinds = (*kinds, f"{UNBACKED}{unbacked}")
    return Spoken.model_construct(text=text, kinds=_shared(kinds), revealed=_shared(revealed))


@lru_cache(maxsize=256)
def _shared(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the one copy of a few words that thousands of messages carry."""
    return words

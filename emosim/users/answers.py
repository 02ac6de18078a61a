"""From a model's text to evidence: the shapes that are asked for, parsing, validation.

JSON may stand in fences or between other text. What cannot be used raises `Unusable` with a typed cause, upon which
`emosim.users.asking` asks again.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from emosim.acts import HARMS, Act, Appraisal, Evidence
from emosim.episode import Utterance
from emosim.flow import ChatResponse
from emosim.value import quantise

Answer = TypeVar("Answer", bound=BaseModel)
MAX_THOUGHT: Final = 400
"""Characters of private thought that are kept."""
MAX_EVIDENCE: Final = 6
"""Findings that are kept of one reply."""

_ACTS: Final = {act.value: act for act in Act}
_OBJECT: Final = re.compile(r"\{\s*[\"}]")
_CUT: Final = frozenset({"length", "max_tokens"})
_REFUSED: Final = frozenset({"refusal", "content_filter"})
_DECODER: Final = json.JSONDecoder(strict=False)
_QUOTE_MARKS: Final = dict.fromkeys(map(ord, "\"'`´‘’‚‛“”„‟«»‹›「」『』《》"))
_NO_MARKS: Final = bytes(code for code in range(128) if chr(code).isspace() or chr(code) in "\"'`")
_ELLIPSIS: Final = re.compile(r"\.{3,}|…+")
_NO: Final = re.compile(
    r"\b(?:i(?:'|’)?m sorry,? but i|i (?:cannot|can(?:'|’)?t|won(?:'|’)?t|am unable to) "
    r"(?:assist|help|comply|continue|participate|roleplay|fulfil|provide|engage|create|generate))"
    r"|(?:抱歉|对不起)，?我(?:无法|不能)|我(?:无法|不能)(?:协助|提供|参与|满足|完成|扮演|继续)",
    re.IGNORECASE,
)


_DECLINING: Final = ("m sorry", "can", "won", "unable")
"""Words without which the English part of that expression finds nothing."""


class Unusable(Exception):
    """A signal inside one flow: an answer cannot be used, with its typed cause and perhaps the words at fault."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.detail = " ".join(detail.split())[:80]


class Finding(BaseModel):
    """One act that the model claims to see."""

    act: str
    quote: str = ""


class EvidenceAnswer(BaseModel):
    """What the model perceived."""

    model_config = ConfigDict(extra="ignore")
    thought: str = ""
    evidence: list[Finding]
    fit: int = Field(ge=-2, le=2)
    specificity: int = Field(ge=0, le=2)


class FusedAnswer(EvidenceAnswer):
    """What the model perceived, and one message for each outcome."""

    told: list[str] | None = None
    better: str
    same: str
    worse: str


class SpeechAnswer(BaseModel):
    """What the model says once the state is known."""

    model_config = ConfigDict(extra="ignore")
    told: list[str] | None = None
    say: str


def object_schema(name: str, **properties: object) -> tuple[str, str]:
    """Return name and canonical text of the JSON schema of an object whose keys are all required, in order."""
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return name, json.dumps(schema, separators=(",", ":"))


TEXT: Final = {"type": "string"}
_ITEM: Final = {
    "type": "object",
    "properties": {"act": {"type": "string", "enum": [act.value for act in Act]}, "quote": TEXT},
    "required": ["act", "quote"],
    "additionalProperties": False,
}
_PERCEIVED: Final = {
    "thought": TEXT,
    "evidence": {"type": "array", "items": _ITEM},
    "fit": {"type": "integer", "enum": [-2, -1, 0, 1, 2]},
    "specificity": {"type": "integer", "enum": [0, 1, 2]},
}
_TOLD: Final = {"type": "array", "items": TEXT}
EVIDENCE_SCHEMA: Final = object_schema("evidence", **_PERCEIVED)
SPEECH_SCHEMA: Final = object_schema("speech", told=_TOLD, say=TEXT)
FUSED_SCHEMA: Final = object_schema("turn", **_PERCEIVED, told=_TOLD, better=TEXT, same=TEXT, worse=TEXT)


def parse(response: ChatResponse, shape: type[Answer]) -> Answer:
    """Return the answer in the shape that was asked for.

    Raises:
        Unusable: `truncated`, `refusal`, `empty`, `bad_json` or `bad_schema`.
    """
    if response.finish_reason in _CUT:
        raise Unusable("truncated")
    if response.finish_reason in _REFUSED:
        raise Unusable("refusal")
    if not response.text.strip():
        raise Unusable("empty")
    if (whole := _read_whole(response.text, shape)) is not None:
        return whole
    found = extract_object(response.text)
    if found is None:
        raise Unusable("refusal" if is_refusal(response.text) else "bad_json")
    try:
        return shape.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise Unusable("bad_schema", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _read_whole(text: str, shape: type[Answer]) -> Answer | None:
    """Return a text that is the answer and nothing else, as it nearly always is; None if it must be looked into."""
    if not text.startswith("{"):
        return None
    try:
        return shape.model_validate_json(text)
    except ValidationError:
        return None


def extract_object(text: str) -> dict[str, object] | None:
    """Return the outermost JSON object in a text, or None; fences, reasoning blocks and chatter are skipped.

    >>> extract_object('Sure! ```json\\n{"a": 1}\\n```')
    {'a': 1}
    """
    text = Utterance(raw=text).text
    try:
        whole = from_json(text)
        return whole if isinstance(whole, dict) else None
    except ValueError:
        pass
    start = _OBJECT.search(text)
    if start is None:
        return None
    try:
        return dict(_DECODER.raw_decode(text, start.start())[0])
    except (ValueError, RecursionError):
        return None


def is_refusal(text: str) -> bool:
    """Return whether a model declines instead of playing its part."""
    start = text[:300]
    if start.isascii() and not any(map(start.lower().__contains__, _DECLINING)):
        return False
    return bool(_NO.search(start))


class Perceived(NamedTuple):
    """What an answer says of a reply."""

    appraisal: Appraisal
    """The evidence that can be used."""
    unbacked: int = 0
    """Findings that were left out, because no words of the reply back them."""


def appraise(answer: EvidenceAnswer, reply: str, *, last: bool = False) -> Perceived:
    """Return the evidence of an answer, every support act backed by words of the reply.

    Args:
        answer: What the model perceived.
        reply: The visible reply.
        last: Nothing is asked again after this answer: what it cannot back is left out and counted, harms as well.
            If nothing is left, so are fit and specificity: the reply did nothing that anybody can point to.

    Raises:
        Unusable: `unknown_act`, or `bad_evidence` unless it is the last answer.
    """
    claims = [_claim(item) for item in answer.evidence[:MAX_EVIDENCE]]
    seen = flat(reply) if claims else ""
    weighed = [(act, quote, is_quoted(quote, seen)) for act, quote in claims]
    bare = [quote for act, quote, stands in weighed if not stands and act not in HARMS]
    if bare and not last:
        raise Unusable("bad_evidence", bare[0])
    kept = [(act, quote if stands else "") for act, quote, stands in weighed if stands or not bare]
    found = tuple([Evidence.model_construct(act=act, quote=quote) for act, quote in kept])
    judged = bool(found) or not bare
    return Perceived(
        Appraisal.model_construct(
            evidence=found,
            fit=quantise(answer.fit) if judged else 0.0,
            specificity=quantise(answer.specificity) if judged else 0.0,
            thought=_encodable(answer.thought.strip())[:MAX_THOUGHT],
        ),
        unbacked=len(claims) - len(found),
    )


def _claim(item: Finding) -> tuple[Act, str]:
    act = _ACTS.get(item.act) or _ACTS.get(re.sub(r"[\s-]+", "_", item.act.strip().lower()))
    if act is None:
        raise Unusable("unknown_act", item.act)
    return act, _encodable(item.quote.strip())


def is_quoted(quote: str, seen: str) -> bool:
    """Return whether a quote, or each part of it between ellipses, stands in a text that is `flat`."""
    if "..." not in quote and "…" not in quote:
        return bool(plain := flat(quote)) and plain in seen
    parts = [part for part in map(flat, _ELLIPSIS.split(quote)) if part]
    return bool(parts) and all(part in seen for part in parts)


def flat(text: str) -> str:
    """Return a text without case, spaces, quote marks and width variants, for comparison.

    >>> flat("“Don’t”  YOU see?") == flat("dont you see?")
    True
    """
    if text.isascii():
        return text.lower().encode().translate(None, _NO_MARKS).decode()
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(plain.translate(_QUOTE_MARKS).split())


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

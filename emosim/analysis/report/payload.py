"""A report as the compact JSON that its page reads, deflated and in base64.

Long names are spelt out only where there are few of them; what episodes share (persona, situation, facts) is stored
once. Nothing here escapes text: base64 cannot close a script element, and the page writes text as text.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Container, Mapping

from emosim.acts import HARMS, Act
from emosim.analysis.report.values import Report, Transcript
from emosim.episode import Episode, Turn


def encode(content: object) -> str:
    """Return content as base64 of deflated JSON; numbers that are not finite become null."""
    text = json.dumps(_finite(content), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode()


def decode(text: str) -> object:
    """Return the content of `encode`."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


def payload(report: Report, kept: Container[int] | None = None, notice: str = "") -> dict[str, object]:
    """Return what the page shows.

    Args:
        report: The report.
        kept: Positions of the episodes whose transcript is included; None for all.
        notice: What was left out, one sentence.
    """
    casts: dict[str, int] = {}
    rows = [_row(one, casts, kept is None or at in kept) for at, one in enumerate(report.episodes)]
    shown = report.model_dump(mode="json", include={"exhibits", "reasons", "figures", "costs", "methods"})
    faults = report.faults and report.faults.model_dump(mode="json") | {"failed": report.faults.failed}
    harms = [act.value for act in Act if act in HARMS]
    return shown | {
        "faults": faults,
        "notice": notice,
        "harms": harms,
        "casts": [json.loads(text) for text in casts],
        "episodes": rows,
    }


def difficulty_label(episode: Episode) -> str:
    """Return an episode's difficulty, `0.50`, or `0.00, skepticism 0.80` off the reference ray."""
    knobs: Mapping[str, float] = dict(episode.difficulty)
    values = list(knobs.values())
    base = max(values, key=lambda value: (values.count(value), -value))
    odd = [f"{knob.replace('_', ' ')} {value:.2f}" for knob, value in knobs.items() if value != base]
    return ", ".join([f"{base:.2f}", *odd])


def _row(one: Transcript, casts: dict[str, int], kept: bool) -> object:
    """Return an episode: what the index needs, and its turns if they are kept."""
    episode = one.episode
    row: dict[str, object] = {
        "k": one.key,
        "a": one.agent,
        "l": difficulty_label(episode),
        "e": episode.ending,
        "s": round(episode.score, 4),
        "r": one.return_,
        "m": [round(mood, 2) for mood in episode.moods],
        "n": one.note,
        "u": episode.user,
        "d": str(episode.seed),
        "c": casts.setdefault(json.dumps(_cast(episode), ensure_ascii=False), len(casts)),
    }
    return row | {"o": episode.opening.text, "t": [_turn(turn) for turn in episode.turns]} if kept else row


def _cast(episode: Episode) -> object:
    """Return who talks and what is hidden, shared by all episodes of a persona at a difficulty."""
    persona, scenario, rules = episode.persona, episode.scenario, episode.rules
    facts = [
        [fact.id, fact.reveal, fact.trust if fact.reveal == "if_trusted" else None, fact.text]
        for fact in scenario.facts
    ]
    return {
        "ref": persona.ref,
        "pack": f"{persona.pack}@{persona.pack_version}",
        "name": persona.name,
        "about": [str(persona.age), persona.pronouns, persona.job],
        "lang": persona.language,
        "profile": persona.profile,
        "situation": scenario.situation,
        "need": scenario.need.value,
        "needText": scenario.need_text,
        "facts": facts,
        "maxTurns": episode.max_turns,
        "lines": [rules.left_below, rules.satisfied_at],
    }


def _turn(turn: Turn) -> object:
    """Return a turn: said, thought, answered, trust, patience, evidence, fit, specificity, opinion, facts told."""
    read, felt = turn.appraisal, turn.emotion
    evidence = [[item.act.value, item.quote] for item in read.evidence] if read else None
    private = [round(read.fit, 2), round(read.specificity, 2), read.thought] if read else None
    told = list(turn.spoken.revealed)
    said = [turn.reply.text, turn.reply.reasoning, turn.spoken.text]
    return [*said, round(felt.trust, 2), round(felt.patience, 2), evidence, private, told]


def _finite(content: object) -> object:
    """Return content with null for every number that is not finite."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content

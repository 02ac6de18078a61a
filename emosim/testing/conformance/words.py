"""Whether anybody's words were changed on the way between agent, trainer and user."""

from __future__ import annotations

from collections.abc import Iterator

from emosim.episode import Utterance
from emosim.testing.conformance.report import short
from emosim.testing.conformance.scores import close
from emosim.testing.conformance.stage import Played, paying, spoken


def differences(first: Played, other: Played, when: str) -> Iterator[str]:
    """Yield the dialogues and rewards that are not the same in both."""
    for key, said in first.dialogues.items():
        if set(other.dialogues.get(key, [])) != set(said):
            yield f"{key}: expected the same dialogue {when}, got another; hand over only what the agent said"
    paid, again = paying(first), paying(other)
    for key in first.paid:
        if key in paid and not close(paid[key], again.get(key)):
            yield f"{key}: expected the same reward {when}, {paid[key]:.6g}, got {short(again.get(key))}"


def grown(played: Played) -> Iterator[str]:
    """Yield prompts that are not an earlier one, the agent's reply to it, and what the user then said."""
    prompts = {said.prompt: said.reply for said in played.said}
    first = {tuple((m["role"], m["content"]) for m in row["prompt"]) for row in played.rows}
    told = {spoken(record.episode)[:turn] for record in played.records for turn in range(1, 99)}
    for said in played.said:
        before = said.prompt[:-2]
        if said.spoken not in told:
            yield f"expected the user's messages as stored, got {short(said.spoken[-1:])}; pass them on as they are"
        if not any(role == "assistant" for role, _ in said.prompt):
            if said.prompt not in first:
                yield f"expected row['prompt'] as the first prompt, got {short(said.prompt)}; pass it on whole"
        elif [role for role, _ in said.prompt[-2:]] != ["assistant", "user"] or before not in prompts:
            yield (
                "expected the last prompt, the agent's reply, and the user's new message, got a prompt that does not "
                f"extend an earlier one: {short(said.prompt[-2:])}; append to the messages, change none"
            )
        elif said.prompt[-2][1] not in _forms(prompts[before]):
            got, wanted = short(said.prompt[-2][1]), short(prompts[before])
            yield f"expected the agent's own reply in the next prompt, {wanted}, got {got}; never rewrite it"


def rewritten(played: Played) -> Iterator[str]:
    """Yield replies that are stored otherwise than the agent gave them."""
    said = {said.spoken: said.reply for said in played.said}
    for record in played.records:
        heard = spoken(record.episode)
        for number, turn in enumerate(record.episode.turns, 1):
            given = said.get(heard[:number])
            if given is not None and not _same(turn.reply, Utterance(raw=given)):
                yield (
                    f"{record.key} turn {number}: expected {short(given)} to be stored, got {short(turn.reply.raw)}; "
                    "hand the reply over as it is, <think> and all"
                )


def _forms(reply: str | None) -> tuple[str, ...]:
    """Return how a reply may stand in the next prompt: verbatim, or as the user saw it."""
    return () if reply is None else (reply, Utterance(raw=reply).text)


def _same(stored: Utterance, given: Utterance) -> bool:
    """Return whether a stored reply is the given one; reasoning may have come apart from the text."""
    if not given.reasoning:
        return stored.raw == given.raw
    return (stored.text, stored.reasoning) == (given.text, given.reasoning)

"""Dataset rows: which user to meet, and the chat's first messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypedDict

from emosim.engine import open_episode
from emosim.errors import UsageError
from emosim.flow import Message
from emosim.packs import Pack
from emosim.policies.chat import SYSTEM, THINK
from emosim.suite import EpisodeKey, Suite
from emosim.users.protocol import User
from emosim.users.rules import RulesUser

ChatMessage = dict[str, str]
"""A chat message as the OpenAI protocol has it: `role` and `content`."""


class Row(TypedDict):
    """A row of a dataset; JSON, the same on every machine."""

    prompt: list[ChatMessage]
    """System prompt, if any, and the user's opening."""
    episode: str
    """Key of the episode, such as `core/dolores:en:L0.30:s0007`: persona, language, difficulty, number of the seed."""


def rows(suite: Suite, *, system: str | None = None, think: bool = False, user: User | None = None) -> list[Row]:
    """Return a row for each episode of a suite, in the order of the keys; asks no model.

    Args:
        suite: Which episodes.
        system: System prompt, None for emosim's own in the user's language, empty for none.
        think: Ask for reasoning in `<think>` first; the user never sees it.
        user: The user that will play, None for `rules`; presets open differently.

    Raises:
        UsageError: A persona, level or knob is unknown or out of range.
        PackError: The pack is wrong.
    """
    pack, user = suite.load(), user or RulesUser()
    return [row_of(key, pack, user, system, think) for key in suite.episode_keys()]


def row_of(key: EpisodeKey, pack: Pack, user: User, system: str | None, think: bool) -> Row:
    """Return the row of one episode."""
    casting = pack.cast(key.persona, key.language)
    episode = open_episode(casting.persona, casting.scenario, key.harder, key.seed, user)
    told = SYSTEM[key.language] if system is None else system
    told = f"{told}\n{THINK[key.language]}".strip() if think else told
    first = [Message("system", told)] if told else []
    return Row(prompt=chat([*first, Message("user", episode.opening.text)]), episode=str(key))


def chat(messages: list[Message] | tuple[Message, ...]) -> list[ChatMessage]:
    """Return messages as the OpenAI protocol has them."""
    return [{"role": message.role, "content": message.content} for message in messages]


def key_of(row: Mapping[str, object] | str) -> EpisodeKey:
    """Return the key that a row, or a row's column `episode`, names.

    Raises:
        UsageError: It names none; the message says what was found.
    """
    if isinstance(row, str):
        return EpisodeKey.parse(row)
    episode = row.get("episode") if isinstance(row, Mapping) else None
    if not isinstance(episode, str):
        given = sorted(map(str, row)) if isinstance(row, Mapping) else type(row).__name__
        found = json.dumps(given, ensure_ascii=False)
        raise UsageError(
            f"a row needs a text column 'episode', this one has {found}; make rows with emosim.rollouts.rows"
        )
    return EpisodeKey.parse(episode)

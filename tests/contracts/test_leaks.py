"""Canaries in every hidden field never reach the agent: not by observation, not by its view, not by a record's chat."""

from __future__ import annotations

from typing import Any

import pytest

from emosim.difficulty import at_level
from emosim.engine import advance, open_episode
from emosim.env import EmpathyEnv
from emosim.episode import Episode, Utterance, agent_view
from emosim.flow import drive
from emosim.packs import load_pack
from emosim.persona import Persona, Scenario
from emosim.users.rules import RulesUser

CORE = load_pack("core")
REPLIES = {
    "en": (
        "What happened?",
        "That must hurt. Tell me more about it?",
        "Why do you think that is?",
        "I'm with you.",
        "",
    ),
    "zh": ("怎么了？能多说说吗？", "这一定很难受，你愿意再讲讲吗？", "你觉得是为什么呢？", "我在听。", ""),
}
ODD_MOOD = 43.17


def with_canaries(persona: Persona, scenario: Scenario) -> tuple[Persona, Scenario, dict[str, str]]:
    facts = tuple(
        fact.model_copy(update={"text": f"FACT-{i}-CANARY {fact.text}"}) for i, fact in enumerate(scenario.facts)
    )
    reactions = tuple(r.model_copy(update={"id": "REACTION-CANARY", "note": "NOTE-CANARY"}) for r in persona.reactions)
    hidden = {"need_text": "NEED-CANARY", "situation": "SITUATION-CANARY"}
    temper = persona.temperament.model_copy(update={"mood": ODD_MOOD})
    return (
        persona.model_copy(update={"reactions": reactions, "temperament": temper, "profile": "PROFILE-CANARY"}),
        scenario.model_copy(update={**hidden, "facts": facts}),
        {fact.id: f"FACT-{i}-CANARY" for i, fact in enumerate(facts)},
    )


def seen(episode: Episode) -> str:
    return "\n".join(message.content for message in agent_view(episode))


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_canary_reaches_the_agent(language: Any, level: float) -> None:
    revealed = 0
    for name in CORE.personas:
        casting = CORE.cast(name, language)
        persona, scenario, facts = with_canaries(casting.persona, casting.scenario)
        user = RulesUser()
        episode = open_episode(persona, scenario, at_level(level), 11, user)
        turn = 0
        while episode.ending is None:
            lines = (*REPLIES[language][:1], *casting.gold.solve, *REPLIES[language])
            said = lines[turn % len(lines)]
            episode = drive(advance(episode, Utterance(raw=said), user), None).after
            turn += 1
            text = seen(episode)
            for fact, canary in facts.items():
                assert (canary in text) == (fact in episode.revealed)
            for canary in ("NEED-CANARY", "SITUATION-CANARY", "REACTION-CANARY", "NOTE-CANARY", "PROFILE-CANARY"):
                assert canary not in text
            assert str(ODD_MOOD) not in text
            assert f"{episode.emotion.mood:.2f}" not in text
            assert all(scenario.need.value not in m.content for m in agent_view(episode) if m.role == "user")
        revealed += len(episode.revealed)
    assert level == 1.0 or revealed > len(CORE.personas), "nothing was told, so nothing was tested"


def test_the_observation_is_the_users_new_message_only() -> None:
    env = EmpathyEnv("dolores")
    env.reset(seed=1)
    observation, *_ = env.step(REPLIES["en"][0])
    assert observation == env.episode.spoken.text
    assert env.episode.opening.text not in observation

"""The protocol of agents: what they see of an episode."""

from __future__ import annotations

from emosim.difficulty import at_level
from emosim.engine import advance, open_episode
from emosim.episode import Utterance
from emosim.flow import drive
from emosim.packs import cast
from emosim.policies.floor import Silent
from emosim.policies.protocol import View, see
from emosim.users.rules import RulesUser


def test_a_view_that_was_added_to_is_the_view_made_anew() -> None:
    casting, policy = cast("dolores", "en"), Silent()
    episode = open_episode(casting.persona, casting.scenario, at_level(0.0), 3, RulesUser())
    view: View | None = None
    for reply in ("What happened?", "<think>Hm.</think> And then?", "  Who saw it? "):
        view = see(episode, policy, view)
        assert view == see(episode, policy)
        episode = drive(advance(episode, Utterance(raw=reply), RulesUser()), None).after

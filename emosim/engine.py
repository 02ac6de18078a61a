"""The game on one page: open an episode, advance it by one reply, leave it.

`advance` is a flow: it asks the user, computes what the reply did, lets the user speak, and returns the next episode.
It owns nothing and does no I/O; a turn that fails has never happened.
"""

from __future__ import annotations

from emosim.acts import Appraisal
from emosim.difficulty import Difficulty, apply
from emosim.emotion import EmotionState
from emosim.episode import Ending, Episode, Spoken, Transition, Turn, Utterance
from emosim.errors import UsageError
from emosim.flow import Flow
from emosim.persona import Persona, Scenario
from emosim.rulebook import BLANK, GOODBYE, after, ending, is_blank, is_scored, opening_emotion, walked_out
from emosim.users.opening import first_message
from emosim.users.protocol import Felt, Heard, Speech, User


def open_episode(persona: Persona, scenario: Scenario, harder: Difficulty, seed: int, user: User) -> Episode:
    """Return a new episode with the user's first message; asks no model.

    Args:
        persona: Who talks, as the pack has it.
        scenario: The trouble, as the pack has it.
        harder: How much harder to make both.
        seed: Address of all dice of the episode.
        user: Who plays the persona.
    """
    persona, scenario = apply(_tempered(persona, user.rules.temper), scenario, harder)
    unfelt = EmotionState(mood=0.0, trust=0.0, patience=1.0)
    episode = Episode(
        persona=persona,
        scenario=scenario,
        difficulty=harder,
        rules=user.rules,
        user=user.name,
        seed=seed,
        opening=first_message(persona, scenario, seed),
        start=unfelt,
    )
    return episode.model_copy(update={"start": opening_emotion(episode)})


def open_another(opened: Episode, seed: int) -> Episode:
    """Return a new episode of the same kind as an opened one, under other dice; they share what is equal."""
    message = first_message(opened.persona, opened.scenario, seed)
    same = opened.opening if message == opened.opening else message
    return opened.model_copy(update={"seed": seed, "opening": same})


def advance(episode: Episode, reply: Utterance, user: User) -> Flow[Transition]:
    """Play one turn: the user hears the reply, feels, and answers.

    Raises:
        UsageError: The episode is over.
        SimulationError: The user could not answer; the episode is unchanged.
    """
    if episode.ending is not None:
        raise UsageError(f"the episode is over ({episode.ending}); reset before the next step")
    heard = Heard(episode, reply)
    appraisal, speech = yield from perceive(heard, user)
    felt = feel(heard, appraisal)
    spoken = yield from speech(felt)
    return conclude(felt, spoken)


def perceive(heard: Heard, user: User) -> Flow[tuple[Appraisal | None, Speech]]:
    """Return what the reply meant and how to speak of it; silence and unscored replies cost no question."""
    if not is_scored(heard.episode):
        return None, user.speak
    if is_blank(heard.reply):
        return BLANK, user.speak
    return (yield from user.respond(heard))


def feel(heard: Heard, appraisal: Appraisal | None) -> Felt:
    """Return what the reply did to mood, trust and patience, and whether that ends the episode."""
    episode = heard.episode
    emotion = after(episode, heard.reply, appraisal)
    return Felt(heard, appraisal, emotion, ending(episode, emotion, blank=is_blank(heard.reply)))


def conclude(felt: Felt, spoken: Spoken) -> Transition:
    """Return the transition to the episode that includes this turn."""
    before = felt.heard.episode
    ended = felt.ending
    if spoken.goodbye:
        ended = ending(before, felt.emotion, blank=is_blank(felt.heard.reply), goodbye=True)
    turn = Turn.model_construct(reply=felt.heard.reply, appraisal=felt.appraisal, emotion=felt.emotion, spoken=spoken)
    return _commit(before, turn, ended)


def leave(episode: Episode) -> Transition:
    """End an episode because the agent hangs up: the worst outcome there is, so that leaving never pays."""
    if episode.ending is not None:
        raise UsageError(f"the episode is over ({episode.ending}); reset before the next step")
    turn = Turn(reply=Utterance(raw=""), appraisal=GOODBYE, emotion=walked_out(episode), spoken=Spoken(text=""))
    return _commit(episode, turn, "agent_left")


def invalidate(episode: Episode) -> Episode:
    """Return the episode marked as unscorable: the environment failed, nothing may be concluded from it."""
    return episode.model_copy(update={"ending": "invalid"})


def is_over(episode: Episode) -> bool:
    """Return whether the episode has ended."""
    return episode.ending is not None


def _tempered(persona: Persona, temper: dict[str, float]) -> Persona:
    if not temper:
        return persona
    return persona.model_copy(update={"temperament": persona.temperament.model_copy(update=temper)})


def _commit(before: Episode, turn: Turn, ended: Ending | None) -> Transition:
    return Transition(before, before.and_then(turn, ended))

"""The kit passes all users that come with emosim, and every check of users finds the defects that it is there for."""

from __future__ import annotations

import re
import time
from collections import Counter
from itertools import count
from typing import Any

import pytest

from emosim.acts import Appraisal
from emosim.engine import Utterance
from emosim.episode import Rulebook, Spoken
from emosim.errors import BackendError, SimulationError, UsageError
from emosim.flow import settled
from emosim.suite import Suite
from emosim.testing.conformance import USER_CHECKS, ConformanceError, check_user
from emosim.testing.conformance.__main__ import main
from emosim.testing.fake_server import FakeServer
from emosim.testing.talking import answer
from emosim.users.llm import LlmUser
from emosim.users.presets import PresetUser
from emosim.users.protocol import Felt, Heard
from emosim.users.rules import RulesUser


class Wrapped:
    """A user that asks a model, as it should; defects override one of its steps."""

    name, rules = "wrapped@1", Rulebook()

    def respond(self, heard: Heard) -> Any:
        return (yield from LlmUser().respond(heard))

    def speak(self, felt: Felt) -> Any:
        return LlmUser().speak(felt)


class Saying(Wrapped):
    """Adds something to what is said."""

    def respond(self, heard: Heard) -> Any:
        more = self.more(heard)
        appraisal, speech = yield from super().respond(heard)

        def speak(felt: Felt) -> Any:
            spoken = yield from speech(felt)
            return spoken.model_copy(update={"text": f"{spoken.text} ({more})"})

        return appraisal, speak

    def more(self, heard: Heard) -> object:
        return ""


class Counts(Saying):
    def __init__(self) -> None:
        self.number = count()

    def more(self, heard: Heard) -> object:
        return next(self.number)


class CountsTurns(Saying):
    """Counts how often it heard a turn of an episode, before it asks."""

    def __init__(self) -> None:
        self.heard: Counter[tuple[int, int]] = Counter()

    def more(self, heard: Heard) -> object:
        self.heard[heard.episode.seed, heard.turn] += 1
        return self.heard[heard.episode.seed, heard.turn]


class ReadsTheClock(Wrapped):
    def respond(self, heard: Heard) -> Any:
        appraisal, speech = yield from super().respond(heard)
        return appraisal.model_copy(update={"thought": f"at {time.time()}"}), speech


class ThinksInBytes(Wrapped):
    def respond(self, heard: Heard) -> Any:
        appraisal, speech = yield from super().respond(heard)
        return appraisal.model_copy(update={"thought": b"they asked"}), speech


class NeverEnds(Wrapped):
    rules = Rulebook(left_below=-1000.0, max_turns=10**6)


class ReadsReasoning(Wrapped):
    def respond(self, heard: Heard) -> Any:
        said = re.sub("</?think>", "", heard.reply.raw)
        return (yield from super().respond(Heard(heard.episode, Utterance(raw=said))))


class NamesFactsInASet(Wrapped):
    def respond(self, heard: Heard) -> Any:
        appraisal, speech = yield from super().respond(heard)

        def speak(felt: Felt) -> Any:
            spoken = yield from speech(felt)
            return Spoken.model_construct(text=spoken.text, kinds=spoken.kinds, revealed=frozenset(), goodbye=False)

        return appraisal, speak


class ChangesTheEpisode(Wrapped):
    def respond(self, heard: Heard) -> Any:
        heard.episode.rules.temper["guard"] = float(heard.turn)
        return (yield from super().respond(heard))


class CannotBePickled(Wrapped):
    def __init__(self) -> None:
        self.dice = lambda: 1


class SharesTheReply(Saying):
    def more(self, heard: Heard) -> object:
        self.latest = heard
        time.sleep(0.003)
        return len(self.latest.text)


class Dawdles(Wrapped):
    def respond(self, heard: Heard) -> Any:
        time.sleep(1.5)
        return (yield from super().respond(heard))


class MakesUpAnswers(Wrapped):
    def respond(self, heard: Heard) -> Any:
        try:
            return (yield from super().respond(heard))
        except (BackendError, SimulationError):
            return Appraisal(evidence=(), fit=0.0, specificity=0.0), lambda felt: settled(
                Spoken(text=f"Hm, {felt.heard.turn}.")
            )


class RaisesAnother(Wrapped):
    def respond(self, heard: Heard) -> Any:
        try:
            return (yield from super().respond(heard))
        except SimulationError:
            raise UsageError("the model is too small") from None


class AsksForEver(Wrapped):
    def respond(self, heard: Heard) -> Any:
        while True:
            try:
                return (yield from super().respond(heard))
            except SimulationError:
                continue


PLANTED = [
    ("deterministic", Counts, "another spoken at turn 1"),
    ("constant_info", ReadsTheClock, "read no clock"),
    ("constant_info", ThinksInBytes, "bytes is not JSON"),
    ("no_step_after_the_end", NeverEnds, "expected an end within 200"),
    ("reasoning_is_invisible", ReadsReasoning, "no difference with <think>|stay hidden"),
    ("state_round_trip", NamesFactsInASet, "the episode that was stored"),
    ("state_round_trip", Counts, "a restored episode to go on"),
    ("fork", CountsTurns, "a fork to know nothing of the other"),
    ("fork", ChangesTheEpisode, "changed in place"),
    ("pickled", CannotBePickled, "can be pickled"),
    ("threads", SharesTheReply, "32 threads"),
    ("cancelling_changes_nothing", CountsTurns, "as if nothing happened, got another spoken"),
    ("hanging_is_cut", Dawdles, "wait only by asking"),
    ("failed_requests_change_nothing", MakesUpAnswers, "expected the turn to fail"),
    ("failed_requests_change_nothing", CountsTurns, "as if request 0 had not failed"),
    ("failed_requests_change_nothing", ChangesTheEpisode, "it was changed"),
    ("unusable_answers_are_errors", MakesUpAnswers, "expected SimulationError for an empty answer, got a mood"),
    ("unusable_answers_are_errors", RaisesAnother, "got UsageError"),
    ("unusable_answers_are_errors", AsksForEver, "20 questions in one turn"),
]


@pytest.mark.parametrize(
    "user", [RulesUser(), LlmUser(), LlmUser("split"), PresetUser("sage"), Wrapped()], ids=lambda user: user.name
)
def test_what_comes_with_emosim_passes(user: Any) -> None:
    report = check_user(user)
    asked = [name for name in report.skipped if "asks no model" in report[name].message]
    assert len(report.passed) + len(asked) == len(USER_CHECKS)
    assert bool(asked) == isinstance(user, RulesUser)


@pytest.mark.slow
@pytest.mark.parametrize("user", ["rules", "llm", "llm-split", "sage", "rlver-vanilla", "rlver-challenging"])
def test_all_users_pass_with_all_personas(user: str) -> None:
    suite = Suite(languages=("en", "zh"), levels=(0.0, 0.7))
    with FakeServer(answer) as server:
        assert check_user(user if user == "rules" else f"{user}:{server.url}#fake", suite=suite).is_good


def test_a_user_of_a_served_model_passes() -> None:
    with FakeServer(answer) as server:
        assert check_user(f"llm:{server.url}#fake").passed == tuple(USER_CHECKS)


@pytest.mark.parametrize(("check", "planted", "message"), PLANTED, ids=lambda value: getattr(value, "__name__", value))
def test_every_check_finds_what_it_is_there_for(check: str, planted: type[Any], message: str) -> None:
    report = check_user(planted(), checks=[check], raises=False)
    assert report.failed == (check,), "the defect was not found"
    assert re.search(message, report[check].message), report[check].message
    assert "\n" not in report[check].message


def test_every_check_has_a_defect() -> None:
    assert {check for check, _, _ in PLANTED} == set(USER_CHECKS)


def test_failures_raise() -> None:
    with pytest.raises(ConformanceError, match=r"user wrapped@1: 0 passed, 1 failed, 0 skipped"):
        check_user(Counts(), checks=["deterministic"])


def test_from_a_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "llm", "--check", "fork", "--skip", "threads=one core"]) == 0
    out = capsys.readouterr().out
    assert f"user {LlmUser().name}: 1 passed, 0 failed, 1 skipped" in out
    assert "left out: one core" in out
    assert main(["user", "rulez"]) == 2
    assert "did you mean 'rules'" in capsys.readouterr().err
    assert main(["user", "rules", "--skip", "threads"]) == 2
    assert "say why" in capsys.readouterr().err

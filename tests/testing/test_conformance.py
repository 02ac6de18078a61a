"""The kit passes what conforms, and every check of adapters finds the defects that it is there for."""

from __future__ import annotations

import asyncio
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from emosim.errors import UsageError
from emosim.rollouts import Rollouts
from emosim.suite import Suite
from emosim.testing.conformance import ADAPTER_CHECKS, ConformanceError, check_adapter, serve
from emosim.testing.conformance.__main__ import main


class Reference:
    """An adapter that does what it should, all rows in lock step; defects override one of its steps."""

    def __call__(self, rows: Any, agent: Any, settings: Any) -> Any:
        users = Rollouts(**settings)
        rollouts = [self.opened(users, row, place) for place, row in enumerate(rows)]
        chats = [self.first(row) for row in rows]
        while running := [i for i, rollout in enumerate(rollouts) if not rollout.over]:
            for i in running:
                reply = agent(chats[i])
                if reply is None:
                    self.hung_up(rollouts[i])
                    continue
                text = self.answered(rollouts[i], reply)
                chats[i] = self.grown(chats[i], reply, text)
        return [self.paid(rollout.outcome) for rollout in rollouts]

    def opened(self, users: Any, row: Any, place: int) -> Any:
        return users.open(row)

    def first(self, row: Any) -> Any:
        return list(row["prompt"])

    def answered(self, rollout: Any, reply: str) -> str:
        return rollout.reply(reply).text

    def grown(self, chat: Any, reply: str, text: str) -> Any:
        return [*chat, {"role": "assistant", "content": reply}, {"role": "user", "content": text}]

    def hung_up(self, rollout: Any) -> None:
        rollout.leave()

    def paid(self, outcome: Any) -> Any:
        return outcome.reward


class Reseeds(Reference):
    def opened(self, users: Any, row: Any, place: int) -> Any:
        return users.open(re.sub(r":s\d+$", f":s{place:04d}", row["episode"]))


class ReseedsInSecret(Reference):
    def opened(self, users: Any, row: Any, place: int) -> Any:
        rollout = users.open(row)
        rollout.episode = rollout.episode.model_copy(update={"seed": place})
        return rollout


class SharesWhatWasSaid(Reference):
    """Keeps, over rows and calls, what agents said, and adds it to what they say."""

    def __init__(self) -> None:
        self.number = count()

    def answered(self, rollout: Any, reply: str) -> str:
        return super().answered(rollout, f"{reply} ({next(self.number)} people wrote this)")


class Uppercases(Reference):
    def grown(self, chat: Any, reply: str, text: str) -> Any:
        return super().grown(chat, reply, text.upper())


class TellsTheMood(Reference):
    def answered(self, rollout: Any, reply: str) -> str:
        step = rollout.reply(reply)
        return f"[mood {step.info['mood']:.0f}] {step.text}"


class Normalises(Reference):
    def grown(self, chat: Any, reply: str, text: str) -> Any:
        return super().grown(chat, " ".join(reply.split()), text)


class RepeatsTheChat(Reference):
    def grown(self, chat: Any, reply: str, text: str) -> Any:
        return super().grown(chat, reply, "\n".join([*(m["content"] for m in chat), text]))


class ForgetsTheSystem(Reference):
    def first(self, row: Any) -> Any:
        return row["prompt"][1:]


class KeepsTheLastMessageOnly(Reference):
    def grown(self, chat: Any, reply: str, text: str) -> Any:
        return [*chat[:1], {"role": "assistant", "content": reply}, {"role": "user", "content": text}]


class StripsThought(Reference):
    def answered(self, rollout: Any, reply: str) -> str:
        return super().answered(rollout, re.sub(r"<think>.*?</think>\n", "", reply, flags=re.DOTALL))


class Leaks(Reference):
    def answered(self, rollout: Any, reply: str) -> str:
        return super().answered(rollout, reply.replace("think>", "aside>"))


class PaysTheLastTurn(Reference):
    def paid(self, outcome: Any) -> Any:
        return outcome.rewards[-1] if outcome.rewards else None


class Rounds(Reference):
    def paid(self, outcome: Any) -> Any:
        return None if outcome.reward is None else round(outcome.reward, 1)


class PaysItsOwn(Reference):
    def __call__(self, rows: Any, agent: Any, settings: Any) -> Any:
        return super().__call__(rows, agent, {**settings, "reward": "final"})


class NeverEnds(Reference):
    def answered(self, rollout: Any, reply: str) -> str:
        text = super().answered(rollout, reply)
        if len(rollout.episode.turns) >= 3 and not rollout.over:
            rollout.setting.log = None
            rollout.leave()
        return text


class PaysZeroForFaults(Reference):
    def paid(self, outcome: Any) -> Any:
        return 0.0 if outcome.reward is None else outcome.reward


class PaysWhatWasEarnedSoFar(Reference):
    def paid(self, outcome: Any) -> Any:
        return sum(outcome.rewards)


class PaysNothing(Reference):
    def paid(self, outcome: Any) -> Any:
        return None


class Throws(Reference):
    def paid(self, outcome: Any) -> Any:
        if outcome.fault:
            raise RuntimeError("the user failed")
        return outcome.reward


class RewardsLeaving(Reference):
    def paid(self, outcome: Any) -> Any:
        return 1.0 if outcome.ending == "agent_left" else outcome.reward


class ForgivesLeaving(Reference):
    def hung_up(self, rollout: Any) -> None:
        rollout.invalidate("the agent stopped")


class SpeaksForTheSilent(Reference):
    def answered(self, rollout: Any, reply: str) -> str:
        return super().answered(rollout, reply or "What happened then?")


class ForgivesSilence(Reference):
    def answered(self, rollout: Any, reply: str) -> str:
        if not re.sub(r"<think>.*</think>", "", reply):
            rollout.invalidate("nothing was said")
            return ""
        return super().answered(rollout, reply)


class ChangesRows(Reference):
    def first(self, row: Any) -> Any:
        row["done"] = True
        return super().first(row)


class TakesNoColumns(Reference):
    def first(self, row: Any) -> Any:
        return self.of(**row)

    def of(self, prompt: Any, episode: str) -> Any:
        return list(prompt)


class MixesUpRows(Reference):
    def __call__(self, rows: Any, agent: Any, settings: Any) -> Any:
        rewards = super().__call__(rows, agent, settings)
        return rewards if len(rows) < 32 else sorted(rewards)


class ServesSixteen(Reference):
    """Has sixteen users, and lets further rows talk to those of the first."""

    def opened(self, users: Any, row: Any, place: int) -> Any:
        if place < 16:
            return super().opened(users, row, place)
        rollout = users.open(row)
        rollout.reply("Hello there.")
        return rollout


PLANTED = [
    ("same_user_for_a_group", Reseeds, "never with a new seed"),
    ("same_user_for_a_group", ReseedsInSecret, "one user for all 3 copies"),
    ("same_user_for_a_group", SharesWhatWasSaid, "one user for all 3 copies"),
    ("deterministic", SharesWhatWasSaid, "the same"),
    ("only_the_new_message", Uppercases, "the user's messages as stored"),
    ("only_the_new_message", TellsTheMood, "the user's messages as stored"),
    ("only_the_new_message", RepeatsTheChat, "the user's messages as stored"),
    ("only_the_new_message", Normalises, "never rewrite it"),
    ("only_the_new_message", ForgetsTheSystem, r"row\['prompt'\] as the first prompt"),
    ("only_the_new_message", KeepsTheLastMessageOnly, "the user's messages as stored|does not extend"),
    ("reasoning_is_invisible", StripsThought, "hand the reply over as it is"),
    ("reasoning_is_invisible", Leaks, "the same dialogue when the agent reasons"),
    ("rewards_recompute", PaysTheLastTurn, "the stored returns"),
    ("rewards_recompute", Rounds, "the stored returns"),
    ("rewards_recompute", PaysItsOwn, "the reward 'padded_auc', got 'final'"),
    ("rewards_recompute", NeverEnds, "for 0 stored episodes|found none"),
    ("rewards_recompute", PaysNothing, "a number for every row"),
    ("faults_are_unscorable", PaysZeroForFaults, "pay None or NaN"),
    ("faults_are_unscorable", PaysWhatWasEarnedSoFar, "pay None or NaN"),
    ("faults_are_unscorable", PaysNothing, "pay what could be scored"),
    ("faults_are_unscorable", Throws, "RuntimeError: the user failed"),
    ("leaving_never_pays", RewardsLeaving, "not to beat one that tries"),
    ("leaving_never_pays", ForgivesLeaving, "to be paid the worst"),
    ("silence_never_pays", SpeaksForTheSilent, "'' to be stored"),
    ("silence_never_pays", ForgivesSilence, "to be paid the worst"),
    ("json_settings", ChangesRows, "changed in place"),
    ("json_settings", TakesNoColumns, "TypeError"),
    ("concurrent", MixesUpRows, "one reward however many"),
    ("concurrent", ServesSixteen, "share no state"),
]


def test_a_straightforward_adapter_passes() -> None:
    report = check_adapter(Reference())
    assert report.passed == tuple(ADAPTER_CHECKS)
    assert report.is_good


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.0, 0.3, 0.7, 1.0])
def test_a_straightforward_adapter_passes_with_all_personas(level: float) -> None:
    assert check_adapter(Reference(), suite=Suite(languages=("en", "zh"), levels=(level,))).is_good


@pytest.mark.parametrize(("check", "planted", "message"), PLANTED, ids=lambda value: getattr(value, "__name__", value))
def test_every_check_finds_what_it_is_there_for(check: str, planted: type[Reference], message: str) -> None:
    report = check_adapter(planted(), checks=[check], raises=False)
    assert report.failed == (check,), "the defect was not found"
    assert re.search(message, report[check].message), report[check].message
    assert "\n" not in report[check].message


def test_every_check_has_a_defect() -> None:
    assert {check for check, _, _ in PLANTED} == set(ADAPTER_CHECKS)


def test_an_awaited_adapter_that_answers_row_by_row_passes() -> None:
    async def play(rows: Any, agent: Any, settings: Any) -> Any:
        users = Rollouts(**settings)

        async def one(row: Any) -> float:
            rollout = users.open(row)
            while not rollout.over:
                reply = agent([row["prompt"][0], *rollout.messages])
                await asyncio.sleep(0)
                rollout.leave() if reply is None else await rollout.areply(reply)
            reward = rollout.outcome.reward
            return float("nan") if reward is None else reward

        return await asyncio.gather(*map(one, rows))

    async def inside_a_loop() -> None:
        assert check_adapter(play, skip={"silence_never_pays": "takes long"}).is_good

    asyncio.run(inside_a_loop())


def test_all_failures_are_listed_and_what_was_left_out_too() -> None:
    skip = {"faults_are_unscorable": "a served trainer"}
    with pytest.raises(ConformanceError) as caught:
        check_adapter(ForgetsTheSystem(), checks=["only_the_new_message", "deterministic"], skip=skip)
    lines = str(caught.value).splitlines()
    assert lines[0] == "adapter ForgetsTheSystem: 1 passed, 1 failed, 1 skipped"
    assert [line.split()[:2] for line in lines[1:]] == [
        ["deterministic", "passed"],
        ["only_the_new_message", "failed"],
        ["faults_are_unscorable", "skipped"],
    ]
    assert lines[3].endswith("left out: a served trainer")
    assert isinstance(caught.value, AssertionError)


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match=r"no check 'determinstic'.*did you mean 'deterministic'"):
        check_adapter(Reference(), checks=["determinstic"])
    with pytest.raises(UsageError, match="say why 'concurrent' is left out"):
        check_adapter(Reference(), skip={"concurrent": " "})
    for wrong, message in (([1.0], "expected 12 rewards, one for each row in order, got 1"), (None, "got None")):
        report = check_adapter(lambda rows, agent, settings: wrong, checks=["deterministic"], raises=False)  # noqa: B023
        assert message in report["deterministic"].message or "found none" in report["deterministic"].message
    report = check_adapter(lambda rows, agent, settings: [0.0] * len(rows), checks=["deterministic"], raises=False)
    assert "found none" in report["deterministic"].message


def test_from_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my_trainer.py").write_text("def play(rows, agent, settings):\n    return [0.0] * len(rows)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["adapter", "my_trainer:play", "--check", "rewards_recompute"]) == 1
    assert "found none; make the users with Rollouts(**settings)" in capsys.readouterr().out
    assert main(["adapter", "my_trainer:plays"]) == 2
    assert "no adapter 'my_trainer:plays'" in capsys.readouterr().err


def test_the_agent_is_served_over_the_openai_protocol() -> None:
    from emosim.backends import resolve_backend
    from emosim.flow import ChatRequest, ChatResponse, Message
    from emosim.testing.conformance.agents import leaving, trying

    request = ChatRequest((Message("system", "Be kind."), Message("user", "My rent went up.")))
    for agent, expected in ((trying, trying([{"role": "user", "content": "My rent went up."}])), (leaving, "")):
        with serve(agent) as server:
            (got,) = resolve_backend(f"{server.url}#any", seat="agent").complete([request])
        assert isinstance(got, ChatResponse)
        assert got.text == expected

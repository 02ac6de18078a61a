"""The floor: agents that read nothing, or nothing into it. Whatever learns must beat them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from emosim.flow import Flow, settled
from emosim.policies.protocol import Policy, View
from emosim.value import pick

DICE_START: Final = 201


@dataclass(frozen=True)
class Silent:
    """An agent that says nothing."""

    name: str = "baseline:silent"
    privileged: bool = False

    def reply(self, view: View) -> Flow[str | None]:
        """Say nothing."""
        return settled("")


@dataclass(frozen=True)
class Echo:
    """An agent that hands the user's words back."""

    name: str = "baseline:echo"
    privileged: bool = False

    def reply(self, view: View) -> Flow[str | None]:
        """Repeat the user's last message."""
        return settled(view.messages[-1].content)


@dataclass(frozen=True)
class Stock:
    """An agent that goes round a list of phrases, whatever was said; the dice choose where it starts.

    Args:
        name: Spec string.
        lines: Phrases by language; English where a language has none.
    """

    name: str
    lines: Mapping[str, tuple[str, ...]]
    privileged: bool = False

    def reply(self, view: View) -> Flow[str | None]:
        """Say the next phrase."""
        lines = self.lines.get(view.language, self.lines["en"])
        start = pick(len(lines), view.seed, 0, DICE_START)
        return settled(lines[(start + view.turn - 1) % len(lines)])


TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "I hear you. That sounds really hard.",
        "Thank you for sharing that with me. Your feelings are valid.",
        "I'm sorry you're going through this. You are not alone.",
        "It's completely understandable to feel that way.",
        "Things will get better with time. Hang in there.",
        "Have you tried talking to somebody you trust about this?",
        "Remember to be kind to yourself and take one day at a time.",
        "That must be so difficult. I'm here for you.",
        "You are stronger than you think.",
        "Is there anything else that you would like to share?",
    ),
    "zh": (
        "我理解你，这听起来真的很不容易。",
        "谢谢你愿意和我分享，你的感受都是正常的。",
        "很遗憾你经历了这些，你不是一个人。",
        "有这样的感受是完全可以理解的。",
        "时间会治愈一切，一切都会好起来的，加油。",
        "你有没有试过和信任的人聊一聊？",
        "记得对自己好一点，一步一步慢慢来。",
        "这一定很难受吧，我会一直在这里支持你。",
        "你比自己想象的更坚强。",
        "还有什么想和我说的吗？",
    ),
}
"""Stock phrases of support, such as any chat model falls back on."""

FLOOR: Final[tuple[Policy, ...]] = (Silent(), Echo(), Stock("baseline:template", TEMPLATES))
"""All floor agents."""

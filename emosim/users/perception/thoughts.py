"""What the user thinks of a reply, one private clause."""

from __future__ import annotations

from typing import Final

from emosim.acts import Act
from emosim.persona import Language

_TABLE: Final = """
open_question | wants to know more | 想多了解一点
listening | lets me talk | 肯听我说
restating | heard what I said | 听清了我说的
reflecting_feeling | noticed how I feel | 看到了我的心情
deep_empathy | understands what is under it | 懂我心里那层
validating | thinks it makes sense | 觉得我有道理
specific_praise | saw what I did | 看见了我做的
reassuring | tries to calm me | 想让我安心
self_disclosure | knows it from their own life | 自己也经历过
information | gives me facts | 给我讲事实
advice | tells me what to do | 给我出主意
explaining_others | explains the other side | 替我想对方
balanced_analysis | weighs both sides | 两边都掂量了
guiding_reflection | makes me think | 让我自己想
agreeing_no_fault | is on my side | 站在我这边
platitude | says what anybody says | 说的都是套话
dismissal | does not take it seriously | 没当回事
blame | thinks it is my fault | 觉得是我的错
lecturing | preaches at me | 在教训我
hostility | is being nasty | 话里带刺
off_topic | talks about something else | 说到别处去了
incoherent | makes no sense to me | 听不懂在说什么
empty | said nothing | 什么也没说
echo | just repeats words | 只是重复
manipulation | wants something from me | 在耍花招
"""
_CLAUSES: Final[dict[Act, tuple[str, str]]] = {
    Act(act): (english, chinese)
    for act, english, chinese in (line.split(" | ") for line in _TABLE.strip().splitlines())
}
_CLOSE: Final[dict[Language, tuple[str, str, str]]] = {
    "en": ("and that helps", "and that is not quite it", "and that hurts"),
    "zh": ("这有用", "但还差点", "挺伤人"),
}


def think(act: Act, fit: float, language: Language) -> str:
    """Return the thought that an act and its fit leave.

    >>> think(Act.ADVICE, -1.0, "en")
    'tells me what to do, and that hurts'
    """
    english, chinese = _CLAUSES[act]
    close = _CLOSE[language][0 if fit >= 0.5 else 2 if fit <= -0.5 else 1]
    return f"{chinese}，{close}" if language == "zh" else f"{english}, {close}"

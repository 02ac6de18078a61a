"""What a reply can do to a person: support acts, harms, and the needs that they meet.

Every act names its counterparts, as `ESConv` (Liu et al. 2021 strategy), `RLVER` (strategy group of arXiv 2507.03112),
`EPITOME` (Sharma et al. 2020 mechanism) and `MITI` (4.2.1 behaviour code). The table `ALIGNMENT` is emosim's own
judgement of which act meets which need; the needs are SAGE's eight hidden intentions (arXiv 2505.02847).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from emosim.value import Compact


class Act(StrEnum):
    """A support act or a harm, a closed vocabulary."""

    OPEN_QUESTION = "open_question"
    """ESConv: Question. RLVER: Venting. EPITOME: Explorations. MITI: Question (open)."""
    LISTENING = "listening"
    """ESConv: Others. RLVER: Venting. EPITOME: Explorations (weak). MITI: Seeking collaboration."""
    RESTATING = "restating"
    """ESConv: Restatement or paraphrasing. RLVER: Venting. EPITOME: Interpretations (weak). MITI: Simple reflection."""
    REFLECTING_FEELING = "reflecting_feeling"
    """ESConv: Reflection of feelings. RLVER: Deep Empathy. EPITOME: Interpretations. MITI: Simple reflection."""
    DEEP_EMPATHY = "deep_empathy"
    """ESConv: Reflection of feelings. RLVER: Deep Empathy. EPITOME: Interpretations (strong). MITI: Complex one."""
    VALIDATING = "validating"
    """ESConv: Affirmation. RLVER: Deep Empathy. EPITOME: Emotional Reactions. MITI: Affirm."""
    SPECIFIC_PRAISE = "specific_praise"
    """ESConv: Affirmation. RLVER: Praise. EPITOME: Emotional Reactions. MITI: Affirm."""
    REASSURING = "reassuring"
    """ESConv: Reassurance. RLVER: Praise. EPITOME: Emotional Reactions (weak). MITI: none."""
    SELF_DISCLOSURE = "self_disclosure"
    """ESConv: Self-disclosure. RLVER: Deep Empathy. EPITOME: Emotional Reactions. MITI: none."""
    INFORMATION = "information"
    """ESConv: Information. RLVER: Advice. EPITOME: none. MITI: Giving information."""
    ADVICE = "advice"
    """ESConv: Providing suggestions. RLVER: Advice. EPITOME: none. MITI: Persuade (with permission)."""
    EXPLAINING_OTHERS = "explaining_others"
    """ESConv: Information. RLVER: Analysis. EPITOME: none. MITI: Giving information."""
    BALANCED_ANALYSIS = "balanced_analysis"
    """ESConv: Others. RLVER: Analysis. EPITOME: none. MITI: Giving information."""
    GUIDING_REFLECTION = "guiding_reflection"
    """ESConv: Question. RLVER: Analysis. EPITOME: Explorations. MITI: Question (open), evoking."""
    AGREEING_NO_FAULT = "agreeing_no_fault"
    """ESConv: Affirmation and reassurance. RLVER: Praise. EPITOME: Emotional Reactions. MITI: Affirm (weak)."""

    PLATITUDE = "platitude"
    """Harm: a saying that would fit anybody. ESConv: Reassurance misused. MITI: none."""
    DISMISSAL = "dismissal"
    """Harm: it is not that bad. EPITOME: level 0. MITI: none."""
    BLAME = "blame"
    """Harm: it is your own doing. EPITOME: level 0. MITI: Confront."""
    LECTURING = "lecturing"
    """Harm: preaching, ordering about, unasked-for lists. MITI: Persuade without permission."""
    HOSTILITY = "hostility"
    """Harm: insult, mockery, threat. MITI: Confront."""
    OFF_TOPIC = "off_topic"
    """Harm: about something else."""
    INCOHERENT = "incoherent"
    """Harm: cannot be understood."""
    EMPTY = "empty"
    """Harm: nothing was said."""
    ECHO = "echo"
    """Harm: the user's words handed back, or the agent's own repeated."""
    MANIPULATION = "manipulation"
    """Harm: flattery for effect, instructions to the simulator, forged turns, farewell lures."""


HARMS: Final = frozenset(list(Act)[list(Act).index(Act.PLATITUDE) :])
SUPPORTS: Final = tuple(act for act in Act if act not in HARMS)


class Need(StrEnum):
    """What would actually help, SAGE's eight hidden intentions."""

    PRACTICAL_ADVICE = "practical_advice"
    """Advice that really helps now."""
    DEEP_EMPATHY = "deep_empathy"
    """The feeling under the feeling, put into words."""
    SPECIFIC_PRAISE = "specific_praise"
    """Sincere praise of what was actually done."""
    GUIDED_REFLECTION = "guided_reflection"
    """To be led to see one's own part and grow."""
    LISTENING = "listening"
    """To be listened to while venting."""
    BALANCED_ANALYSIS = "balanced_analysis"
    """The matter weighed from both sides."""
    UNDERSTANDING_OTHERS = "understanding_others"
    """Why the other person acts that way."""
    BLAMELESSNESS = "blamelessness"
    """To be told, with reasons, that one did nothing wrong."""


class Evidence(Compact):
    """One act found in a reply, with the words that show it."""

    act: Act
    """The act."""
    quote: str
    """Words of the reply, verbatim; empty only for acts that say nothing."""


class Appraisal(Compact):
    """What a reply meant to this user: evidence, never a verdict on the mood."""

    evidence: tuple[Evidence, ...]
    """Acts found, most important first."""
    fit: float
    """How well the reply fits the hidden need, -2 (against it) to 2 (meets it)."""
    specificity: float
    """How much it is about this person's situation, 0 (anybody's) to 2 (theirs alone)."""
    thought: str = ""
    """What the user thinks, private."""
    stated_change: int | None = None
    """Protocol presets only: the change of mood that the model itself stated, before clamping."""

    @property
    def acts(self) -> tuple[Act, ...]:
        """The acts, in order, each once."""
        return tuple(dict.fromkeys([item.act for item in self.evidence]))


# Rows: needs, columns: SUPPORTS in order. 1 meets the need, 0 does nothing for it, below 0 goes against it.
_TABLE: Final = """
                      ques  list  rest  feel  deep  vali  prai  reas  self  info  advi  expl  bala  guid  agre
practical_advice       .40   .30   .25   .25   .30   .30   .30   .15   .20   .75  1.00   .25   .50   .30   .10
deep_empathy           .40   .45   .35   .80  1.00   .60   .30   .15   .35  -.15  -.30   .05  -.10   .25   .15
specific_praise        .35   .30   .25   .35   .40   .55  1.00   .20   .20  -.10  -.25  -.10  -.05   .10   .25
guided_reflection      .50   .30   .30   .35   .40   .25   .25   .05   .20   .10  -.10   .25   .50  1.00  -.30
listening              .70  1.00   .60   .65   .60   .55   .20   .10   .25  -.30  -.50  -.30  -.30  -.10   .30
balanced_analysis      .40   .25   .30   .25   .25   .20   .15   .05   .15   .45   .15   .50  1.00   .45  -.25
understanding_others   .40   .25   .25   .25   .30   .20   .10   .05   .20   .35  -.05  1.00   .55   .30  -.20
blamelessness          .35   .35   .30   .45   .50   .65   .45   .30   .20   .05  -.25  -.35  -.40  -.30  1.00
"""

ALIGNMENT: Final[dict[Need, dict[Act, float]]] = {
    Need(row.split()[0]): dict(zip(SUPPORTS, map(float, row.split()[1:]), strict=True))
    for row in _TABLE.strip().splitlines()[1:]
}
"""Worth of each support act for each need, -1 to 1. Source: own judgement, checked by the packs' gold dialogues."""

SEVERITY: Final[dict[Act, float]] = {
    Act.PLATITUDE: 0.35,
    Act.DISMISSAL: 0.7,
    Act.BLAME: 0.9,
    Act.LECTURING: 0.45,
    Act.HOSTILITY: 1.0,
    Act.OFF_TOPIC: 0.45,
    Act.INCOHERENT: 0.5,
    Act.EMPTY: 1.0,
    Act.ECHO: 0.5,
    Act.MANIPULATION: 0.7,
}
"""How much a harm hurts before temperament, 0 to 1. Source: emosim's own judgement."""

"""Offline perception of a reply: a text and a context in, an `Appraisal` out; deterministic, numpy only.

`tokens` cuts the text · `cues` finds phrases · `lexicon` knows words · `features` counts · `heads` learned weights ·
`attacks` vetoes · `verdict` makes the appraisal · `semantic` the same with a sentence encoder (extra).
"""

from emosim.users.perception.context import Context
from emosim.users.perception.verdict import perceive

__all__ = ["Context", "perceive"]

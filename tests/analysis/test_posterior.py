"""What the posterior learns besides the boundary."""

from __future__ import annotations

import numpy as np

from emosim.analysis.posterior import Posterior
from emosim.analysis.psychometric import Psychometric


def test_failures_at_the_hardest_level_rule_out_a_floor_and_full_marks_at_the_easiest_a_lapse() -> None:
    model = Psychometric()
    posterior = Posterior(model)
    levels = np.repeat([0.0, 1.0], 60)
    posterior.update(levels, np.where(levels > 0, 0, len(model.marks)), np.arange(120))
    weights = posterior.weights.sum(axis=(0, 1, 3))
    floor, lapse = model.rates
    assert weights[(floor > 0) | (lapse > 0)].sum() < 0.5
    assert weights[(floor == 0) & (lapse == 0)].sum() > 0.5

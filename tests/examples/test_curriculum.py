"""The curriculum: shapes, sameness, how it moves, bad arguments."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from acts_grpo import Learner, Recipe
from curriculum import LADDER, TESTS, WAYS, Curriculum, main, report, study
from prior_ceiling_priors import PRIORS

from emosim.errors import UsageError

SMALL = Recipe(updates=2, groups=4)


def test_the_comparison_small() -> None:
    found, again = (study(SMALL, 2, 1, 1, 1, PRIORS[3:4]) for _ in range(2))
    assert json.dumps(found) == json.dumps(again)
    one = found["priors"]["generic"]
    assert set(one["ways"]) == set(WAYS)
    assert np.shape(one["curriculum_less"]["hard"]) == (len(TESTS), 3)
    assert len(one["path"]) == SMALL.updates
    assert found["episodes"] == 2 * 4 * 8
    assert "| generic |" in report(found)


def test_it_straddles_with_all_its_groups() -> None:
    curriculum = Curriculum(Recipe(groups=32))
    for at, count in ((0, 2), (5, 3), (10, 2)):
        curriculum.at = at
        shares = curriculum.shares()
        assert len(shares) == count
        assert sum(groups for _, groups in shares) == 32
        assert LADDER[at] in [level for level, _ in shares]


def test_it_moves_to_where_there_is_more_to_learn() -> None:
    curriculum, learner = Curriculum(SMALL, every=1, at=5), Learner.of(PRIORS[0].policy(), SMALL, 0)
    curriculum.contrast = lambda level: level  # type: ignore[method-assign]
    shares = curriculum.shares()
    curriculum.learn(shares, learner.update_mixed(shares))
    assert LADDER[curriculum.at] == pytest.approx(0.6)
    assert curriculum.path == [0.5]


def test_too_few_groups_hold_no_contrast() -> None:
    assert Curriculum(SMALL).contrast(0.0) == 0.0


def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError):
        study(SMALL, seeds=1)
    assert main(["--seeds", "1", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("curriculum: an interval needs 2 seeds or more")
    assert main(["--updates", "0"]) == 2

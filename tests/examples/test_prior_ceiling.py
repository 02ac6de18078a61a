"""The study: small, whole, the same again; its judgements on made-up curves; its page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from acts_grpo import Recipe, some_users
from prior_ceiling import LEVELS, Settings, main, rounded, study
from prior_ceiling_measures import apart, boundary, ceilings, curve, share_of_best
from prior_ceiling_page import page, sentences
from prior_ceiling_priors import PRIORS

from emosim.difficulty import KNOBS
from emosim.errors import UsageError
from emosim.runs import verify

KEPT = Path(__file__).parents[2] / "examples/prior_ceiling"
SMALL = Settings(
    recipe=Recipe(updates=2, groups=8),
    seeds=2,
    variant_seeds=0,
    per_persona=1,
    rolls=1,
    shallow=16,
    deep=16,
    groups=40,
    search=0,
    repeats=2,
    workers=1,
)


def test_the_study_small(tmp_path: Path) -> None:
    found = rounded(study(SMALL, tmp_path / "runs", PRIORS[3:4], (0.0, 0.5, 1.0)))
    again = rounded(study(SMALL, tmp_path / "again", PRIORS[3:4], (0.0, 0.5, 1.0)))
    assert json.dumps(found) == json.dumps(again)
    (one,) = found["priors"]
    assert [look["level"] for look in one["looks"]] == [0.0, 0.5, 1.0]
    assert np.shape(one["variants"]["main"]["scores"]["0.5"]) == (3, 2)
    assert one["boundary"] is None
    assert set(one["stored"]) == {"best", "hardest"}
    assert list(one["eased"]["easiest"]) == ["", *KNOBS]
    runs = sorted((tmp_path / "runs").iterdir())
    assert len(runs) in (2, 3)
    assert all(verify(run).is_good for run in runs)
    shown = page(found)
    assert shown.count("<svg") > 3
    assert "<script" not in shown
    assert "://" not in shown


@pytest.mark.parametrize(
    ("means", "shape"),
    [
        ([0.2, 0.4, 0.1], "inverted U"),
        ([0.4, 0.3, 0.1], "falls"),
        ([0.1, 0.3, 0.4], "rises"),
        ([0.4, 0.1, 0.2], "falls"),
        ([0.2, 0.2, 0.2], "undetermined"),
    ],
)
def test_shapes_of_curves(means: list[float], shape: str) -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.01, (3, 6))
    assert curve(np.array(means)[:, None] + noise, (0.0, 0.5, 1.0))["shape"] == shape


def test_noise_is_seldom_called_an_inverted_u() -> None:
    dice = np.random.default_rng(1)
    called = [curve(dice.normal(0.3, 0.02, (7, 6)), LEVELS)["shape"] == "inverted U" for _ in range(400)]
    assert np.mean(called) <= 0.05


def test_shares_and_differences() -> None:
    scores = np.array([[0.3, 0.3], [0.5, 0.5], [0.2, 0.2]])
    assert share_of_best(scores, 0.1, 0) == pytest.approx(0.5)
    assert np.isnan(share_of_best(scores, 0.9, 0))
    still = apart(scores[1], scores[0])
    assert (still.low, still.estimate, still.high) == pytest.approx((0.2, 0.2, 0.2))


def test_a_creation_is_checked_against_more_rollouts_of_the_prior() -> None:
    dice = np.random.default_rng(2)
    hidden, able = slice(0, 48), slice(48, 96)
    base = np.where(dice.random((96, 128)) < 0.4, 0.9, 0.4)
    base[hidden] = 0.4
    base[:12, 100] = 0.9
    trained = np.where(dice.random((96, 128)) < 0.4, 0.9, 0.4)
    trained[able] = np.where(dice.random((48, 128)) < 0.5, 0.9, 0.4)
    found = ceilings(base, trained, 64)
    assert found["verdict"] == "creates"
    assert found["entered"] == 48
    assert found["entered_but_in_the_prior"] == 12
    assert found["unsolved"] == [36 / 96, 0.0]


def test_eight_episodes_locate_no_boundary() -> None:
    found = boundary(PRIORS[0].policy(), some_users(1), 8)
    assert found is not None
    assert found["played"] == 8
    assert found["status"] == "undetermined"


@pytest.mark.parametrize("wrong", [{"seeds": 1}, {"shallow": 4}, {"deep": 8}, {"workers": 0}, {"repeats": 1}])
def test_designs_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Settings(**wrong)  # type: ignore[arg-type]


def test_bad_arguments_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "1", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "prior_ceiling: seeds must be 2 or more, not 1\n"
    assert main(["--updates", "0"]) == 2
    assert main(["--page-only", "--out", str(tmp_path)]) == 2
    assert "study.json" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--seeds", "many"])


def test_the_kept_report_is_of_the_kept_numbers() -> None:
    found = json.loads((KEPT / "study.json").read_text(encoding="utf-8"))
    text = (KEPT / "report.html").read_text(encoding="utf-8")
    reading = KEPT / "reading.html"
    assert text == page(found, reading.read_text(encoding="utf-8") if reading.exists() else "")
    assert len(sentences(found)) >= 5
    assert sum(file.stat().st_size for file in KEPT.iterdir()) < 400_000

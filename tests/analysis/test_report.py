"""The report: one well-formed file that asks for nothing, where whatever was said is data."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emosim.acts import Act
from emosim.analysis.persona_levels import PersonaLevels, PersonaRow
from emosim.analysis.report import (
    Cost,
    Fault,
    Faults,
    Limits,
    Methods,
    Report,
    Transcript,
    render_report,
    svg_moods,
    transcripts,
    write_report,
)
from emosim.analysis.report.charts import Axis, Bar, BarChart, Boundary, FrontierChart, LineChart, Point, Series, Table
from emosim.analysis.report.exhibits import ending_bars, level_table, mood_by_level, persona_table, score_map
from emosim.analysis.report.page import SCRIPTS, _asset
from emosim.analysis.report.payload import decode, difficulty_label, encode, payload
from emosim.analysis.report.plots import write_png
from emosim.analysis.report.selection import select
from emosim.episode import Episode, Utterance
from emosim.errors import MissingExtra

CANARY = "</script><script>window.pwned=1</script><img src=https://evil.example/x.js onerror=window.pwned=1>]]>-->你好"
METHODS = Methods(command="emosim frontier core --agent baseline:rung3 --seed 0", versions={"emosim": "0.1.0"})
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Reads a page: its elements with their text, and whether all are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.stack: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack:
            self.texts.setdefault(self.stack[-1], []).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture
def told(begin: Callable[..., Episode], play: Callable[..., Episode]) -> Callable[..., Transcript]:
    def one(number: int = 0, level: float = 0.0, acts: tuple[str, ...] = ("need", "blame"), **of: Any) -> Transcript:
        episode = play(begin(level=level, seed=number, **of), *acts)
        key = f"core/{episode.persona.id}:{episode.persona.language}:L{level:.2f}:s{number:04d}"
        return Transcript(key=key, agent="test:telling", episode=episode, return_=0.5)

    return one


@pytest.fixture
def full(told: Callable[..., Transcript]) -> Report:
    episodes = (told(), told(1, 0.5), told(2, 1.0, persona="sakura", language="zh"))
    curve = Series(name="U", points=(Point(x=0, y=1.0, low=0.9, high=1.0), Point(x=1, y=math.nan)))
    frontier = FrontierChart(
        title="Contrast",
        group_size=8,
        series=(curve,),
        boundary=Boundary(estimate=None, low=0.9, high=1.0, censored="above"),
    )
    line = LineChart(title="Ceiling", x=Axis(label="k"), y=Axis(label="score"), series=(curve,))
    table = Table(title="Skills", headers=("act", "share"), rows=(("advice", 0.25), (CANARY, None)))
    return Report(
        title="Frontier of <b>agents</b>",
        verdict=f"undetermined: {CANARY}",
        reasons=("too few personas",),
        figures={"episodes": "3"},
        exhibits=(frontier, line, score_map(episodes), mood_by_level(episodes), ending_bars(episodes), table),
        faults=Faults(attempts=5, kinds=(Fault(seat="user", cause="bad_json", count=2, example=CANARY),)),
        costs=(Cost(seat="agent", calls=3, cost=None),),
        episodes=episodes,
        methods=METHODS,
    )


def data_of(text: str) -> Any:
    (data,) = re.findall(r'<script type="text/plain" id="data">([^<]*)</script>', text)
    return decode(data)


def test_a_page_is_well_formed_and_says_the_verdict_without_scripts(full: Report) -> None:
    text = render_report(full)
    page = Page(text)
    assert page.stack == []
    assert page.texts["title"] == [full.title]
    assert full.verdict in page.texts["p"]
    assert [attrs.get("id") for attrs in page.named("script")] == ["data", None]


def test_a_page_asks_for_nothing(full: Report) -> None:
    text = render_report(full)
    page = Page(text)
    for tag, attrs in page.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert (attrs.get(name) or "#").startswith(("#", "data:,")), (tag, attrs)
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
    assert not page.named("img")
    style = "".join(page.texts["style"])
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", "".join(_asset(name) for name in SCRIPTS))


def test_the_policy_admits_this_script_and_this_style_only(full: Report) -> None:
    page = Page(render_report(full))
    (policy,) = [attrs["content"] for attrs in page.named("meta") if attrs.get("http-equiv")]
    rules = dict(rule.strip().split(" ", 1) for rule in (policy or "").split(";"))
    hashes = {
        tag: "'sha256-" + base64.b64encode(hashlib.sha256(page.texts[tag][-1].encode()).digest()).decode() + "'"
        for tag in ("script", "style")
    }
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == hashes["script"]
    assert rules["style-src"] == hashes["style"]


def test_scripts_never_make_markup_of_data() -> None:
    code = "".join(_asset(name) for name in SCRIPTS)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"):
        assert word not in code
    assert "</script" not in code
    assert "</style" not in _asset("report.css")


def test_what_was_said_is_data(told: Callable[..., Transcript], full: Report) -> None:
    one = told()
    turn = one.episode.turns[0]
    spoken = turn.spoken.model_copy(update={"text": CANARY})
    reply = Utterance(raw=f"<think>hm {CANARY}</think>{CANARY}!")
    wicked = one.episode.model_copy(update={"turns": (turn.model_copy(update={"reply": reply, "spoken": spoken}),)})
    text = render_report(full.model_copy(update={"episodes": (one.model_copy(update={"episode": wicked}),)}))
    assert "<img" not in text
    said, thought, answer, *_ = data_of(text)["episodes"][0]["t"][0]
    assert (said, thought, answer) == (reply.text, reply.reasoning, CANARY)
    assert CANARY in thought


def test_hidden_things_stay_folded() -> None:
    code = _asset("episodes.js")
    assert re.search(r'"details",\s*\{\s*class: "spoiler need",\s*open: view\.spoilers', code)
    assert "spoilers: false" in code
    assert re.search(r'"details",\s*\{ class: "think" \}', code)


def test_an_episode_is_told_in_full(full: Report) -> None:
    data = payload(full)
    for row, one in zip(data["episodes"], full.episodes, strict=True):
        cast, episode = data["casts"][row["c"]], one.episode
        assert (row["k"], row["s"], row["e"], row["r"]) == (one.key, round(episode.score, 4), episode.ending, 0.5)
        assert row["m"] == [round(mood, 2) for mood in episode.moods]
        assert len(row["t"]) == len(episode.turns)
        assert cast["need"] == episode.scenario.need.value
        assert [fact[3] for fact in cast["facts"]] == [fact.text for fact in episode.scenario.facts]
        for told, turn in zip(row["t"], episode.turns, strict=True):
            assert told[5] == [[item.act.value, item.quote] for item in turn.appraisal.evidence]
    assert set(data["harms"]) < {act.value for act in Act}


def test_the_same_report_gives_the_same_bytes(full: Report, tmp_path: Path) -> None:
    one, two = write_report(tmp_path / "a.html", full), write_report(tmp_path, full)
    assert two.name == "report.html"
    assert one.read_bytes() == two.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "report.html"]


def test_numbers_that_are_none_are_null() -> None:
    assert decode(encode({"a": [math.nan, math.inf, 1.5], "b": "\ud800é你"})) == {"a": [None, None, 1.5], "b": "?é你"}


def test_many_episodes_leave_the_middle_out_and_say_so(told: Callable[..., Transcript], full: Report) -> None:
    one = told()
    many = tuple(one.model_copy(update={"key": f"core/dolores:en:L0.00:s{n:04d}"}) for n in range(30))
    report = full.model_copy(update={"episodes": many, "exhibits": ()})
    data = data_of(render_report(report, Limits(episodes=20, kept=9)))
    assert len(data["episodes"]) == 30
    assert sum("t" in row for row in data["episodes"]) == 9
    assert "9 of 30 transcripts" in data["notice"]
    assert data_of(render_report(report))["notice"] == ""


def test_a_large_page_shrinks(told: Callable[..., Transcript], full: Report) -> None:
    one = told()
    noise = "".join(hashlib.sha256(bytes([n % 256, n // 256])).hexdigest() for n in range(1000))
    turn = one.episode.turns[0].model_copy(update={"reply": Utterance(raw=noise)})
    long = one.model_copy(update={"episode": one.episode.model_copy(update={"turns": (turn,)})})
    report = full.model_copy(update={"episodes": (long, long, long, long, told(3)), "exhibits": ()})
    text = render_report(report, Limits(size_bytes=110_000, kept=4))
    assert len(text.encode()) <= 110_000
    assert "transcripts" in data_of(text)["notice"]


def test_selection_keeps_both_ends(told: Callable[..., Transcript]) -> None:
    episodes = [told(number, level) for number, level in enumerate((0.0, 0.2, 0.4, 0.6, 0.8, 1.0))]
    ranked = sorted(range(6), key=lambda at: episodes[at].episode.score)
    kept = select(episodes, 3)
    assert len(kept) == 3
    assert {ranked[0], ranked[-1]} <= kept
    assert select(episodes, 0) == frozenset()
    assert select(episodes, 9) == frozenset(range(6))


def test_exhibits_leave_spoiled_episodes_out(told: Callable[..., Transcript]) -> None:
    fine, other = told(), told(1, persona="tom")
    spoiled = fine.model_copy(update={"episode": fine.episode.model_copy(update={"ending": "invalid"})})
    row = level_table((fine, other, spoiled)).rows[0]
    assert row[:3] == ("0.00", 2, 2)
    assert level_table((fine,)).rows[0][4] == "undetermined"
    heat = score_map((fine, other, spoiled))
    assert [cell.n for cells in heat.cells for cell in cells] == [1, 1]
    assert mood_by_level((fine, other, spoiled)).series[0].points[0].n == 2
    assert sum(bar.n or 0 for bar in ending_bars((fine, spoiled)).bars) == 2


def test_a_difficulty_off_the_ray_names_its_knobs(told: Callable[..., Transcript]) -> None:
    episode = told().episode
    harder = episode.difficulty.model_copy(update={"skepticism": 0.8})
    assert difficulty_label(episode) == "0.00"
    assert difficulty_label(episode.model_copy(update={"difficulty": harder})) == "0.00, skepticism 0.80"


def test_a_stored_record_is_a_transcript(told: Callable[..., Transcript]) -> None:
    one = told()
    record = SimpleNamespace(key=one.key, agent=one.agent, episode=one.episode, return_=0.5)
    assert transcripts([record]) == (one,)


def test_an_empty_report_is_a_report() -> None:
    data = data_of(render_report(Report(title="Nothing", verdict="undetermined: no episodes", methods=METHODS)))
    assert data["episodes"] == []
    assert data["faults"] is None


def test_moods_as_a_picture(told: Callable[..., Transcript]) -> None:
    episode = told().episode
    text = svg_moods({"helps <b>": episode, "hurts": told(acts=("blame",)).episode})
    page = Page(text)
    assert page.stack == []
    assert len(page.named("circle")) == len(episode.moods) + len(told(acts=("blame",)).episode.moods)
    assert "helps <b>" in page.texts["text"]
    assert "prefers-color-scheme: dark" in text


def test_pictures_for_papers(full: Report, tmp_path: Path) -> None:
    frontier = full.exhibits[0]
    assert isinstance(frontier, FrontierChart)
    if importlib.util.find_spec("matplotlib") is None:
        with pytest.raises(MissingExtra, match=r"pip install 'emosim\[plots\]'"):
            write_png(tmp_path / "frontier.png", frontier)
        return
    assert write_png(tmp_path / "frontier.png", frontier).read_bytes().startswith(b"\x89PNG")


def test_a_bar_chart_crosses_the_page(full: Report) -> None:
    bars = BarChart(title="Attacks", axis=Axis(label="success"), bars=(Bar(name="echo", value=None),))
    shown = data_of(render_report(full.model_copy(update={"exhibits": (bars,)})))["exhibits"]
    assert json.loads(bars.model_dump_json()) == shown[0]


def test_personas_with_equal_rows_are_not_ranked() -> None:
    def titled(*success: float) -> str:
        rows = (PersonaRow(persona=f"p{x:g}", episodes=9, success=((x, 0.0, 0.1),)) for x in success)
        return persona_table(PersonaLevels(levels=(0.0,), rows=tuple(rows))).title

    assert titled(0.011, 0.012).endswith("in percent, personas not told apart")
    assert titled(0.01, 0.02).endswith("in percent, the hardest persona first")


def test_who_is_hardest_crosses_the_page(full: Report) -> None:
    cells = ((0.4, 0.1, 0.7), (0.05, 0.0, 0.3))
    levels = PersonaLevels(levels=(0.0, 0.5), rows=(PersonaRow(persona=CANARY, episodes=9, success=cells),))
    table = persona_table(levels)
    assert table.headers == ("persona", "episodes", "level 0", "level 0.5")
    text = render_report(full.model_copy(update={"exhibits": (table,)}))
    assert "<img" not in text
    (shown,) = data_of(text)["exhibits"]
    assert shown["kind"] == "shaded"
    assert shown["rows"] == [{"name": CANARY, "n": 9, "cells": [list(cell) for cell in cells], "find": CANARY}]

"""The page: one HTML file that needs nothing else, and that nothing in it can break out of.

The content security policy admits the page's own script and style by their hashes and nothing besides: no network, no
inline handlers. Title and verdict stand in the HTML, so they can be read without scripts; all else is data.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
import tempfile
from collections.abc import Container
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from emosim.analysis.report.payload import encode, payload
from emosim.analysis.report.selection import Limits, choose, fewer
from emosim.analysis.report.values import Report

SCRIPTS: Final = ("charts.js", "sections.js", "episodes.js", "report.js")
"""The parts of the page's script, in order."""
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="emosim">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<a class="skip" href="#episodes">Skip to the episodes</a>
<header id="top">
<p class="kicker">emosim report</p>
<h1>{title}</h1>
<p class="verdict">{verdict}</p>
<noscript><p class="notice">Charts, tables and transcripts need JavaScript. The file asks the network for nothing.</p>
</noscript>
</header>
<nav id="nav" aria-label="Sections"></nav>
<main id="main"></main>
<script type="text/plain" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def write_report(path: str | os.PathLike[str], report: Report, limits: Limits = Limits()) -> Path:  # noqa: B008
    """Write a report as one self-contained HTML file, whole or not at all.

    Args:
        path: The file, or a directory, in which it is called `report.html`.
        report: What to say.
        limits: From which size on transcripts are left out.

    Returns:
        The file.
    """
    target = Path(path)
    if target.is_dir():
        target = target / "report.html"
    text = render_report(report, limits)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False, newline="\n") as draft:
        draft.write(text)
    os.chmod(draft.name, 0o644)
    os.replace(draft.name, target)
    return target


def render_report(report: Report, limits: Limits = Limits()) -> str:  # noqa: B008
    """Return a report as HTML; the same report gives the same text."""
    kept = choose(report.episodes, limits)
    text = _page(report, kept)
    while len(text.encode("utf-8", "replace")) > limits.size_bytes and (kept is None or kept):
        kept = fewer(report.episodes, kept, limits)
        text = _page(report, kept)
    return text


def policy(script: str, style: str) -> str:
    """Return the content security policy that admits one script and one style."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _page(report: Report, kept: Container[int] | None) -> str:
    script, style = "".join(map(_asset, SCRIPTS)), _asset("report.css")
    return _PAGE.format(
        policy=policy(script, style),
        title=html.escape(report.title),
        verdict=html.escape(report.verdict),
        style=style,
        script=script,
        data=encode(payload(report, kept, _notice(report, kept))),
    )


def _notice(report: Report, kept: Container[int] | None) -> str:
    if kept is None:
        return ""
    count = sum(at in kept for at in range(len(report.episodes)))
    return (
        f"To keep this file small it holds {count} of {len(report.episodes)} transcripts: the worst, the best and some "
        "drawn at random. The index lists all episodes; the others are in the run's episodes.jsonl under their keys."
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _asset(name: str) -> str:
    return files("emosim.analysis.report").joinpath(name).read_text(encoding="utf-8")

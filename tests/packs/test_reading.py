"""Every mistake in a pack is named with file, line, key and the next step."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from emosim.errors import PackError, UsageError
from emosim.packs import load_pack, pack_names

CORE = Path(__file__).parents[2] / "personas" / "core"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    text = (CORE / "pack.toml").read_text(encoding="utf-8").replace('id = "core"', 'id = "mine"')
    (folder / "pack.toml").write_text(text, encoding="utf-8")
    shutil.copytree(CORE / "dolores", folder / "dolores")
    return folder


@pytest.fixture
def change(pack: Path) -> Callable[[str, str, str], None]:
    def replace(file: str, old: str, new: str) -> None:
        path = pack / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


def failure(pack: Path, language: str = "en") -> PackError:
    with pytest.raises(PackError) as error:
        load_pack(pack).cast("dolores", language)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return error.value


def line_of(path: Path, text: str) -> int:
    return next(i for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if text in line)


def test_a_pack_of_ones_own_loads(pack: Path) -> None:
    casting = load_pack(pack).cast("dolores", "zh")
    assert casting.persona.ref == "mine/dolores"
    assert casting.persona.sha256 != load_pack("core").cast("dolores", "zh").persona.sha256


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "words"),
    [
        ("dolores/persona.toml", "need = ", "nead = ", "nead", "did you mean 'need'"),
        ("dolores/persona.toml", "kind = ", "knid = ", "temperament.knid", "did you mean 'kind'"),
        ("dolores/persona.toml", "age = 58", "age = 17", "age", "greater than or equal to 18"),
        ("dolores/persona.toml", "age = 58", 'age = "old"', "age", "valid integer"),
        ("dolores/persona.toml", 'reveal = "if_trusted"', 'reveal = "if_asked"', "", "only then"),
        ("dolores/persona.toml", 'id = "dolores"', 'id = "dolly"', "id", "the folder is 'dolores'"),
        ("dolores/en.toml", "job = ", "jbo = ", "jbo", "did you mean 'job'"),
        ("dolores/en.toml", 'language = "en"', 'language = "zh"', "language", "the file is 'en'"),
    ],
)
def test_a_wrong_key_is_named(pack: Path, change, file: str, old: str, new: str, key: str, words: str) -> None:  # type: ignore[no-untyped-def]
    change(file, old, new)
    error = failure(pack)
    assert error.file == str(pack / file)
    assert words in str(error)
    if key:
        assert error.key == key
        assert error.line in (0, line_of(pack / file, new))


def test_bad_toml_has_its_line(pack: Path, change) -> None:  # type: ignore[no-untyped-def]
    change("dolores/persona.toml", "age = 58", "age = = 58")
    error = failure(pack)
    assert error.line == line_of(pack / "dolores/persona.toml", "age = =")


def test_a_missing_file_and_a_wrong_encoding_are_named(pack: Path) -> None:
    (pack / "dolores/zh.toml").write_bytes("name = 'é'".encode("latin-1"))
    assert "UTF-8" in str(failure(pack, "zh"))
    (pack / "dolores/zh.toml").unlink()
    assert "file not found" in str(failure(pack, "zh"))


def test_facts_must_agree_between_files(pack: Path, change) -> None:  # type: ignore[no-untyped-def]
    fact = load_pack("core").cast("dolores").scenario.facts[0].id
    change("dolores/en.toml", f"[facts.{fact}]", f"[facts.{fact}_x]")
    assert f"facts.{fact}" in str(failure(pack))


@pytest.mark.parametrize("name", ["coer", "/nowhere/at/all", ""])
def test_an_unknown_pack_is_named(name: str) -> None:
    with pytest.raises(UsageError, match="no pack"):
        load_pack(name)
    assert "core" in pack_names()


def test_unknown_personas_and_languages_are_named() -> None:
    with pytest.raises(UsageError, match="did you mean 'dolores'"):
        load_pack().cast("dolorse")
    with pytest.raises(UsageError, match="does not speak 'fr'"):
        load_pack().cast("dolores", "fr")  # type: ignore[arg-type]


def test_an_empty_pack_and_a_renamed_one_are_refused(pack: Path, tmp_path: Path) -> None:
    shutil.rmtree(pack / "dolores")
    with pytest.raises(PackError, match="no <persona>"):
        load_pack(pack)
    renamed = tmp_path / "other"
    pack.rename(renamed)
    with pytest.raises(PackError, match="the folder is 'other'"):
        load_pack(renamed)

"""From file to file: how formats are recognised, and what is refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nextchar.convert import conversion
from nextchar.convert.characters import Characters, ListedCharacters
from nextchar.convert.conversion import FORMATS, Converted, convert
from nextchar.errors import ModelFileError, UsageError
from nextchar.model.language_model import LanguageModel
from tests.small_networks import random_model


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a model."""
    random_model().save(tmp_path / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def converted(source: str, target: str, *, force: bool = False, context_length: int | None = None) -> Converted:
    return convert(Path(source), Path(target), force=force, context_length=context_length)


def never() -> Characters:
    raise AssertionError("the characters are asked for too early")


def test_the_suffix_names_the_format_to_write(desk: Path) -> None:
    assert converted("model.safetensors", "page.HTML").files == (Path("page.HTML"),)
    assert (desk / "page.HTML").read_bytes().lower().startswith(b"<!doctype html>")


def test_the_first_bytes_tell_the_format_to_read(desk: Path) -> None:
    converted("model.safetensors", "page.html")
    (desk / "page.html").rename("page")
    assert "rounded to float16" in converted("page", "back.safetensors").notes[0]
    expected = random_model().file.parameters["output.weight"].astype(np.float16)
    np.testing.assert_array_equal(LanguageModel.load("back.safetensors").file.parameters["output.weight"], expected)
    (desk / "model.safetensors").rename("model.keras")
    assert converted("model.keras", "again.html").files == (Path("again.html"),)


def test_a_run_folder_is_a_model_of_nextchars(desk: Path) -> None:
    (desk / "run.keras").mkdir()
    (desk / "model.safetensors").rename("run.keras/model.safetensors")
    assert converted("run.keras", "page.html").files == (Path("page.html"),)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("model.safetensors", "copy.safetensors", "nothing to convert .* Both are models of nextchar"),
        ("foreign.onnx", "copy.html", "nothing to convert .* Neither is a model of nextchar"),
        ("foreign.onnx", "copy.safetensors", r"can only write this format\. Give the \.safetensors file"),
        ("foreign.h5", "copy.safetensors", "does not contain the characters.*--vocabulary"),
        ("model.safetensors", "copy.txt", r"copy\.txt does not end in the suffix of a known format: \.safetensors, "),
        ("model.safetensors", "folder", "folder is a folder: give the name of the file"),
        ("model.safetensors", "missing/copy.html", "no folder missing to write copy.html to"),
        ("model.safetensors", "there.html", r"there\.html already exists: .*--force"),
    ],
)
def test_what_does_not_fit_is_refused(source: str, target: str, reason: str, desk: Path) -> None:
    (desk / "foreign.onnx").write_bytes(b"\x08\x08\x12\x08nextchar")
    (desk / "foreign.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (desk / "there.html").write_text("precious")
    (desk / "folder").mkdir()
    with pytest.raises(UsageError, match=reason):
        converted(source, target)
    assert (desk / "there.html").read_text() == "precious"
    assert not list(desk.glob("copy.*"))


def test_options_of_imported_models_are_not_for_others(desk: Path) -> None:
    with pytest.raises(UsageError, match=r"for imported models; model\.safetensors has its own"):
        converted("model.safetensors", "copy.html", context_length=60)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing.safetensors", r"There is no model nothing\.safetensors\."),
        ("saved", "saved is a SavedModel of TensorFlow"),
        ("damaged.safetensors", r"damaged\.safetensors"),
    ],
)
def test_a_model_that_cannot_be_read_is_an_error(name: str, reason: str, desk: Path) -> None:
    (desk / "saved").mkdir()
    (desk / "saved" / "saved_model.pb").touch()
    (desk / "damaged.safetensors").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ModelFileError, match=reason):
        converted(name, "copy.html")


def test_the_characters_are_read_last(desk: Path) -> None:
    (desk / "foreign.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (desk / "model.html").write_text("precious")
    with pytest.raises(UsageError, match="already exists"):
        convert(Path("foreign.h5"), Path("model.html"), characters=never)
    with pytest.raises(ModelFileError, match=r"foreign\.h5 is not a model that Keras can read, or is damaged"):
        convert(Path("foreign.h5"), Path("copy.safetensors"), characters=lambda: ListedCharacters("list", ("a", "b")))


def test_a_file_is_written_over_only_if_forced(desk: Path) -> None:
    (desk / "page.html").write_text("precious")
    assert converted("model.safetensors", "page.html", force=True).files == (Path("page.html"),)
    assert (desk / "page.html").stat().st_size > 100_000


def test_a_full_disk_is_an_error_of_the_file(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(conversion, "write_atomically", full)
    with pytest.raises(ModelFileError, match=r"^page\.html cannot be written: No space left on device\.$"):
        converted("model.safetensors", "page.html")


def test_every_format_has_suffixes_of_its_own() -> None:
    suffixes = [suffix for form in FORMATS for suffix in form.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)

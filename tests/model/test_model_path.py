"""The path of a model: a file, a run folder, or an installed base model by its name."""

from pathlib import Path

import pytest

from nextchar.errors import ModelFileError
from nextchar.model import model_path
from nextchar.model.model_path import MODEL, SETTINGS, find_model, model_name, named_models
from tests.small_networks import random_model

GOTHIC = Path("somewhere/nextchar_gothic") / MODEL


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and one base model that is installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_path, "installed_bases", lambda: {"gothic": GOTHIC})
    return tmp_path


def test_a_base_model_goes_by_its_name_alone() -> None:
    assert find_model(Path("gothic")) == GOTHIC
    with pytest.raises(ModelFileError, match="no model runs/gothic"):
        find_model(Path("runs/gothic"))


def test_a_folder_without_a_run_hides_no_base_model(here: Path) -> None:
    (here / "gothic").mkdir()
    assert find_model(Path("gothic")) == GOTHIC


def test_a_file_or_a_run_of_that_name_comes_first(here: Path) -> None:
    random_model().save(here / "gothic")
    assert find_model(Path("gothic")) == Path("gothic")
    (here / "gothic").unlink()
    (here / "gothic").mkdir()
    (here / "gothic" / SETTINGS).write_text("{}")
    with pytest.raises(ModelFileError, match="ended before it had a model"):
        find_model(Path("gothic"))
    random_model().save(here / "gothic" / MODEL)
    assert find_model(Path("gothic")) == Path("gothic") / MODEL


def test_the_most_similar_model_is_named(here: Path) -> None:
    random_model().save(here / "mybook.safetensors")
    with pytest.raises(ModelFileError, match=r"no model mybok\.safetensors\. Did you mean mybook\.safetensors\?"):
        find_model(Path("mybok.safetensors"))
    with pytest.raises(ModelFileError, match=r"There is no model qqq\. Give a run folder"):
        find_model(Path("qqq"))


def test_models_are_named_after_their_folders_and_files(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    for path in ("book/model.safetensors", "poems.safetensors"):
        (tmp_path / path).touch()
    paths = [tmp_path / "book", tmp_path / "poems.safetensors", tmp_path / "book/model.safetensors", tmp_path / "book"]
    assert named_models(paths) == dict(zip(["book", "poems", "book-2", "book-3"], paths, strict=True))


def test_a_model_has_the_name_of_its_run_or_file(here: Path) -> None:
    (here / "one").mkdir()
    (here / "two.safetensors").touch()
    paths = (here / "one", here / "one" / MODEL, here / "two.safetensors", Path("gothic"))
    assert [model_name(path) for path in paths] == ["one", "one", "two", "gothic"]

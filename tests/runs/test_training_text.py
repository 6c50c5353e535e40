"""The text that a model learned from, found again."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nextchar.errors import RunFolderError, TextError
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.runs.folder import RunFolder
from nextchar.runs.training_text import corpus_of_model, corpus_of_run, encode, moved_text
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.text.files import open_text
from nextchar.text.known_texts import CATALOG
from tests.command import made_up_text
from tests.runs.test_folder import SETTINGS
from tests.small_networks import random_model


def make_run(book: Path, cache: Path, path: Path, **provenance: Any) -> RunFolder:
    """Return the folder of a run on ``book`` that has a model, whose weights mean nothing."""
    corpus = encode([open_text(book)], TextSettings(), TrainingSettings(), cache)
    model = random_model(corpus.vocabulary.characters, corpus=["book"], corpus_key=corpus.key, **provenance)
    folder = RunFolder(path)
    with folder.lock():
        folder.create(SETTINGS.model_copy(update={"corpus": (str(book),), "names": ("b",), "corpus_key": corpus.key}))
        folder.save_model(model.file)
    return folder


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(made_up_text())
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def run(book: Path, cache: Path, tmp_path: Path) -> RunFolder:
    return make_run(book, cache, tmp_path / "run")


def found(path: Path, cache: Path) -> Corpus:
    return corpus_of_model(path, LanguageModel.load(path).file, cache)


def test_a_run_folder_and_its_model_file_lead_to_the_text(run: RunFolder, cache: Path) -> None:
    for path in (run.path, run.model_path):
        corpus = found(path, cache)
        assert (corpus.key, corpus.names) == (run.settings().corpus_key, ("b",))
        assert corpus.vocabulary.decode(corpus.training) == made_up_text()[:5400]


def test_a_model_file_alone_leads_to_the_text_in_the_cache(run: RunFolder, cache: Path, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere" / "model.safetensors"
    alone.parent.mkdir()
    shutil.copy(run.model_path, alone)
    corpus = found(alone, cache)
    assert (corpus.key, corpus.names) == (run.settings().corpus_key, ("book",))
    with pytest.raises(TextError, match=r"\(book\) is no longer in .*run folder instead"):
        found(alone, tmp_path / "empty")


def test_with_the_cache_gone_the_text_is_encoded_anew(run: RunFolder, tmp_path: Path) -> None:
    assert found(run.path, tmp_path / "empty").key == run.settings().corpus_key
    assert corpus_of_run(run.settings(), tmp_path / "empty too").names == ("b",)


def test_a_text_that_is_gone_or_has_changed_is_said_so(run: RunFolder, book: Path, tmp_path: Path) -> None:
    book.write_text(made_up_text() + "!", encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"has changed since this run began .*Put the old text back"):
        found(run.path, tmp_path / "empty")
    book.unlink()
    with pytest.raises(TextError, match=r"can no longer be read .*Put it back"):
        found(run.path, tmp_path / "empty")


def test_a_model_that_does_not_say_where_it_comes_from(tmp_path: Path) -> None:
    random_model().save(tmp_path / "model.safetensors")
    with pytest.raises(TextError, match="does not say where its training text is"):
        found(tmp_path / "model.safetensors", tmp_path)


def test_a_model_put_into_the_folder_of_another_run_is_noticed(run: RunFolder, cache: Path) -> None:
    random_model("abc").save(run.model_path)
    with pytest.raises(TextError, match="does not belong to the run"):
        found(run.path, cache)


def test_a_model_file_beside_a_run_is_not_taken_for_its_model(run: RunFolder, cache: Path) -> None:
    file = ModelFile.load(run.model_path)
    other = run.path / "other.safetensors"
    replace(file, provenance=Provenance()).save(other)
    with pytest.raises(TextError, match="does not say"):
        found(other, cache)


def test_nothing_is_fetched_to_find_the_text_of_a_model(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEXTCHAR_CORPORA", raising=False)
    assert CATALOG["tinyshakespeare"].url is not None
    settings = run.settings().model_copy(update={"corpus": ("tinyshakespeare",)})
    with pytest.raises(TextError, match="can no longer be read") as refused:
        corpus_of_run(settings, tmp_path / "empty", fetch=False)
    assert "nothing is fetched" in str(refused.value.__cause__)


def test_a_text_that_moved_is_found_by_its_content(run: RunFolder, book: Path, tmp_path: Path) -> None:
    moved = book.rename(tmp_path / "moved.txt")
    settings = moved_text(run.settings(), [str(moved)], tmp_path / "empty")
    assert settings == run.settings().model_copy(update={"corpus": (str(moved),)})
    assert corpus_of_run(settings, tmp_path / "empty").names == ("b",)


def test_another_text_is_not_taken_for_the_one_that_moved(run: RunFolder, book: Path, tmp_path: Path) -> None:
    book.write_text(made_up_text() + "!", encoding="utf-8")
    with pytest.raises(
        RunFolderError, match=r"book.txt is not the text that this run learned from: .*Give b as it was"
    ):
        moved_text(run.settings(), [str(book)], tmp_path / "empty")
    with pytest.raises(TextError, match="nowhere"):
        moved_text(run.settings(), ["nowhere.txt"], tmp_path / "empty")

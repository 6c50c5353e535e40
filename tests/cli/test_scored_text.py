"""The text that a command scores."""

from __future__ import annotations

from pathlib import Path

import pytest

import nextchar as package
from nextchar.cli.scored_text import ScoredText, TextScoringOptions, given_text, held_out_text, training_text
from nextchar.errors import TextError
from nextchar.model.language_model import LanguageModel
from tests.command import made_up_text
from tests.small_networks import random_model

OPTIONS = TextScoringOptions()


def read(text: ScoredText) -> str:
    return "".join(text.pieces())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run on a text of 6,000 characters."""
    (tmp_path / "book.txt").write_text(made_up_text(6_000))
    package.train(tmp_path / "book.txt", recipe="counts", out=tmp_path / "run", quiet=True)
    return tmp_path / "run"


def test_a_given_text_is_read_again_each_time(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("So it\r\ngoes é\n", encoding="utf-8")
    text = given_text(str(tmp_path / "a.txt"), OPTIONS, [random_model()])
    assert (read(text), read(text)) == ("So it\ngoes é\n", "So it\ngoes é\n")
    assert not text.held_out
    assert text.title == str(tmp_path / "a.txt")
    assert text.size >= len(read(text))


@pytest.mark.parametrize("lowercase", [(True,), (True, True), (True, False), (False,)])
def test_a_text_is_lower_cased_if_all_models_read_lower_case(
    tmp_path: Path, lowercase: tuple[bool, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("So It Goes")
    text = given_text(str(tmp_path / "a.txt"), OPTIONS, [random_model(lowercase=each) for each in lowercase])
    assert read(text) == ("so it goes" if all(lowercase) else "So It Goes")
    assert ("the text was lower-cased" in capsys.readouterr().err) == all(lowercase)


def test_a_text_is_normalized_as_the_model_reads(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("cafe\u0301", encoding="utf-8")
    assert read(given_text(str(tmp_path / "a.txt"), OPTIONS, [random_model()])) == "cafe\u0301"
    assert read(given_text(str(tmp_path / "a.txt"), OPTIONS, [random_model(normalize="nfc")])) == "caf\xe9"


def test_an_encoding_that_is_given_is_used(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("옛날에".encode("cp949"))
    options = TextScoringOptions(encoding="cp949")
    assert read(given_text(str(tmp_path / "a.txt"), options, [random_model()])) == "옛날에"
    with pytest.raises(TextError, match="utf-16"):
        read(given_text(str(tmp_path / "a.txt"), TextScoringOptions(encoding="utf-16"), [random_model()]))


def test_the_held_out_text_is_the_end_of_the_text_of_the_run(run: Path) -> None:
    model = LanguageModel.load(run)
    corpus, gone = training_text(run, model)
    text = held_out_text(run, model, corpus, gone)
    assert text.held_out
    assert text.title == f"the held-out text of {run.parent / 'book.txt'}"
    assert len(read(text)) == text.size >= 500
    assert made_up_text(6_000).endswith(read(text))


def test_without_its_text_a_command_says_why_and_what_to_do(run: Path, tmp_path: Path) -> None:
    model = LanguageModel.load(run)
    model.save(tmp_path / "moved.safetensors")
    alone = LanguageModel.load(tmp_path / "moved.safetensors")
    (tmp_path / "book.txt").unlink()
    with pytest.raises(TextError) as error:
        held_out_text(run, model, None, "Its text has gone.")
    assert str(error.value).startswith("The held-out text of the model is missing. Its text has gone. Name a text")
    assert f"nextchar evaluate {run} TEXT" in str(error.value)
    corpus, gone = training_text(tmp_path / "elsewhere.safetensors", LanguageModel(random_model().file))
    assert corpus is None
    assert gone == "The model file does not say where its training text is: no run wrote it."
    assert alone.provenance.corpus == ("book.txt",)


def test_a_run_that_held_nothing_out_says_so(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(made_up_text(2_000))
    package.train(tmp_path / "book.txt", steps=1, hidden=8, validation=0, out=tmp_path / "run", quiet=True)
    model = LanguageModel.load(tmp_path / "run")
    corpus, gone = training_text(tmp_path / "run", model)
    with pytest.raises(TextError, match="held nothing out"):
        held_out_text(tmp_path / "run", model, corpus, gone)

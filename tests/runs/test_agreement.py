"""Whether a command asks for the run that is there."""

from pathlib import Path

import pytest

from nextchar.errors import UsageError
from nextchar.runs.agreement import check_agreement
from nextchar.runs.folder import RunFolder
from nextchar.runs.run import Run
from nextchar.runs.run_settings import RunSettings
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TrainingSettings
from tests.command import made_up_text

TINY = TrainingSettings(hidden=16, streams=4, window=16, threads=1, sample_length=10, steps=2, evaluations=1)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "book.txt"
    path.write_text(made_up_text())
    return path


@pytest.fixture(scope="module")
def recorded(book: Path, tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    """The settings of a run on the book."""
    place = tmp_path_factory.mktemp("run")
    run = Run.new(RunFolder(place / "run"), Texts((str(book),), TextSettings()), TINY, cache=place)
    list(run.events())
    return RunFolder(place / "run").settings()


def test_the_command_that_began_a_run_agrees_with_it(
    recorded: RunSettings, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_agreement(recorded, Texts((str(book),), TextSettings()), TINY)
    monkeypatch.chdir(book.parent)
    check_agreement(recorded, Texts(("book.txt",), TextSettings()), TINY)
    check_agreement(recorded, Texts((".",), TextSettings()), TINY)  # the folder that the book is in
    check_agreement(recorded, Texts((str(book),), TextSettings(tokens="auto")), TINY)


@pytest.mark.parametrize(
    ("text", "training", "said"),
    [
        ({"lowercase": True}, {}, "--lowercase is False in the run and True here"),
        ({"tokens": "words"}, {}, "--tokens is auto in the run and words here"),
        ({}, {"steps": 3}, "--steps is 2 in the run and 3 here"),
        ({}, {"dropout": 0.5}, "--dropout is not given in the run and 0.5 here"),
    ],
)
def test_the_first_difference_is_named(
    text: dict[str, object], training: dict[str, object], said: str, recorded: RunSettings, book: Path
) -> None:
    texts = Texts((str(book),), TextSettings.model_validate(text))
    with pytest.raises(UsageError, match=said):
        check_agreement(recorded, texts, TINY.model_copy(update=training))


@pytest.mark.parametrize(("kept", "agrees"), [(False, True), (True, False)])
def test_a_run_from_before_syllables_stayed_agrees(kept: bool, agrees: bool, recorded: RunSettings, book: Path) -> None:
    training = recorded.training.model_copy(update={"from_": "other", "keep_characters": kept})
    before, texts = recorded.model_copy(update={"training": training}), Texts((str(book),), TextSettings())
    asked = TINY.model_copy(update={"from_": "other"})
    if agrees:
        check_agreement(before, texts, asked)
        return
    with pytest.raises(UsageError, match="--keep-characters is True in the run and not given here"):
        check_agreement(before, texts, asked)


def test_a_text_that_is_not_asked_for_is_named(recorded: RunSettings, book: Path, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text(made_up_text())
    with pytest.raises(UsageError, match=f"it learns from {book}, which is not among"):
        check_agreement(recorded, Texts((str(tmp_path / "other.txt"),), TextSettings()), TINY)

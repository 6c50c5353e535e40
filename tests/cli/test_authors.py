"""The models that `nextchar who` compares, and what calibrates them."""

from __future__ import annotations

from pathlib import Path

import pytest

import nextchar as package
from nextchar.cli.authors import load_authors, read_text
from nextchar.cli.scored_text import TextScoringOptions
from nextchar.errors import ModelFileError, UsageError
from tests.command import made_up_text
from tests.small_networks import random_model

OPTIONS = TextScoringOptions()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs on other texts."""
    folder = tmp_path_factory.mktemp("authors")
    for author, name in enumerate(("ann", "ben")):
        (folder / f"{name}.txt").write_text(made_up_text(6_000, seed=author))
        package.train(folder / f"{name}.txt", recipe="counts", out=folder / name, quiet=True)
    return folder / "ann", folder / "ben"


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A model file of which no text is known."""
    random_model().save(tmp_path / "stranger.safetensors")
    return tmp_path / "stranger.safetensors"


def test_runs_are_calibrated_on_their_held_out_texts(runs: tuple[Path, Path]) -> None:
    found = load_authors(runs, (), OPTIONS)
    assert found.authors.names == found.fitted_on == ("ann", "ben")
    assert dict(found.facts()) == {"calibrated": "on held-out text of ann, ben"}


def test_without_fitting_the_usual_law_is_used(runs: tuple[Path, Path]) -> None:
    found = load_authors(runs, (), OPTIONS, fit=False)
    assert found.fitted_on == ()
    assert dict(found.facts())["calibrated"].startswith("as usual: no held-out text of these models was read")


def test_what_is_not_known_of_a_model_is_said(runs: tuple[Path, Path], stranger: Path) -> None:
    found = load_authors((runs[0], stranger), (), OPTIONS)
    assert found.fitted_on == ("ann",)
    assert dict(found.facts())["none of them"].startswith("not judged: it is not known how stranger fares")
    alone = load_authors((stranger,), (), OPTIONS)
    assert "calibrated" not in dict(alone.facts())


def test_a_given_text_calibrates_a_model(runs: tuple[Path, Path], stranger: Path, tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text(made_up_text(3_000, seed=5))
    found = load_authors((runs[0], stranger), (f"stranger={tmp_path / 'more.txt'}",), OPTIONS)
    assert found.fitted_on == ("ann", "stranger")
    assert "none of them" not in dict(found.facts())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("more.txt", "--calibrate 'more.txt' is not NAME=FILE: name one of ann, ben."),
        ("=more.txt", "is not NAME=FILE"),
        ("ann=", "is not NAME=FILE"),
        ("eve=more.txt", "--calibrate 'eve=more.txt' names no model: choose from ann, ben."),
    ],
)
def test_a_text_for_no_model_is_refused(runs: tuple[Path, Path], given: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        load_authors(runs, (given,), OPTIONS)
    assert words in str(error.value)


def test_a_model_that_is_none_is_named(runs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"no model")
    with pytest.raises(ModelFileError, match=r"broken\.safetensors"):
        load_authors((*runs, tmp_path / "broken.safetensors"), (), OPTIONS)


def test_a_text_is_read_with_its_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\n")
    assert read_text(str(tmp_path / "a.txt"), OPTIONS, {"ann": random_model()}) == "one\ntwo\n"

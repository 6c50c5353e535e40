"""The folder of scores: a file for each text, and a note of what they are scores of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nextchar.cli.score_folder import ScoreFolder
from nextchar.errors import UsageError

SETTINGS = {"model": "a1", "weights": "float32"}


def test_texts_of_the_same_name_have_files_of_their_own(tmp_path: Path) -> None:
    texts = ["lines/a/one.txt", "lines/b/one.txt", "lines/one.txt", str(Path("lines/c/one.txt").absolute())]
    folder = ScoreFolder(tmp_path, texts, ".tsv")
    assert [folder.file_of(text).relative_to(tmp_path).as_posix() for text in texts] == [
        "a/one.txt.tsv",
        "b/one.txt.tsv",
        "one.txt.tsv",
        "c/one.txt.tsv",
    ]
    assert ScoreFolder(tmp_path, ["../up/x.txt"], ".tsv").file_of("../up/x.txt") == tmp_path / "x.txt.tsv"


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    folder = ScoreFolder(tmp_path / "scores", ["a/x", "b/x"], ".tsv")
    seen: list[bool] = []

    def rows() -> Iterator[str]:
        yield "1\t1\n"
        seen.append(folder.file_of("a/x").exists())
        yield "2\t2\n"

    folder.write("a/x", rows())
    assert (seen, folder.file_of("a/x").read_text()) == ([False], "1\t1\n2\t2\n")


def test_scores_of_another_model_are_not_mixed_in(tmp_path: Path) -> None:
    folder = ScoreFolder(tmp_path / "scores", ["x"], ".tsv")
    folder.claim(SETTINGS)
    folder.claim(SETTINGS)
    with pytest.raises(UsageError, match=r"made with another model.*--out"):
        folder.claim({**SETTINGS, "model": "b2"})
    (tmp_path / "scores/scores.json").write_text("{")
    with pytest.raises(UsageError, match="another model"):
        folder.claim(SETTINGS)

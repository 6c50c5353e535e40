"""`nextchar inspect`."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest

from nextchar.cli import main
from tests.command import made_up_text


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_bytes((made_up_text() + "é").encode("cp1252"))
    return path


def test_facts_are_printed_in_two_columns(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(book), "--no-forecast"]) == 0
    out = capsys.readouterr().out
    names = [line.split()[0] for line in out.splitlines() if not line.startswith(" ")]
    assert {"file", "characters", "distinct", "lines", "repeated", "compressed"} <= set(names)
    assert "cp1252 (detected)" in out
    assert f"{len(made_up_text()) + 1:,}" in out


def test_the_same_as_json(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(book), "--no-forecast", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["characters"] == len(made_up_text()) + 1
    assert facts["forecast"] is None


def test_a_forecast_tells_the_plan_and_what_it_would_reach(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(book), "--steps", "20", "--hidden", "8", "--layers", "1", "--recipe", "classic"]) == 0
    captured = capsys.readouterr()
    assert "--no-forecast" in captured.err
    assert re.search(r"model +LSTM of 8 units", captured.out)
    assert re.search(r"plan +20 steps of 128 × 60 characters", captured.out)


def test_a_decomposed_text_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nfd.txt"
    path.write_text(unicodedata.normalize("NFD", "한글 in a café.\n" * 100), encoding="utf-8")
    assert main(["inspect", str(path), "--no-forecast"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("decomposed"))
    assert line == "decomposed  42.1% of the characters: --normalize nfc composes them, in the text and in every prompt"
    for options in (["--normalize", "nfc"], ["--tokens", "bytes"]):
        assert main(["inspect", str(path), "--no-forecast", *options]) == 0
        assert "--normalize" not in capsys.readouterr().out
    assert main(["inspect", str(path), "--no-forecast", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["decomposed_share"] == pytest.approx(8 / 19)


@pytest.mark.parametrize("tokens", ["bytes", "jamo", "words"])
def test_the_tokens_of_the_model_may_be_given(tokens: str, book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--steps", "20", "--hidden", "8", "--layers", "1", "--streams", "4", "--json"]
    assert main(["inspect", str(book), "--tokens", tokens, *options]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["characters"] == len(made_up_text()) + 1
    assert facts["files"][0]["encoding"] == ("bytes" if tokens == "bytes" else "cp1252")
    assert facts["forecast"]["parameters"] > 0


def test_any_file_can_be_looked_at_as_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "image").write_bytes(bytes(range(256)) * 20)
    assert main(["inspect", str(tmp_path / "image"), "--no-forecast", "--tokens", "bytes"]) == 0
    out = capsys.readouterr().out
    assert not any("\udc80" <= character <= "\udcff" for character in out)
    assert "bytes (given)" in out
    assert main(["inspect", str(tmp_path / "image"), "--no-forecast", "--tokens", "bytes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == 5120


def test_the_classic_recipe_reads_characters(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(book), "--recipe", "classic", "--tokens", "words"]) == 2
    assert "leave --tokens words out" in capsys.readouterr().err

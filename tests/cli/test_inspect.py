"""`nextchar inspect`."""

from __future__ import annotations

import json
import re
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

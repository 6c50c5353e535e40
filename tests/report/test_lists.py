"""The section about lists: what is written beside what was learned."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from nextchar.model.known_entries import KnownEntries
from nextchar.model.list_quality import measure_list
from nextchar.report.lists import DRAWN, MAX_LENGTHS, MAX_LETTERS, list_section
from nextchar.report.page import render_report
from nextchar.runs.record import RunRecord
from nextchar.text.line_survey import survey_lines
from tests.report.test_page import MODEL, WHOLE, run

VOCABULARY = MODEL.file.characters_for("A test")
LINES = [first + second * (number % 3) for number, first in enumerate("abcdefgh" * 30) for second in "xy"]


def section(path: Path, lines: list[str] = LINES) -> str:
    return list_section(RunRecord.read(run(path, WHOLE)), VOCABULARY.encode("\n".join(lines) + "\n"))


def test_the_report_of_a_list_has_the_section_and_no_other_report_has(tmp_path: Path) -> None:
    ids = VOCABULARY.encode("\n".join(LINES) + "\n")
    heading = "<h2>The list it writes</h2>"
    assert heading in render_report(run(tmp_path, WHOLE), ids)
    assert heading not in render_report(run(tmp_path / "gone", WHOLE))
    assert heading not in render_report(
        run(tmp_path / "prose", WHOLE), VOCABULARY.encode("the fox and the dog\n\n" * 300)
    )


def test_shares_are_those_of_the_model(tmp_path: Path) -> None:
    quality = measure_list(
        MODEL.network, VOCABULARY, KnownEntries.of_lines(LINES), survey_lines(LINES), count=DRAWN, seed=7
    )
    found = re.findall(r"([\d.]+) % (?:are|of)", section(tmp_path))
    shares = [quality.valid, quality.unique, quality.new, len(set(LINES)) / len(LINES)]
    assert [float(number) for number in found] == pytest.approx([100 * share for share in shares], abs=0.06)


def test_charts_and_tables_have_the_same_figures(tmp_path: Path) -> None:
    page = section(tmp_path)
    charts = re.findall(r"<svg.*?</svg>", page)
    tables = re.findall(r'<table class="figures">.*?</table>', page)
    assert len(charts) == len(tables) == 2
    for chart, table in zip(charts, tables, strict=True):
        heights = {
            name: np.array(re.findall(rf'class="{name}" [^>]*height="([\d.]+)"', chart), float)
            for name in ("written", "listed")
        }
        rows = re.findall(r"<tr><th[^>]*>([^<]+)</th><td>([\d.]+) %</td><td>([\d.]+) %</td></tr>", table)
        labels = re.findall(r'text-anchor="middle">([^<]+)<', chart)
        assert [label for label, _, _ in rows] == labels
        shares = np.array([[float(written), float(listed)] for _, written, listed in rows])
        both = np.stack([heights["written"], heights["listed"]], axis=1)
        np.testing.assert_allclose(both / both.max(), shares / shares.max(), atol=0.01)
        assert both.max() == pytest.approx(140)


def test_lengths_of_the_training_list_are_counted(tmp_path: Path) -> None:
    table = re.findall(r'<table class="figures">.*?</table>', section(tmp_path))[0]
    listed = dict(re.findall(r"<th[^>]*>(\d)</th><td>[^<]*</td><td>([\d.]+) %", table))
    assert {name: float(share) for name, share in listed.items()} == {"1": 33.3, "2": 33.3, "3": 33.3}


def test_many_lengths_and_letters_are_put_together(tmp_path: Path) -> None:
    letters = [letter for letter in VOCABULARY.characters if letter != "\n"]
    lines = [letter * (1 + (7 * number) % 97) for number, letter in enumerate(letters * 20)]
    lengths, initials = re.findall(r'<table class="figures">.*?</table>', section(tmp_path, lines))
    names = re.findall(r'<th scope="row"[^>]*>([^<]+)</th>', lengths)
    assert names[:2] == ["1–3", "4–6"]
    assert len(names) <= MAX_LENGTHS
    assert len(re.findall(r'<th scope="row"', initials)) <= MAX_LETTERS


def test_the_same_run_gives_the_same_section(tmp_path: Path) -> None:
    assert section(tmp_path / "a") == section(tmp_path / "b")

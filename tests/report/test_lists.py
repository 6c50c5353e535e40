"""The section about lists: what is written beside what was learned."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from nextchar.model.known_entries import KnownEntries
from nextchar.model.list_quality import measure_list
from nextchar.report.lists import DRAWN, MAX_LENGTHS, MAX_LETTERS, list_section
from nextchar.report.page import render_report
from nextchar.runs.record import RunRecord
from nextchar.settings import TokenKind
from nextchar.text.line_survey import survey_lines
from tests.exact_lists import CHARACTERS, model_of_list
from tests.report.test_page import MODEL, WHOLE, run

VOCABULARY = MODEL.file.characters_for("A test")
LINES = [
    first + second + third for first in "abcdefgh" for second in "jklmn" for third in ("", "o", "op", "pq", "q", "r")
]
"""240 lines: 40 of two characters, 120 of three, 80 of four."""


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


@pytest.mark.parametrize("kind", CHARACTERS)
def test_the_section_is_of_the_characters_of_any_kind_of_tokens(tmp_path: Path, kind: TokenKind) -> None:
    model = model_of_list(kind)
    first, *_, last = CHARACTERS[kind].strip()
    lines = ["".join(line) for length in range(1, 8) for line in product((first, last), repeat=length)]
    folder = run(tmp_path, WHOLE)
    folder.save_model(model.file)
    page = list_section(RunRecord.read(folder), model.vocabulary.encode("\n".join(lines) + "\n"))
    lengths, initials = re.findall(r'<table class="figures">.*?</table>', page)
    listed = re.findall(r"<th[^>]*>(\d+)</th><td>[^<]*</td><td>([\d.]+) %", lengths)
    assert [name for name, _ in listed] == ["1", "2", "3", "4", "5", "6", "7"]
    assert [float(share) for _, share in listed] == [0.8, 1.6, 3.1, 6.3, 12.6, 25.2, 50.4]
    assert re.findall(r'scope="row"[^>]*>([^<]+)</th>', initials) == sorted((first, last))


def test_lengths_of_the_training_list_are_counted(tmp_path: Path) -> None:
    table = re.findall(r'<table class="figures">.*?</table>', section(tmp_path))[0]
    listed = dict(re.findall(r"<th[^>]*>(\d)</th><td>[^<]*</td><td>([\d.]+) %", table))
    assert {name: float(share) for name, share in listed.items()} == {"2": 16.7, "3": 50.0, "4": 33.3}


def test_many_lengths_and_letters_are_put_together(tmp_path: Path) -> None:
    letters = [letter for letter in VOCABULARY.characters if letter not in "\n "]
    lines = [letter * (1 + (7 * number) % 97) for number, letter in enumerate(letters * 20)]
    lengths, initials = re.findall(r'<table class="figures">.*?</table>', section(tmp_path, lines))
    names = re.findall(r'<th scope="row"[^>]*>([^<]+)</th>', lengths)
    assert names[:2] == ["1–3", "4–6"]
    assert len(names) <= MAX_LENGTHS
    assert len(re.findall(r'<th scope="row"', initials)) <= MAX_LETTERS


def test_the_same_run_gives_the_same_section(tmp_path: Path) -> None:
    assert section(tmp_path / "a") == section(tmp_path / "b")

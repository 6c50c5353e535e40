"""The sections that show the model at work."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from nextchar.report import sections
from nextchar.report.page import render_report
from nextchar.text.documents import PLAIN, SourceText, documents_of
from nextchar.training.events import Event
from tests.report.test_page import MODEL, PROMPT, TEXT, WHOLE, evaluated, finished, run, sampled
from tests.small_networks import random_model


def test_samples_stand_by_evaluation_and_temperature_as_they_were_written(tmp_path: Path) -> None:
    page = render_report(run(tmp_path, WHOLE))
    table = page[page.index('class="samples"') :]
    rows = re.findall("<tr>(.*?)</tr>", table[: table.index("</table>")], re.S)
    assert len(rows) == 3
    assert re.findall(r"temperature</span> ([\d.]+)", rows[0]) == ["0.5", "1.2"]
    assert "epoch 2.0" in rows[1]
    assert "2.750 bits" in rows[1]
    assert "kept" not in rows[1]
    assert "kept" in rows[2]
    prompt = f'<span class="prompt">{PROMPT}</span>'
    assert f"{prompt} brown fox jumps over the lazy dog\nthe cat  &lt;b&gt;</div>" in rows[2]
    assert rows[1].index(" aaa") < rows[1].index(" zzz")
    assert rows[1].count('dir="auto"') == 2


def test_temperature_is_shown_on_a_prediction_of_the_model(tmp_path: Path) -> None:
    page = render_report(run(tmp_path, WHOLE))
    table = page[page.index('class="bars"') :]
    rows = re.findall("<tr>(.*?)</tr>", table[: table.index("</table>")], re.S)
    assert len(rows) == 1 + 12 + 1
    shares = np.array([re.findall(r"--share:([\d.]+)", row) for row in rows[1:]], float)
    np.testing.assert_allclose(shares.sum(0), 1, atol=1e-3)
    probable = MODEL.next_character_distribution(PROMPT[: len(PROMPT) - 1])
    also = MODEL.next_character_distribution(PROMPT)
    first = re.search("<bdi[^>]*>(.)</bdi>", rows[1])
    assert first is not None
    assert first[1].replace("␣", " ").replace("⏎", "\n") in (next(iter(probable)), next(iter(also)))


def test_copied_passages_are_told_and_the_author_is_the_measure(tmp_path: Path) -> None:
    folder = run(tmp_path, [*WHOLE[:-2], sampled(40, 1.2, "qqq zzz"), finished()])
    page = render_report(folder, MODEL.vocabulary.encode(TEXT.replace("\n", ";")[:-176] + "zzz" * 60))
    table = page[page.index('class="copied"') :]
    rows = re.findall("<tr>(.*?)</tr>", table[: table.index("</table>")], re.S)
    assert "<b>34</b> of 47 characters" in rows[1]
    assert "> brown fox jumps over the lazy dog</q>" in rows[1]
    assert "72 %" in rows[1]
    assert "<b>1</b> of 7 characters" in rows[2]
    assert "held-out text" in rows[3]
    assert "<b>1</b> of 47 characters" in rows[3]


def test_without_the_text_it_says_so(tmp_path: Path) -> None:
    page = render_report(run(tmp_path, WHOLE))
    assert "no longer in the cache" in page
    assert 'class="copied"' not in page


def test_scripts_are_told_to_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    korean = random_model("나는 고 은화를 벙어리에\n")
    folder = run(tmp_path, [evaluated(40), sampled(40, 0.5, "나는")], model=False)
    folder.save_model(korean.file)
    page = render_report(folder, korean.vocabulary.encode("나는 고 은화를"))
    assert '<div class="written" dir="auto" lang="ko">' in page
    assert re.search('<th scope="row"><bdi lang="ko">.</bdi></th>', page)
    assert '<q dir="auto" lang="ko">나는</q>' in page


def test_a_long_run_shows_some_rows_the_kept_one_among_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MAX_ROWS", 4)
    steps = range(1, 21)
    events: list[Event] = [evaluated(step).model_copy(update={"best": step == 6}) for step in steps]
    page = render_report(run(tmp_path, [*events, *(sampled(step, 0.5, "x") for step in steps)]))
    assert re.findall(r"<span>step (\d+)</span>", page) == ["1", "6", "7", "14", "20"]
    assert "15 of 20 evaluations are left out here; samples.md has them all." in page


def test_samples_have_marks_where_they_copy(tmp_path: Path) -> None:
    vocabulary = MODEL.file.characters_for("A test")
    source = SourceText(vocabulary.encode(TEXT), documents_of(("fox.txt",), PLAIN), vocabulary)
    page = render_report(run(tmp_path, WHOLE), source=source)
    copied = " brown fox jumps over the lazy dog\nthe "
    assert f'<span class="prompt">{PROMPT}</span><mark title="fox.txt, line 1">{copied}</mark>cat  &lt;b&gt;' in page
    assert "<mark" not in render_report(run(tmp_path / "other", WHOLE))

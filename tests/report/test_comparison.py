"""The page of runs beside each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nextchar.model.comparison import compare_models
from nextchar.report.comparison import comparison_page
from nextchar.runs.comparison import ComparedRun, RunComparison
from nextchar.settings import SamplingSettings
from tests.browser import OpenDesk
from tests.report.test_page import Outline, shown
from tests.runs.test_comparison import changed, make_run
from tests.served_page import EVALUATIONS, model_of, run_folder
from tests.small_networks import ALPHABET, random_text

SAMPLING = SamplingSettings(length=9, seed=3)


def compared(runs: list[ComparedRun], text: str = "") -> RunComparison:
    scores = compare_models([run.model for run in runs], [text], len(text)) if text else None
    samples = [f"<b>{number}</b> wrote" for number in range(len(runs))]
    return RunComparison(runs, "the fox", SAMPLING, samples, "/home/me/<text>" if text else None, scores)


@pytest.fixture
def runs(tmp_path: Path) -> list[ComparedRun]:
    paths = [
        run_folder(tmp_path / "one").path,
        make_run(tmp_path / "two", changed(hidden=(16,)), finished=False, seed=1),
    ]
    return [ComparedRun.read(path) for path in paths]


def test_everything_is_on_one_page(runs: list[ComparedRun]) -> None:
    page = comparison_page(compared(runs, random_text(ALPHABET, 2100)))
    outline = Outline(page)
    assert all(address.startswith("data:") for address in outline.loads)
    text = shown(page)
    for words in ("one, two", "2.600", "hidden", "On &lt;text&gt;, 2,100 characters", "10 blocks of 200 characters"):
        assert words in text
    for words in ("Where B differs most from A", "not finished: step 1 of 40", "the fox&lt;b&gt;1&lt;/b&gt; wrote"):
        assert words in text
    assert "At temperature 0.5, with the seed 3." in text
    assert "/home/me" not in page
    assert runs[0].name not in page


def test_curves_of_all_runs_are_merged_by_time(runs: list[ComparedRun]) -> None:
    page = comparison_page(compared(runs))
    found = re.search(r'id="curve-data">([^<]*)</script>', page)
    assert found is not None
    data = json.loads(found[1])
    assert data["curves"] == [["run-0", "bits_0"], ["run-1", "bits_1"]]
    assert [row["seconds"] for row in data["evaluations"]] == [10.25, 10.25, 20.5, 30.75, 41.0]
    assert [row["bits_0"] for row in data["evaluations"] if "bits_0" in row] == pytest.approx([2.9, 2.8, 2.7, 2.6])
    assert [row["bits_1"] for row in data["evaluations"] if "bits_1" in row] == pytest.approx([2.9])


def test_model_files_have_no_curves(tmp_path: Path) -> None:
    path = tmp_path / "alone.safetensors"
    model_of().save(path)
    page = comparison_page(compared([ComparedRun.read(path), ComparedRun.read(path)]))
    assert "script-src 'none'" in page
    assert Outline(page).scripts == 0
    text = shown(page)
    assert "None of these was trained in a run that is at hand." in text
    assert "They are all the same." in text


def test_without_samples_there_is_no_section_of_them(runs: list[ComparedRun]) -> None:
    nothing = RunComparison(runs, "", SamplingSettings(length=0), ["", ""], None, None)
    assert "What they write" not in comparison_page(nothing)


@pytest.mark.parametrize("width", [1280, 390])
def test_curves_are_drawn_in_one_picture(
    open_desk: OpenDesk, runs: list[ComparedRun], tmp_path: Path, width: int
) -> None:
    path = tmp_path / "page.html"
    path.write_text(comparison_page(compared(runs, random_text(ALPHABET, 2100))), encoding="utf-8")
    page = open_desk(path.as_uri(), width=width).page
    svg = page.locator("#curves svg")
    assert svg.locator("circle.run-0").count() == EVALUATIONS
    assert svg.locator("circle.run-1").count() == 1
    assert "epochs" not in svg.locator("text").all_text_contents()
    assert not page.locator("#figures table").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width

"""What a model wrote as it learned: to go through, and live while it trains."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import nextchar
from nextchar.cli import main
from nextchar.convert.conversion import convert
from tests.browser import Desk, OpenDesk
from tests.command import made_up_text
from tests.served_page import EVALUATIONS, Pages, evaluation_events, finished_event, model_of, run_folder, serving

one_life = pytest.mark.parametrize("life", ["exported"])
"""For what has nothing to do with where the run is."""


@pytest.fixture
def desk(open_desk: OpenDesk, pages: Pages, life: str) -> Desk:
    desk = open_desk(pages[life]).ready()
    desk.press("tab-history")
    return desk


def assert_moment(page: Page, number: int) -> None:
    """Check that the evaluation with this number, from 0, is shown."""
    expect(page.locator("#moment-facts")).to_contain_text(f"epoch {(number + 1) / 10}")
    expect(page.locator("#samples .written").first).to_have_text(
        f"the fox at 0.2, step {number + 1}", use_inner_text=False
    )
    expect(page.locator("#samples .written").last).to_have_text(
        f"the fox at 1.2, step {number + 1}", use_inner_text=False
    )


def test_the_last_moment_is_shown_first(desk: Desk) -> None:
    assert_moment(desk.page, EVALUATIONS - 1)
    expect(desk.page.locator("#samples h3")).to_have_text(["Temperature 0.2", "Temperature 1.2"])


def test_scrubbing_goes_through_the_moments(desk: Desk) -> None:
    slider = desk.page.locator("#moment")
    slider.fill("0")
    assert_moment(desk.page, 0)
    lines = desk.page.locator("#curve line.now")
    first = float(str(lines.get_attribute("x1")))
    slider.press("ArrowRight")
    assert_moment(desk.page, 1)
    assert float(str(lines.get_attribute("x1"))) > first
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"epoch 0\.2, 2\.\d{3} bits per character"))


def test_the_curve_has_a_point_for_each_evaluation_and_names_its_axes(desk: Desk) -> None:
    curve = desk.page.locator("#curve svg")
    expect(curve.locator("circle.validation")).to_have_count(EVALUATIONS)
    expect(curve.locator("circle.training")).to_have_count(EVALUATIONS)
    heights = [float(str(point.get_attribute("cy"))) for point in curve.locator("circle.validation").all()]
    assert heights == sorted(heights)  # bits fall, and y grows downwards
    expect(curve).to_contain_text("bits per character")
    expect(curve).to_contain_text("epochs (passes over the text)")
    expect(curve).to_have_attribute("aria-label", re.compile("from 2.900 to 2.600"))


@one_life
def test_a_click_on_the_curve_goes_to_its_moment(desk: Desk) -> None:
    desk.page.locator("#curve circle.validation").nth(1).click(force=True)
    assert_moment(desk.page, 1)


@one_life
def test_playing_goes_from_the_first_moment_to_the_last(desk: Desk) -> None:
    desk.press("play")
    assert_moment(desk.page, 0)
    expect(desk.page.locator("#play")).to_have_text("Pause")
    assert_moment(desk.page, EVALUATIONS - 1)
    expect(desk.page.locator("#play")).to_have_text("Play")


@one_life
def test_playing_is_paused(desk: Desk) -> None:
    desk.press("play")
    desk.press("play")
    expect(desk.page.locator("#play")).to_have_text("Play")
    assert_moment(desk.page, 0)


def test_a_figure_of_excerpts_is_told_from_that_of_the_model(open_desk: OpenDesk, pages: Pages, tmp_path: Path) -> None:
    same = open_desk(pages.exported).ready()
    same.press("tab-history")
    expect(same.page.locator("#excerpts")).to_be_hidden()
    page = tmp_path / "page.html"
    convert(run_folder(tmp_path / "run", model_of(validation_bits_per_character=2.7504)).path, page)
    desk = open_desk(page.as_uri()).ready()
    expect(desk.page.locator("#facts .bits")).to_have_text("bits per character on held-out text2.750")
    desk.press("tab-history")
    expect(desk.page.locator("#moment-facts")).to_contain_text("2.600 bits per character")
    expect(desk.page.locator("#excerpts")).to_contain_text("2.750 bits per character, the figure at the top")


def test_every_place_tells_the_same_figure_of_a_model(
    open_desk: OpenDesk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, run, page = tmp_path / "corpus.txt", tmp_path / "run", tmp_path / "page.html"
    # Its held-out text has a character that never came before.
    corpus.write_text(made_up_text() + "é", encoding="utf-8")
    # The curve is that of the network; with a memory, the other figures are those of the blend.
    options: dict[str, Any] = {"hidden": 16, "layers": 1, "steps": 60, "seed": 1, "threads": 1, "memory": False}
    model = nextchar.train(corpus, out=run, quiet=True, **options)
    bits = model.provenance.validation_bits_per_character
    assert bits is not None
    convert(run, page)
    outputs = {}
    for command in ("info", "evaluate", "report"):
        assert main([command, str(run)]) == 0
        outputs[command] = capsys.readouterr().out
    outputs["report"] = (run / "report.html").read_text(encoding="utf-8")
    outputs["samples"] = (run / "samples.md").read_text(encoding="utf-8")
    for name, words in outputs.items():
        assert f"{bits:.3f}" in words, name
    assert main(["evaluate", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bits_per_character"] == pytest.approx(bits, abs=1e-5)
    with serving(run) as served:
        for address in (served, page.as_uri()):
            desk = open_desk(address).ready()
            expect(desk.page.locator("#facts .bits dd")).to_have_text(f"{bits:.3f}")
            desk.press("tab-history")
            expect(desk.page.locator("#moment-facts")).to_contain_text(f"{bits:.3f} bits per character")


def test_training_is_followed_live(open_desk: OpenDesk, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", finished=False)
    with serving(folder.path) as address:
        desk = open_desk(address).ready()
        desk.press("tab-history")
        expect(desk.page.locator("#moment-facts")).to_contain_text("still training")
        assert_moment(desk.page, EVALUATIONS - 1)
        folder.append(evaluation_events(EVALUATIONS))
        assert_moment(desk.page, EVALUATIONS)
        # Who looks back is left where they are.
        desk.page.locator("#moment").fill("0")
        folder.append([*evaluation_events(EVALUATIONS + 1), finished_event()])
        expect(desk.page.locator("#curve circle.validation")).to_have_count(EVALUATIONS + 2)
        assert_moment(desk.page, 0)
        expect(desk.page.locator("#moment-facts")).not_to_contain_text("still training")


def test_a_model_that_learns_on_is_loaded_anew(open_desk: OpenDesk, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", finished=False)
    with serving(folder.path) as address:
        desk = open_desk(address).ready()
        desk.write("the ")
        before = desk.bars()
        expect(desk.page.locator("#facts")).to_contain_text("2.60")
        folder.save_model(model_of(seed=5, validation_bits_per_character=1.25).file)
        folder.append(evaluation_events(EVALUATIONS))
        expect(desk.page.locator("#facts")).to_contain_text("1.25")
        expect(desk.page.locator(".bar-row").first).not_to_have_attribute("data-character", next(iter(before)))


def test_a_model_file_alone_has_no_history(open_desk: OpenDesk, pages: Pages) -> None:
    with serving(pages.model) as address:
        desk = open_desk(address).ready()
        expect(desk.page.locator("#tab-history")).to_be_hidden()
        expect(desk.page.locator("#tab-see")).to_be_visible()


def test_a_run_without_a_model_is_waited_for(open_desk: OpenDesk, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", finished=False)
    folder.model_path.unlink()
    with serving(folder.path) as address:
        desk = open_desk(address)
        expect(desk.page.locator("#lead")).to_contain_text("There is no model yet")
        expect(desk.page.locator("#continue")).to_be_disabled()
        folder.save_model(model_of().file)
        desk.ready()
        expect(desk.page.locator("#lead")).to_contain_text("It learned from \u2068fox.txt\u2069")
        expect(desk.page.locator("#continue")).to_be_enabled()


def test_a_moment_without_samples_shows_those_before_it(open_desk: OpenDesk, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", finished=False)
    folder.append(evaluation_events(EVALUATIONS)[:1])
    page = tmp_path / "page.html"
    convert(folder.path, page)
    desk = open_desk(page.as_uri()).ready()
    desk.press("tab-history")
    expect(desk.page.locator("#moment-facts")).to_contain_text(f"epoch {(EVALUATIONS + 1) / 10}")
    written = desk.page.locator("#samples .written").first
    expect(written).to_have_text(f"the fox at 0.2, step {EVALUATIONS}", use_inner_text=False)

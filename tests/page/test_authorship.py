"""A text coloured by its likeliest author: the answers are Python's, and a page of one model has no such view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from nextchar.model.authorship import Authors
from nextchar.model.spread import Spread
from tests.browser import Desk, OpenDesk
from tests.served_page import Pages, model_of, serving

TEXT = "the old man and the sea\n\n가나다\nwhat a day it was for a walk\n"
USUAL = Spread(mean=5.5, of_characters=3.0, of_stretches=0.3, characters=1000)
"""Of the made-up models: they are surprised by Korean letters alone."""
MODELS = {name: model_of(seed=seed, held_out_spread=USUAL) for seed, name in enumerate(("fox", "wolf"))}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("models")
    paths: list[Path] = []
    for name, model in MODELS.items():
        paths.append(folder / f"{name}.safetensors")
        model.save(paths[-1])
    with serving(*paths) as url:
        yield url


@pytest.fixture
def desk(open_desk: OpenDesk, address: str) -> Desk:
    desk = open_desk(address).ready()
    desk.press("tab-who")
    desk.page.fill("#disputed", TEXT)
    desk.press("attribute")
    desk.page.locator("#attributed li").first.wait_for()
    return desk


def test_each_line_has_the_colour_of_its_likeliest_author(desk: Desk) -> None:
    answer = Authors(MODELS).attribute(TEXT)
    lines = desk.page.locator("#attributed .said")
    assert [text.strip("\u200b") for text in lines.all_text_contents()] == TEXT.split("\n")[:-1]
    for number, (_, line) in enumerate(answer.lines):
        classes = str(lines.nth(number).get_attribute("class")).split()
        if line.none_of_them:
            assert "by-none" in classes
        elif line.author:
            assert f"author-{list(MODELS).index(line.author)}" in classes
        else:
            assert classes == ["said"]
    assert [line.none_of_them for _, line in answer.lines] == [False, False, True, False]


def test_a_surer_line_is_coloured_more_strongly(desk: Desk) -> None:
    first = Authors(MODELS).attribute(TEXT).lines[0][1]
    strength = 60 * (2 * first.probabilities.max() - 1)
    style = str(desk.page.locator("#attributed .said").first.get_attribute("style"))
    assert float(style.partition("--strength:")[2].strip(" %;")) == pytest.approx(strength, abs=0.06)


def test_the_legend_says_how_likely_each_model_is(desk: Desk) -> None:
    answer = Authors(MODELS).attribute(TEXT)
    expect(desk.page.locator("#authors bdi")).to_have_text(list(MODELS))
    per_character = answer.bits / answer.characters
    for number, bits in enumerate(per_character):
        expect(desk.page.locator("#authors li").nth(number)).to_contain_text(f"{bits:.3f} bits")
    expect(desk.page.locator("#verdict")).to_contain_text(answer.likeliest)


def test_two_models_are_needed(desk: Desk) -> None:
    desk.page.locator("#candidates input").first.uncheck()
    desk.press("attribute")
    expect(desk.page.locator("#who-status")).to_have_text("Choose at least two models.")
    desk.page.locator("#candidates input").first.check()
    desk.page.fill("#disputed", "")
    desk.press("attribute")
    expect(desk.page.locator("#who-status")).to_have_text("There is no text to look at.")


def test_the_view_speaks_korean(desk: Desk) -> None:
    desk.press("language")
    expect(desk.page.locator("#tab-who")).to_have_text("누가 썼나")
    expect(desk.page.locator("#attributed .by").nth(2)).to_have_text("없음")


@pytest.mark.parametrize("life", ["served", "exported"])
def test_a_page_of_one_model_has_no_such_view(open_desk: OpenDesk, pages: Pages, life: str) -> None:
    desk = open_desk(pages[life]).ready()
    expect(desk.page.locator("#tab-who")).to_be_hidden()

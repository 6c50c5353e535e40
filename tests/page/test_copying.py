"""What the model copied, on the page: marked, listed, and limited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import Desk, OpenDesk
from tests.served_page import Pages, serving
from tests.small_networks import model_with_text, random_model

ALPHABET = "the old fox\nand hens 가나\n"
PROMPT = "the old "
WRITTEN = random_model(ALPHABET).generate(PROMPT, seed=5, length=80)
MODEL = model_with_text(f"{ALPHABET}{WRITTEN[30:]}\n")
"""It writes what it has not learned, but what stands in its training text."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a model with its training text."""
    path: Path = tmp_path_factory.mktemp("model") / "fox.safetensors"
    MODEL.save(path)
    with serving(path) as served:
        yield served


@pytest.fixture
def desk(open_desk: OpenDesk, address: str) -> Desk:
    return open_desk(address).ready()


def test_what_is_copied_is_marked_and_listed(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.set(seed=5, length=80)
    assert desk.go_on() == WRITTEN
    expect(desk.page.locator("#under .copied")).to_have_text(WRITTEN[30:], use_inner_text=False)
    expect(desk.page.locator("#copied-title")).to_contain_text("1 run of 20 characters or more")
    expect(desk.page.locator("#copied-list li")).to_contain_text("fox.txt, line 3: ")
    desk.press("language")
    expect(desk.page.locator("#copied-title")).to_contain_text("배운 글과 20자 이상")
    desk.press("undo")
    expect(desk.page.locator("#copied-runs")).to_be_hidden()


def test_copying_is_limited_and_the_recipe_says_so(desk: Desk, open_desk: OpenDesk) -> None:
    desk.write(PROMPT)
    desk.page.locator("summary").click()
    desk.set(seed=5, length=80, max_copy=3)
    written = desk.go_on()
    assert written == MODEL.generate(PROMPT, seed=5, length=80, max_copy=3) != WRITTEN
    assert desk.recipe()["max_copy"] == 3
    again = open_desk(desk.page.url)
    expect(again.page.locator("#status")).to_have_text("Wrote 80 characters.")
    assert again.text == desk.text
    desk.press("recipe")
    assert "--max-copy 3" in desk.page.locator("#copies pre").first.inner_text()


def test_a_model_without_its_text_offers_no_limit(open_desk: OpenDesk, pages: Pages, life: str) -> None:
    desk = open_desk(pages[life]).ready()
    desk.page.locator("summary").click()
    expect(desk.page.locator("#min-p")).to_be_visible()
    expect(desk.page.locator("#max-copy")).to_be_hidden()
    desk.set(seed=1, length=9)
    desk.go_on()
    assert "max_copy" not in desk.recipe()
    expect(desk.page.locator("#copied-runs")).to_be_hidden()

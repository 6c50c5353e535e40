"""The page of a text coloured by surprise: the page's view of it, with Python's figures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from nextchar.model.surprise import read_first_surprises
from nextchar.report.surprise import ALTERNATIVES, surprise_page
from tests.browser import Desk, OpenDesk
from tests.report.test_page import Outline
from tests.small_networks import random_model

MODEL = random_model()
TEXT = "the old man\n가나 Zoë <b>\u202e</script>"


def page_of(text: str, whole: str = "") -> str:
    pieces = read_first_surprises(MODEL, [text], len(text), ALTERNATIVES)
    return surprise_page(pieces, MODEL.evaluate(whole or text), text="<text>", model="runs/a & b")


def scores_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="scores">([^<]*)</script>', page)
    assert found is not None
    return json.loads(found[1])


@pytest.fixture
def open_page(open_desk: OpenDesk, tmp_path: Path) -> Callable[..., Desk]:
    def open_text(text: str = TEXT, whole: str = "", **options: Any) -> Desk:
        path = tmp_path / "page.html"
        path.write_text(page_of(text, whole), encoding="utf-8")
        return open_desk(path.as_uri(), **options)

    return open_text


def test_it_is_one_file_that_nothing_breaks_out_of() -> None:
    page = page_of(TEXT)
    outline = Outline(page)
    assert all(address.startswith("data:") for address in outline.loads)
    assert "default-src 'none'" in page
    assert "&lt;text&gt;" in page
    scores = scores_of(page)["scores"]
    assert "".join(scores["characters"]) == TEXT
    assert scores["bits"] == pytest.approx(MODEL.surprises(TEXT).tolist(), abs=1e-3)
    assert all(len(texts) == len(shares) == ALTERNATIVES for texts, shares in scores["expected"])


def test_the_figures_are_those_of_the_model(open_page: Callable[..., Desk]) -> None:
    page = open_page().page
    expect(page.locator("#mean")).to_have_text(f"{MODEL.bits_per_character(TEXT):.3f}")
    expect(page.locator("#lead")).to_have_text("Read by runs/a & b.")
    expect(page.locator("#legend li")).to_have_count(6)
    expect(page.locator("#part")).to_have_text("")
    assert page.locator("h1").text_content() == "<text>"


def test_a_beginning_says_so(open_page: Callable[..., Desk]) -> None:
    whole = TEXT + "and more"
    page = open_page(TEXT, whole).page
    bits = f"{MODEL.bits_per_character(whole):.3f}"
    expected = (
        f"These are the first {len(TEXT)} of {len(whole)} characters. All of them cost {bits} bits per character."
    )
    expect(page.locator("#part")).to_have_text(expected)


def test_pointer_and_keys_say_what_was_expected(open_page: Callable[..., Desk]) -> None:
    page = open_page().page
    page.locator("#piece-5").hover()
    expect(page.locator("#alternatives h3")).to_contain_text(f"{MODEL.surprises(TEXT)[5]:.2f} bits")
    names = list(MODEL.next_character_distribution("\n" + TEXT[:5]))[:ALTERNATIVES]
    shown = page.locator("#alternatives li .glyph").all_text_contents()
    assert shown == [{" ": "space", "\n": "newline"}.get(name, name) for name in names]
    page.locator("#coloured").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#coloured")).to_have_attribute("aria-activedescendant", "piece-1")


def test_it_speaks_korean_where_the_browser_does(open_page: Callable[..., Desk]) -> None:
    expect(open_page(locale="ko-KR").page.locator("#lead")).to_have_text("runs/a & b 모델이 읽었습니다.")


def test_signs_that_turn_the_writing_around_are_shown_by_name(open_page: Callable[..., Desk]) -> None:
    page = open_page().page
    expect(page.locator(f"#piece-{TEXT.index(chr(0x202E))}")).to_have_text("U+202E")


def test_without_scripts_it_says_what_is_missing(open_page: Callable[..., Desk]) -> None:
    assert open_page(java_script_enabled=False).page.locator("noscript p").is_visible()
    assert not open_page().page.locator("noscript p").is_visible()

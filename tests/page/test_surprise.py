"""A text coloured by surprise: its figures are Python's, by mouse and by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import Desk, OpenDesk, percents
from tests.served_page import MODEL, Pages

TEXT = "the old man\n가나 Zoë"
LEVELS = (0, 1, 2, 4, 6, 9)
one_life = pytest.mark.parametrize("life", ["exported"])
"""For what has nothing to do with where the model is."""


@pytest.fixture
def desk(open_desk: OpenDesk, pages: Pages, life: str) -> Desk:
    desk = open_desk(pages[life]).ready()
    desk.press("tab-see")
    desk.page.fill("#pasted", TEXT)
    desk.press("score")
    desk.page.locator("#piece-0").wait_for()
    return desk


def test_every_character_has_the_colour_of_its_bits(desk: Desk) -> None:
    pieces = desk.page.locator("#coloured [role=option]")
    assert [text.replace("⏎", "") for text in pieces.all_text_contents()] == list(TEXT)
    for number, bits in enumerate(MODEL.surprises(TEXT)):
        level = max(index for index, low in enumerate(LEVELS) if bits >= low)
        assert f"bits-{level}" in str(pieces.nth(number).get_attribute("class")).split(), (number, bits)


def test_the_mean_is_told(desk: Desk) -> None:
    mean = MODEL.bits_per_character(TEXT)
    expect(desk.page.locator("#mean")).to_have_text(f"{mean:.3f}")
    note = f"over {len(TEXT)} characters; 2 of them unknown to the model."
    expect(desk.page.locator("#mean-note")).to_contain_text(note)


def test_unknown_characters_are_marked(desk: Desk) -> None:
    assert desk.page.locator("#coloured .unknown").all_text_contents() == ["Z", "ë"]
    desk.page.locator("#coloured .unknown").first.hover()
    expect(desk.page.locator("#alternatives")).to_contain_text("unknown")


def test_alternatives_are_shown_under_the_pointer(desk: Desk) -> None:
    number = 5
    desk.page.locator(f"#piece-{number}").hover()
    expect(desk.page.locator("#alternatives h3")).to_contain_text(f"{MODEL.surprises(TEXT)[number]:.2f} bits")
    # A text is scored from the start of a line.
    before = "\n" + TEXT[:number]
    unseen = MODEL.file.characters_for("A page").unseen_log2_probability
    unknown = 2.0 ** -float(MODEL.surprises(TEXT[:number] + "\u2603")[-1] + unseen)
    names = {" ": "space", "\n": "newline", "\u0301": "◌\u0301"}
    rows = desk.page.locator("#alternatives li").all()
    expected = list(MODEL.next_character_distribution(before).items())[:5]
    for row, (character, probability) in zip(rows, expected, strict=True):
        assert row.locator(".glyph").text_content() == names.get(character, character)
        assert percents(row.inner_text())[0] == pytest.approx(100 * probability * (1 - unknown), abs=0.06)


@one_life
def test_keys_go_through_the_text(desk: Desk) -> None:
    text = desk.page.locator("#coloured")
    text.focus()
    expect(text).to_have_attribute("aria-activedescendant", "piece-0")
    for key, number in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", len(TEXT) - 1), ("Home", 0)):
        text.press(key)
        expect(text).to_have_attribute("aria-activedescendant", f"piece-{number}")
    chosen = desk.page.locator("#coloured [aria-selected=true]")
    expect(chosen).to_have_count(1)
    label = str(chosen.get_attribute("aria-label"))
    assert label.startswith(f"t, {MODEL.surprises(TEXT)[0]:.1f} bits; expected ")


@one_life
def test_the_sheet_can_be_looked_at(desk: Desk) -> None:
    desk.press("tab-write")
    desk.write("another text")
    desk.press("tab-see")
    desk.press("from-sheet")
    expect(desk.page.locator("#coloured")).to_have_text("another text", use_inner_text=False)
    expect(desk.page.locator("#mean")).to_have_text(f"{MODEL.bits_per_character('another text'):.3f}")


@one_life
def test_letters_with_marks_stay_together(desk: Desk) -> None:
    desk.page.fill("#pasted", "cafe\u0301 가")
    desk.press("score")
    pieces = desk.page.locator("#coloured [role=option]")
    expect(pieces).to_have_count(6)
    assert pieces.all_text_contents() == ["c", "a", "f", "e\u0301", " ", "가"]
    pieces.nth(3).hover()
    expect(desk.page.locator("#alternatives h3")).to_have_count(2)


@one_life
def test_nothing_is_nothing_to_look_at(desk: Desk) -> None:
    desk.page.fill("#pasted", "")
    desk.press("score")
    expect(desk.page.locator("#see-status")).to_have_text("There is no text to look at.")


@one_life
def test_the_legend_tells_every_colour(desk: Desk) -> None:
    expect(desk.page.locator("#legend li")).to_have_text(["0 – 1", "1 – 2", "2 – 4", "4 – 6", "6 – 9", "9 and more"])

"""The distribution of the next character beside the sheet, and what the temperature makes of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser import Desk, OpenDesk, percents
from tests.served_page import ALPHABET, MODEL, Pages

PROMPT = "the old ma"
FOUR = (0.2, 0.5, 1.0, 1.2)
one_life = pytest.mark.parametrize("life", ["exported"])
"""For what has nothing to do with where the model is."""


@pytest.fixture
def desk(open_desk: OpenDesk, pages: Pages, life: str) -> Desk:
    desk = open_desk(pages[life]).ready()
    desk.write(PROMPT)
    expect(desk.page.locator("#after")).to_have_text(PROMPT)
    return desk


def entropy(distribution: dict[str, float]) -> str:
    return f"{-sum(p * math.log2(p) for p in distribution.values() if p > 0):.2f} bits".replace("-0.00", "0.00")


def assert_bars_are(desk: Desk, temperature: float, prompt: str = PROMPT, **options: Any) -> None:
    """Check bars, figures and entropies against Python."""
    given = MODEL.next_character_distribution(prompt)
    now = MODEL.next_character_distribution(prompt, temperature=temperature, **options)
    expect(desk.page.locator("#reweighted-entropy")).to_have_text(entropy(now))
    expect(desk.page.locator("#entropy")).to_have_text(entropy(given))
    bars = desk.bars()
    assert list(bars) == list(given)[: len(bars)]
    longest = max(max(given[character], now[character]) for character in bars)
    for character, (first, second) in bars.items():
        assert first * longest == pytest.approx(given[character], abs=2e-6)
        assert second * longest == pytest.approx(now[character], abs=2e-6)


def test_the_bars_are_the_distribution_of_the_model(desk: Desk) -> None:
    assert len(desk.bars()) == 12
    assert_bars_are(desk, 0.5)


@pytest.mark.parametrize("temperature", [0, 0.05, 1, 2])
def test_the_slider_moves_bars_and_entropy(desk: Desk, temperature: float) -> None:
    desk.page.locator("#temperature").fill(str(temperature))
    expect(desk.page.locator("#temperature-number")).to_have_value(str(temperature))
    expect(desk.page.locator("#at-temperature")).to_contain_text(f"{temperature}")
    assert_bars_are(desk, temperature)


@one_life
def test_the_slider_goes_by_keys_in_steps_of_a_twentieth(desk: Desk) -> None:
    slider = desk.page.locator("#temperature")
    slider.press("ArrowRight")
    expect(desk.page.locator("#temperature-number")).to_have_value("0.55")
    assert_bars_are(desk, 0.55)
    slider.press("End")
    expect(desk.page.locator("#temperature-number")).to_have_value("2")
    slider.press("Home")
    assert_bars_are(desk, 0)


@one_life
def test_the_number_takes_what_lies_between_two_steps(desk: Desk) -> None:
    desk.page.fill("#temperature-number", "0.73")
    assert_bars_are(desk, 0.73)


def test_the_bars_and_the_rest_are_everything(desk: Desk) -> None:
    given, now = zip(*(percents(row.inner_text()) for row in desk.page.locator(".bar-row .figures").all()), strict=True)
    rest = percents(desk.page.locator("#rest").inner_text())
    assert sum(given) + rest[0] == pytest.approx(100, abs=0.7)
    assert sum(now) + rest[1] == pytest.approx(100, abs=0.7)
    expect(desk.page.locator("#rest")).to_contain_text(f"{len(ALPHABET) - 12} others")
    desk.press("all")
    assert list(desk.bars()) == list(MODEL.next_character_distribution(PROMPT))
    expect(desk.page.locator("#rest")).to_be_empty()
    expect(desk.page.locator("#all")).to_have_attribute("aria-expanded", "true")


def test_who_may_be_drawn_is_seen(desk: Desk) -> None:
    desk.page.locator("summary").click()
    desk.set(top_k=3)
    assert_bars_are(desk, 0.5, top_k=3)
    assert sum(second > 0 for _, second in desk.bars().values()) == 3


def test_a_bar_is_a_choice(desk: Desk) -> None:
    row = desk.page.locator(".bar-row").nth(2)
    character = str(row.get_attribute("data-character"))
    row.click()
    assert desk.text == PROMPT + character
    # What was chosen is the writer's own.
    expect(desk.page.locator("#under .model")).to_have_count(0)
    assert_bars_are(desk, 0.5, PROMPT + character)


@one_life
def test_one_can_write_with_bars_and_keys_alone(desk: Desk) -> None:
    text = PROMPT
    desk.page.locator(".bar-row").first.focus()
    for _ in range(5):
        best = next(iter(MODEL.next_character_distribution(text)))
        expect(desk.page.locator(".bar-row").first).to_have_attribute("data-character", best)
        expect(desk.page.locator(".bar-row").first).to_be_focused()
        desk.page.keyboard.press("Enter")
        text += best
        assert desk.text == text
    assert text == PROMPT + MODEL.generate(PROMPT, temperature=0, length=5)


@one_life
def test_the_bars_follow_the_cursor(desk: Desk) -> None:
    desk.page.focus("#text")
    desk.page.keyboard.press("ArrowLeft")
    expect(desk.page.locator("#after")).to_have_text(PROMPT[:-1])
    assert_bars_are(desk, 0.5, PROMPT[:-1])


def bar(desk: Desk, character: str) -> Locator:
    rows = desk.page.locator(".bar-row")
    return rows.nth(
        rows.evaluate_all("(rows, wanted) => rows.findIndex(row => row.dataset.character === wanted)", character)
    )


@one_life
def test_what_cannot_be_seen_has_a_name(desk: Desk) -> None:
    desk.press("all")
    for character, name in ((" ", "space"), ("\n", "newline"), ("\u0301", "◌\u0301")):
        row = bar(desk, character)
        assert row.locator(".glyph").text_content() == name
    label = bar(desk, "\u0301").get_attribute("aria-label")
    assert str(label).startswith("combining mark ◌\u0301 (U+0301): ")


@one_life
def test_a_bar_says_what_it_shows(desk: Desk) -> None:
    given, now = (
        f"{100 * next(iter(MODEL.next_character_distribution(PROMPT, temperature=t).values())):.1f} %" for t in (1, 0.5)
    )
    name = next(iter(MODEL.next_character_distribution(PROMPT)))
    label = f"{name}: {given} as the model gives it, {now} at temperature 0.5. Choose it."
    expect(desk.page.locator(".bar-row").first).to_have_attribute("aria-label", label)


def test_four_temperatures_from_one_prompt_and_seed(desk: Desk) -> None:
    desk.set(seed=31, length=60)
    desk.press("four")
    desk.wait()
    text = ""
    for number, temperature in enumerate(FOUR):
        card = desk.page.locator("#cards .card").nth(number)
        expect(card.locator("h3")).to_have_text(f"Temperature {temperature}")
        text = MODEL.generate(PROMPT, seed=31, length=60, temperature=temperature)
        assert card.locator(".written").text_content() == PROMPT + text
    desk.page.locator("#cards button").last.click()
    assert desk.text == PROMPT + text
    expect(desk.page.locator("#temperature-number")).to_have_value("1.2")
    assert desk.recipe()["temperature"] == 1.2

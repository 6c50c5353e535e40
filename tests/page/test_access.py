"""The page for everyone: keys, screen readers, small screens, both themes, both languages, any script."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from nextchar import page
from tests.browser import Desk, OpenDesk
from tests.served_page import MODEL, Pages, model_of, run_folder, serving

PERSIAN = "الا یا ایها الساقی"
VIEWS = ("write", "see", "history")


def audit(desk: Desk) -> list[str]:
    """Return what axe-core finds wrong in what is shown."""
    found = Axe().run(desk.page).response["violations"]
    return [f"{violation['id']}: {node['html'][:200]}" for violation in found for node in violation["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_audit_finds_no_fault(open_desk: OpenDesk, pages: Pages, life: str, theme: str) -> None:
    desk = open_desk(pages[life], color_scheme=theme).ready()
    assert audit(desk) == []
    desk.write("Zoë went 😀 on")
    desk.set(length=40)
    desk.page.locator("summary").click()
    desk.press("all")
    desk.go_on()
    desk.press("four")
    desk.wait()
    assert audit(desk) == []
    desk.press("recipe")
    assert audit(desk) == []
    desk.page.keyboard.press("Escape")
    desk.set(length=0)
    desk.press("continue")
    expect(desk.page.locator("#alarm")).to_be_visible()
    desk.press("tab-see")
    desk.page.locator("#piece-0").hover()
    assert audit(desk) == []
    desk.press("tab-history")
    assert audit(desk) == []
    desk.press("language")
    assert audit(desk) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_of_surprise_can_be_read(open_desk: OpenDesk, pages: Pages, theme: str) -> None:
    desk = open_desk(pages["served"], color_scheme=theme).ready()
    desk.press("tab-see")
    desk.page.fill("#pasted", "abcdef")
    desk.press("score")
    for level in range(6):
        desk.page.locator(f"#piece-{level}").evaluate(f"piece => piece.className = 'bits-{level}'")
    assert audit(desk) == []
    luminances = [luminance(desk, f"#piece-{level}") for level in range(1, 6)]
    # Told apart by lightness alone: each darker than the one before on light paper, lighter on dark.
    assert luminances == sorted(luminances, reverse=theme == "light")
    assert min(abs(a - b) for a, b in pairwise(luminances)) > 0.01


def luminance(desk: Desk, selector: str) -> float:
    colour = desk.page.locator(selector).evaluate("element => getComputedStyle(element).backgroundColor")
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(", ")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_shows_everything_without_scrolling_sideways(
    open_desk: OpenDesk, pages: Pages, life: str, width: int, locale: str
) -> None:
    desk = open_desk(pages[life], width=width, height=780, has_touch=True, is_mobile=True, locale=locale).ready()
    desk.write("averyverylongwordwithoutanyspaceinitatall" * 3 + PERSIAN)
    desk.page.locator("summary").click()
    desk.set(length=40)
    desk.go_on()
    desk.press("four")
    desk.wait()
    for view in VIEWS:
        desk.press(f"tab-{view}")
        sizes = desk.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert sizes == [width, width], view
        cut = desk.page.evaluate(
            "[...document.querySelectorAll('button, input, select, textarea, svg')]"
            ".filter(element => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)"
            ".map(element => element.id)"
        )
        assert cut == [], view


SCREENS = {"desktop": (1280, 800), "laptop": (1366, 768), "phone": (360, 740)}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
@pytest.mark.parametrize("screen", SCREENS)
def test_continue_is_in_sight(open_desk: OpenDesk, tmp_path: Path, screen: str, locale: str, theme: str) -> None:
    width, height = SCREENS[screen]
    names = tuple(f"a text with quite a long name, number {number}.txt" for number in range(5))
    folder = run_folder(tmp_path / "the name of a model that is as long as a title", model_of(corpus=names))
    with serving(folder.path) as address:
        desk = open_desk(address, width=width, height=height, locale=locale, color_scheme=theme).ready()
        go_on, stop = desk.page.locator("#continue"), desk.page.locator("#stop")
        expect(go_on).to_be_in_viewport(ratio=1)
        assert desk.page.evaluate("scrollY") == 0
        # Beside a long text, while more of it is written, and from the line that is written on.
        desk.page.fill("#text", "the old man and the sea\n" * 60)
        desk.page.evaluate("scrollTo(0, 0)")
        expect(go_on).to_be_in_viewport(ratio=1)
        desk.page.locator("#length").evaluate("field => { field.value = 100000; }")
        desk.hold_back()
        desk.page.keyboard.press("Control+Enter")
        expect(stop).to_be_in_viewport(ratio=1)
        stop.click()
        desk.wait()
        expect(go_on).to_be_in_viewport(ratio=1)


def test_on_a_phone_no_keyboard_is_brought_up(open_desk: OpenDesk, pages: Pages, life: str) -> None:
    desk = open_desk(pages[life], width=390, height=780, has_touch=True, is_mobile=True).ready()
    desk.set(length=30, seed=2)
    desk.page.locator("#continue").tap()
    desk.wait()
    assert desk.text == MODEL.generate("", length=30, seed=2)
    expect(desk.page.locator("#text")).not_to_be_focused()
    desk.page.locator("#undo").tap()
    assert desk.text == ""


def test_what_was_expected_is_seen_where_a_character_is_tapped(open_desk: OpenDesk, pages: Pages) -> None:
    desk = open_desk(pages["served"], width=390, height=700, has_touch=True, is_mobile=True).ready()
    desk.write("the old man\n" * 30)
    desk.page.locator("#tab-see").tap()
    desk.page.locator("#piece-200").tap()
    expect(desk.page.locator("#alternatives")).to_be_in_viewport(ratio=1)
    desk.page.locator("#score").tap()
    expect(desk.page.locator("#alternatives")).not_to_be_in_viewport()


def test_korean_is_spoken_where_the_browser_does(open_desk: OpenDesk, pages: Pages, life: str) -> None:
    desk = open_desk(pages[life], locale="ko-KR").ready()
    expect(desk.page.locator("html")).to_have_attribute("lang", "ko")
    expect(desk.page.locator("#continue span")).to_have_text("이어쓰기")
    expect(desk.page.locator("#continue")).to_be_enabled()
    desk.press("all")
    expect(desk.page.locator(".bar-row[data-character=' '] .glyph")).to_have_text("빈칸")
    desk.set(length=20)
    desk.go_on()
    expect(desk.page.locator("#status")).to_have_text("20자를 썼습니다.")
    desk.press("language")
    expect(desk.page.locator("html")).to_have_attribute("lang", "en")
    expect(desk.page.locator("#continue span")).to_have_text("Continue")
    expect(desk.page.locator(".bar-row[data-character=' '] .glyph")).to_have_text("space")


def test_the_chosen_language_and_theme_stay(open_desk: OpenDesk, pages: Pages) -> None:
    desk = open_desk(pages["served"], color_scheme="light").ready()
    desk.press("language")
    desk.press("theme")
    assert luminance(desk, "body") < 0.02
    desk.page.reload()
    desk.ready()
    expect(desk.page.locator("html")).to_have_attribute("lang", "ko")
    assert luminance(desk, "body") < 0.02
    desk.press("theme")
    assert luminance(desk, "body") > 0.8


def test_nothing_is_said_in_one_language_alone(open_desk: OpenDesk, pages: Pages) -> None:
    desk = open_desk(pages["served"]).ready()
    keys = desk.page.evaluate("[Object.keys(STRINGS.en), Object.keys(STRINGS.ko)].map(keys => keys.sort())")
    assert keys[0] == keys[1]
    used = desk.page.evaluate(
        "[...document.querySelectorAll('[data-say], [data-label], [data-hint]')]"
        ".flatMap(({ dataset }) => [dataset.say, dataset.label, dataset.hint]).filter(Boolean)"
    )
    assert set(used) <= set(keys[0])


def test_everything_is_reached_by_keys(open_desk: OpenDesk, pages: Pages, life: str) -> None:
    desk = open_desk(pages[life]).ready()
    keyboard = desk.page.keyboard
    reached = []
    for _ in range(40):
        keyboard.press("Tab")
        reached.append(desk.page.evaluate("document.activeElement.id || document.activeElement.className"))
    wanted = ["language", "theme", "tab-write", "text", "continue", "recipe", "length", "stop-at", "texts", "seed"]
    wanted += ["hold", "temperature", "temperature-number", "four", "bar-row"]
    places = [reached.index(name) for name in wanted]
    assert places == sorted(places)
    tab = desk.page.locator("#tab-write")
    tab.focus()
    keyboard.press("ArrowRight")
    expect(desk.page.locator("#tab-see")).to_be_focused()
    expect(desk.page.locator("#see")).to_be_visible()
    keyboard.press("End")
    expect(desk.page.locator("#history")).to_be_visible()
    keyboard.press("ArrowRight")
    expect(desk.page.locator("#write")).to_be_visible()
    # The first stop leads past the head of the page.
    assert reached[0] == "skip"


def test_right_to_left_is_written_right_to_left(open_desk: OpenDesk, tmp_path: Path) -> None:
    model = model_of(PERSIAN + " \n\u064e")
    folder = run_folder(tmp_path / "hafez", model=model)
    with serving(folder.path) as address:
        desk = open_desk(address).ready()
        desk.write(PERSIAN)
        desk.set(length=30, seed=1)
        assert desk.go_on() == model.generate(PERSIAN, length=30, seed=1)
        for place in ("#text", "#under"):
            style = "element => [getComputedStyle(element).unicodeBidi, getComputedStyle(element).textAlign]"
            assert desk.page.locator(place).evaluate(style) == ["plaintext", "start"]
        sheet = desk.page.locator("#under").bounding_box()
        assert sheet is not None
        desk.write(PERSIAN[:3])
        desk.press("continue")
        desk.wait()
        # The first letter stands at the right edge: what the model wrote begins to the left of it.
        box = desk.page.locator("#under").evaluate(
            "under => { const range = document.createRange(); range.setStart(under.firstChild, 0); "
            "range.setEnd(under.firstChild, 1); return range.getBoundingClientRect().right; }"
        )
        padding = desk.page.locator("#under").evaluate("under => parseFloat(getComputedStyle(under).paddingRight)")
        assert box == pytest.approx(sheet["x"] + sheet["width"] - padding, abs=2)
        row = desk.page.locator(".bar-row[data-character='\u064e'] .glyph")
        expect(row).to_have_text("◌\u064e")
        assert row.evaluate("glyph => glyph.tagName") == "BDI"
        desk.press("tab-see")
        desk.page.locator("#piece-0").wait_for()
        assert desk.page.locator("#coloured").evaluate("text => getComputedStyle(text).direction") == "rtl"
        desk.page.locator("#coloured").focus()
        desk.page.keyboard.press("ArrowLeft")
        expect(desk.page.locator("#coloured")).to_have_attribute("aria-activedescendant", "piece-1")


def test_nothing_moves_for_who_wants_that(open_desk: OpenDesk, pages: Pages) -> None:
    desk = open_desk(pages["served"], reduced_motion="reduce").ready()
    assert desk.page.locator(".tracks i").first.evaluate("bar => getComputedStyle(bar).transitionProperty") == "none"


def test_a_key_is_asked_for_where_the_server_wants_one(open_desk: OpenDesk, pages: Pages) -> None:
    with serving(pages.model, api_key="open sesame") as address:
        desk = open_desk(address)
        desk.expected = ("401",)
        desk.page.locator("#door").wait_for()
        desk.set(key="wrong")
        desk.page.keyboard.press("Enter")
        expect(desk.page.locator("#alarm")).to_contain_text("not the key")
        desk.set(key="open sesame")
        desk.page.keyboard.press("Enter")
        desk.ready()
        expect(desk.page.locator("#door")).to_be_hidden()
        desk.set(length=20, seed=4)
        assert desk.go_on() == MODEL.generate("", length=20, seed=4)
        desk.page.reload()
        desk.ready()


def test_one_chooses_among_several_models(open_desk: OpenDesk, tmp_path: Path, pages: Pages) -> None:
    other = model_of("xyz \n", seed=3)
    path = tmp_path / "other.safetensors"
    other.save(path)
    with serving(pages.model, path) as address:
        desk = open_desk(address).ready()
        expect(desk.page.locator("#models option")).to_have_count(2)
        desk.page.locator("#models").select_option(index=1)
        expect(desk.page.locator("#facts")).to_contain_text("characters known5")
        desk.write("xyz")
        desk.set(length=25, seed=4)
        assert desk.go_on() == other.generate("xyz", length=25, seed=4)
        expect(desk.page.locator("#under .unknown")).to_have_count(0)


def test_a_server_that_is_gone_is_told_and_the_text_stays(open_desk: OpenDesk, pages: Pages) -> None:
    with serving(pages.model) as address:
        desk = open_desk(address).ready()
    desk.expected = ("ERR_CONNECTION_REFUSED",)
    desk.write("my text")
    desk.press("continue")
    expect(desk.page.locator("#alarm")).to_contain_text("The server does not answer")
    desk.wait()
    assert desk.text == "my text"


def test_the_head_tells_what_the_model_is(open_desk: OpenDesk, pages: Pages, life: str) -> None:
    desk = open_desk(pages[life]).ready()
    head = desk.page.locator("header")
    for fact in (
        "fox.txt",
        "41 s",
        "2.60",
        "bits per character",
        "LSTM units",
        f"{MODEL.file.architecture.parameter_count:,}",
    ):
        expect(head).to_contain_text(fact)


def test_no_name_of_a_script_is_taken_twice() -> None:
    """All scripts of the page share their names: a function of the same name in two would silently be the later one."""
    folder = Path(page.__file__).parent
    declared = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.M)
    names = [name for path in folder.glob("*.js") for name in declared.findall(path.read_text(encoding="utf-8"))]
    assert len(names) > 50
    assert [name for name, count in Counter(names).items() if count > 1] == []

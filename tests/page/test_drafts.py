"""What was typed is there again: in a new tab, in a file opened anew, beside other tabs; and where nothing can be kept,
the page says so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nextchar.convert.conversion import convert
from tests.browser import Desk, OpenDesk, lasting_profile
from tests.served_page import MODEL, Pages, model_of, run_folder, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROMPT = "the old man and "
NO_STORAGE = {
    "missing": "Object.defineProperty(window, 'indexedDB', { value: undefined })",
    "deleted": "delete window.indexedDB; delete Window.prototype.indexedDB",
    "forbidden": "IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError') }",
    "failing": "IDBFactory.prototype.open = () => "
    "{ const request = {}; queueMicrotask(() => request.onerror()); return request; }",
}
"""What makes a browser one that gives a page no storage."""
NEWER = """new Promise(done => app.keeping.store.open().then(() => {
  const request = indexedDB.open('nextchar', 99);
  request.onsuccess = () => done(request.result.close());
}))"""
"""The database of a page that comes later, with a layout of its own."""
KEPT = "async () => { while (app.keeping.saving) await app.keeping.saving; return app.keeping.own.revision; }"
INPUT = """text => {
  app.sheet.area.value = text;
  app.sheet.area.dispatchEvent(new InputEvent('input', { bubbles: true }));
}"""
"""A text that is put on the sheet at once: the browser's own way takes long for a long one."""
one_life = pytest.mark.parametrize("life", ["exported"])
"""For what has nothing to do with where the model is."""


def kept(desk: Desk) -> None:
    """Wait until what is on the page is kept."""
    assert desk.page.evaluate(KEPT) > 0


def sheet(desk: Desk, text: str) -> None:
    """Wait until this is on the sheet."""
    expect(desk.page.locator("#text")).to_have_value(text)


def earlier(desk: Desk) -> list[str]:
    """Return the beginnings of the texts that the page offers, and close its window."""
    desk.press("earlier")
    desk.page.locator("#drafts-dialog").wait_for()
    texts = desk.page.locator("#drafts bdi").all_text_contents()
    desk.page.keyboard.press("Escape")
    return texts


@pytest.fixture
def desk(open_desk: OpenDesk, pages: Pages, life: str) -> Desk:
    return open_desk(pages[life]).ready()


def test_a_new_tab_has_the_text_the_cursor_and_the_settings(
    desk: Desk, open_desk: OpenDesk, pages: Pages, life: str
) -> None:
    desk.set(seed=5, length=40, temperature_number=0.85, stop_at="paragraph", texts=1)
    desk.write(PROMPT)
    written = desk.go_on()
    desk.page.focus("#text")
    desk.page.locator("#text").evaluate("area => area.setSelectionRange(3, 3)")
    desk.page.keyboard.type("n")
    kept(desk)
    again = open_desk(pages[life], beside=desk).ready()
    sheet(again, "then old man and " + written)
    assert again.page.evaluate("app.sheet.cursor") == 4
    for name, value in {"length": "40", "temperature-number": "0.85", "stop-at": "paragraph", "seed": "5"}.items():
        expect(again.page.locator(f"#{name}")).to_have_value(value)
    # What the model wrote is known as such, so that it can be taken back.
    expect(again.page.locator("#under .model")).to_have_text(written, use_inner_text=False)
    again.press("undo")
    assert again.text == "then old man and "


def test_it_is_there_when_the_browser_is_opened_again(
    chromium: Browser, pages: Pages, life: str, tmp_path: Path
) -> None:
    for number, text in enumerate(["", "first", "first, then second"]):
        with lasting_profile(chromium, tmp_path) as context:
            desk = Desk(context.new_page(), pages[life]).ready()
            sheet(desk, text)
            desk.write(["first", "first, then second", ""][number])
            kept(desk)
            assert desk.failures == desk.unexpected() == []


def test_two_tabs_do_not_write_over_each_other(desk: Desk, open_desk: OpenDesk, pages: Pages, life: str) -> None:
    other = open_desk(pages[life], beside=desk).ready()
    desk.write("alpha")
    other.write("beta")
    kept(desk)
    kept(other)
    desk.write("alpha goes on")
    kept(desk)
    for tab, text, left in ((desk, "alpha goes on", "beta"), (other, "beta", "alpha goes on")):
        tab.page.reload()
        tab.ready()
        sheet(tab, text)
        assert earlier(tab) == [left]
    third = open_desk(pages[life], beside=desk).ready()
    sheet(third, "alpha goes on")
    # Only the newest is continued: it is not taken from the tab that it came from.
    third.write("gamma")
    kept(third)
    desk.page.reload()
    sheet(desk.ready(), "alpha goes on")
    assert earlier(third) == ["alpha goes on", "beta"]


@one_life
def test_a_tab_that_was_doubled_is_a_draft_of_its_own(desk: Desk, open_desk: OpenDesk, pages: Pages, life: str) -> None:
    desk.write("the same")
    kept(desk)
    other = open_desk(pages[life], beside=desk).ready()
    sheet(other, "the same")
    other.page.evaluate("own => { app.keeping.own = own; }", desk.page.evaluate("app.keeping.own"))
    desk.write("one end")
    kept(desk)
    other.write("another end")
    kept(other)
    assert earlier(desk) == ["another end"]
    assert earlier(other) == ["one end"]


def test_a_new_sheet_is_empty_and_the_text_comes_back(desk: Desk, open_desk: OpenDesk, pages: Pages, life: str) -> None:
    desk.write(PROMPT)
    desk.set(length=30, seed=2)
    text = PROMPT + desk.go_on()
    desk.press("anew")
    sheet(desk, "")
    expect(desk.page.locator("#status")).to_contain_text("Earlier texts")
    kept(desk)
    empty = open_desk(pages[life], beside=desk).ready()
    sheet(empty, "")
    desk.press("undo")
    sheet(desk, text)
    desk.press("undo")
    assert desk.text == PROMPT
    desk.press("anew")
    desk.write("something else")
    kept(desk)
    desk.press("earlier")
    desk.page.locator("#drafts button").filter(has_text=" ".join(text.split())[:60]).click()
    sheet(desk, text)
    assert earlier(desk) == ["something else"]


@one_life
def test_the_undo_of_the_browser_brings_it_back_too(desk: Desk) -> None:
    desk.page.locator("#text").press_sequentially("typed")
    desk.press("anew")
    sheet(desk, "")
    desk.page.focus("#text")
    desk.page.keyboard.press("Control+z")
    assert desk.text == "typed"


@pytest.mark.parametrize("reason", NO_STORAGE)
def test_without_storage_the_page_works_and_says_so(open_desk: OpenDesk, pages: Pages, life: str, reason: str) -> None:
    desk = open_desk(pages[life], script=NO_STORAGE[reason]).ready()
    expect(desk.page.locator("#not-kept")).to_contain_text("is not kept")
    desk.write(PROMPT)
    desk.set(length=20, seed=3)
    assert desk.go_on() == MODEL.generate(PROMPT, length=20, seed=3)
    text = desk.text
    desk.page.reload()
    sheet(desk.ready(), text)
    desk.press("anew")
    sheet(desk, "")
    desk.press("undo")
    sheet(desk, text)
    desk.press("earlier")
    expect(desk.page.locator("#not-kept")).to_be_visible()
    expect(desk.page.locator("#drafts-dialog")).to_be_hidden()
    desk.press("language")
    expect(desk.page.locator("#not-kept")).to_contain_text("보관되지 않습니다")


def test_a_reload_without_the_server_loses_nothing(open_desk: OpenDesk, pages: Pages) -> None:
    desk = open_desk(pages.served, script=NO_STORAGE["missing"]).ready()
    desk.write("my text")
    desk.expected = ("Failed to load resource",)
    desk.page.route("**/api/**", lambda route: route.abort())
    for _ in range(2):
        desk.page.reload()
        expect(desk.page.locator("#alarm")).to_be_visible()
    desk.page.unroute("**/api/**")
    desk.page.reload()
    sheet(desk.ready(), "my text")


@one_life
def test_the_storage_of_a_later_page_is_left_alone(desk: Desk) -> None:
    desk.write("before")
    kept(desk)
    desk.page.evaluate(NEWER)
    desk.write("after")
    expect(desk.page.locator("#not-kept")).to_contain_text("is not kept")
    assert desk.text == "after"
    assert desk.page.evaluate("indexedDB.databases().then(all => all[0].version)") == 99


def test_a_full_storage_is_told(open_desk: OpenDesk, pages: Pages) -> None:
    desk = open_desk(pages.served).ready()
    origin = pages.served.rstrip("/")
    devtools = desk.page.context.new_cdp_session(desk.page)
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1000})
    desk.write("more than there is room for")
    expect(desk.page.locator("#not-kept")).to_contain_text("storage of this browser is full")
    assert desk.text == "more than there is room for"
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": origin})
    desk.write("there is room again")
    expect(desk.page.locator("#not-kept")).to_be_hidden()
    kept(desk)


@one_life
def test_a_text_of_many_unknown_characters_is_drawn_and_kept(desk: Desk) -> None:
    text = "A b" * 70_000
    desk.page.evaluate(INPUT, text)
    kept(desk)
    assert desk.page.evaluate("document.querySelectorAll('#under .unknown').length") == 70_000


@one_life
def test_each_model_has_texts_of_its_own(
    desk: Desk, open_desk: OpenDesk, pages: Pages, life: str, tmp_path: Path
) -> None:
    desk.write("of the fox")
    kept(desk)
    # The same page in another place is the same model; another model is another one, whatever it is called.
    copy, namesake = tmp_path / "copy.html", tmp_path / "fox.html"
    shutil.copy(pages.folder / "fox.html", copy)
    convert(run_folder(tmp_path / "fox", model_of(seed=9)).path, namesake)
    sheet(open_desk(copy.as_uri(), beside=desk).ready(), "of the fox")
    other = open_desk(namesake.as_uri(), beside=desk).ready()
    sheet(other, "")
    other.write("of another")
    kept(other)
    sheet(open_desk(pages[life], beside=desk).ready(), "of the fox")
    # In one tab, too.
    other.page.goto(pages[life])
    sheet(other.ready(), "of the fox")


def test_models_of_one_server_have_texts_of_their_own(open_desk: OpenDesk, pages: Pages, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    model_of("xyz \n", seed=3).save(path)
    with serving(pages.model, path) as address:
        desk = open_desk(address).ready()
        desk.write("first")
        kept(desk)
        desk.page.locator("#models").select_option("other")
        expect(desk.page.locator("h1")).to_have_text("other")
        # The text at hand stays, to see what the other model makes of it.
        desk.write("xyz")
        kept(desk)
        again = open_desk(address, beside=desk).ready()
        sheet(again, "first")
        again.press("anew")
        again.page.locator("#models").select_option("other")
        sheet(again, "xyz")
        # A reload stays with the model that was chosen.
        desk.page.reload()
        sheet(desk.ready(), "xyz")
        expect(desk.page.locator("h1")).to_have_text("other")


def test_an_address_with_a_recipe_leaves_the_text_of_before(
    desk: Desk, open_desk: OpenDesk, pages: Pages, life: str
) -> None:
    desk.write("my own text")
    kept(desk)
    link = pages[life] + "#prompt=the+fox&length=20&temperature=0.5&seed=7&stop=none&text=0"
    other = open_desk(link, beside=desk).ready()
    sheet(other, "the fox" + MODEL.generate("the fox", length=20, seed=7))
    assert earlier(other) == ["my own text"]
    other.page.locator("#text").press("Control+End")
    other.page.keyboard.type(" and more")
    kept(other)
    # The address of a text that was written on is that text's, not the beginning of another one.
    sheet(open_desk(other.page.url, beside=desk).ready(), other.text)
    # In the same tab, the text makes room and is kept.
    other.page.evaluate("location.hash = '#prompt=a&length=5&seed=1'")
    sheet(other, "a" + MODEL.generate("a", length=5, seed=1))
    assert "my own text" in earlier(other)
    assert any(text.endswith("and more") for text in earlier(other))

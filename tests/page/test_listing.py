"""The List view: filters, a table, copying, a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from nextchar.settings import TokenKind
from tests.browser import Desk, OpenDesk
from tests.exact_lists import CHARACTERS, model_of_list
from tests.served_page import Pages, serving
from tests.small_networks import model_with_text, random_model

MODEL = model_with_text("\n".join(["a", "ab", "cab", "abc", "b,c"]) + "\n")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a model with its training list, then one without."""
    folder: Path = tmp_path_factory.mktemp("models")
    paths = [folder / "list.safetensors", folder / "other.safetensors"]
    MODEL.save(paths[0])
    random_model("\nabc").save(paths[1])
    with serving(*paths, max_characters=3000) as served:
        yield served


@pytest.fixture
def desk(open_desk: OpenDesk, address: str) -> Desk:
    desk = open_desk(address).ready()
    desk.press("tab-list")
    return desk


def rows(desk: Desk) -> list[list[str]]:
    return [row.locator("th, td").all_inner_texts() for row in desk.page.locator("#list-rows tr").all()]


def write(desk: Desk) -> None:
    """Press the button and wait until the list is there."""
    desk.press("list-go")
    desk.page.locator("#list-go").wait_for()
    expect(desk.page.locator("#list-status")).not_to_have_text("Writing a list…")


def test_the_most_probable_entries_are_those_of_the_model(desk: Desk) -> None:
    desk.page.check("#list-best")
    expect(desk.page.locator("#list-temperature")).to_be_disabled()
    desk.set(list_count=8, list_max=3)
    write(desk)
    expect(desk.page.locator("#list-status")).to_have_text("8 entries.")
    known = {"a", "ab", "cab", "abc", "b,c"}
    expected = [
        [entry.text, f"{entry.bits:.1f}", "known" if entry.text in known else "new"]
        for entry in MODEL.list(count=8, best=True, max=3)
    ]
    assert rows(desk) == expected
    assert {row[2] for row in expected} == {"known", "new"}


def test_filters_hold(desk: Desk) -> None:
    desk.set(list_count=30, list_min=2, list_max=4, list_starts="a, cb", list_ends="c,b", list_allowed="a-c")
    desk.page.check("#list-new")
    write(desk)
    texts = [row[0] for row in rows(desk)]
    assert texts
    assert all(2 <= len(text) <= 4 and text.startswith(("a", "cb")) and text.endswith(("b", "c")) for text in texts)
    assert len(set(texts)) == len(texts)
    assert not {"ab", "abc"} & set(texts)
    assert {row[2] for row in rows(desk)} == {"new"}


@pytest.mark.parametrize(
    ("locale", "words"), [("en-US", "Only 1 of 50 entries, after"), ("ko-KR", "50개 가운데 1개만 썼습니다.")]
)
def test_a_short_list_says_why(open_desk: OpenDesk, address: str, locale: str, words: str) -> None:
    desk = open_desk(address, locale=locale).ready()
    desk.press("tab-list")
    desk.set(list_max=1, list_allowed="b")
    write(desk)
    expect(desk.page.locator("#list-status")).to_contain_text(words)
    assert [row[0] for row in rows(desk)] == ["b"]


def test_the_table_is_saved_and_copied(desk: Desk, tmp_path: Path) -> None:
    desk.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.set(list_count=5, list_max=3, list_starts="b,c")
    desk.page.check("#list-best")
    desk.set(list_allowed="a-c,")
    write(desk)
    with desk.page.expect_download() as download:
        desk.press("list-save")
    download.value.save_as(tmp_path / "list.csv")
    head, *table = list(csv.reader((tmp_path / "list.csv").read_text(encoding="utf-8").splitlines()))
    assert head == ["text", "bits", "new"]
    assert [row[0] for row in table] == [row[0] for row in rows(desk)]
    assert any("," in row[0] for row in table)
    desk.press("list-copy")
    expect(desk.page.locator("#list-status")).to_have_text("5 entries copied.")
    assert desk.page.evaluate("navigator.clipboard.readText()") == "\n".join(row[0] for row in table)


def test_a_field_that_is_wrong_is_named(desk: Desk) -> None:
    desk.set(list_count=301)
    desk.press("list-go")
    expect(desk.page.locator("#alarm")).to_have_text("“Entries” is not allowed: give a whole number from 1 to 300")
    desk.set(list_count=10, list_starts="Q")
    desk.expected = ("400",)
    desk.press("list-go")
    expect(desk.page.locator("#alarm")).to_contain_text("the model does not know 'Q'")


def test_a_model_without_its_list_does_not_say_what_is_new(desk: Desk) -> None:
    write(desk)
    desk.page.locator("#list-rows tr").first.wait_for()
    desk.page.locator("#models").select_option("other")
    expect(desk.page.locator("#list-results")).to_be_hidden()
    expect(desk.page.locator("#list-new")).to_be_disabled()
    desk.set(list_count=3)
    write(desk)
    assert [len(row) for row in rows(desk)] == [2, 2, 2]
    expect(desk.page.locator("#list thead .known")).to_be_hidden()


def test_a_list_can_be_stopped(desk: Desk) -> None:
    desk.page.route("**/api/list", lambda _: None)
    desk.press("list-go")
    expect(desk.page.locator("#list-stop")).to_be_visible()
    desk.press("list-stop")
    expect(desk.page.locator("#list-status")).to_have_text("Stopped.")
    expect(desk.page.locator("#list-go")).to_be_visible()


def test_enter_in_a_field_writes(desk: Desk) -> None:
    desk.set(list_count=4)
    desk.page.locator("#list-count").press("Enter")
    expect(desk.page.locator("#list-status")).to_have_text("4 entries.")


def test_the_view_is_absent_from_an_exported_page(open_desk: OpenDesk, pages: Pages) -> None:
    desk = open_desk(pages.exported).ready()
    expect(desk.page.locator("#tab-list")).to_be_hidden()
    desk.page.locator("#tab-see").focus()
    desk.page.keyboard.press("ArrowRight")
    expect(desk.page.locator("#tab-history")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barriers_are_found(open_desk: OpenDesk, address: str, theme: str) -> None:
    desk = open_desk(address, color_scheme=theme, bypass_csp=True).ready()
    desk.press("tab-list")
    write(desk)
    desk.page.locator("#list-rows tr").first.wait_for()
    found = Axe().run(desk.page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_a_phone_shows_everything_without_scrolling_sideways(open_desk: OpenDesk, address: str, locale: str) -> None:
    desk = open_desk(address, width=360, height=780, has_touch=True, is_mobile=True, locale=locale).ready()
    desk.press("tab-list")
    desk.set(list_max=300)
    desk.press("list-go")
    desk.page.locator("#list-rows tr").first.wait_for()
    assert desk.page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360]


def test_a_kind_is_chosen_where_the_model_knows_kinds(open_desk: OpenDesk, tmp_path: Path) -> None:
    labels = ("ab", "c")
    labelled = random_model("\n\tabc", labels=labels)
    paths = [tmp_path / "kinds.safetensors", tmp_path / "other.safetensors"]
    labelled.save(paths[0])
    MODEL.save(paths[1])
    with serving(*paths) as served:
        desk = open_desk(served).ready()
        desk.press("tab-list")
        kinds = desk.page.locator("#list-label option")
        assert kinds.all_inner_texts() == [*labels, "any, with its kind before it"]
        desk.page.check("#list-best")
        desk.set(list_count=5, list_max=3)
        for label in ("ab", "c", None):
            desk.page.select_option("#list-label", label or "")
            write(desk)
            expected = labelled.list(count=5, best=True, max=3, label=label)
            assert [row[0] for row in rows(desk)] == [entry.text.strip() for entry in expected]
        desk.page.select_option("#models", "other")
        expect(desk.page.locator("#list-label")).to_be_hidden()
        write(desk)
        assert [row[0] for row in rows(desk)] == [entry.text for entry in MODEL.list(count=5, best=True, max=3)]


def test_models_of_every_kind_of_tokens_list(open_desk: OpenDesk, tmp_path: Path) -> None:
    kinds: tuple[TokenKind, ...] = ("bytes", "jamo", "words")
    for kind in kinds:
        model_of_list(kind).save(tmp_path / f"{kind}.safetensors")
    with serving(*(tmp_path / f"{kind}.safetensors" for kind in kinds)) as served:
        desk = open_desk(served).ready()
        desk.press("tab-list")
        desk.page.check("#list-best")
        for kind in kinds:
            desk.page.select_option("#models", kind)
            start = CHARACTERS[kind][1]
            desk.set(list_count=6, list_max=3, list_starts=start, list_allowed=CHARACTERS[kind].strip())
            write(desk)
            model, allowed = model_of_list(kind), CHARACTERS[kind].strip()
            expected = model.list(count=6, best=True, max=3, starts=start, allowed=allowed)
            assert [row[0] for row in rows(desk)] == [entry.text for entry in expected]

"""The field for the kind of an entry, on the page of a model that learned a list with labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from nextchar.convert.conversion import convert
from tests.browser import Desk, OpenDesk
from tests.served_page import serving
from tests.small_networks import random_model

LABELS = ("ab", "c")
LABELLED = random_model("\n\tabc", labels=LABELS)
OTHER = random_model("\nabc")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The page of the model with labels in its two lives; the served one has a model without, too."""
    folder: Path = tmp_path_factory.mktemp("models")
    paths = [folder / "kinds.safetensors", folder / "other.safetensors"]
    LABELLED.save(paths[0])
    OTHER.save(paths[1])
    convert(paths[0], folder / "kinds.html")
    with serving(*paths) as served:
        yield {"served": served, "exported": (folder / "kinds.html").as_uri()}


@pytest.fixture
def desk(open_desk: OpenDesk, addresses: dict[str, str], life: str) -> Desk:
    return open_desk(addresses[life]).ready()


def put_cursor(desk: Desk, place: int) -> None:
    desk.page.locator("#text").evaluate(
        "(area, place) => { area.focus(); area.setSelectionRange(place, place); }", place
    )


def cursor(desk: Desk) -> int:
    return desk.page.locator("#text").evaluate("area => area.selectionEnd")


def test_the_chosen_kind_stands_before_what_is_written(desk: Desk) -> None:
    assert desk.page.locator("#kind option").all_inner_texts() == ["any, with its kind before it", *LABELS]
    desk.set(kind="c", seed=5, length=20, temperature_number=1)
    assert desk.text == "c\t"
    assert desk.go_on() == LABELLED.generate(LABELLED.labelled("c"), seed=5, length=20, temperature=1.0)


def test_it_changes_the_line_of_the_cursor_alone_and_the_cursor_stays_where_it_was(desk: Desk) -> None:
    desk.write("a\tbc\nab\tca\nb")
    for place, kind in ((2, ""), (7, "ab"), (12, ""), (5, "ab")):
        put_cursor(desk, place)
        expect(desk.page.locator("#kind")).to_have_value(kind)
    put_cursor(desk, 9)  # after the c of "ab\tca"
    desk.set(kind="c")
    assert (desk.text, cursor(desk)) == ("a\tbc\nc\tca\nb", 8)
    desk.set(kind="")
    assert (desk.text, cursor(desk)) == ("a\tbc\nca\nb", 6)
    desk.set(kind="ab")
    assert (desk.text, cursor(desk)) == ("a\tbc\nab\tca\nb", 9)
    put_cursor(desk, 12)
    desk.set(kind="c")
    assert (desk.text, cursor(desk)) == ("a\tbc\nab\tca\nc\tb", 14)


@pytest.mark.parametrize("life", ["served"])
def test_a_model_without_labels_has_no_such_field(desk: Desk) -> None:
    expect(desk.page.locator("#kind-field")).to_be_visible()
    desk.page.select_option("#models", "other")
    expect(desk.page.locator("#kind-field")).to_be_hidden()

"""A text in a normalization form, cut anywhere."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.settings import Normalization
from nextchar.text.normalization import normalized

MARKED = "\u1112\u1161\u11ab\u1100\u1173\u11af e\u0323\u0301 A\u030a ｶﾞ ﬁ ２ Å\u0301\r\nI\u0307 ≠ =\u0338\n" * 60


def expected_form(form: Normalization, text: str) -> str:
    return unicodedata.normalize("NFC" if form == "nfc" else "NFKC", text)


@pytest.mark.parametrize("form", ["nfc", "nfkc"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_text_cut_anywhere_is_normalized_as_the_whole(form: Normalization, size: int) -> None:
    pieces = [MARKED[first : first + size] for first in range(0, len(MARKED), size)]
    assert "".join(normalized(pieces, form)) == expected_form(form, MARKED)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(MARKED[:40]), max_size=9)))
def test_random_pieces_are_normalized_as_the_whole(pieces: list[str]) -> None:
    forms: tuple[Normalization, ...] = ("nfc", "nfkc")
    for form in forms:
        assert "".join(normalized(pieces, form)) == expected_form(form, "".join(pieces))


def test_a_thousand_marks_are_not_held_back_for_ever() -> None:
    assert "".join(normalized(["a" + "\u0301" * 1500, "\u0301" * 10], "nfc")) == "á" + "\u0301" * 1509
    pieces = list(normalized(["x" * 10_000] * 3, "nfc"))
    assert list(map(len, pieces)) == [9_999, 10_000, 10_000, 1], "nothing but the last character waits"

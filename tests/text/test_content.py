"""What reading all of a text finds."""

import re

from hypothesis import given
from hypothesis import strategies as st

from nextchar.text.content import Content, LineEndCounter, LineEnds, Section

PIECES = st.lists(st.text("a\r\n", max_size=4), max_size=12)


@given(PIECES)
def test_line_ends_are_those_of_the_whole_text_however_it_is_cut(pieces: list[str]) -> None:
    counter = LineEndCounter()
    for piece in pieces:
        counter.add(piece)
    whole = "".join(pieces)
    found = re.findall(r"\r\n|\r|\n", whole)
    assert counter.total() == LineEnds(lf=found.count("\n"), crlf=found.count("\r\n"), cr=found.count("\r"))


def content(sections: tuple[Section, ...] = ()) -> Content:
    """Return what was found in a text of 10 characters with two pairs of CR and LF, and one dotted capital I."""
    return Content((10, 0), "", 10, 10, LineEnds(crlf=2), 1, sections)


def test_the_length_counts_a_line_end_once_and_a_dotted_capital_as_its_lower_case() -> None:
    assert "\u0130".lower() == "i\u0307"
    assert content().characters(lowercase=False) == 8
    assert content().characters(lowercase=True) == 9
    assert content().lengths(lowercase=True) == (9,)


def test_sections_have_lengths_of_their_own() -> None:
    sections = (
        Section(records=0, characters=4, dotted_capitals=0),
        Section(records=2, characters=5, dotted_capitals=1),
    )
    assert content(sections).lengths(lowercase=False) == (4, 5)
    assert content(sections).lengths(lowercase=True) == (4, 6)

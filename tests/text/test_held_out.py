from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.settings import Boundary, Repeated
from nextchar.text.held_out import MAX_HELD_OUT, Piece, part_sizes, split_lines, split_texts, training_sizes


def split(texts: list[str], sizes: list[int], length: int = 7) -> tuple[str, str]:
    """Return what is learned from and what is held out."""
    pieces = ([text[start : start + length] for start in range(0, len(text), length)] for text in texts)
    parts = {False: "", True: ""}
    for piece in split_texts(pieces, [len(text) for text in texts], sizes):
        parts[piece.held_out] += piece.content
    return parts[False], parts[True]


def test_one_text_is_cut_where_others_cut_it() -> None:
    assert training_sizes([1_115_394], None) == (1_003_854,)
    assert training_sizes([600_893], None) == (int(600_893 * 0.9),)
    assert training_sizes([99], 0.25) == (74,)
    assert training_sizes([99], 0) == (99,)


def test_of_large_texts_a_million_characters_are_held_out_unless_a_share_is_given() -> None:
    assert MAX_HELD_OUT == 1_000_000
    assert training_sizes([10_000_000], None) == (9_000_000,)
    assert training_sizes([294_000_000], None) == (293_000_000,)
    assert training_sizes([294_000_000], 0.1) == (264_600_000,)
    sizes = training_sizes([30_000_000, 10_000_000], None)
    assert sizes == (29_250_000, 9_750_000)


@given(st.text("ab\n", min_size=1, max_size=200), st.floats(0, 0.5), st.integers(1, 50))
def test_one_text_comes_back_whole(text: str, share: float, length: int) -> None:
    (size,) = training_sizes([len(text)], share)
    assert split([text], [size], length) == (text[:size], text[size:])


def test_the_end_of_each_text_is_held_out_from_a_line_on() -> None:
    texts = ["one\n" * 30, "zwei\n" * 30]
    assert split(texts, [*training_sizes([120, 150], None)]) == (
        "one\n" * 27 + "zwei\n" * 27,
        "one\n" * 3 + "zwei\n" * 3,
    )


def test_each_text_begins_on_a_line_of_its_own_in_both_parts() -> None:
    assert split(["abcdefghij", "klmnopqrst"], [9, 9]) == ("abcdefghi\nklmnopqrs", "j\nt")
    assert split(["ab", "cd"], [2, 2]) == ("ab\ncd", "")
    assert split(["ab\n", "cd"], [3, 0]) == ("ab\n", "cd")


@pytest.mark.parametrize(
    ("boundary", "learned", "held_out"),
    [("line", "ab\ncd", "x\ny"), ("blank", "ab\n\ncd", "x\n\ny"), ("none", "abcd", "xy")],
)
def test_what_separates_texts_can_be_chosen(boundary: Boundary, learned: str, held_out: str) -> None:
    pieces = list(split_texts([["abx"], ["cd", "y"]], [3, 3], [2, 2], boundary))
    assert "".join(piece.content for piece in pieces if not piece.held_out) == learned
    assert "".join(piece.content for piece in pieces if piece.held_out) == held_out


def test_cutting_can_begin_at_a_later_text() -> None:
    texts = [["one\n" * 9], ["two" * 9], ["three\n" * 9]]
    lengths, sizes = [36, 27, 54], [30, 20, 50]
    whole = list(split_texts(texts, lengths, sizes))
    rest = list(split_texts(texts[2:], lengths, sizes, start=2, endings=("wo", "wo")))
    assert rest[0] == Piece(1, False, "\n")
    added = [piece for piece in whole if piece.text == 2]
    assert [piece for piece in rest if piece.text == 2] == added


def test_a_line_end_far_before_is_not_gone_back_to() -> None:
    assert split(["a\n" + "b" * 98, "c" * 10], [90, 9]) == ("a\n" + "b" * 88 + "\n" + "c" * 9, "b" * 10 + "\nc")


@given(st.lists(st.text("ab\n", min_size=1, max_size=40), min_size=2, max_size=5), st.floats(0, 0.5))
def test_nothing_is_lost_but_line_ends_are_added(texts: list[str], share: float) -> None:
    learned, held_out = split(texts, [*training_sizes([len(text) for text in texts], share)])
    assert (learned + held_out).replace("\n", "").count("a") == "".join(texts).count("a")
    assert len(learned) + len(held_out) <= sum(map(len, texts)) + 2 * len(texts)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6), st.integers(0, 1000))
def test_an_excerpt_has_a_part_of_each_and_its_size(parts: list[int], size: int) -> None:
    if sum(parts) < max(1, size):
        return
    sizes = list(part_sizes(parts, size))
    assert sum(sizes) == size
    assert all(0 <= of_excerpt <= part for of_excerpt, part in zip(sizes, parts, strict=True))


@pytest.mark.parametrize("length", [1, 3, 1000])
def test_pieces_of_any_length_give_the_same(length: int) -> None:
    texts = ["Line one\nline two\n" * 20, "Linea una\nlinea due\n" * 20]
    sizes = [*training_sizes([len(text) for text in texts], 0.3)]
    assert split(texts, sizes, length) == split(texts, sizes, 50)


def split_list(text: str, share: float | None = 0.3, repeated: Repeated = "keep", piece: int = 7) -> dict[bool, str]:
    pieces = [text[at : at + piece] for at in range(0, len(text), piece)]
    parts = {False: "", True: ""}
    for found in split_lines([pieces], len(text), share, repeated):
        assert found.content.endswith("\n")
        parts[found.held_out] += found.content
    return parts


ENTRIES = [f"entry {number % 700}" for number in range(1000)]


def test_no_line_is_on_both_sides_and_none_is_lost() -> None:
    parts = split_list("\n".join(ENTRIES))
    training, held_out = (parts[part].splitlines() for part in (False, True))
    assert sorted(training + held_out) == sorted(ENTRIES)
    assert not {*training} & {*held_out}
    assert 0.2 < len({*held_out}) / 700 < 0.4


def test_the_same_line_in_another_case_is_on_the_same_side() -> None:
    parts = split_list("\n".join([*ENTRIES, *(f" {entry.upper()}" for entry in ENTRIES)]))
    sides = [{entry.strip().casefold() for entry in parts[part].splitlines()} for part in (False, True)]
    assert not sides[0] & sides[1]


def test_a_repeated_line_is_counted_once_if_asked_for() -> None:
    parts = split_list("\n".join(ENTRIES), repeated="once")
    assert sorted(parts[False].splitlines() + parts[True].splitlines()) == sorted({*ENTRIES})


def test_empty_lines_are_left_out_and_pieces_do_not_matter() -> None:
    text = "a\n\n  \nb\n" * 50 + "last"
    parts = split_list(text, piece=1)
    assert parts == split_list(text, piece=1000)
    assert parts[False].count("\n") + parts[True].count("\n") == 101
    assert split_list(text, share=0.0)[True] == ""


def test_of_a_long_list_a_million_characters_are_held_out() -> None:
    lines = [f"{number:09}" for number in range(200_000)]
    found = split_lines([["\n".join(lines)]], 100_000_000, None)
    held_out = sum(len(piece.content) for piece in found if piece.held_out)
    assert 0.8 < held_out / (0.01 * 2_000_000) < 1.2

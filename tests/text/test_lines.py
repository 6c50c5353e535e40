"""The lines of a text as they come."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.errors import TextError
from nextchar.settings import Errors
from nextchar.text import lines
from nextchar.text.lines import arriving_blocks, arriving_text, lines_of


@given(st.lists(st.text("ab\n\r\u2028", max_size=6), max_size=6))
def test_lines_are_those_between_line_ends(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = [line for group in lines_of(pieces) for line in group]
    assert "".join(line + "\n" for line in found).removesuffix("\n") == text.removesuffix("\n")
    assert not any("\n" in line for line in found)
    assert len(found) == text.count("\n") + (not text.endswith("\n") and text != "")


def test_a_line_comes_with_the_piece_that_ends_it() -> None:
    taken: list[str] = []

    def pieces() -> Iterator[str]:
        for piece in ["a", "b\nc\n\n", "d", ""]:
            taken.append(piece)
            yield piece

    found = lines_of(pieces())
    assert (next(found), len(taken)) == (["ab", "c", ""], 2)
    assert list(found) == [["d"]]


def test_a_pipe_gives_what_it_has_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK", 8)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as pipe:
        blocks = arriving_blocks(stream)
        pipe.write(b"one\n")
        assert next(blocks) == b"one\n"
        pipe.write(b"two\n")
        pipe.write(b"three\nfour\n")
        assert next(blocks) == b"two\nthre"
        assert next(blocks) == b"e\nfour\n"
        pipe.close()
        assert list(blocks) == []


def test_line_ends_of_every_kind_end_a_line() -> None:
    stream = io.BytesIO("\ufeffé\r\n\rb\nc".encode())
    assert list(lines_of(arriving_text(stream, "it", None, "strict"))) == [["é", "", "b"], ["c"]]


def test_wrong_bytes_are_named_by_their_line_or_read_as_asked_for() -> None:
    wrong = b"a\nb\n\xff\nc\n"
    with pytest.raises(TextError, match=r"it \(is utf-8\) has bytes at offset 4 in line 3 that"):
        list(arriving_text(io.BytesIO(wrong), "it", None, "strict"))
    mended: dict[Errors, str] = {"replace": "\ufffd", "latin": "ÿ"}
    for errors, read in mended.items():
        assert "".join(arriving_text(io.BytesIO(wrong), "it", None, errors)) == f"a\nb\n{read}\nc\n"
    assert "".join(arriving_text(io.BytesIO("a한".encode("cp949")), "it", "cp949", "strict")) == "a한"
    with pytest.raises(TextError, match="utf-17"):
        arriving_text(io.BytesIO(wrong), "it", "utf-17", "strict")

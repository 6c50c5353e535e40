"""Bytes: any file comes back, and what is not UTF-8 is escaped where it is shown."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.text.byte_tokenizer import ESCAPE, ByteTokenizer, displayed

TOKENS = ByteTokenizer()
contents = st.binary(max_size=40) | st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace"))


def read(content: bytes) -> str:
    return content.decode("utf-8", ESCAPE)


@given(contents)
def test_bytes_come_back(content: bytes) -> None:
    text = read(content)
    ids = TOKENS.encode(text)
    assert ids.dtype == TOKENS.dtype == np.uint8
    assert ids.tobytes() == content
    assert TOKENS.decode(ids) == "".join(TOKENS.split(text)) == text


@given(contents)
def test_a_character_has_the_length_of_one_on_its_first_byte(content: bytes) -> None:
    text = read(content)
    ids = TOKENS.encode(text)
    lengths = TOKENS.token_lengths(ids)
    assert int(lengths.sum()) == len(text)
    assert lengths.tolist() == list(map(len, TOKENS.split(text)))
    starts = [bool(piece) for c in text for piece in (c, *[""] * (len(TOKENS.encode(c)) - 1))]
    assert lengths.tolist() == starts


@given(contents, st.lists(st.integers(0, 60), max_size=3))
def test_pieces_of_a_decoder_are_escaped_as_the_whole_is(content: bytes, cuts: list[int]) -> None:
    decoder = TOKENS.decoder()
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    pieces = [decoder.push(list(content[a:b])) for a, b in itertools.pairwise(places)]
    pieces.append(decoder.finish())
    assert "".join(pieces) == read(content)
    assert "".join(map(displayed, pieces)) == displayed(read(content))


def test_what_is_shown_is_escaped() -> None:
    assert displayed(read(b"caf\xe9 \xf0\x9f\x98\x80 \xf0\x9f")) == "caf\\xe9 😀 \\xf0\\x9f"
    assert TOKENS.token_texts([97, 10, 0xC3]) == ["a", "\n", "\\xc3"]


@pytest.mark.parametrize("wrong", ["\ud800", "a\udfffb\udc7f"])
def test_a_surrogate_that_is_no_byte_is_read_as_the_replacement_character(wrong: str) -> None:
    ids = TOKENS.encode(wrong)
    assert TOKENS.decode(ids) == "".join("\ufffd" if c > "\ud000" else c for c in wrong)
    assert list(map(len, TOKENS.split(wrong))) == TOKENS.token_lengths(ids).tolist()
    assert "".join(TOKENS.split(wrong)) == wrong


def test_ids_may_be_of_any_shape_and_type() -> None:
    ids = np.array([[237, 149], [156, 33]], np.int64)
    assert TOKENS.decode(ids) == "한!"
    decoder = TOKENS.decoder()
    assert decoder.push(ids.ravel()) == "한!"
    assert TOKENS.token_lengths(ids.ravel()).tolist() == [1, 0, 0, 1]


def test_nothing_is_unknown() -> None:
    text = read(bytes(range(256)))
    assert not TOKENS.unknown_in(text).any()
    assert TOKENS.fold(text, strict=True) == (text, [])
    assert (TOKENS.size, TOKENS.start_id, TOKENS.never_drawn, TOKENS.begun(text)) == (256, 10, (), 0)
    assert len(TOKENS.word_symbols) == 256
    assert ByteTokenizer() == TOKENS

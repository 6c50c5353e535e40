"""Which ids spell whole characters."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from nextchar.settings import TokenKind
from nextchar.text.byte_tokenizer import ByteTokenizer
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.whole_characters import NEVER, WHOLE, WholeCharacters
from tests.token_kinds import TOKEN_KINDS, jamo_of, tokens_of_every_kind, words_in


def is_text(tokens: Tokenizer, whole: WholeCharacters, ids: tuple[int, ...]) -> bool:
    """Return whether ``ids`` may be a text that ends with a line."""
    state = WHOLE
    for id_ in ids:
        state = int(whole.following[state, id_])
        if state == NEVER:
            return False
    return whole.following[state, tokens.encode("\n")[0]] != NEVER


@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_every_text_is_one(kind: TokenKind) -> None:
    tokens = tokens_of_every_kind("한글 값 ㅋㅋ ᄒ ab the the\n漢字 é 😀\n")[kind]
    whole = WholeCharacters.of(tokens)
    for text in ("", "한글", "값 é", "ab\tthe" if kind == "bytes" else "ab the", "ᄒ😀ㅋ", "漢"):
        ids = tuple(tokens.encode(text).tolist())
        assert is_text(tokens, whole, ids)
        assert whole.lengths[[*ids]].sum() == len(text)


def test_jamo_are_texts_if_all_of_them_are_in_syllables() -> None:
    tokens = jamo_of("각 나\n")
    whole = WholeCharacters.of(tokens)
    known = [id_ for id_ in range(tokens.size) if id_ not in tokens.never_drawn]
    jamo = {chr(point) for point in range(0x1100, 0x1200)}
    for ids in (ids for length in range(5) for ids in product(known, repeat=length)):
        assert is_text(tokens, whole, ids) == jamo.isdisjoint(tokens.decode(ids))


def test_bytes_are_texts_if_they_are_shown_as_they_are() -> None:
    tokens = ByteTokenizer()
    whole = WholeCharacters.of(tokens)
    firsts = (
        b"\0\x08\t\n\r\x1f ~\x7f\x80\x9f\xa0\xbf\xc0\xc1\xc2\xc3\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff"
    )
    seconds = b"A\x80\x8f\x90\x9f\xa0\xbf\xc2"
    for ids in (ids for rest in range(4) for ids in product(firsts, *[seconds] * rest)):
        text = tokens.decode(ids)
        # A carriage return is the only control character that may be at the end of a line.
        assert is_text(tokens, whole, ids) == (tokens.displayed(text.replace("\r", "")) == text.replace("\r", "")), ids


def test_tokens_of_one_character_or_more_may_come_in_any_order() -> None:
    tokens = words_in("the\nthe fox\n")
    whole = WholeCharacters.of(tokens)
    assert (whole.following == WHOLE).all()
    assert whole.has_many_spellings
    assert not whole.has_parts
    assert whole.lengths.tolist() == [len(text) for text in tokens.token_texts(range(tokens.size))]


@pytest.mark.parametrize(("kind", "parts"), [("characters", False), ("bytes", True), ("jamo", True)])
def test_parts_of_characters_have_one_spelling(kind: TokenKind, parts: bool) -> None:
    whole = WholeCharacters.of(tokens_of_every_kind("한글 ab\n")[kind])
    assert whole.has_parts == parts
    assert not whole.has_many_spellings
    assert np.unique(whole.lengths).tolist() == ([0, 1] if parts else [1])

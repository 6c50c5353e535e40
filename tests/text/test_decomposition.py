"""How much of a text is decomposed."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from nextchar.text import decomposition
from nextchar.text.decomposition import decomposed_sequences, decomposed_share
from nextchar.text.tokenizer import Tokenizer
from tests.token_kinds import tokens_of_every_kind

COMPOSED = "a café, 한글 값\n"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def share(tokens: Tokenizer, text: str) -> float:
    return decomposed_share(tokens.encode(text), tokens)


@pytest.mark.parametrize("text", ["", "plain", COMPOSED, "தமிழ் किताब שָׁלוֹם", "x\u0301 \u1112 ㅋ", "\u0301"])
def test_what_nfc_leaves_is_not_decomposed(text: str) -> None:
    assert list(decomposed_sequences(text)) == []


def test_decomposed_sequences() -> None:
    sequences = ["e\u0301", "\u1112\u1161\u11ab", "\u1100\u1173\u11af", "\u1100\u1161\u11b9"]
    assert decomposed_sequences(DECOMPOSED) == sequences
    assert decomposed_sequences("[x]\u0301 n\u0303-^") == ["n\u0303"]
    assert decomposed_sequences("a\u0301\u0323") == ["a\u0301\u0323"]


@pytest.mark.parametrize("kind", ["characters", "jamo", "words"])
def test_the_share_of_characters(kind: str) -> None:
    tokens = tokens_of_every_kind((COMPOSED + DECOMPOSED) * 20)[kind]  # type: ignore[index]
    assert share(tokens, COMPOSED) == 0
    assert share(tokens, DECOMPOSED) == pytest.approx(11 / len(DECOMPOSED))
    assert share(tokens, DECOMPOSED + COMPOSED * 9) == pytest.approx(11 / len(DECOMPOSED + COMPOSED * 9))
    assert share(tokens, "") == 0


def test_bytes_are_never_composed() -> None:
    assert share(tokens_of_every_kind(DECOMPOSED)["bytes"], DECOMPOSED) == 0


def test_of_a_long_text_blocks_from_all_over_it_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decomposition, "BLOCK", 100)
    monkeypatch.setattr(decomposition, "BLOCKS", 10)
    tokens = tokens_of_every_kind(COMPOSED + DECOMPOSED)["characters"]
    ids = tokens.encode(COMPOSED * 500 + DECOMPOSED * 500)
    decoded: list[int] = []
    decode = type(tokens).decode

    def watched(self: Tokenizer, ids: np.ndarray) -> str:
        decoded.append(len(ids))
        return decode(self, ids)

    monkeypatch.setattr(type(tokens), "decode", watched)
    found = decomposed_share(ids, tokens)
    assert decoded == [100] * 10
    assert 0.2 < found < 0.5
    monkeypatch.setattr(decomposition, "BLOCKS", 3)
    assert decomposed_share(tokens.encode(COMPOSED * 20), tokens) == 0

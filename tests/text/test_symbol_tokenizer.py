"""What tokens that are symbols have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from nextchar.settings import TokenKind
from nextchar.text.symbol_tokenizer import SymbolTokenizer
from nextchar.text.vocabulary import UNKNOWN_ID, Vocabulary


class Doubled(SymbolTokenizer):
    """Each letter is two symbols: a capital one and a small one, which stand for the letter together."""

    kind: ClassVar[TokenKind] = "words"

    @property
    def known_count(self) -> int:
        return (self.symbols.size - 1) // 2

    def spell(self, text: str) -> str:
        return "".join(f"{letter.upper()}{letter}" if letter.islower() else "?" for letter in text)

    def join(self, symbols: str) -> str:
        return "".join(letter for letter in symbols if not letter.isupper())

    def unfinished(self, symbols: str) -> int:
        return int(symbols[-1:].isupper())

    def header(self) -> dict[str, Any]:
        return {"kind": self.kind, "characters": self.symbols.characters}

    def token_lengths(self, ids: Any) -> Any:
        return 1 - (ids > self.known_count)


TOKENS = Doubled(Vocabulary("ABCabc"))


def test_a_text_is_its_symbols() -> None:
    ids = TOKENS.encode("cab")
    assert ids.tolist() == [3, 6, 1, 4, 2, 5]
    assert TOKENS.decode(ids) == "cab"
    assert TOKENS.split("cab") == ["c", "", "a", "", "b", ""]
    assert TOKENS.token_texts(ids) == ["", "c", "", "a", "", "b"]
    assert (TOKENS.size, TOKENS.dtype, TOKENS.never_drawn, TOKENS.has_unknown) == (7, "uint8", (0,), True)


def test_what_cannot_be_spelled_is_unknown() -> None:
    ids = TOKENS.encode("a!b")
    assert ids.tolist() == [1, 4, UNKNOWN_ID, 2, 5]
    assert TOKENS.decode(ids, unknown="*") == "a*b"
    assert TOKENS.unknown_in("a!b").tolist() == [False, True, False]
    assert TOKENS.fold("a!B") == ("ab", TOKENS.fold("a!B")[1])
    # All characters of Unicode but three share it.
    assert (TOKENS.unknown_cost(ids) > 20).tolist() == [False, False, True, False, False]
    assert 2 ** TOKENS.unknown_cost(ids)[2] == pytest.approx(0x110000 - 0x800 - 3)


def test_a_decoder_holds_back_what_is_not_finished() -> None:
    decoder = TOKENS.decoder()
    assert [decoder.push([token]) for token in TOKENS.encode("cab").tolist()] == ["", "c", "", "a", "", "b"]
    assert decoder.push([3]) == ""
    assert decoder.finish() == ""
    assert decoder.push([4]) == "a", "nothing is left of what was finished"


def test_tokens_are_equal_if_files_say_the_same_of_them() -> None:
    assert Doubled(Vocabulary("ABCabc")) == TOKENS
    assert hash(Doubled(Vocabulary("ABCabc"))) == hash(TOKENS)
    assert Doubled(Vocabulary("ABab")) != TOKENS
    assert Vocabulary("ABCabc") != TOKENS
    assert repr(TOKENS) == "<Doubled: 7 ids>"

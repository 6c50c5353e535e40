"""The kinds of tokens by name, and how they are made again of what a file says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, StrictBool, StrictStr

from nextchar.text.byte_tokenizer import ByteTokenizer
from nextchar.text.jamo import JamoTokenizer
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import Vocabulary
from nextchar.text.word_tokenizer import WordTokenizer


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Characters(_Header):
    characters: StrictStr
    has_unknown: StrictBool

    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self.characters, self.has_unknown)


class _Words(_Characters):
    words: tuple[StrictStr, ...]

    def tokenizer(self) -> WordTokenizer:
        return WordTokenizer(self.vocabulary(), self.words)


KINDS: Mapping[str, Callable[[Mapping[str, Any]], Tokenizer]] = {
    "characters": lambda entries: _Characters.model_validate(entries).vocabulary(),
    "bytes": lambda entries: _Header.model_validate(entries) and ByteTokenizer(),
    "jamo": lambda entries: JamoTokenizer(_Characters.model_validate(entries).vocabulary()),
    "words": lambda entries: _Words.model_validate(entries).tokenizer(),
}
"""For each kind of tokens what makes them of the entries of a file, but for the kind."""


def tokenizer_of(header: Mapping[str, Any]) -> Tokenizer:
    """Return the tokens that a file describes.

    Raises:
        ValueError: its entries are wrong, or do not fit each other, or the kind is unknown.
    """
    kind = header.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"tokens of the kind {kind!r} are unknown")
    return KINDS[kind]({name: value for name, value in header.items() if name != "kind"})

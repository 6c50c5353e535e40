"""The character of each index of an imported model, from its training text or from a list.

Keras models do not contain the characters. Their authors number them, mostly as Keras's own example does: the distinct
characters of the text, sorted. `nextchar.convert.keras_network` turns any order into that of a vocabulary.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, cast

from nextchar.errors import TextError, UsageError, shortened
from nextchar.files.regular_file import read_regular
from nextchar.text.text_file import TextFile, joined_chunks, readable

Symbol = str | None
"""One character, or None for an index without a character, such as padding or the unknown symbol."""

STAND_INS = frozenset({"", "[UNK]", "[PAD]", "<UNK>", "<PAD>", "<OOV>", "<unk>", "<pad>", "<oov>"})
"""What tokenizers such as `keras.layers.StringLookup` write for padding and unknown characters."""

MAX_LIST_BYTES = 2**26
"""Largest list that is read, in bytes."""

_MARK = "\ufeff"


@dataclass(frozen=True)
class Indexed:
    """A symbol for each index of a model."""

    symbols: tuple[Symbol, ...]
    note: str | None = None
    """What was assumed; None if nothing was."""


class Characters(Protocol):
    """Where the characters of a model come from."""

    @property
    def lowercase(self) -> bool:
        """Whether the model was trained on lower-cased text."""
        ...

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of its training texts, if they are known."""
        ...

    def of(self, size: int, embedding: bool) -> Indexed:
        """Return the symbols of a model with ``size`` indices, which has an ``embedding`` or reads one-hot vectors.

        Raises:
            UsageError: the characters do not fit the model.
        """
        ...


@dataclass(frozen=True)
class TextCharacters:
    """The distinct characters of texts, in code-point order."""

    files: tuple[TextFile, ...]
    lowercase: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of the texts."""
        return tuple(file.name for file in self.files)

    @cached_property
    def _as_given(self) -> frozenset[str]:
        return frozenset[str]().union(*joined_chunks(self.files))

    @cached_property
    def _lowered(self) -> frozenset[str]:
        return frozenset[str]().union(*joined_chunks(self.files, lowercase=True))

    def of(self, size: int, embedding: bool) -> Indexed:
        """Return the characters in code-point order, changed in one of the usual ways if only that fits the model.

        Raises:
            UsageError: nothing fits, or more than one change does.
        """
        distinct = self._lowered if self.lowercase else self._as_given
        if len(distinct) == size:
            return Indexed(tuple(sorted(distinct)))
        fitting = [indexed for indexed in self._deviations(distinct, embedding) if len(indexed.symbols) == size]
        if len(fitting) > 1:
            raise UsageError(
                f"The model has {size:,} characters, one more than {self._name}: index 0 may be padding, or the byte "
                "order mark may be a character. Give the characters in the order of their indices as a .json list."
            )
        if not fitting:
            raise self._misfit(size)
        return fitting[0]

    def _deviations(self, distinct: frozenset[str], embedding: bool) -> list[Indexed]:
        ordered = tuple(sorted(distinct))
        found: list[Indexed] = []
        if embedding:
            note = "the model has one index more than the text has characters: index 0 is read as padding"
            found.append(Indexed((None, *ordered), f"{note} and never drawn"))
        if any(file.determined == "byte order mark" and file.encoding == "utf-8" for file in self.files):
            note = "the byte order mark of the text counts as a character, as in Python"
            found.append(Indexed((*sorted({*distinct, _MARK}),), note))
        if "\n" in distinct:
            note = (
                "the model has one character fewer than the text: line ends are read as spaces, as in the example on "
                "keras.io"
            )
            found.append(Indexed(tuple(c for c in ordered if c != "\n"), note))
        return found

    def _misfit(self, size: int) -> UsageError:
        given, lowered = len(self._as_given), len(self._lowered)
        if lowered == size:
            advice = "Add --lowercase"
        elif given == size:
            advice = "Leave out --lowercase"
        else:
            advice = "Give the text that the model was trained on, or its characters as a .json list"
        return UsageError(
            f"The model has {size:,} characters, but {self._name} has {given:,} as it is and {lowered:,} lower-cased. "
            f"{advice}."
        )

    @property
    def _name(self) -> str:
        return self.texts[0] if len(self.texts) == 1 else f"the text of {len(self.texts):,} files"


@dataclass(frozen=True)
class ListedCharacters:
    """Characters from a file that lists them with their indices."""

    name: str
    symbols: tuple[Symbol, ...]
    lowercase: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """Empty: a list of characters names no text."""
        return ()

    def of(self, size: int, embedding: bool) -> Indexed:  # noqa: ARG002 (a list has its own padding)
        """Return the symbols in the order of the list.

        Raises:
            UsageError: the list does not have ``size`` entries.
        """
        if len(self.symbols) != size:
            raise UsageError(
                f"The model has {size:,} characters, but {self.name} lists {len(self.symbols):,}"
                f"{' with null at index 0' if self.symbols[0] is None else ''}: give the list that it was trained "
                "with; null stands for an index without a character, such as padding."
            )
        return Indexed(self.symbols)


def read_list(path: Path, lowercase: bool = False) -> ListedCharacters:
    """Read a JSON file: a list of characters in the order of their indices, or an object that maps characters to
    indices or indices to characters. null, or a tokenizer's name for it, stands for an index without a character.

    Raises:
        TextError: the file cannot be read, or has another content.
        UsageError: ``lowercase`` is set and there are upper-case characters in the list.
    """
    name = readable(path)
    try:
        content: object = json.loads(read_regular(path, MAX_LIST_BYTES))
    except OSError as error:
        raise TextError(f"{name} cannot be read: {error.strerror or error}. Check the path.") from error
    except (ValueError, RecursionError) as error:
        raise TextError(f"{name} is not JSON ({error}): give a list of characters, or the text itself.") from error
    try:
        symbols = _checked(_in_order(content))
    except ValueError as error:
        raise TextError(
            f"{name} is not a list of characters: {error}. Give a JSON list of the characters in the order of their "
            'indices, or an object like {"a": 0, "b": 1}.'
        ) from error
    upper = next((symbol for symbol in symbols if symbol is not None and symbol != symbol.lower()), None)
    if lowercase and upper is not None:
        raise UsageError(f"{name} has the upper-case character {upper!r}: leave out --lowercase.")
    return ListedCharacters(name, symbols, lowercase)


def write_list(symbols: tuple[Symbol, ...]) -> bytes:
    """Return the content of a file that `read_list` reads."""
    return (json.dumps(symbols, ensure_ascii=False) + "\n").encode()


def _in_order(content: object) -> list[object]:
    """Return the entry of each index."""
    if isinstance(content, list):
        return cast("list[object]", content)
    if not isinstance(content, dict):
        raise ValueError("it is neither a list nor an object")
    given = cast("dict[str, object]", content)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in given.values()):
        pairs: list[tuple[int, object]] = [(cast(int, index), symbol) for symbol, index in given.items()]
    else:
        if not all(key.isascii() and key.isdigit() for key in given):
            raise ValueError("neither its keys nor its values are all indices")
        pairs = [(int(key), symbol) for key, symbol in given.items()]
    entries = dict(pairs)
    entries.setdefault(0, None)  # the tokenizers of Keras keep 0 for padding and do not list it
    if len(entries) < len(pairs) or sorted(entries) != list(range(len(entries))):
        raise ValueError("its indices are not 0, 1, 2 and so on, each once")
    return [entries[index] for index in range(len(entries))]


def _checked(listed: list[object]) -> tuple[Symbol, ...]:
    symbols = [None if entry in STAND_INS else entry for entry in listed if isinstance(entry, str | None)]
    wrong = next((entry for entry in listed if not isinstance(entry, str | None)), None)
    wrong = wrong or next((symbol for symbol in symbols if symbol is not None and len(symbol) != 1), None)
    if wrong is not None:
        raise ValueError(f"{shortened(wrong)} is not one character")
    repeated = [symbol for symbol, count in Counter(symbols).items() if count > 1]
    if repeated:
        entry = "an index without a character" if repeated[0] is None else repr(repeated[0])
        raise ValueError(f"{entry} occurs more than once")
    if any(symbol is not None and 0xD800 <= ord(symbol) < 0xE000 for symbol in symbols):
        raise ValueError("it has a surrogate, which is half a character")
    if not any(symbol is not None for symbol in symbols):
        raise ValueError("it has no character")
    return tuple(symbols)

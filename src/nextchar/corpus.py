"""An encoded text: one id a character, in the smallest type that holds them, on disk, memory-mapped, keyed by content.

Encoding reads the texts three times, a piece at a time, so that memory does not grow with the text: to hash and count all
of it, to count the part that is trained on (whose characters make the vocabulary), and to encode. The result is kept in a
cache folder under a key made of the content's hash and of every option that changes the result. An entry is a folder of
two files, made under a temporary name and renamed, so that it is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, ValidationError

from nextchar.errors import TextError
from nextchar.settings import TextSettings
from nextchar.text import TextFile, joined_chunks
from nextchar.vocabulary import CODE_POINTS, Counts, Vocabulary, code_points

FORMAT_VERSION = 1
IDS, DESCRIPTION = "ids.bin", "corpus.json"

SMALL = 20_000
"""Training texts of fewer characters keep every character: there is no rarer one to learn from."""
RARE = 1_000_000
"""A character is too rare to learn when it occurs once, or less than once in so many characters."""


class _Description(BaseModel):
    """What a cache entry holds beside the ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT_VERSION
    key: str
    names: tuple[str, ...]
    content_sha256: str
    bytes: int
    characters: int
    training_characters: int
    distinct: int
    rare: int
    vocabulary: str
    has_unknown: bool


@dataclass(frozen=True)
class Corpus:
    """A text as ids, with the vocabulary they are in."""

    ids: NDArray[np.unsignedinteger]
    """Shape (n,), memory-mapped."""
    vocabulary: Vocabulary
    training_characters: int
    key: str
    """Name of the entry in the cache."""
    names: tuple[str, ...]
    content_sha256: str
    """Of the bytes of the texts, decompressed."""
    bytes: int
    distinct: int
    """Distinct characters of the whole text."""
    rare: int
    """Characters of the training part that are read as the unknown symbol."""

    @property
    def characters(self) -> int:
        """Characters of the whole text."""
        return len(self.ids)

    @property
    def training(self) -> NDArray[np.unsignedinteger]:
        """Ids to learn from."""
        return self.ids[: self.training_characters]

    @property
    def validation(self) -> NDArray[np.unsignedinteger]:
        """Ids held out: the end of the text; may be empty."""
        return self.ids[self.training_characters :]


def default_cache_folder() -> Path:
    """Return the folder for what can be made again: ``NEXTCHAR_CACHE``, else the user's cache."""
    return Path(os.environ.get("NEXTCHAR_CACHE") or user_cache_path("nextchar"))


def encode_corpus(
    texts: Sequence[TextFile], settings: TextSettings, *, cache_folder: Path, unknown_symbol: bool = True
) -> Corpus:
    """Return ``texts``, one after another, encoded; taken from the cache where they were encoded before.

    Args:
        texts: what to encode, at least one.
        settings: lower-casing, the share held out, and how rare is too rare.
        cache_folder: where encoded texts are kept.
        unknown_symbol: whether rare characters share one; else every character of the whole text is in the vocabulary.

    Raises:
        TextError: a text cannot be read, there is too little of it to learn from, or the cache cannot be written.
    """
    key, content_sha256, size = _key(texts, settings, unknown_symbol)
    try:
        return open_corpus(key, cache_folder)
    except TextError:
        pass  # never encoded, or damaged: encoded anew below
    try:
        folder = cache_folder / "corpora"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".encoding-", dir=folder) as temporary:
            entry = Path(temporary) / key
            entry.mkdir()
            description = _encode(texts, settings, unknown_symbol, entry / IDS, key, content_sha256, size)
            (entry / DESCRIPTION).write_text(description.model_dump_json(), encoding="utf-8")
            _install(entry, folder / key)
    except OSError as error:
        raise TextError(
            f"The encoded text cannot be written to {cache_folder}: {error.strerror or error}. Free the disk, or name "
            "another folder in NEXTCHAR_CACHE."
        ) from error
    return open_corpus(key, cache_folder)


def open_corpus(key: str, cache_folder: Path) -> Corpus:
    """Return the text that was encoded under ``key``.

    Raises:
        TextError: it is not in the cache, or damaged there.
    """
    entry = cache_folder / "corpora" / key
    try:
        description = _Description.model_validate_json((entry / DESCRIPTION).read_bytes())
        vocabulary = Vocabulary(description.vocabulary, description.has_unknown)
        if (entry / IDS).stat().st_size != description.characters * vocabulary.dtype.itemsize:
            raise ValueError("the ids are not all there")
        ids = np.memmap(entry / IDS, vocabulary.dtype, "r")
    except (OSError, ValidationError, ValueError) as error:
        raise TextError(f"The encoded text {key} is not in {cache_folder}, or damaged there.") from error
    return Corpus(
        ids=ids,
        vocabulary=vocabulary,
        training_characters=description.training_characters,
        key=key,
        names=description.names,
        content_sha256=description.content_sha256,
        bytes=description.bytes,
        distinct=description.distinct,
        rare=description.rare,
    )


def _key(texts: Sequence[TextFile], settings: TextSettings, unknown_symbol: bool) -> tuple[str, str, int]:
    """Return the key of the texts and options, and the SHA-256 and size of the bytes."""
    digest, size = hashlib.sha256(), 0
    lengths: list[int] = []
    for text in texts:
        length = 0
        for block in text.blocks():
            digest.update(block)
            length += len(block)
        lengths.append(length)
        size += length
    options = {
        "format": FORMAT_VERSION,
        "content": digest.hexdigest(),
        "lengths": lengths,
        "names": [text.name for text in texts],
        "encodings": [text.encoding for text in texts],
        "lowercase": settings.lowercase,
        "validation": settings.validation,
        "min_count": settings.min_count,
        "unknown_symbol": unknown_symbol,
    }
    key = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:32]
    return key, digest.hexdigest(), size


def _encode(
    texts: Sequence[TextFile],
    settings: TextSettings,
    unknown_symbol: bool,
    path: Path,
    key: str,
    content_sha256: str,
    size: int,
) -> _Description:
    """Write the ids of ``texts`` to ``path`` and return what they are."""
    counts = _count(texts, settings)
    characters = int(counts.sum())
    # Held out is the whole number of characters from the end; nanoGPT and the Keras examples cut at the same place.
    training_characters = int(characters * (1 - settings.validation))
    training_counts = _count(texts, settings, training_characters) if settings.validation else counts
    if training_characters < 2 or np.count_nonzero(training_counts) < 2:
        raise TextError(
            f"There is nothing to learn from in {', '.join(text.name for text in texts)}: "
            f"{training_characters:,} characters to train on, {np.count_nonzero(training_counts)} of them distinct. "
            "Give a text of at least some thousand characters."
        )
    if unknown_symbol:
        least = settings.min_count or (
            1 if training_characters < SMALL else max(2, training_characters // RARE)
        )
        vocabulary = Vocabulary.from_counts(training_counts, least)
    else:
        vocabulary = Vocabulary.from_counts(counts, has_unknown=False)
    table = vocabulary.ids_by_code_point
    with path.open("wb") as file:
        for chunk in joined_chunks(texts, settings.lowercase):
            file.write(table[code_points(chunk)].data)
    return _Description(
        key=key,
        names=tuple(text.name for text in texts),
        content_sha256=content_sha256,
        bytes=size,
        characters=characters,
        training_characters=training_characters,
        distinct=int(np.count_nonzero(counts)),
        rare=int(training_counts.sum() - training_counts[code_points(vocabulary.characters)].sum()),
        vocabulary=vocabulary.characters,
        has_unknown=unknown_symbol,
    )


def _count(texts: Sequence[TextFile], settings: TextSettings, most: int | None = None) -> Counts:
    """Return how often each code point occurs in the first ``most`` characters, shape (0x110000,)."""
    counts = np.zeros(CODE_POINTS, np.int64)
    left = most
    for chunk in joined_chunks(texts, settings.lowercase):
        points = code_points(chunk if left is None else chunk[:left])
        found = np.bincount(points)
        counts[: len(found)] += found
        if left is not None:
            left -= len(points)
            if left == 0:
                break
    return counts


def _install(entry: Path, place: Path) -> None:
    """Give the finished ``entry`` its name; whoever encoded the same text first has done the work for both."""
    try:
        entry.rename(place)
    except OSError:
        try:
            open_corpus(place.name, place.parents[1])
        except TextError:
            shutil.rmtree(place, ignore_errors=True)  # damaged
            entry.rename(place)

"""An encoded text: an id for each character, on disk, in the smallest type that holds them, keyed by content.

Encoding reads the texts several times, a piece at a time, so that memory does not grow with them: to hash, to
count the characters of the whole and of the part held out (the rest makes the vocabulary), and to encode. The
result stays in the cache folder under a key made of the content's hash and of every option that changes it.
An entry is a folder of two files, made under a temporary name and renamed: it is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, ValidationError

from nextchar.errors import TextError, UsageError
from nextchar.settings import TextSettings
from nextchar.text import BLOCK, TextFile, joined_chunks
from nextchar.vocabulary import CODE_POINTS, Counts, Vocabulary, code_points

FORMAT_VERSION = 2
IDS, DESCRIPTION = "ids.bin", "corpus.json"
_UNFINISHED = ".encoding-"
_ABANDONED = 2 * 86400.0
"""Seconds after which an unfinished entry is nobody's."""

SMALL = 20_000
"""Training texts of fewer characters keep every character: as unknown, too much of them would be lost."""
RARE = 1_000_000
"""In larger texts a character is too rare to learn if it occurs once, or less than once in so many."""


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
    ids_crc32: int


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text as ids, with the vocabulary they are in."""

    ids: NDArray[np.unsignedinteger]
    """Shape (n,), memory-mapped, not to be written."""
    vocabulary: Vocabulary
    training_characters: int
    key: str
    """Name of the entry in the cache."""
    names: tuple[str, ...]
    content_sha256: str
    """Of the bytes of the texts, decompressed, one text after another."""
    bytes: int
    distinct: int
    """Distinct characters of the whole text."""
    rare: int
    """Characters of the training part that are read as the unknown symbol."""

    def __repr__(self) -> str:
        return f"<Corpus: {self.characters:,} characters of {', '.join(self.names)}, {self.vocabulary.size:,} ids>"

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


def least_count(training_characters: int) -> int:
    """Return how often a character must occur in a training text of so many characters to be learned by itself."""
    return 1 if training_characters < SMALL else max(2, training_characters // RARE)


def encode_corpus(
    texts: Sequence[TextFile], settings: TextSettings, *, cache_folder: Path, unknown_symbol: bool = True
) -> Corpus:
    """Return ``texts``, one after another, encoded; taken from the cache where they were encoded before.

    With an unknown symbol the vocabulary is of the training part: the characters seen ``min_count`` times in
    it. Where not given, that is 1 in texts smaller than `SMALL`, else 2, so that what occurs once teaches
    how often to expect something new (as Good and Turing estimate), and more in texts larger than 2 `RARE`.

    Args:
        texts: what to encode, at least one.
        settings: lower-casing, the share held out, and how rare is too rare.
        cache_folder: where encoded texts are kept.
        unknown_symbol: whether rare characters share one; else every character of the text is kept.

    Raises:
        TextError: a text cannot be read or has too little to learn from, or the cache cannot be written.
        UsageError: ``min_count`` is given and there is no unknown symbol.
    """
    if settings.min_count is not None and not unknown_symbol:
        raise UsageError("The classic recipe keeps every character: leave --min-count out, or use the default recipe.")
    source = _identify(texts, settings, unknown_symbol)
    try:
        corpus = open_corpus(source.key, cache_folder)
    except TextError:  # never encoded, or damaged
        survey = _survey(texts, settings, unknown_symbol)
        _make_entry(texts, settings.lowercase, source, survey, cache_folder)
        corpus = open_corpus(source.key, cache_folder)
    return replace(corpus, names=tuple(text.name for text in texts))


def open_corpus(key: str, cache_folder: Path) -> Corpus:
    """Return the text that was encoded under ``key``.

    Raises:
        TextError: it is not in the cache, or damaged there.
    """
    entry = cache_folder / "corpora" / key
    try:
        description = _Description.model_validate_json((entry / DESCRIPTION).read_bytes())
        vocabulary = Vocabulary(description.vocabulary, description.has_unknown)
        if (description.format, description.key) != (FORMAT_VERSION, key):
            raise ValueError("another format or another text")
        if (entry / IDS).stat().st_size != description.characters * vocabulary.dtype.itemsize:
            raise ValueError("the ids are not all there")
        if _crc32(entry / IDS) != description.ids_crc32:
            raise ValueError("the ids have changed")
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


@dataclass(frozen=True)
class _Source:
    """What is encoded: the key is that of the result."""

    key: str
    content_sha256: str
    bytes: int
    stamps: tuple[tuple[int, int], ...]
    """Size and time of each file, which tell whether it has changed since."""


@dataclass(frozen=True)
class _Survey:
    """What is known before encoding."""

    characters: int
    training_characters: int
    distinct: int
    rare: int
    vocabulary: Vocabulary


def _identify(texts: Sequence[TextFile], settings: TextSettings, unknown_symbol: bool) -> _Source:
    stamps = _stamps(texts)
    digest = hashlib.sha256()
    lengths: list[int] = []
    for text in texts:
        lengths.append(0)
        for block in text.blocks():
            digest.update(block)
            lengths[-1] += len(block)
    options = {
        "format": FORMAT_VERSION,
        "content": digest.hexdigest(),
        "lengths": lengths,
        "encodings": [text.encoding for text in texts],
        "lowercase": unicodedata.unidata_version if settings.lowercase else None,
        "validation": settings.validation,
        "min_count": settings.min_count,
        "unknown_symbol": unknown_symbol,
    }
    key = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:32]
    return _Source(key, digest.hexdigest(), sum(lengths), stamps)


def _survey(texts: Sequence[TextFile], settings: TextSettings, unknown_symbol: bool) -> _Survey:
    """Count the characters, split the text, and choose the vocabulary."""
    counts = _count(texts, settings.lowercase)
    characters = int(counts.sum())
    # Rounded down like int(n * 0.9) of nanoGPT and the Keras examples, so that figures compare.
    training_characters = int(characters * (1 - settings.validation))
    training = counts - _count(texts, settings.lowercase, skip=training_characters)
    if training_characters < 2 or np.count_nonzero(training) < 2:
        raise TextError(
            f"There is nothing to learn from in {_names(texts)}: {characters:,} characters, "
            f"{training_characters:,} of them to train on, {np.count_nonzero(training)} of these distinct. "
            "Give a text of some thousand characters at least."
        )
    if counts[0xD800:0xE000].any():
        raise TextError(
            f"{_names(texts)} has lone surrogates, which are no characters: give the right --encoding, or "
            "save it as UTF-8."
        )
    if unknown_symbol:
        vocabulary = Vocabulary.from_counts(training, settings.min_count or least_count(training_characters))
    else:
        vocabulary = Vocabulary.from_counts(counts, has_unknown=False)
    known = int(training[code_points(vocabulary.characters)].sum())
    return _Survey(
        characters,
        training_characters,
        int(np.count_nonzero(counts)),
        training_characters - known,
        vocabulary,
    )


def _count(texts: Sequence[TextFile], lowercase: bool, skip: int = 0) -> Counts:
    """Return how often each code point occurs after the first ``skip`` characters, shape (0x110000,)."""
    counts = np.zeros(CODE_POINTS, np.int64)
    for chunk in joined_chunks(texts, lowercase):
        if skip < len(chunk):
            found = np.bincount(code_points(chunk[skip:]))
            counts[: len(found)] += found
        skip = max(0, skip - len(chunk))
    return counts


def _make_entry(
    texts: Sequence[TextFile], lowercase: bool, source: _Source, survey: _Survey, cache_folder: Path
) -> None:
    folder = cache_folder / "corpora"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder) as temporary:
            entry = Path(temporary, source.key)
            entry.mkdir()
            _write_ids(entry / IDS, joined_chunks(texts, lowercase), survey.vocabulary)
            if _stamps(texts) != source.stamps:
                raise TextError(f"{_names(texts)} changed while being read: try again once nothing writes to it.")
            description = _Description(
                key=source.key,
                names=tuple(text.name for text in texts),
                content_sha256=source.content_sha256,
                bytes=source.bytes,
                characters=survey.characters,
                training_characters=survey.training_characters,
                distinct=survey.distinct,
                rare=survey.rare,
                vocabulary=survey.vocabulary.characters,
                has_unknown=survey.vocabulary.has_unknown,
                ids_crc32=_crc32(entry / IDS),
            )
            (entry / DESCRIPTION).write_text(description.model_dump_json(), encoding="utf-8")
            _install(entry, folder / source.key, cache_folder)
    except OSError as error:
        raise TextError(
            f"The encoded text cannot be written to {folder}: {error.strerror or error}. Free the disk, or "
            "name another folder in NEXTCHAR_CACHE."
        ) from error


def _write_ids(path: Path, chunks: Iterable[str], vocabulary: Vocabulary) -> None:
    table = vocabulary.ids_by_code_point
    with path.open("wb") as file:
        for chunk in chunks:
            # Every code point is in the table; "clip" spares the check and is twice as fast as table[points].
            file.write(table.take(code_points(chunk), mode="clip").data)


def _stamps(texts: Sequence[TextFile]) -> tuple[tuple[int, int], ...]:
    try:
        states = [text.path.stat() for text in texts]
    except OSError as error:
        raise TextError(f"{error.filename} cannot be read: {error.strerror}. Check the path.") from error
    return tuple((state.st_size, state.st_mtime_ns) for state in states)


def _names(texts: Sequence[TextFile]) -> str:
    more = f" and {len(texts) - 3:,} more" if len(texts) > 3 else ""
    return ", ".join(text.name for text in texts[:3]) + more


def _crc32(path: Path) -> int:
    """Return the CRC-32 of the file, read rather than mapped so that it does not stay in memory."""
    checksum = 0
    with path.open("rb") as file:
        for block in iter(partial(file.read, BLOCK), b""):
            checksum = zlib.crc32(block, checksum)
    return checksum


def _install(entry: Path, place: Path, cache_folder: Path) -> None:
    """Give the finished ``entry`` its name; where another process was first, its work is as good."""
    for _ in range(3):
        try:
            entry.rename(place)
        except OSError:
            try:
                open_corpus(place.name, cache_folder)
            except TextError:
                shutil.rmtree(place, ignore_errors=True)  # damaged: in the way
                continue
        return
    entry.rename(place)


def _remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed long ago left unfinished."""
    for leftover in folder.glob(f"{_UNFINISHED}*"):
        try:
            old = time.time() - leftover.stat().st_mtime > _ABANDONED
        except FileNotFoundError:
            continue  # just finished
        if old:
            shutil.rmtree(leftover, ignore_errors=True)

"""An encoded text: an id for each character, on disk, in the smallest type that holds them, keyed by content.

Encoding reads the texts several times, a piece at a time, so that memory does not grow with them: to hash, to
tell how long each is, to count the characters of the part learned from (which makes the vocabulary), and to encode. The
result stays in the cache folder under a key made of the content's hash and of every option that changes it.
An entry is a folder of two files, made under a temporary name and renamed: it is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, ValidationError

from nextchar.cache_entry import UNFINISHED, crc32_of_file, make_folder, remove_entry, remove_leftovers
from nextchar.errors import TextError, UsageError
from nextchar.held_out import Piece, part_sizes, split_texts, training_sizes
from nextchar.settings import TextSettings
from nextchar.text import BLOCK, TextFile, text_chunks
from nextchar.vocabulary import CODE_POINTS, Counts, Vocabulary, code_points

FORMAT_VERSION = 3
_READABLE = (2, FORMAT_VERSION)
"""Formats of entries that are opened: in format 2 nothing says how much is held out of each text."""
IDS, DESCRIPTION = "ids.bin", "corpus.json"

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
    held_out: tuple[int, ...] = ()
    distinct: int
    rare: int
    vocabulary: str
    has_unknown: bool
    ids_crc32: int
    checksum: int = 0
    """CRC-32 of all the other fields; formats before 3 have none."""

    def sealed(self) -> _Description:
        """Return the same with its checksum."""
        return self.model_copy(update={"checksum": zlib.crc32(self.model_dump_json(exclude={"checksum"}).encode())})


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text as ids, with the vocabulary they are in."""

    ids: NDArray[np.unsignedinteger]
    """Shape (n,), memory-mapped, not to be written."""
    vocabulary: Vocabulary
    training_characters: int
    """The first so many ids are learned from; the others are held out."""
    held_out: tuple[int, ...]
    """How many of these are of each text; empty where that is not known."""
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
        """Ids held out: the ends of all texts, one after another; may be empty."""
        return self.ids[self.training_characters :]

    def held_out_excerpt(self, size: int) -> NDArray[np.unsignedinteger]:
        """Return ``size`` of the ids held out, or all where there are fewer: the start of each text's."""
        held_out = self.validation
        if size >= len(held_out) or len(self.held_out) < 2:
            return held_out[:size]
        starts = accumulate(self.held_out, initial=0)
        sizes = part_sizes(self.held_out, size)
        return np.concatenate([held_out[start : start + part] for start, part in zip(starts, sizes, strict=False)])

    def count_unknown(self, ids: NDArray[np.integer]) -> int:
        """Return how many of ``ids`` are characters that the vocabulary lacks."""
        return len(ids) - int(np.count_nonzero(ids)) if self.vocabulary.has_unknown else 0


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
        if description.format not in _READABLE or description.key != key:
            raise ValueError("another format or another text")
        if description.format > 2 and description != description.sealed():
            raise ValueError("the description has changed")
        if (entry / IDS).stat().st_size != description.characters * vocabulary.dtype.itemsize:
            raise ValueError("the ids are not all there")
        if crc32_of_file(entry / IDS) != description.ids_crc32:
            raise ValueError("the ids have changed")
        ids = np.memmap(entry / IDS, vocabulary.dtype, "r")
    except (OSError, ValidationError, ValueError) as error:
        raise TextError(f"The encoded text {key} is not in {cache_folder}, or damaged there.") from error
    return Corpus(
        ids=ids,
        vocabulary=vocabulary,
        training_characters=description.training_characters,
        held_out=description.held_out,
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

    lengths: tuple[int, ...]
    """Characters of each text."""
    sizes: tuple[int, ...]
    """How many of these are learned from, but for a line that is not cut."""
    training_characters: int
    held_out: tuple[int, ...]
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
        "errors": [text.errors for text in texts if text.replaced],
        "lowercase": unicodedata.unidata_version if settings.lowercase else None,
        "validation": settings.validation,
        "min_count": settings.min_count,
        "unknown_symbol": unknown_symbol,
    }
    key = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:32]
    return _Source(key, digest.hexdigest(), sum(lengths), stamps)


def _survey(texts: Sequence[TextFile], settings: TextSettings, unknown_symbol: bool) -> _Survey:
    """Split the texts, count the characters, and choose the vocabulary."""
    lengths = tuple(sum(map(len, text_chunks(text, settings.lowercase))) for text in texts)
    sizes = training_sizes(lengths, settings.validation)
    counts = {held_out: np.zeros(CODE_POINTS, np.int64) for held_out in (False, True)}
    held_out = [0] * len(texts)
    for piece in _pieces(texts, settings.lowercase, lengths, sizes):
        found = np.bincount(code_points(piece.content))
        counts[piece.held_out][: len(found)] += found
        if piece.held_out:
            held_out[piece.text] += len(piece.content)
    training, whole = counts[False], counts[False] + counts[True]
    training_characters = int(training.sum())
    _check(texts, whole, training)
    if unknown_symbol:
        vocabulary = Vocabulary.from_counts(training, settings.min_count or least_count(training_characters))
    else:
        vocabulary = Vocabulary.from_counts(whole, has_unknown=False)
    known = int(training[code_points(vocabulary.characters)].sum())
    return _Survey(
        lengths,
        sizes,
        training_characters,
        tuple(held_out),
        int(np.count_nonzero(whole)),
        training_characters - known,
        vocabulary,
    )


def _check(texts: Sequence[TextFile], whole: Counts, training: Counts) -> None:
    """Refuse texts with nothing to learn from, or with what is not a character."""
    characters, training_characters = int(whole.sum()), int(training.sum())
    if training_characters < 2 or np.count_nonzero(training) < 2:
        raise TextError(
            f"There is nothing to learn from in {_names(texts)}: {characters:,} characters, "
            f"{training_characters:,} of them to train on, {np.count_nonzero(training)} of these distinct. "
            "Give a text of some thousand characters at least."
        )
    if whole[0xD800:0xE000].any():
        raise TextError(
            f"{_names(texts)} has lone surrogates, which are no characters: give the right --encoding, or "
            "save it as UTF-8."
        )


def _pieces(
    texts: Sequence[TextFile], lowercase: bool, lengths: Sequence[int], sizes: Sequence[int]
) -> Iterator[Piece]:
    return split_texts((text_chunks(text, lowercase) for text in texts), lengths, sizes)


def _make_entry(
    texts: Sequence[TextFile], lowercase: bool, source: _Source, survey: _Survey, cache_folder: Path
) -> None:
    folder = cache_folder / "corpora"
    try:
        make_folder(folder)
        remove_leftovers(folder)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=folder) as temporary:
            entry = Path(temporary, source.key)
            entry.mkdir()
            _write_ids(entry / IDS, _pieces(texts, lowercase, survey.lengths, survey.sizes), survey.vocabulary)
            if _stamps(texts) != source.stamps:
                raise TextError(f"{_names(texts)} changed while being read: try again once nothing writes to it.")
            description = _Description(
                key=source.key,
                names=tuple(text.name for text in texts),
                content_sha256=source.content_sha256,
                bytes=source.bytes,
                characters=survey.training_characters + sum(survey.held_out),
                training_characters=survey.training_characters,
                held_out=survey.held_out,
                distinct=survey.distinct,
                rare=survey.rare,
                vocabulary=survey.vocabulary.characters,
                has_unknown=survey.vocabulary.has_unknown,
                ids_crc32=crc32_of_file(entry / IDS),
            ).sealed()
            (entry / DESCRIPTION).write_text(description.model_dump_json(), encoding="utf-8")
            _install(entry, folder / source.key, cache_folder)
    except OSError as error:
        raise TextError(
            f"The encoded text cannot be written to {folder}: {error.strerror or error}. Free the disk, or "
            "name another folder in NEXTCHAR_CACHE."
        ) from error


def _write_ids(path: Path, pieces: Iterable[Piece], vocabulary: Vocabulary) -> None:
    """Write the ids of what is learned from, and after them the ids of what is held out."""
    table = vocabulary.ids_by_code_point
    with path.open("wb") as training, tempfile.TemporaryFile(dir=path.parent) as held_out:
        for piece in pieces:
            # Every code point is in the table; "clip" spares the check and is twice as fast as table[points].
            ids = table.take(code_points(piece.content), mode="clip")
            (held_out if piece.held_out else training).write(ids.data)
        held_out.seek(0)
        shutil.copyfileobj(held_out, training, BLOCK)


def _stamps(texts: Sequence[TextFile]) -> tuple[tuple[int, int], ...]:
    try:
        states = [text.path.stat() for text in texts]
    except OSError as error:
        raise TextError(f"{error.filename} cannot be read: {error.strerror}. Check the path.") from error
    return tuple((state.st_size, state.st_mtime_ns) for state in states)


def _names(texts: Sequence[TextFile]) -> str:
    more = f" and {len(texts) - 3:,} more" if len(texts) > 3 else ""
    return ", ".join(text.name for text in texts[:3]) + more


def _install(entry: Path, place: Path, cache_folder: Path) -> None:
    """Give the finished ``entry`` its name; where another process was first, its work is as good."""
    for _ in range(3):
        try:
            entry.rename(place)
        except OSError:
            try:
                open_corpus(place.name, cache_folder)
            except TextError:
                remove_entry(place)  # damaged: in the way
                continue
        return
    entry.rename(place)

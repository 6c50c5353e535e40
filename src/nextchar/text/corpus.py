"""An encoded text: an id for each character, on disk, in the smallest type that holds them, keyed by content.

Texts are read a piece at a time, so that memory does not grow with them: once when they are opened, once to count the
characters of the part learned from (which makes the vocabulary), and once to encode. The result stays in the cache
folder under a key made of the content's hash and of every option that changes it. An entry is a folder of two files,
made under a temporary name and renamed: it is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, ValidationError

from nextchar.errors import TextError, UsageError
from nextchar.files.cache_entry import UNFINISHED, crc32_of_file, make_folder, remove_entry, remove_leftovers
from nextchar.settings import TextSettings
from nextchar.text.held_out import Piece, part_sizes
from nextchar.text.survey import Survey, count_texts, names_of, split_pieces, survey_texts
from nextchar.text.text_file import BLOCK, Content, Stamp, TextFile, content_of
from nextchar.text.vocabulary import Vocabulary, code_points

FORMAT_VERSION = 3
_READABLE = (2, FORMAT_VERSION)
"""Formats of entries that are opened: in format 2 nothing says how much is held out of each text."""
IDS, DESCRIPTION = "ids.bin", "corpus.json"


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
    former_key: str | None = None
    """The name that an entry of the same ids had in format 2; None where there is none, or it is not known."""

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


def encode_corpus(
    texts: Sequence[TextFile], settings: TextSettings, *, cache_folder: Path, unknown_symbol: bool = True
) -> Corpus:
    """Return ``texts``, one after another, encoded; taken from the cache where they were encoded before.

    With an unknown symbol the vocabulary is of the training part: the characters seen ``min_count`` times in
    it. Where not given, that is 1 in texts smaller than `nextchar.text.survey.SMALL`, else 2, so that what occurs once
    teaches how often to expect something new (as Good and Turing estimate), and more in texts larger than 2 `RARE`.

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
    contents = [content_of(text) for text in texts]
    # The hash of one text is known since it was opened; that of several, one after another, is found while counting.
    tally = count_texts(texts, contents, settings) if len(texts) > 1 else None
    sha256 = tally.sha256 if tally else contents[0].sha256
    source = _identify(texts, contents, sha256, settings, unknown_symbol)
    try:
        corpus = open_corpus(source.key, cache_folder)
    except TextError:  # never encoded, or damaged
        tally = tally or count_texts(texts, contents, settings)
        survey = survey_texts(texts, tally, settings.min_count, unknown_symbol)
        _make_entry(texts, settings.lowercase, source, survey, cache_folder)
        corpus = open_corpus(source.key, cache_folder)
    return replace(corpus, names=tuple(text.name for text in texts), former_key=source.former_key)


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
    former_key: str | None
    """That of the same result in format 2."""
    content_sha256: str
    bytes: int
    stamps: tuple[Stamp, ...]
    """Of the files when they were first read, which tell whether they have changed since."""


def _identify(
    texts: Sequence[TextFile], contents: Sequence[Content], sha256: str, settings: TextSettings, unknown_symbol: bool
) -> _Source:
    options = {
        "content": sha256,
        "lengths": [content.bytes for content in contents],
        "encodings": [text.encoding for text in texts],
        "lowercase": unicodedata.unidata_version if settings.lowercase else None,
        "validation": settings.validation,
        "min_count": settings.min_count,
        "unknown_symbol": unknown_symbol,
    }
    errors = [text.errors for text in texts if text.replaced]
    key = _key({**options, "format": FORMAT_VERSION, "errors": errors})
    # Of one text, and of a share that was given, the same characters were held out; of several, others.
    is_same = len(texts) == 1 and settings.validation is not None and not errors
    former = _key({**options, "format": 2}) if is_same else None
    return _Source(
        key, former, sha256, sum(content.bytes for content in contents), tuple(content.stamp for content in contents)
    )


def _key(options: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:32]


def _make_entry(
    texts: Sequence[TextFile], lowercase: bool, source: _Source, survey: Survey, cache_folder: Path
) -> None:
    folder = cache_folder / "corpora"
    try:
        make_folder(folder)
        remove_leftovers(folder)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=folder) as temporary:
            entry = Path(temporary, source.key)
            entry.mkdir()
            _write_ids(entry / IDS, split_pieces(texts, lowercase, survey), survey.vocabulary)
            if any(text.stamp != stamp for text, stamp in zip(texts, source.stamps, strict=True)):
                raise TextError(f"{names_of(texts)} changed while being read: try again once nothing writes to it.")
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

"""Encoded texts on disk, keyed by their content: made once, and found again.

Texts are read a piece at a time, so that memory does not grow with them: once when they are opened, once to count the
characters (the vocabulary comes from the training part), and once to encode. The result stays in the cache folder under
a key made of the content's hash and of every option that changes the result. An entry is a folder of two files that is
built under another name and then renamed, so that it is complete or absent. A kill leaves an unfinished one, which the
next try continues (`nextchar.text.unfinished`).
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, ValidationError

from nextchar.errors import TextError, UsageError
from nextchar.files.cache_entry import UNFINISHED, crc32_of_file, locked, make_folder, remove_entry, remove_leftovers
from nextchar.settings import TextSettings
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_key import FORMAT_VERSION, Source, identify, key_of, options_of
from nextchar.text.documents import PLAIN, Starts
from nextchar.text.held_out import Piece
from nextchar.text.record_file import RecordFile
from nextchar.text.survey import Survey, Tally, count_texts, names_of, split_pieces, survey_texts
from nextchar.text.text_file import TextFile, content_of, up_to_date
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.tokenizers import tokenizer_of
from nextchar.text.unfinished import Position, Unfinished
from nextchar.text.vocabulary import Inherited, Vocabulary
from nextchar.text.word_tokenizer import WordTokenizer, pieces_of_words

_READABLE = (2, FORMAT_VERSION)
"""Formats of entries that are read; format 2 lacks the sizes of the held-out part of each text."""
IDS, DESCRIPTION = "ids.bin", "corpus.json"


class _Description(BaseModel):
    """What a cache entry holds besides the ids."""

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
    vocabulary: str = ""
    has_unknown: bool = True
    """The characters of a `Vocabulary`, and whether it has the unknown symbol."""
    ids_crc32: int
    starts: Starts = ()
    """As in `Corpus`; left out where it is `PLAIN`, and in entries of early versions."""
    is_list: bool = False
    """As in `Corpus`; entries of early versions lack it."""
    tokens: dict[str, Any] | None = None
    """The tokens where they are something else than characters."""
    of_text: tuple[int, int] | None = None
    """Characters of all of the text and of the training part, where they are not one for each id."""
    checksum: int = 0
    """CRC-32 of all other fields that are there; formats before 3 have none."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokens."""
        return Vocabulary(self.vocabulary, self.has_unknown) if self.tokens is None else tokenizer_of(self.tokens)

    def sealed(self) -> _Description:
        """Return a copy with its checksum."""
        optional = ("starts", "is_list", "tokens", "of_text")
        left_out = {"checksum", *(name for name in optional if not getattr(self, name))}
        return self.model_copy(update={"checksum": zlib.crc32(self.model_dump_json(exclude=left_out).encode())})


def default_cache_folder() -> Path:
    """Return the folder for everything that can be rebuilt: ``NEXTCHAR_CACHE``, or the user's cache."""
    return Path(os.environ.get("NEXTCHAR_CACHE") or user_cache_path("nextchar"))


def encode_corpus(
    texts: Sequence[TextFile],
    settings: TextSettings,
    *,
    cache_folder: Path,
    unknown_symbol: bool = True,
    inherited: Inherited | None = None,
    tokens: Tokenizer | None = None,
) -> Corpus:
    """Encode ``texts``, one after another, or return them from the cache if they have been encoded before.

    With an unknown symbol, the vocabulary consists of the characters that occur ``min_count`` times in the training
    part. By default that is once in texts smaller than `nextchar.text.survey.SMALL`, and twice in larger texts, so that
    what occurs once shows how often to expect something new (as Good and Turing estimate). In texts of 3 times
    `nextchar.text.survey.RARE` characters or more, it is more.

    Args:
        texts: the texts to encode, at least one.
        settings: lower-casing, the held-out share, and how rare is too rare.
        cache_folder: folder of encoded texts.
        unknown_symbol: whether rare characters share one id; if not, every character of the text has its own.
        inherited: characters that have an id though they are rare.
        tokens: those of a model that training starts from; of words and bytes they are taken as they are.

    Raises:
        TextError: a text cannot be read or is too small to learn from, or the cache cannot be written.
        UsageError: ``min_count`` is given and there is no unknown symbol.
    """
    if settings.min_count is not None and not unknown_symbol:
        raise UsageError("The classic recipe keeps every character: leave --min-count out, or use the default recipe.")
    texts = [up_to_date(text) for text in texts]
    contents = [content_of(text) for text in texts]
    options = options_of(texts, contents, settings, unknown_symbol=unknown_symbol, inherited=inherited)
    if isinstance(tokens, WordTokenizer):
        options["words"] = tokens.header()
    each = [(content.sha256, text.errors) for content, text in zip(contents, texts, strict=True)]
    work = key_of({**options, "each": each, "format": FORMAT_VERSION})
    unfinished = Unfinished(cache_folder / "corpora" / f"{UNFINISHED}{work}")
    # The hash of one text is known from opening it; the hash of several, one after another, comes from counting.
    tally = unfinished.tally() or count_texts(texts, contents, settings) if len(texts) > 1 else None
    source = identify(texts, contents, tally.sha256 if tally else contents[0].sha256, options)
    corpus = _find(source.key, cache_folder)
    if corpus is None:
        tally = tally or unfinished.tally() or count_texts(texts, contents, settings)
        survey = _survey(texts, settings, tally, unknown_symbol, inherited, tokens)
        _make_entry(_Entry(texts, settings, source, tally, survey), unfinished, cache_folder)
        corpus = open_corpus(source.key, cache_folder)
    return replace(corpus, names=tuple(text.name for text in texts), former_key=source.former_key)


def open_corpus(key: str, cache_folder: Path) -> Corpus:
    """Open the encoded text with the name ``key`` in the cache.

    Raises:
        TextError: it is not in the cache, or it is damaged.
    """
    entry = cache_folder / "corpora" / key
    try:
        description = _Description.model_validate_json((entry / DESCRIPTION).read_bytes())
        vocabulary = description.tokenizer
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
        raise TextError(f"The encoded text {key} is missing or damaged in {cache_folder}.") from error
    characters, training_characters = description.of_text or (description.characters, description.training_characters)
    return Corpus(
        ids=ids,
        vocabulary=vocabulary,
        characters=characters,
        training_characters=training_characters,
        training_ids=description.training_characters,
        held_out=description.held_out,
        key=key,
        names=description.names,
        content_sha256=description.content_sha256,
        bytes=description.bytes,
        distinct=description.distinct,
        rare=description.rare,
        starts=description.starts or (PLAIN if len(description.names) == 1 else ()),
        is_list=description.is_list,
    )


def _survey(  # noqa: PLR0917 (those of `encode_corpus`)
    texts: Sequence[TextFile],
    settings: TextSettings,
    tally: Tally,
    unknown_symbol: bool,
    inherited: Inherited | None,
    tokens: Tokenizer | None,
) -> Survey:
    """Return what to know before ``texts`` are encoded; words are counted in another reading."""
    kind = settings.token_kind
    survey = survey_texts(texts, tally, settings.min_count, unknown_symbol, tokens=kind, inherited=inherited)
    if kind != "words":
        return survey
    if isinstance(tokens, WordTokenizer):
        return replace(survey, vocabulary=tokens, rare=tally.unknown_to(tokens))
    assert isinstance(survey.vocabulary, Vocabulary)
    pieces = pieces_of_words(split_pieces(texts, settings, survey))
    learned = (piece.content for piece in pieces if not piece.held_out)
    return replace(survey, vocabulary=WordTokenizer.of_text(learned, survey.vocabulary, settings.vocabulary_size))


@dataclass(frozen=True)
class _Entry:
    """What an entry of the cache is made of."""

    texts: Sequence[TextFile]
    settings: TextSettings
    source: Source
    tally: Tally
    survey: Survey

    def pieces(self, position: Position) -> Iterator[Piece]:
        """Yield the pieces of the texts from the section of ``position`` on."""
        pieces = split_pieces(self.texts, self.settings, self.survey, start=position.section, endings=position.endings)
        return pieces_of_words(pieces) if isinstance(self.survey.vocabulary, WordTokenizer) else pieces

    def check_unchanged(self) -> None:
        """Check that no file has changed since it was first read.

        Raises:
            TextError: one has.
        """
        if any(text.stamp != stamp for text, stamp in zip(self.texts, self.source.stamps, strict=True)):
            raise TextError(f"{names_of(self.texts)} changed while being read: try again once nothing writes to it.")

    def description(self, ids: Sequence[tuple[int, int]], ids_crc32: int) -> _Description:
        """Return what stands in the entry besides the ``ids``, given their number in both parts of each section."""
        source, survey = self.source, self.survey
        training, held_out = zip(*ids, strict=True)
        has_lines = (not (self.settings.lines or isinstance(text, RecordFile)) for text in self.texts)
        before = tuple(accumulate(training, initial=0))
        firsts = accumulate(survey.sections[:-1], initial=0)
        starts = tuple(zip((before[first] for first in firsts), has_lines, strict=True))
        of_text = survey.training_characters + sum(survey.held_out), survey.training_characters
        tokens: dict[str, Any] = {"tokens": survey.vocabulary.header(), "of_text": of_text}
        if isinstance(survey.vocabulary, Vocabulary):
            tokens = {"vocabulary": survey.vocabulary.characters, "has_unknown": survey.vocabulary.has_unknown}
        return _Description(
            key=source.key,
            names=tuple(text.name for text in self.texts),
            content_sha256=source.content_sha256,
            bytes=source.bytes,
            characters=sum(training) + sum(held_out),
            training_characters=sum(training),
            held_out=held_out,
            distinct=survey.distinct,
            rare=survey.rare,
            **tokens,
            ids_crc32=ids_crc32,
            starts=() if starts == PLAIN else starts,
            is_list=bool(self.settings.lines),
        ).sealed()


def _make_entry(entry: _Entry, unfinished: Unfinished, cache_folder: Path) -> None:
    """Make an entry, or finish the ``unfinished`` one, unless another process has done so meanwhile."""
    folder, key = cache_folder / "corpora", entry.source.key
    try:
        make_folder(folder)
        remove_leftovers(folder)
        with locked(cache_folder / "locks", key):
            if _find(key, cache_folder):
                return
            unfinished.begin()
            unfinished.keep_tally(entry.tally)
            path, survey = unfinished.entry / IDS, entry.survey
            ids = unfinished.write_ids(path, entry.pieces, survey.vocabulary, len(survey.lengths))
            entry.check_unchanged()
            description = entry.description(ids, crc32_of_file(path))
            (unfinished.entry / DESCRIPTION).write_text(description.model_dump_json(), encoding="utf-8")
            _install(unfinished.entry, folder / key, cache_folder)
            unfinished.remove()
    except TextError:
        unfinished.remove()
        raise
    except OSError as error:
        raise TextError(
            f"The encoded text cannot be written to {folder}: {error.strerror or error}. Free the disk, or "
            "name another folder in NEXTCHAR_CACHE."
        ) from error


def _find(key: str, cache_folder: Path) -> Corpus | None:
    """Return the encoded text with the name ``key``; None if it has not been encoded yet, or is damaged."""
    try:
        return open_corpus(key, cache_folder)
    except TextError:
        return None


def _install(entry: Path, place: Path, cache_folder: Path) -> None:
    """Give the finished ``entry`` its name. If another process was faster, its entry is just as good."""
    for _ in range(3):
        try:
            entry.rename(place)
        except OSError:
            if _find(place.name, cache_folder) is None:
                remove_entry(place)  # it is damaged, and in the way
                continue
        return
    entry.rename(place)

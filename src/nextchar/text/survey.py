"""What to know about texts before they are encoded: where each is cut, how often each character occurs, and the
resulting vocabulary.

A text has already been read once when it was opened, so its length and hash are known. It is read again here to count
its characters, and a third time to encode it. (Texts in UTF-16 and in legacy encodings are read more often, to detect
the encoding.) A file of records counts as several texts here, its sections: the end of each is held out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np

from nextchar.errors import TextError
from nextchar.settings import TextSettings, TokenKind
from nextchar.text.byte_tokenizer import ByteTokenizer
from nextchar.text.content import Content
from nextchar.text.held_out import Piece, split_lines, split_texts, training_sizes
from nextchar.text.jamo import JamoTokenizer
from nextchar.text.text_file import TextFile
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import CODE_POINTS, Counts, Inherited, Vocabulary, code_points

SMALL = 20_000
"""Smaller training texts keep every character: with an unknown symbol, too much of them would be lost."""
RARE = 1_000_000
"""In larger texts, a character is too rare to learn if it occurs once, or less than once in this many characters."""


@dataclass(frozen=True, eq=False)
class Tally:
    """How texts are cut, and how often each character occurs."""

    sections: tuple[int, ...]
    """Number of sections of each text; all the following are of sections."""
    lengths: tuple[int, ...]
    """Length of each in characters."""
    sizes: tuple[int, ...]
    """Size of the training part of each, before the cut moves back to the start of a line."""
    held_out: tuple[int, ...]
    """Number of held-out characters of each."""
    training: tuple[int, ...]
    """Number of characters of each that are learned from, with added line ends."""
    training_counts: Counts
    """Occurrences of each code point in the training part, shape (0x110000,)."""
    counts: Counts
    """Occurrences of each code point in all texts, shape (0x110000,)."""
    sha256: str
    """Hash of the bytes of the texts, decompressed, one text after another."""

    def unknown_to(self, tokens: Tokenizer) -> int:
        """Return how many characters of the training part ``tokens`` do not know."""
        points = np.flatnonzero(self.training_counts)
        unknown = tokens.unknown_in(points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass"))
        return int(self.training_counts[points[unknown]].sum())


@dataclass(frozen=True)
class Survey:
    """What to know before encoding."""

    sections: tuple[int, ...]
    lengths: tuple[int, ...]
    sizes: tuple[int, ...]
    training_characters: int
    held_out: tuple[int, ...]
    distinct: int
    rare: int
    """Characters of the training part that are read as the unknown symbol."""
    vocabulary: Tokenizer


def least_count(training_characters: int) -> int:
    """Return how often a character must occur in ``training_characters`` of text to get an id of its own."""
    return 1 if training_characters < SMALL else max(2, training_characters // RARE)


def count_texts(texts: Sequence[TextFile], contents: Sequence[Content], settings: TextSettings) -> Tally:
    """Cut ``texts``, count their characters and compute the hash of all of them, in one reading.

    Args:
        texts: the texts, at least one.
        contents: what the first reading of each text found.
        settings: lower-casing and the held-out share.

    Raises:
        TextError: a text cannot be read.
    """
    of_texts = [content.lengths(lowercase=settings.lowercase) for content in contents]
    lengths = tuple(chain.from_iterable(of_texts))
    sizes = training_sizes(lengths, settings.validation)
    counts = {held_out: np.zeros(CODE_POINTS, np.int64) for held_out in (False, True)}
    parts = {part: [0] * len(lengths) for part in (False, True)}
    digest = hashlib.sha256() if len(texts) > 1 else None
    sections = (
        section
        for text in texts
        for section in text.sections(lowercase=settings.lowercase, on_block=digest.update if digest else None)
    )
    if settings.lines:
        pieces = split_lines(sections, sum(lengths), settings.validation, settings.repeated)
    else:
        pieces = split_texts(sections, lengths, sizes, settings.boundary)
    for piece in pieces:
        found = np.bincount(code_points(piece.content))
        counts[piece.held_out][: len(found)] += found
        parts[piece.held_out][piece.text] += len(piece.content)
    sha256 = contents[0].sha256 if digest is None else digest.hexdigest()
    return Tally(
        tuple(map(len, of_texts)),
        lengths,
        sizes,
        tuple(parts[True]),
        tuple(parts[False]),
        counts[False],
        counts[False] + counts[True],
        sha256,
    )


def survey_texts(
    texts: Sequence[TextFile],
    tally: Tally,
    min_count: int | None,
    unknown_symbol: bool,
    *,
    tokens: TokenKind = "characters",
    inherited: Inherited | None = None,
) -> Survey:
    """Choose the vocabulary of ``texts``; of words it has the characters that rare ones are spelled with.

    Args:
        texts: the texts.
        tally: how often their characters occur.
        min_count: as in `nextchar.settings.TextSettings`.
        unknown_symbol: whether rare characters share one id.
        tokens: their kind.
        inherited: characters that may be rarer.

    Raises:
        TextError: they are too small to learn from, or contain surrogates, which bytes alone may.
    """
    _check(texts, tally, surrogates=tokens == "bytes")
    training = tally.training_counts
    training_characters = int(training.sum())
    least = min_count or least_count(training_characters)
    vocabulary: Tokenizer
    if tokens == "bytes":
        vocabulary = ByteTokenizer()
    elif tokens == "jamo":
        vocabulary = JamoTokenizer.from_counts(training, least, inherited)
    elif unknown_symbol:
        vocabulary = Vocabulary.from_counts(training, least, inherited=inherited)
    else:
        vocabulary = Vocabulary.from_counts(tally.counts, has_unknown=False)
    return Survey(
        tally.sections,
        tally.lengths,
        tally.sizes,
        training_characters,
        tally.held_out,
        int(np.count_nonzero(tally.counts)),
        tally.unknown_to(vocabulary),
        vocabulary,
    )


def split_pieces(
    texts: Sequence[TextFile],
    settings: TextSettings,
    survey: Survey,
    *,
    start: int = 0,
    endings: tuple[str, str] = ("", ""),
) -> Iterator[Piece]:
    """Yield ``texts`` in pieces, cut at the sizes in ``survey``, as `nextchar.text.held_out` does.

    Args:
        texts: the texts of the survey.
        settings: as they were surveyed with.
        survey: what is known about them.
        start: number of the section to start from; texts before it are not read.
        endings: last characters of the two parts before it.
    """
    if settings.lines:  # which of them are repeated, only all of them show
        whole = (section for text in texts for section in text.sections(lowercase=settings.lowercase))
        pieces = split_lines(whole, sum(survey.lengths), settings.validation, settings.repeated)
        return (piece for piece in pieces if piece.text >= start)
    firsts = accumulate(survey.sections, initial=0)
    sections = (
        section
        for text, first, count in zip(texts, firsts, survey.sections, strict=False)
        if first + count > start
        for section in text.sections(max(0, start - first), lowercase=settings.lowercase)
    )
    return split_texts(sections, survey.lengths, survey.sizes, settings.boundary, start=start, endings=endings)


def names_of(texts: Sequence[TextFile]) -> str:
    """Return the names of ``texts`` for a message, at most three."""
    more = f" and {len(texts) - 3:,} more" if len(texts) > 3 else ""
    return ", ".join(text.name for text in texts[:3]) + more


def _check(texts: Sequence[TextFile], tally: Tally, *, surrogates: bool) -> None:
    """Refuse texts that are too small to learn from, or contain surrogates unless they are allowed."""
    characters, training_characters = int(tally.counts.sum()), int(tally.training_counts.sum())
    distinct = np.count_nonzero(tally.training_counts)
    if training_characters < 2 or distinct < 2:
        raise TextError(
            f"There is nothing to learn from in {names_of(texts)}: {characters:,} characters, "
            f"{training_characters:,} of them to train on, {distinct} of these distinct. "
            "Give a text of at least a few thousand characters."
        )
    if not surrogates and tally.counts[0xD800:0xE000].any():
        raise TextError(
            f"{names_of(texts)} contains lone surrogates, which are not characters: give the right --encoding, or "
            "save it as UTF-8."
        )

"""Facts about a text: encodings, rare and odd characters, lines, repetition, size and compression."""

from __future__ import annotations

import bz2
import lzma
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nextchar.settings import TextSettings
from nextchar.text.decomposition import decomposed_sequences
from nextchar.text.held_out import training_sizes
from nextchar.text.survey import least_count
from nextchar.text.text_file import TextFile, content_of, joined_chunks
from nextchar.text.vocabulary import CODE_POINTS, Counts, code_points, describe_characters

WINDOW = 64
"""Length of the passages that are compared to find repetition, in characters."""
EXAMINED = 8_000_000
"""Characters, from the start, that are searched for repetition."""
COMPRESSED = 4_000_000
"""Bytes of UTF-8, from the end, that are compressed."""
EXAMPLES = 10
"""Characters of each kind that are named."""

Size = Literal["too small", "small", "modest", "enough"]
_SIZES: tuple[tuple[int, Size, str], ...] = (
    (1_000, "too small", "a model can learn its letters and little else: give at least 50,000 characters"),
    (50_000, "small", "a model will learn its words, but mostly repeat the text: 300,000 characters are better"),
    (300_000, "modest", "a model will learn its words and some of its style; more text would help"),
)


@dataclass(frozen=True)
class FileFacts:
    """Facts about one file."""

    name: str
    encoding: str
    determined: str
    compressed: bool
    bytes: int
    """Size, decompressed."""
    lf: int
    """Lines that end in a line feed without a carriage return."""
    crlf: int
    cr: int


@dataclass(frozen=True)
class CharacterCount:
    """A character and how often it occurs."""

    character: str
    description: str
    """The character with its code point and name."""
    count: int


@dataclass(frozen=True)
class Oddity:
    """Characters of a kind that texts seldom need."""

    kind: str
    count: int
    """Occurrences of all of them."""
    examples: tuple[str, ...]
    """Descriptions of the most frequent of them."""


@dataclass(frozen=True)
class Repetition:
    """How much of a text occurs more than once."""

    examined: int
    """Number of characters examined, from the start."""
    share: float
    """Share of these that lie in passages of `WINDOW` characters that have occurred before, 0 to 1."""
    line: str | None
    """First 200 characters of the line whose repetitions take up most characters; None if no line with a letter is
    repeated."""
    line_count: int
    """How often it occurs."""


@dataclass(frozen=True)
class Inspection:
    """Facts about a text, and a judgement of its size."""

    files: tuple[FileFacts, ...]
    bytes: int
    characters: int
    """Of all files together, after lower-casing if requested; a line end counts as one character."""
    distinct: int
    frequent: tuple[CharacterCount, ...]
    least_count: int
    """Characters that occur less often would be read as unknown."""
    rare: int
    """Distinct characters that occur less often than `least_count`."""
    rare_occurrences: int
    rare_examples: tuple[CharacterCount, ...]
    oddities: tuple[Oddity, ...]
    decomposed_share: float
    """Share of the characters that Unicode's form NFC would write otherwise: letters apart from their marks, and
    syllables apart in jamo; 0 to 1."""
    lines: int
    longest_line: int
    repetition: Repetition
    size: Size
    advice: str | None
    """What to do about the size; None if it is enough."""
    compressed_characters: int
    """Characters, from the end, that are compressed for the next two figures."""
    bz2_bits_per_character: float | None
    lzma_bits_per_character: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return asdict(self)


def inspect_texts(texts: Sequence[TextFile], settings: TextSettings) -> Inspection:
    """Read ``texts`` as one text, in bounded memory, and return the facts about it.

    Raises:
        TextError: a text cannot be read.
    """
    files = tuple(_file_facts(text) for text in texts)
    tally = _Tally()
    for chunk in joined_chunks(texts, settings.lowercase, settings.boundary):
        tally.add(chunk)
    counts = tally.counts
    characters = int(counts.sum())
    least = settings.min_count or least_count(sum(training_sizes([characters], settings.validation)))
    rare = np.flatnonzero((counts > 0) & (counts < least))
    size, advice = _judge(characters)
    ending = "".join(tally.ending).encode("utf-8", "replace")[-COMPRESSED:].decode("utf-8", "ignore")
    return Inspection(
        files=files,
        bytes=sum(file.bytes for file in files),
        characters=characters,
        distinct=int(np.count_nonzero(counts)),
        frequent=_most_frequent(counts, np.flatnonzero(counts)),
        least_count=least,
        rare=len(rare),
        rare_occurrences=int(counts[rare].sum()),
        rare_examples=_most_frequent(-counts, rare),
        oddities=(*_oddities(counts), *_decomposed(tally)),
        decomposed_share=tally.decomposed_characters / max(1, characters),
        lines=tally.line_ends + (tally.line > 0),
        longest_line=max(tally.longest_line, tally.line),
        repetition=_repetition("".join(tally.beginning)),
        size=size,
        advice=advice,
        compressed_characters=len(ending),
        bz2_bits_per_character=_bits_per_character(ending, bz2.compress),
        lzma_bits_per_character=_bits_per_character(ending, lzma.compress),
    )


class _Tally:
    """Counts of a text that is read piece by piece."""

    def __init__(self) -> None:
        self.counts: Counts = np.zeros(CODE_POINTS, np.int64)
        self.line_ends = self.longest_line = 0
        self.line = 0
        """Length of the current line so far."""
        self.beginning: list[str] = []
        self._room = EXAMINED
        self.ending: deque[str] = deque()
        self._ending_length = 0
        self.decomposed: Counter[str] = Counter()

    def add(self, chunk: str) -> None:
        """Count the next piece of the text."""
        points = code_points(chunk)
        found = np.bincount(points)
        self.counts[: len(found)] += found
        self._add_lines(points)
        if self._room:
            self.beginning.append(chunk[: self._room])
            self._room -= len(self.beginning[-1])
        self.ending.append(chunk)
        self._ending_length += len(chunk)
        while self._ending_length - len(self.ending[0]) >= COMPRESSED:
            self._ending_length -= len(self.ending.popleft())
        self.decomposed.update(decomposed_sequences(chunk))

    @property
    def decomposed_characters(self) -> int:
        """Number of characters in `decomposed`."""
        return sum(len(sequence) * count for sequence, count in self.decomposed.items())

    def _add_lines(self, points: NDArray[np.uint32]) -> None:
        ends = np.flatnonzero(points == ord("\n"))
        if len(ends):
            first, longest_inside = int(ends[0]), int(np.diff(ends).max(initial=1)) - 1
            self.longest_line = max(self.longest_line, self.line + first, longest_inside)
            self.line = len(points) - int(ends[-1]) - 1
        else:
            self.line += len(points)
        self.line_ends += len(ends)


def _file_facts(text: TextFile) -> FileFacts:
    content = content_of(text)
    ends = content.line_ends
    return FileFacts(
        text.name, text.encoding, text.determined, text.compressed, content.bytes, ends.lf, ends.crlf, ends.cr
    )


def _judge(characters: int) -> tuple[Size, str | None]:
    for limit, size, advice in _SIZES:
        if characters < limit:
            return size, advice
    return "enough", None


def _most_frequent(weights: Counts, points: NDArray[np.intp]) -> tuple[CharacterCount, ...]:
    """Return the ``points`` with the largest weights; of equal ones, the lower code point comes first."""
    order = np.argsort(-weights[points], kind="stable")[:EXAMPLES]
    return tuple(
        CharacterCount(chr(point), describe_characters(chr(point)), abs(int(weights[point])))
        for point in points[order].tolist()
    )


def _kind(character: str) -> str | None:
    """Return which kind of odd character ``character`` is, or None if it is not odd."""
    if character in "\n\t \u3000":
        return None
    named = _ODD.get(character) or next((kind for low, high, kind in _ODD_RANGES if low <= character <= high), None)
    return named or _ODD_CATEGORIES.get(unicodedata.category(character))


_ODD = {
    "\ufffd": "replacement characters: the file was once read in the wrong encoding",
    "\ufeff": "byte order marks inside the text",
    "\u00ad": "soft hyphens",
    **dict.fromkeys(
        "\u200b\u200c\u200d\u2060\u180e", "zero-width characters (Persian, Indian scripts and emoji need some)"
    ),
}
_ODD_RANGES = (
    ("\uf900", "\ufaff", "compatibility ideographs: each looks like a common one but is a different character"),
    ("\U0002f800", "\U0002fa1f", "compatibility ideographs: each looks like a common one but is a different character"),
)
_ODD_CATEGORIES = {
    "Cc": "control characters",
    "Co": "private-use characters: what they show depends on the font",
    "Cn": "unassigned code points",
    "Cs": "lone surrogates: not characters",
    "Cf": "other invisible format characters",
    "Zs": "spaces other than the usual ones",
    "Zl": "line and paragraph separators",
    "Zp": "line and paragraph separators",
}
_FULL_WIDTH = 0xFEE0
"""How far a full-width form is from its ASCII character."""


def _oddities(counts: Counts) -> list[Oddity]:
    kinds: dict[str, list[int]] = {}
    for point in np.flatnonzero(counts).tolist():
        kind = _kind(chr(point))
        plain = point - _FULL_WIDTH
        if plain in range(0x7F) and chr(plain).isalnum() and counts[plain]:
            kind = "full-width letters and digits that also occur in plain width"
        if kind:
            kinds.setdefault(kind, []).append(point)
    return [
        Oddity(
            kind,
            int(counts[points].sum()),
            tuple(example.description for example in _most_frequent(counts, np.array(points, np.intp))),
        )
        for kind, points in kinds.items()
    ]


def _decomposed(tally: _Tally) -> list[Oddity]:
    """Return the sequences that NFC would write as one character. They are changed only where that is asked for."""
    if not tally.decomposed:
        return []
    examples = tuple(describe_characters(sequence) for sequence, _ in tally.decomposed.most_common(EXAMPLES))
    return [Oddity("decomposed sequences: not in Unicode's form NFC", tally.decomposed.total(), examples)]


def _repetition(text: str) -> Repetition:
    lines = Counter(line for line in text.split("\n") if any(c.isalpha() for c in islice(line, 1000)))
    line, count = max(lines.items(), key=lambda item: len(item[0]) * (item[1] - 1), default=(None, 0))
    if count < 2:
        line, count = None, 0
    return Repetition(len(text), repeated_share(code_points(text)), line and line[:200], count)


def repeated_share(points: NDArray[np.uint32]) -> float:
    """Return the share of ``points`` (n,) that lie in a passage of `WINDOW` characters that has occurred before.

    Passages are compared by 64-bit hashes: with 8 million passages, two different ones collide in one text of 500,000.
    """
    if len(points) <= WINDOW:
        return 0.0
    hashes = _window_hashes(points)
    order = np.argsort(hashes, kind="stable")  # of equal passages, the first in the text comes first
    ordered = hashes[order]
    again = order[1:][ordered[1:] == ordered[:-1]]
    edges = np.zeros(len(points) + 1, np.int32)
    edges[again] += 1
    edges[again + WINDOW] -= 1
    return float(np.count_nonzero(np.cumsum(edges))) / len(points)


def _window_hashes(points: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return a hash of each passage of `WINDOW` characters, shape (n - WINDOW + 1,), from the hashes of its halves."""
    hashes = points.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    half = 1
    while half < WINDOW:
        mixed = hashes[:-half] * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(31)
        hashes = (mixed + hashes[half:]) * np.uint64(0x94D049BB133111EB)
        half *= 2
    return hashes


def _bits_per_character(text: str, compress: Callable[[bytes], bytes]) -> float | None:
    return 8 * len(compress(text.encode())) / len(text) if text else None

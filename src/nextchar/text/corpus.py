"""An encoded text: an id for each token, in the smallest type that holds them.

It lies on disk (`nextchar.text.corpus_cache`) and is mapped into memory, which does not grow with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from nextchar.randomness import random_stream
from nextchar.text.documents import SourceText, Starts, documents_of
from nextchar.text.held_out import part_sizes
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import UNKNOWN_ID


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text as ids, with their vocabulary."""

    ids: NDArray[np.unsignedinteger]
    """Shape (n,), memory-mapped, read-only."""
    vocabulary: Tokenizer
    characters: int
    """Characters of the whole text."""
    training_characters: int
    """Characters of the training part."""
    training_ids: int
    """Number of ids, from the start, in the training part; the others are held out."""
    held_out: tuple[int, ...]
    """Number of held-out ids of each text, or of each section of a file of records; empty if unknown."""
    key: str
    """Name of the cache entry."""
    names: tuple[str, ...]
    content_sha256: str
    """Hash of the bytes of the texts, decompressed, one text after another."""
    bytes: int
    distinct: int
    """Distinct characters of the whole text."""
    rare: int
    """Characters of the training part that are read as the unknown symbol."""
    starts: Starts = ()
    """Of the texts in the training part; empty if unknown."""
    is_list: bool = False
    """Whether each line is an entry of its own: the held-out lines are from everywhere, and empty ones are left out."""
    former_key: str | None = None
    """Name of an entry with the same ids in format 2; None if there is none, or if it is unknown."""

    def __repr__(self) -> str:
        return f"<Corpus: {self.characters:,} characters of {', '.join(self.names)}, {self.vocabulary.size:,} ids>"

    @property
    def training(self) -> NDArray[np.unsignedinteger]:
        """Ids of the training part."""
        return self.ids[: self.training_ids]

    @property
    def validation(self) -> NDArray[np.unsignedinteger]:
        """Ids of the held-out part: the ends of all texts, one after another; may be empty."""
        return self.ids[self.training_ids :]

    @property
    def source(self) -> SourceText:
        """The training part with its documents; of a list also the held-out lines, so that what is new is known."""
        ids = self.ids if self.is_list else self.training
        return SourceText(ids, documents_of(self.names, self.starts), self.vocabulary)

    @property
    def line_end(self) -> int | None:
        """The id of the line end in a list; None for other texts."""
        return int(self.vocabulary.encode("\n")[0]) if self.is_list else None

    def held_out_excerpt(self, size: int) -> NDArray[np.unsignedinteger]:
        """Return ``size`` of the held-out ids, or all if there are fewer: the first ones of each text."""
        held_out = self.validation
        if size >= len(held_out) or len(self.held_out) < 2:
            return held_out[:size]
        starts = accumulate(self.held_out, initial=0)
        sizes = part_sizes(self.held_out, size)
        return np.concatenate([held_out[start : start + part] for start, part in zip(starts, sizes, strict=False)])

    def without_order(self, ids: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return ``ids`` (n,) of a list with its lines shuffled, always in the same way, for what learns from their
        order; other texts as they are."""
        if not self.is_list:
            return ids
        bounds = [0, *(np.flatnonzero(ids == self.line_end) + 1).tolist()]
        order = random_stream(0, "evaluation").permutation(len(bounds) - 1).tolist()
        return np.concatenate([ids[bounds[line] : bounds[line + 1]] for line in order])

    def characters_per_line(self, ids: NDArray[np.integer]) -> float | None:
        """Return the mean length of the lines of ``ids`` (n,) of a list, with their ends; None for other texts."""
        lines = int(np.count_nonzero(ids == self.line_end)) if self.is_list else 0
        return int(self.vocabulary.token_lengths(ids).sum()) / lines if lines else None

    def characters_per_byte(self, ids: NDArray[np.integer]) -> float | None:
        """Return how many characters a byte of ``ids`` (n,) stands for; None where tokens are something else."""
        is_of_bytes = self.vocabulary.kind == "bytes" and len(ids) > 0
        return float(self.vocabulary.token_lengths(ids).mean()) if is_of_bytes else None

    def count_unknown(self, ids: NDArray[np.integer]) -> int:
        """Return how many of ``ids`` stand for characters outside the vocabulary."""
        return len(ids) - int(np.count_nonzero(ids)) if UNKNOWN_ID in self.vocabulary.never_drawn else 0

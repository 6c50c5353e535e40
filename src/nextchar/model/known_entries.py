"""The entries that a model has learned from, to tell whether another one is new."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from nextchar.text.documents import SourceText
from nextchar.text.labels import split_label


def fold_case(entry: str) -> str:
    """Return what ``entry`` has in common with all texts that differ from it in case or in composition alone.

    Source: The Unicode Standard, section 3.13, D145 (canonical caseless matching).
    """
    if entry.isascii():
        return entry.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", entry).casefold())


@dataclass(frozen=True)
class KnownEntries:
    """The lines of a training text, whatever their case."""

    folded: frozenset[str]
    """Each entry by `fold_case`."""
    is_whole: bool = True
    """Whether these are all; False if only the end of a long text is known."""

    @classmethod
    def of_lines(cls, lines: Iterable[str]) -> KnownEntries:
        """Return the entries on ``lines``; empty ones are none."""
        return cls(frozenset(fold_case(line) for line in lines if line))

    @classmethod
    def of_source(cls, source: SourceText, *, is_whole: bool = True) -> KnownEntries:
        """Return the entries of the training text ``source``, each on a line; a text that is not whole may begin within
        one, which is left out."""
        lines = source.vocabulary.decode(source.ids).split("\n")
        return cls(cls.of_lines(lines if is_whole else lines[1:]).folded, is_whole)

    def without_labels(self) -> KnownEntries:
        """Return the entries of a list with labels, which stand before them, alone."""
        return KnownEntries(frozenset(split_label(line)[1] for line in self.folded), self.is_whole)

    def __contains__(self, entry: str) -> bool:
        """Return whether ``entry`` is among them, whatever its case."""
        return fold_case(entry) in self.folded

    def __len__(self) -> int:
        """Return how many different entries there are."""
        return len(self.folded)

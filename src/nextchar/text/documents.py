"""The documents of an encoded text: where each begins, so that a place in the text has a file and a line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from nextchar.text.overlap import copied_passages
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import Vocabulary

Ids = NDArray[np.integer]
Starts = tuple[tuple[int, bool], ...]
"""For each text where it begins, and whether its lines are those of its file, which those of records are not."""

PLAIN: Starts = ((0, True),)
"""Those of a single plain text."""


class Document(BaseModel):
    """A file in an encoded text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    start: Annotated[int, Field(ge=0, strict=True)]
    """Index of its first id in the text."""
    line: Annotated[int, Field(ge=1, strict=True)] | None
    """Number of the line that begins there; None for a file of records, whose lines are not those of the text."""


@dataclass(frozen=True)
class Place:
    """A place in a text that was learned from."""

    name: str
    """Name of the file; "" if unknown."""
    line: int | None
    """Number of the line, from 1; None if unknown."""

    def __str__(self) -> str:
        name = self.name or "the training text"
        return name if self.line is None else f"{name}, line {self.line:,}"


@dataclass(frozen=True)
class CopiedRun:
    """Characters of a text, one after another, that also stand in the text that was learned from."""

    start: int
    """Index of the first character in the text."""
    end: int
    """Index after the last one."""
    length: int
    """Number of characters of the whole run, which may begin before ``start``: in a prompt, or in the run before."""
    place: Place
    """Where those from ``start`` on stand in the text that was learned from."""

    def as_json(self) -> dict[str, Any]:
        """Return the run as plain values: start, end, length, name, line."""
        name, line = self.place.name, self.place.line
        return {"start": self.start, "end": self.end, "length": self.length, "name": name, "line": line}


@dataclass(frozen=True, eq=False)
class SourceText:
    """An encoded text with its documents, in which copied runs are found."""

    ids: Ids
    """Shape (n,); may be memory-mapped."""
    documents: tuple[Document, ...]
    """In the order of their beginnings; empty if unknown."""
    vocabulary: Tokenizer

    def in_characters(self) -> SourceText:
        """Return the text with an id for each character, so that runs are counted in characters."""
        if isinstance(self.vocabulary, Vocabulary):
            return self
        text = self.vocabulary.decode(self.ids)
        ends = np.cumsum(np.concatenate([[0], self.vocabulary.token_lengths(self.ids)]))
        moved = (document.model_copy(update={"start": int(ends[document.start])}) for document in self.documents)
        vocabulary = Vocabulary("".join(sorted(c for c in set(text) if not "\ud800" <= c < "\ue000")))
        return SourceText(vocabulary.encode(text), tuple(moved), vocabulary)

    def place(self, index: int) -> Place:
        """Return the file and the line of the id at ``index``."""
        number = bisect_right(self.documents, index, key=lambda document: document.start) - 1
        if number < 0:
            return Place("", None)
        document = self.documents[number]
        if document.line is None:
            return Place(document.name, None)
        return Place(document.name, document.line + self._line_ends(document.start, index))

    def last(self, count: int) -> SourceText:
        """Return the last ``count`` ids, with the documents in them."""
        first = max(0, len(self.ids) - count)
        if first == 0:
            return self
        place = self.place(first)
        later = (document for document in self.documents if document.start > first)
        cut = [Document(name=place.name, start=0, line=place.line)] if place.name else []
        moved = [document.model_copy(update={"start": document.start - first}) for document in later]
        return SourceText(self.ids[first:], (*cut, *moved), self.vocabulary)

    def copied_runs(self, ids: Ids, minimum: int, first: int = 0) -> list[CopiedRun]:
        """Return the runs of at least ``minimum`` of ``ids`` (T,) that stand in this text, in order; where two overlap,
        the second begins where the first ends.

        Args:
            ids: the text to look at, in the same vocabulary.
            minimum: ids of the shortest run, at least 1.
            first: index of the first id that counts: of a run that begins before it, the rest is returned.
        """
        unknown = np.isin(ids, self.vocabulary.never_drawn)  # what they stand for need not be the same
        ids = np.where(unknown, self.vocabulary.size, ids)
        runs: list[CopiedRun] = []
        end = first
        for passage in copied_passages(ids, self.ids, minimum):
            start, end = max(end, passage.start), max(end, passage.start + passage.length)
            if start < end:
                place = self.place(passage.source + start - passage.start)
                runs.append(CopiedRun(start - first, end - first, passage.length, place))
        return runs

    def copied_runs_of_each(self, texts: Sequence[Ids], minimum: int) -> list[list[CopiedRun]]:
        """Return the `copied_runs` of each of ``texts``, at least one: in one search, several times as fast."""
        joined = np.concatenate([np.append(ids.astype(np.int64), self.vocabulary.size) for ids in texts])
        runs, starts = self.copied_runs(joined, minimum), list(accumulate((len(ids) + 1 for ids in texts), initial=0))
        found: list[list[CopiedRun]] = [[] for _ in texts]
        for run in runs:
            number = bisect_right(starts, run.start) - 1
            start = starts[number]
            found[number].append(replace(run, start=run.start - start, end=run.end - start))
        return found

    def _line_ends(self, start: int, stop: int) -> int:
        if "\n" not in self.vocabulary.characters:
            return 0
        return int(np.count_nonzero(np.asarray(self.ids[start:stop]) == self.vocabulary.encode("\n")))


def documents_of(names: Sequence[str], starts: Starts) -> tuple[Document, ...]:
    """Return the documents called ``names``; none if their ``starts`` are unknown."""
    if len(starts) != len(names):
        return ()
    return tuple(
        Document(name=name, start=start, line=1 if has_lines else None)
        for name, (start, has_lines) in zip(names, starts, strict=True)
    )

"""Find passages that one text copies from another, much longer one.

The longer text is read in chunks, so that memory does not grow with it. Windows of one length are compared by
polynomial hashes modulo 2^32. Equal windows have equal hashes, so none is missed; windows with equal hashes are then
compared id by id, so there are no false matches.

Source: Karp and Rabin, "Efficient randomized pattern-matching algorithms" (1987).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 16
"""Windows of the corpus that are compared at once: few enough for the arrays to fit into the processor's cache."""

_KEPT = 512
"""Chunks of a memory-mapped corpus that stay in this process's memory."""
_BASE = 0x9E3779B1  # odd, so that it has an inverse modulo 2^32
_INVERSE = pow(_BASE, -1, 1 << 32)
_FILTER_BITS = 16  # a table that fits into the first-level cache, four times as fast as one of 18 bits

Ids = NDArray[np.integer]
Hashes = NDArray[np.uint32]
Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Passage:
    """Consecutive ids of a sample that also occur in the corpus."""

    start: int
    """Index of the first id in the sample."""
    length: int
    """Number of ids; 0 if the two have none in common."""
    source: int
    """Index of the first id in the corpus."""


def longest_copied_passage(sample_ids: Ids, corpus_ids: Ids) -> Passage:
    """Return the longest passage of ``sample_ids`` that occurs in ``corpus_ids``; of equally long ones, the first.

    Args:
        sample_ids: ids that may be copied, shape (m,).
        corpus_ids: ids that they may be copied from, shape (n,); may be memory-mapped; read once, in chunks.
    """
    longest = Passage(0, 0, 0)
    for first in _chunk_starts(corpus_ids):
        # After each match, only longer passages count, so the corpus is read once and a chunk is seldom searched twice.
        while longest.length < len(sample_ids):
            length = longest.length + 1
            starts = np.arange(len(sample_ids) - longest.length)
            found = next(_windows_found(sample_ids, starts, corpus_ids, first, length), None)
            if found is None:
                break
            start, source = found
            longest = Passage(start, _common_length(sample_ids, start, corpus_ids, source), source)
    return longest


def copied_passages(sample_ids: Ids, corpus_ids: Ids, minimum: int) -> list[Passage]:
    """Return passages of ``sample_ids`` that occur in ``corpus_ids``, in order: together they have every id of
    `copied_mask`, none lies in another, and each is as long as it can be at its source. Two of them may overlap.

    Args:
        sample_ids: ids that may be copied, shape (m,).
        corpus_ids: ids that they may be copied from, shape (n,); may be memory-mapped; read once, in chunks.
        minimum: length of the shortest passage, at least 1.
    """
    passages: list[Passage] = []
    for start, source in sorted(_first_sources(sample_ids, corpus_ids, minimum).items()):
        if passages and start + minimum <= passages[-1].start + passages[-1].length:
            continue
        before = _common_length(sample_ids[:start][::-1], 0, corpus_ids[:source][::-1], 0)
        after = _common_length(sample_ids, start, corpus_ids, source)
        passage = Passage(start - before, before + after, source - before)
        while passages and passage.start <= passages[-1].start:
            passages.pop()
        passages.append(passage)
    return passages


def copied_mask(sample_ids: Ids, corpus_ids: Ids, minimum: int) -> NDArray[np.bool_]:
    """Return which ids lie in a passage of at least ``minimum`` ids that occurs in ``corpus_ids``.

    Args:
        sample_ids: ids that may be copied, shape (m,).
        corpus_ids: ids that they may be copied from, shape (n,); may be memory-mapped; read once, in chunks.
        minimum: length of the shortest passage that counts, at least 1.

    Returns:
        True for each copied id, shape (m,).
    """
    copied = np.zeros(len(sample_ids), np.bool_)
    for start in _first_sources(sample_ids, corpus_ids, minimum):
        copied[start : start + minimum] = True
    return copied


def _first_sources(sample: Ids, corpus: Ids, length: int) -> dict[int, int]:
    """Return where each window of ``length`` ids of the sample first occurs in the corpus, by its start, as far as it
    does. A longer passage consists of such windows."""
    sources: dict[int, int] = {}
    left = np.arange(max(0, len(sample) - length + 1))
    for first in _chunk_starts(corpus):
        found = dict(_windows_found(sample, left, corpus, first, length))
        sources |= found
        left = np.setdiff1d(left, list(found))
        if len(left) == 0:
            break
    return sources


def _chunk_starts(corpus: Ids) -> Iterator[int]:
    """Yield the index of the first id of each chunk, and keep few chunks of a memory-mapped corpus in memory."""
    mapped: object = corpus
    while isinstance(mapped, np.ndarray):
        mapped = cast(object, mapped.base)
    for number, first in enumerate(range(0, len(corpus), CHUNK)):
        if number % _KEPT == 0 and isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)  # the pages stay in the cache of the system as long as it likes
        yield first


def _windows_found(sample: Ids, starts: Positions, corpus: Ids, first: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield each of ``starts`` whose window of ``length`` ids occurs in the corpus, with its index there.

    Only the CHUNK windows of the corpus from ``first`` on are compared.
    """
    part = np.asarray(corpus[first : first + CHUNK + length - 1])
    if len(starts) == 0 or len(part) < length:
        return
    wanted = _window_hashes(np.asarray(sample), length)[starts]
    hashes = _window_hashes(part, length)
    hits = _positions_of(hashes, np.unique(wanted))
    if len(hits) == 0:
        return
    for start, value in zip(starts.tolist(), wanted, strict=True):
        window = sample[start : start + length]
        for hit in hits[hashes[hits] == value].tolist():
            if np.array_equal(part[hit : hit + length], window):
                yield start, first + hit
                break


def _window_hashes(ids: Ids, length: int) -> Hashes:
    """Return the hash of each window of ``length`` ids in ``ids`` (n,), shape (n - length + 1,).

    With s_i the sum of id_j * b^j over j < i, the hash of the window at i is (s_{i+length} - s_i) * b^-i.
    """
    powers, inverses = _powers(1 << (len(ids) - 1).bit_length())
    running = np.zeros(len(ids) + 1, np.uint32)
    # Ids start at 0, and 0 would not change the sum.
    np.cumsum((ids.astype(np.uint32) + np.uint32(1)) * powers[: len(ids)], dtype=np.uint32, out=running[1:])
    return (running[length:] - running[: len(running) - length]) * inverses[: len(ids) - length + 1]


@lru_cache(maxsize=4)
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """Return the first ``count`` powers of the base, and of its inverse."""
    both = [
        np.cumprod(np.concatenate([[1], np.full(count - 1, base)]).astype(np.uint32), dtype=np.uint32)
        for base in (_BASE, _INVERSE)
    ]
    return both[0], both[1]


def _positions_of(hashes: Hashes, wanted: Hashes) -> Positions:
    """Return the positions in ``hashes`` of the values in ``wanted``, in order."""
    shift = np.uint32(32 - _FILTER_BITS)
    table = np.zeros(1 << _FILTER_BITS, np.bool_)  # a filter that few pass, so that the exact look-up is short
    table[wanted >> shift] = True
    near = np.flatnonzero(table.take(hashes >> shift, mode="clip"))  # "clip" is twice as fast as plain indexing
    return near[np.isin(hashes[near], wanted)]


def _common_length(sample: Ids, start: int, corpus: Ids, source: int) -> int:
    """Return how many ids are equal from ``start`` in the sample and ``source`` in the corpus on."""
    length = min(len(sample) - start, len(corpus) - source)
    differ = np.flatnonzero(np.asarray(sample[start : start + length]) != np.asarray(corpus[source : source + length]))
    return int(differ[0]) if len(differ) else length

"""Copied passages, against the plainest search there is."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.text import overlap as copying
from nextchar.text.overlap import Passage, copied_mask, copied_passages, longest_copied_passage

TEXTS = st.text("ab", max_size=40)


def ids(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("ascii"), np.uint8)


def plain_longest(sample: str, corpus: str) -> int:
    parts = {sample[i:j] for i in range(len(sample)) for j in range(i + 1, len(sample) + 1)}
    return max((len(part) for part in parts if part in corpus), default=0)


def plain_mask(sample: str, corpus: str, minimum: int) -> list[bool]:
    mask = [False] * len(sample)
    for i in range(len(sample) - minimum + 1):
        if sample[i : i + minimum] in corpus:
            mask[i : i + minimum] = [True] * minimum
    return mask


def test_a_passage_is_found_with_its_places() -> None:
    sample, corpus = ids("so the rain in spain it said"), ids("we heard of the rain in Spain; again")
    assert longest_copied_passage(sample, corpus) == Passage(start=2, length=len(" the rain in "), source=11)


@pytest.mark.parametrize(("sample", "corpus"), [("", "abc"), ("abc", ""), ("", ""), ("xyz", "abc")])
def test_nothing_in_common(sample: str, corpus: str) -> None:
    assert longest_copied_passage(ids(sample), ids(corpus)) == Passage(0, 0, 0)
    assert not copied_mask(ids(sample), ids(corpus), 1).any()


@given(TEXTS, TEXTS, st.integers(1, 9))
def test_it_agrees_with_the_plain_search_over_chunk_borders(sample: str, corpus: str, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "CHUNK", chunk)
        found = longest_copied_passage(ids(sample), ids(corpus))
        masks = [copied_mask(ids(sample), ids(corpus), minimum).tolist() for minimum in (1, 3, 8)]
    assert found.length == plain_longest(sample, corpus)
    end = found.start + found.length
    assert sample[found.start : end] == corpus[found.source : found.source + found.length]
    assert masks == [plain_mask(sample, corpus, minimum) for minimum in (1, 3, 8)]


@given(TEXTS, TEXTS)
def test_equal_hashes_of_unequal_windows_do_no_harm(sample: str, corpus: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "_window_hashes", lambda given, length: np.zeros(len(given) - length + 1, np.uint32))
        found = longest_copied_passage(ids(sample), ids(corpus))
        mask = copied_mask(ids(sample), ids(corpus), 3).tolist()
    assert found.length == plain_longest(sample, corpus)
    assert mask == plain_mask(sample, corpus, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int64])
def test_ids_of_any_type(dtype: type[np.integer]) -> None:
    corpus = np.arange(200).astype(dtype)
    assert longest_copied_passage(np.arange(150, 250), corpus) == Passage(0, 50, 150)


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    path = tmp_path / "corpus"
    random = np.random.default_rng(1)
    np.memmap(path, np.uint8, "w+", shape=4_000_000)[:] = random.integers(0, 60, 4_000_000)
    corpus = np.memmap(path, np.uint8, "r")
    sample = np.concatenate([random.integers(0, 60, 150), corpus[3_999_900:], random.integers(0, 60, 150)])
    tracemalloc.start()
    try:
        found = longest_copied_passage(sample, corpus)
        mask = copied_mask(sample, corpus, 30)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 100 <= found.length <= 102
    assert 100 <= mask.sum() <= 102
    assert peak < 6e6


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells how much of a file is in memory")
def test_a_mapped_corpus_is_searched_without_staying_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "CHUNK", 1 << 12)
    monkeypatch.setattr(copying, "_KEPT", 16)
    corpus = np.arange(1 << 23, dtype=np.uint16)
    corpus.tofile(tmp_path / "ids.bin")
    mapped = np.memmap(tmp_path / "ids.bin", np.uint16, "r")[: -(1 << 10)]
    sample = np.concatenate([corpus[30_000:30_050], corpus[:50]])
    assert longest_copied_passage(sample, mapped) == longest_copied_passage(sample, corpus[: -(1 << 10)])
    assert copied_mask(sample, mapped, 20).all()
    assert resident(tmp_path / "ids.bin") <= 4 << 20  # of 16 MiB; a page may be as large as 2 MiB


def resident(path: Path) -> int:
    """Return how many bytes of the mapped file are in the memory of this process."""
    _, _, entry = Path("/proc/self/smaps").read_text(encoding="utf-8").partition(str(path))
    return int(entry.partition("Rss:")[2].split()[0]) * 1024


@given(TEXTS, TEXTS, st.integers(1, 5), st.integers(1, 9))
def test_passages_are_copies_that_cover_what_is_copied(sample: str, corpus: str, minimum: int, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "CHUNK", chunk)
        passages = copied_passages(ids(sample), ids(corpus), minimum)
    covered = [False] * len(sample)
    for passage in passages:
        start, stop, source = passage.start, passage.start + passage.length, passage.source
        assert passage.length >= minimum
        assert sample[start:stop] == corpus[source : source + passage.length]
        assert start == 0 or source == 0 or sample[start - 1] != corpus[source - 1]
        assert sample[stop : stop + 1] != corpus[source + passage.length :][:1] or stop == len(sample)
        covered[start:stop] = [True] * passage.length
    assert covered == plain_mask(sample, corpus, minimum)
    ends = [(passage.start, passage.start + passage.length) for passage in passages]
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(ends))

"""Threads for NumPy."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from nextchar.parallel import Threads, available_cores, one_numpy_thread


@pytest.mark.parametrize(("rows", "threads", "parts"), [(10, 3, 3), (2, 5, 2), (7, 1, 1)])
def test_rows_are_divided_and_come_back_in_order(rows: int, threads: int, parts: int) -> None:
    found = Threads(threads).map_shards(lambda part: list(range(rows))[part], rows)
    assert len(found) == parts
    assert [row for part in found for row in part] == list(range(rows))


@pytest.mark.parametrize("threads", [1, 3])
def test_items_are_computed_by_any_thread_and_come_back_in_order(threads: int) -> None:
    assert Threads(threads).map_items(lambda item: item * 2, ["a", "b", "c", "d", "e"]) == [
        "aa",
        "bb",
        "cc",
        "dd",
        "ee",
    ]
    assert Threads(threads).map_items(lambda item: item, list[str]()) == []


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_a_part_has_one_thread_and_afterwards_all_is_as_before() -> None:
    np.matmul(np.ones((2, 2)), np.ones((2, 2)))
    before = blas_threads()
    inside = Threads(2).map_shards(lambda _: blas_threads(), 4)
    assert all(set(threads) == {1} for threads in inside)
    assert blas_threads() == before


def test_numpy_has_one_thread_meanwhile_even_after_an_error() -> None:
    before = blas_threads()
    with one_numpy_thread():
        assert blas_threads() == [1] * len(before)
    assert blas_threads() == before
    with pytest.raises(ZeroDivisionError), one_numpy_thread():
        raise ZeroDivisionError
    assert blas_threads() == before


def test_the_cores_can_be_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    here = available_cores()
    if hasattr(os, "sched_getaffinity"):  # not on macOS, not on Windows
        assert here == len(os.sched_getaffinity(0))
    for said, cores in (("1", 1), ("1000", here), ("two", here)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert available_cores() == cores


def test_numpy_stays_at_one_thread_for_each_of_several_callers() -> None:
    before = blas_threads()

    def call(_: int) -> list[list[int]]:
        return Threads(2).map_shards(lambda _: blas_threads(), 4)

    with ThreadPoolExecutor(8) as pool:
        seen = [threads for parts in pool.map(call, range(50)) for threads in parts]
    assert seen == [[1] * len(before)] * 100
    assert blas_threads() == before

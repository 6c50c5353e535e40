"""Where torch computes."""

import threading

import pytest
import torch

from nextchar.errors import TrainingError
from nextchar.networks.torch_processes import join_processes
from nextchar.networks.torch_threads import TorchThreads, choose_device
from tests.forked import called_together


def test_a_device_that_is_not_there_is_named() -> None:
    assert choose_device("cpu").type == "cpu"
    if not torch.backends.mps.is_available():
        with pytest.raises(TrainingError, match="no device 'mps'"):
            choose_device("mps")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_part_is_computed_once_and_comes_back_in_order(count: int) -> None:
    assert TorchThreads(count, 4).map_own(lambda part: part * part) == [part * part for part in range(count)]


def test_parts_are_computed_side_by_side() -> None:
    """Each waits for the others to have begun: one after another they would wait for ever."""
    barrier = threading.Barrier(3, timeout=20)
    assert sorted(TorchThreads(3).map_own(lambda part: barrier.wait() is not None)) == [True] * 3


@pytest.mark.parametrize(("count", "threads", "each"), [(1, 4, 4), (2, 4, 2), (4, 2, 1)])
def test_each_part_has_its_share_of_the_threads(count: int, threads: int, each: int) -> None:
    assert TorchThreads(count, threads).map_own(lambda part: torch.get_num_threads()) == [each] * count


def test_parts_cover_everything_once() -> None:
    for size in range(9):
        covered = [index for part in TorchThreads(3).shards(size) for index in range(size)[part]]
        assert covered == list(range(size))


@pytest.mark.parametrize("rows", range(1, 9))
def test_rows_are_shared_out_in_order(rows: int) -> None:
    executor = TorchThreads(3)
    parts = executor.map_shards(lambda part: list(range(rows))[part], rows)
    assert [row for part in parts for row in part] == list(range(rows))
    assert len(parts) == (3 if rows >= 3 else 1)


def test_closed_threads_leave_torch_as_they_found_it() -> None:
    before = torch.get_num_threads()
    TorchThreads(2, 2).close()
    assert torch.get_num_threads() == before


def test_an_error_in_a_part_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        TorchThreads(2).map_own(lambda part: 1 // part)


def _scored() -> tuple[list[int], list[int]]:
    """Return the rows that this process computes of seven in four shards, and those that it gets from all."""
    computed: list[int] = []

    def compute(shard: slice) -> list[int]:
        computed.extend(range(7)[shard])
        return list(range(7)[shard])

    rows = TorchThreads(4, 4, join_processes()).map_shards(compute, 7)
    return sorted(computed), [row for part in rows for row in part]


def test_rows_are_divided_over_processes_and_all_get_every_result() -> None:
    """So are the held-out excerpts: each process scores its own."""
    (first, all_of_first), (second, all_of_second) = called_together(_scored)
    assert (first, second) == ([0, 1, 2], [3, 4, 5, 6])
    assert all_of_first == all_of_second == list(range(7))

"""Threads for NumPy and compiled loops, which run without Python's global lock."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import Protocol, TypeVar

R = TypeVar("R")
T = TypeVar("T")


def available_cores() -> int:
    """Return how many cores this process may use, or ``OMP_NUM_THREADS`` if that is fewer."""
    cores = process_cores()
    return max(1, min(cores, environment_number("OMP_NUM_THREADS", cores)))


def process_cores() -> int:
    """Return how many cores the system lets this process use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def even_shards(size: int, count: int) -> list[slice]:
    """Divide ``size`` items into ``count`` shards of nearly equal size; return the slice of each."""
    bounds = [size * shard // count for shard in range(count + 1)]
    return [slice(first, end) for first, end in pairwise(bounds)]


def is_one_of_several() -> bool:
    """Return whether this process was started as one of several that train together: ``WORLD_SIZE`` says so."""
    return environment_number("WORLD_SIZE", 1) > 1


def process_rank() -> int:
    """Return the number of this process among those that train together, 0 where it is alone: that of torch's process
    group where there is one, else ``RANK`` where ``WORLD_SIZE`` says that there are several. Loads no torch."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank()
    return environment_number("RANK", 0) if is_one_of_several() else 0


def environment_number(name: str, default: int) -> int:
    """Return the environment variable ``name`` as a number; ``default`` where it is none."""
    value = os.environ.get(name, "")
    return int(value) if value.isdecimal() else default


class Executor(Protocol):
    """Computes the shards of a batch in parallel."""

    def map_shards(self, compute: Callable[[slice], R], rows: int) -> list[R]:
        """Divide ``rows`` rows into even shards, compute them in parallel; return ``compute`` of each, in order."""
        ...


_ONE_THREAD = Lock()
"""Held while NumPy has one thread."""


@contextmanager
def one_numpy_thread() -> Generator[None]:
    """Limit NumPy to one thread in the whole process, whichever thread asks. Not to be nested, so never inside
    `Threads.map_shards` or `Threads.map_items`.

    NumPy's threads wait for each other constantly: where another program occupies a core, factoring a matrix takes ten
    to fifty times as long with two as with one.
    """
    from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingTypeStubs]

    with _ONE_THREAD, threadpool_limits(1, "blas"):
        yield


@dataclass(frozen=True)
class Threads:
    """Up to ``count`` threads, started for each call.

    Each shard is computed by one thread: NumPy's own threads are switched off meanwhile. NumPy has one number of
    threads for the whole process, and the rounding of a product depends on it. So callers in several threads take
    turns, and ``compute`` must not call these methods itself.
    """

    count: int = 1

    def map_shards(self, compute: Callable[[slice], R], rows: int) -> list[R]:
        """Divide ``rows`` rows into up to `count` even shards, compute them in parallel, and return ``compute`` of
        each, in order."""
        shards = even_shards(rows, max(1, min(self.count, rows)))
        return [compute(shards[0])] if len(shards) == 1 else self.map_items(compute, shards)

    def map_items(self, compute: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Compute ``items`` in parallel, each as soon as a thread is free; return ``compute`` of each, in order."""
        if self.count == 1:
            return list(map(compute, items))
        with one_numpy_thread(), ThreadPoolExecutor(self.count, "nextchar") as pool:
            return list(pool.map(compute, items))


SERIAL = Threads()
"""Everything in one shard."""

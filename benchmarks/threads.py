"""Milliseconds of an update: torch's threads in each operation, against one thread for each shard of the batch.

Usage: python benchmarks/threads.py

Measures each on the machine as it is, and again while another process keeps one core busy.
"""

from __future__ import annotations

import multiprocessing
import statistics
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from machine import describe_machine

from nextchar.networks.torch_threads import Compute, available_threads
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.dataset import Dataset
from nextchar.training.events import Progress
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan
from nextchar.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Generator

VOCABULARY = 57
UPDATES = 40


def plan_of(hidden: int, shards: int) -> Plan:
    """Return the plan that the default recipe makes for that size."""
    return Plan(
        hidden=(hidden,),
        embedding=32,
        input_dropout=0,
        dropout=0,
        feeding=Streams(batch=16, window=64),
        shards=shards,
        steps=UPDATES,
        learning_rate=0.005,
        warm_up=5,
        weight_decay=0.01,
        clip=1,
        checkpoint_every=1,
    )


def milliseconds(hidden: int, shards: int) -> float:
    """Return the mean time of an update, without the first ones."""
    ids = np.random.default_rng(0).integers(VOCABULARY, size=100_000)
    dataset = Dataset(ids, ids[:0], Vocabulary("".join(map(chr, range(VOCABULARY))), has_unknown=False))
    compute = Compute(threads=available_threads())
    trainer = Trainer(plan_of(hidden, shards), dataset, seed=0, compute=compute)
    times = [trainer.state.seconds for event in trainer.run() if isinstance(event, Progress)]
    trainer.close()
    return 1000 * statistics.mean(np.diff(times)[5:])


def spin() -> None:
    """Keep a core busy."""
    while True:
        pass


@contextmanager
def busy_neighbour() -> Generator[None]:
    """Keep another process busy on one core."""
    process = multiprocessing.Process(target=spin, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()


def main() -> None:
    """Run the benchmark and print a table in Markdown."""
    print(describe_machine())
    print("\n| hidden | threads an operation, ms | a thread a part, ms | with a busy neighbour, ms | ms |")
    print("|---:|---:|---:|---:|---:|")
    for hidden in (128, 256, 384, 512):
        idle = [milliseconds(hidden, shards) for shards in (1, available_threads())]
        with busy_neighbour():
            busy = [milliseconds(hidden, shards) for shards in (1, available_threads())]
        print(f"| {hidden} | " + " | ".join(f"{value:.1f}" for value in (*idle, *busy)) + " |", flush=True)


if __name__ == "__main__":
    main()

"""How fast several processes train together, what they send, and what more of them would reach.

    python benchmarks/distributed.py [--seconds 5] [--hidden 128 256 512] [--streams 32 256]

Times updates in one process and in two that share the cores of this machine, over loopback. Then it computes, from the
speed of one process and the bytes of an update, what 8, 64 and 512 workers would reach at 1, 10 and 100 Gb/s:

    seconds of an update = characters of a worker / characters per second of a worker
                           + 2 (W - 1) / W * bytes / bandwidth + 2 log2(W) * latency

which is a ring that adds the gradients up (all_reduce), with nothing hidden behind the computing. It is a model, not a
measurement: what is measured is in the first table.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from nextchar.networks.torch_processes import Processes, join_processes
from nextchar.networks.torch_threads import Compute
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.dataset import Dataset
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan
from nextchar.training.updates import Updates

VOCABULARY = Vocabulary("".join(map(chr, range(33, 92))))
LATENCY = 50e-6
"""Seconds that a message takes at least, in the model."""


class Timed(Processes):
    """Processes that time what they exchange."""

    spent = 0.0

    def add(self, own: Sequence[Sequence[Tensor]], shards: int) -> list[Tensor]:
        """Return the sums, and remember how long they took."""
        began = time.perf_counter()
        total = super().add(own, shards)
        Timed.spent += time.perf_counter() - began
        return total


def plan_of(hidden: int, streams: int, shards: int) -> Plan:
    """Return a plan of the default recipe's kind."""
    return Plan(
        hidden=(hidden,),
        embedding=32,
        input_dropout=0.0,
        dropout=0.0,
        feeding=Streams(batch=streams, window=32),
        shards=shards,
        steps=10**6,
        learning_rate=1e-6,
        warm_up=0,
        weight_decay=0.01,
        clip=1.0,
        checkpoint_every=100,
    )


def measure(hidden: int, streams: int, seconds: float) -> dict[str, Any]:
    """Return the speed of updates in these processes, and the share of the time in which they exchange gradients."""
    joined = join_processes()
    processes = Timed(joined.rank, joined.count, joined.local_count)
    plan = plan_of(hidden, streams, 2)
    ids = np.random.default_rng(0).integers(0, VOCABULARY.size, 200_000)
    updates = Updates(plan, Dataset(ids, ids[:0], VOCABULARY), 0, Compute(threads=2, processes=processes))
    for step in range(10):
        updates.update(step, 1e-6)
    Timed.spent, steps, began = 0.0, 0, time.perf_counter()
    while not processes.broadcast(time.perf_counter() - began > seconds):
        for _ in range(10):
            updates.update(steps, 1e-6)
            steps += 1
    elapsed = time.perf_counter() - began
    parameters = plan.architecture(VOCABULARY.size).parameter_count
    return {
        "hidden": hidden,
        "streams": streams,
        "processes": processes.count,
        "characters_per_second": round(steps * plan.feeding.predicted / elapsed),
        "exchanging": round(Timed.spent / elapsed, 3),
        "bytes": 4 * (parameters + 1),
    }


def launch(count: int, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what ``count`` processes measure."""
    own = [__file__, "--rank", "--seconds", str(arguments.seconds)]
    own += ["--hidden", *map(str, arguments.hidden), "--streams", *map(str, arguments.streams)]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)] if count > 1 else []
    done = subprocess.run([sys.executable, *launcher, *own], stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def predicted(alone: dict[str, Any], workers: int, gigabits: float) -> float:
    """Return the characters a second of so many ``workers``, each as fast as the one process measured."""
    characters = alone["streams"] * 32
    bandwidth = gigabits * 1e9 / 8
    exchange = 2 * (workers - 1) / workers * alone["bytes"] / bandwidth + 2 * math.log2(workers) * LATENCY
    return workers * characters / (characters / alone["characters_per_second"] + exchange)


def main() -> None:
    """Measure, and print both tables and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--hidden", type=int, nargs="+", default=[128, 256, 512])
    parser.add_argument("--streams", type=int, nargs="+", default=[32, 256])
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank:
        for hidden in arguments.hidden:
            for streams in arguments.streams:
                result = measure(hidden, streams, arguments.seconds)
                if os.environ.get("RANK", "0") == "0":
                    print(json.dumps(result), flush=True)
        return
    alone, together = launch(1, arguments), launch(2, arguments)
    print("| units | streams | 1 process, characters/s | 2 processes | ratio | exchanging | bytes an update |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for one, two in zip(alone, together, strict=True):
        speeds = [result["characters_per_second"] for result in (one, two)]
        print(
            f"| {one['hidden']} | {one['streams']} | {speeds[0]:,} | {speeds[1]:,} | {speeds[1] / speeds[0]:.2f} "
            f"| {two['exchanging']:.0%} | {one['bytes']:,} |"
        )
    print("\nBy the model: characters a second, and the share of as many times the speed of one.\n")
    print("| units | streams of a worker | workers | 1 Gb/s | 10 Gb/s | 100 Gb/s |")
    print("|---:|---:|---:|---:|---:|---:|")
    for one in alone:
        for workers in (8, 64, 512):
            speeds = [predicted(one, workers, gigabits) for gigabits in (1, 10, 100)]
            shares = [speed / workers / one["characters_per_second"] for speed in speeds]
            cells = " | ".join(f"{speed:,.0f} ({share:.0%})" for speed, share in zip(speeds, shares, strict=True))
            print(f"| {one['hidden']} | {one['streams']} | {workers} | {cells} |")
    print(json.dumps({"alone": alone, "together": together}))


if __name__ == "__main__":
    main()

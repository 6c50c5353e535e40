"""How fast several processes train together, what they send, and what more of them would reach.

    python benchmarks/distributed.py [--seconds 5] [--hidden 128 256 512] [--streams 32 256] [--rate 100mbit]

Times updates in one process and in two that share the cores of this machine, over loopback, for everything that they
can exchange. ``--rate`` slows the loopback of the two down as a check of the model: they run in a network namespace of
their own, whose queue `tc` shapes (on Linux, where users may make namespaces). Both directions share the rate. Then it
computes, from the speed of one process and the bytes of an update, what 8, 64 and 512 workers would reach at 1, 10 and
100 Gb/s:

    seconds of an update = characters of a worker / characters per second of a worker
                           + 2 (W - 1) / W * bytes / bandwidth + 2 log2(W) * latency

which is a ring that adds the gradients up (all_reduce), with nothing hidden behind the computing. It is a model, not a
measurement: what is measured is in the first table.
"""

from __future__ import annotations

import argparse
import json
import math
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from torch import Tensor

from nextchar.networks.torch_processes import Processes, join_processes
from nextchar.networks.torch_threads import Compute
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.dataset import Dataset
from nextchar.training.exchange import WAYS, Way
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan
from nextchar.training.updates import Updates

VOCABULARY = Vocabulary("".join(map(chr, range(33, 92))))
LATENCY = 50e-6
"""Seconds that a message takes at least, in the model."""


SHAPED = (
    "ip link set lo up mtu 1500 && tc qdisc add dev lo root tbf rate $0 burst 64k latency 400ms && "
    'GLOO_SOCKET_IFNAME=lo exec "$@"'
)
"""Runs a command where the loopback has the rate that is its first argument."""


class Timed(Processes):
    """Processes that time what they exchange."""

    spent = 0.0

    def add(self, own: Sequence[Sequence[Tensor]], shards: int, *, compressed: bool = False) -> list[Tensor]:
        """Return the sums, and remember how long they took."""
        began = time.perf_counter()
        total = super().add(own, shards, compressed=compressed)
        Timed.spent += time.perf_counter() - began
        return total

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Average ``tensors``, and remember how long it took."""
        began = time.perf_counter()
        super().average(tensors)
        Timed.spent += time.perf_counter() - began


def plan_of(hidden: int, streams: int, way: Way) -> Plan:
    """Return a plan of the default recipe's kind, with two shards."""
    return Plan(
        hidden=(hidden,),
        embedding=32,
        input_dropout=0.0,
        dropout=0.0,
        feeding=Streams(batch=streams, window=32),
        shards=2,
        steps=10**6,
        learning_rate=1e-6,
        warm_up=0,
        weight_decay=0.01,
        clip=1.0,
        exchange=way.exchange,
        average_every=way.every,
        checkpoint_every=100,
    )


def measure(hidden: int, streams: int, way: Way, seconds: float) -> dict[str, Any]:
    """Return the speed of updates in these processes, and the share of the time in which they exchange."""
    joined = join_processes()
    processes = Timed(joined.rank, joined.count, joined.local_count)
    plan = plan_of(hidden, streams, way)
    ids = np.random.default_rng(0).integers(0, VOCABULARY.size, 200_000)
    updates = Updates(plan, Dataset(ids, ids[:0], VOCABULARY), 0, Compute(threads=2, processes=processes))
    at_once = max(each.every for each in WAYS)
    for step in range(at_once):
        updates.update(step, 1e-6)
    Timed.spent, steps, began = 0.0, 0, time.perf_counter()
    while not processes.broadcast(time.perf_counter() - began > seconds):
        for _ in range(at_once):
            updates.update(steps, 1e-6)
            steps += 1
    elapsed = time.perf_counter() - began
    parameters = plan.architecture(VOCABULARY.size).parameter_count
    return {
        "hidden": hidden,
        "streams": streams,
        "exchange": str(way),
        "processes": processes.count,
        "characters_per_second": round(steps * plan.feeding.predicted / elapsed),
        "exchanging": round(Timed.spent / elapsed, 3),
        "exchange_seconds": Timed.spent / steps,
        "bytes": (2 if way.exchange == "bfloat16" else 4) * parameters // way.every,
    }


def launch(count: int, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what ``count`` processes measure."""
    command = [sys.executable]
    if count > 1:
        command += ["-m", "torch.distributed.run", "--nproc-per-node", str(count), "--master-addr", "127.0.0.1"]
        command += ["--master-port", str(free_port())]
    command += [__file__, "--rank", "--seconds", str(arguments.seconds)]
    command += ["--hidden", *map(str, arguments.hidden), "--streams", *map(str, arguments.streams)]
    if count > 1 and arguments.rate:
        command = ["unshare", "--map-root-user", "--net", "sh", "-c", SHAPED, arguments.rate, *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
    parser.add_argument("--rate", help="rate of the loopback between two processes, in tc's words, like 100mbit")
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank:
        rank_main(arguments)
        return
    alone, together = launch(1, arguments), launch(2, arguments)
    print_measured(alone, together)
    print_predicted(alone)
    print(json.dumps({"alone": alone, "rate": arguments.rate, "together": together}))


def rank_main(arguments: argparse.Namespace) -> None:
    """Measure in this process and those it belongs with; the first one prints a line of JSON for each measurement."""
    processes = join_processes()
    ways = WAYS if processes.count > 1 else WAYS[:1]
    for hidden, streams, way in product(arguments.hidden, arguments.streams, ways):
        result = measure(hidden, streams, way, arguments.seconds)
        if processes.is_first:
            print(json.dumps(result), flush=True)


def print_measured(alone: list[dict[str, Any]], together: list[dict[str, Any]]) -> None:
    """Print what one process and two of them reach."""
    print("| units | streams | exchange | 1 process, characters/s | 2 processes | ratio | exchanging | ms | bytes |")
    print("|---:|---:|---|---:|---:|---:|---:|---:|---:|")
    speeds = {(result["hidden"], result["streams"]): result["characters_per_second"] for result in alone}
    for two in together:
        speed, of_one = two["characters_per_second"], speeds[two["hidden"], two["streams"]]
        print(
            f"| {two['hidden']} | {two['streams']} | {two['exchange']} | {of_one:,} | {speed:,} | {speed / of_one:.2f} "
            f"| {two['exchanging']:.0%} | {1000 * two['exchange_seconds']:.1f} | {two['bytes']:,} |"
        )


def print_predicted(alone: list[dict[str, Any]]) -> None:
    """Print what more workers would reach by the model."""
    print(
        "\nBy the model, gradients in float32: characters a second, and the share of as many times the speed of one.\n"
    )
    print("| units | streams of a worker | workers | 1 Gb/s | 10 Gb/s | 100 Gb/s |")
    print("|---:|---:|---:|---:|---:|---:|")
    for result, workers in product(alone, (8, 64, 512)):
        speeds = [predicted(result, workers, gigabits) for gigabits in (1, 10, 100)]
        shares = [speed / workers / result["characters_per_second"] for speed in speeds]
        cells = " | ".join(f"{speed:,.0f} ({share:.0%})" for speed, share in zip(speeds, shares, strict=True))
        print(f"| {result['hidden']} | {result['streams']} | {workers} | {cells} |")


if __name__ == "__main__":
    main()

"""Whether the time given is the time used, beside an artificial neighbour; and whether more time is ever worse.

Usage: python benchmarks/time_budget.py [TEXT] [--time 20] [--neighbours none first second alternating] [--seeds 1]
       python benchmarks/time_budget.py --texts TEXT... [--budgets 10 30 60 180 600] [--seeds 1]

The neighbour keeps as many cores busy as `--cores` says: in the first half of the training, in the second half, or for
a third of the time in turns of two seconds. It begins when the first update is made, which the log of the run shows.
Prints a table in Markdown: the time asked for, the training time and the wall time of the whole command, the updates
planned and made, the revisions, and the bits per character. `--texts` trains on each text for each budget instead, one
run after another.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from command import nextchar
from machine import describe_machine

TURN = 2.0
"""Seconds that an alternating neighbour computes, out of three times as many."""

Busy = Callable[[float], bool]
"""Whether the neighbour computes at a moment of the training, as a share of the time asked for."""


def neighbour(kind: str, seconds: float) -> Busy:
    """Return when a neighbour of that ``kind`` computes during a training of ``seconds``."""
    kinds: dict[str, Busy] = {
        "none": lambda _: False,
        "first": lambda share: share < 0.5,
        "second": lambda share: share >= 0.5,
        "alternating": lambda share: share * seconds % (3 * TURN) < TURN,
    }
    return kinds[kind]


@contextmanager
def beside(busy: Busy, seconds: float, run: Path, cores: int) -> Generator[None]:
    """Compute on ``cores`` cores when the neighbour is ``busy``, from the first update of ``run`` on."""
    context = multiprocessing.get_context("spawn")
    computing, ended = context.Event(), threading.Event()
    processes = [context.Process(target=compute, args=(computing,), daemon=True) for _ in range(cores)]

    def watch() -> None:
        while not (run / "settings.json").exists():
            if ended.wait(0.01):
                return
        began = time.monotonic()
        while not ended.wait(0.02):
            (computing.set if busy((time.monotonic() - began) / seconds) else computing.clear)()
        computing.clear()

    for process in processes:
        process.start()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        for process in processes:
            process.terminate()
            process.join()


def compute(computing: Any) -> None:
    """Keep a core busy whenever ``computing``, an event of another process, is set."""
    while True:
        computing.wait()
        sum(range(100_000))


def train(text: str, seconds: float, seed: int, kind: str = "none", cores: int = 1) -> dict[str, Any]:
    """Return what a run on ``text`` reports, with its planned updates, revisions, hidden size, and wall time."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        began = time.monotonic()
        with beside(neighbour(kind, seconds), seconds, run, cores):
            result = nextchar(
                "train", text, "--from", "none", "--time", f"{seconds}s", "--seed", seed, "--out", run, "--quiet"
            )
        wall = time.monotonic() - began
        plan = json.loads((run / "settings.json").read_text(encoding="utf-8"))["plan"]
    revisions = plan.get("revisions", [])
    planned = revisions[0]["planned_steps"] if revisions else plan["steps"]
    return {**result, "wall": wall, "planned": planned, "revisions": len(revisions), "plan": plan}


def compare_neighbours(text: str, seconds: float, kinds: list[str], seeds: int, cores: int) -> None:
    """Print what a training of ``seconds`` takes and reaches beside each of ``kinds`` of neighbours."""
    print("| neighbour | asked, s | training, s | used | command, s | hidden | planned | updates | revisions | bits |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for kind in kinds:
        for seed in range(seeds):
            result = train(text, seconds, seed, kind, cores)
            used = result["training_seconds"]
            print(
                f"| {kind} | {seconds:g} | {used:.2f} | {100 * used / seconds:.1f} % | {result['wall']:.1f} | "
                f"{result['plan']['hidden'][0]} | {result['planned']:,} | {result['steps']:,} | "
                f"{result['revisions']} | {result['validation_bits_per_character']:.3f} |",
                flush=True,
            )


def compare_budgets(texts: list[str], budgets: list[float], seeds: int) -> None:
    """Print the bits per character of each text, and of its network alone, for each time."""
    print("| text | time, s | training, s | hidden | passes | best at | bits | network | worse than with less time |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|")
    for text in texts:
        for seed in range(seeds):
            lowest = float("inf")
            for seconds in budgets:
                result = train(text, seconds, seed)
                bits, network = result["validation_bits_per_character"], result["network_bits_per_character"]
                predicted = result["plan"]["feeding"]["batch"] * result["plan"]["feeding"]["window"]
                passes = result["steps"] * predicted / result["training_characters"]
                print(
                    f"| {Path(text).name} | {seconds:g} | {result['training_seconds']:.1f} | "
                    f"{result['plan']['hidden'][0]} | {passes:.1f} | "
                    f"{100 * result['step'] / result['steps']:.0f} % | {bits:.3f} | {network or bits:.3f} | "
                    f"{f'by {bits - lowest:.3f}' if bits > lowest else 'no'} |",
                    flush=True,
                )
                lowest = min(lowest, bits)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", default="nietzsche")
    parser.add_argument("--time", type=float, default=20)
    parser.add_argument("--neighbours", nargs="+", default=["none", "first", "second", "alternating"])
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--texts", nargs="+", default=[])
    parser.add_argument("--budgets", type=float, nargs="+", default=[10, 30, 60, 180, 600])
    given = parser.parse_args()
    print(f"{describe_machine()}; load before: {os.getloadavg()[0]:.2f}\n")
    if given.texts:
        compare_budgets(given.texts, given.budgets, given.seeds)
    else:
        compare_neighbours(given.text, given.time, given.neighbours, given.seeds, given.cores)


if __name__ == "__main__":
    main()

"""Lines scored a second: one after another, in batches on one core and two, and by shards in processes of their own.

Usage: python benchmarks/score_lines.py [--lines 20000] [--hidden 128 512] [--rounds 3]

A larger model scores fewer lines, so that all take about as long. The lines have 80 characters on average (40 to 120),
the weights mean nothing. The ways take turns; the best round of each counts, since other work only slows them down. On
a busy machine only the processor time says something. A shard is the whole command, its start included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from machine import describe_machine
from threadpoolctl import threadpool_limits

from nextchar.model.batch_scoring import BatchScorer
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture
from nextchar.parallel import Threads
from nextchar.text.vocabulary import Vocabulary

CHARACTERS = "\n !',-.:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ALONE = 20
"""Share of the lines that are scored one after another, as 1 to this number: it takes so much longer."""


def random_model(hidden: int) -> LanguageModel:
    """Return a model of that size whose weights mean nothing."""
    vocabulary = Vocabulary(CHARACTERS)
    architecture = Architecture(vocabulary_size=vocabulary.size, embedding=32, hidden=(hidden,))
    random = np.random.default_rng(0)
    parameters = {
        name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in architecture.parameter_shapes().items()
    }
    return LanguageModel(ModelFile(architecture, vocabulary, parameters, Provenance()))


def made_up_lines(count: int) -> list[str]:
    """Return ``count`` lines of 40 to 120 characters."""
    random = Random(0)
    return ["".join(random.choices(CHARACTERS[1:], k=random.randint(40, 120))) for _ in range(count)]


def score_alone(model: LanguageModel, lines: Sequence[str]) -> int:
    """Score some of the ``lines`` one after another; return how many."""
    some = lines[: max(1, len(lines) // ALONE)]
    for line in some:
        model.bits_per_character(line)
    return len(some)


def score_together(model: LanguageModel, lines: Sequence[str], threads: int) -> int:
    """Score the ``lines`` in batches; return how many."""
    with threadpool_limits(1, "blas"):  # NumPy's own threads too: they would wait for each other
        return len(BatchScorer(model.compiled_network, model.vocabulary, Threads(threads)).score(lines))


def score_in_shards(model: LanguageModel, lines: Sequence[str], shards: int) -> int:
    """Score the ``lines`` once for each of so many processes of one core, which begin together; return how many."""
    with TemporaryDirectory() as folder:
        model.save(Path(folder, "model.safetensors"))
        files = [Path(folder, f"{shard}.txt") for shard in range(shards)]
        for file in files:
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "nextchar", "score", str(Path(folder, "model.safetensors")), *map(str, files)]
        command += ["--lines", "--out", str(Path(folder, "scores")), "--shard"]
        running = [
            subprocess.Popen(
                [*command, f"{shard}/{shards}"],
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stderr=subprocess.DEVNULL,
            )
            for shard in range(shards)
        ]
        assert not any(process.wait() for process in running)
    return shards * len(lines)


def measure(hidden: int, count: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Return for each way its lines a second and its lines a second of processor time, each in the best round."""
    model, lines = random_model(hidden), made_up_lines(count)
    score_together(model, lines[:100], 1)
    ways = {
        "one after another": partial(score_alone, model, lines),
        "1 thread": partial(score_together, model, lines, 1),
        "2 threads": partial(score_together, model, lines, 2),
        "1 shard": partial(score_in_shards, model, lines, 1),
        "2 shards": partial(score_in_shards, model, lines, 2),
    }
    best = dict.fromkeys(ways, (0.0, 0.0))
    for _ in range(rounds):
        for name, way in ways.items():
            begun, used = time.perf_counter(), processor_seconds()
            scored = way()
            passed, used = time.perf_counter() - begun, processor_seconds() - used
            best[name] = max(best[name][0], scored / passed), max(best[name][1], scored / used)
    return best


def processor_seconds() -> float:
    """Return the processor time that this process and those it has waited for have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    """Run the benchmark and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--hidden", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(describe_machine() + f", load {os.getloadavg()[0]:.1f}")
    print("\n| hidden | way | lines/s | of the ideal | lines/s of processor time | of the ideal |")
    print("|---:|---|---:|---:|---:|---:|")
    for hidden in options.hidden:
        measured = measure(hidden, options.lines * 128 * 128 // hidden**2, options.rounds)
        for name, (by_clock, by_processor) in measured.items():
            shares = [""] * 2
            if name.startswith("2"):
                clock_of_one, processor_of_one = measured[name.replace("2", "1").rstrip("s")]
                shares = [f"{by_clock / clock_of_one / 2:.0%}", f"{by_processor / processor_of_one:.0%}"]
            print(
                f"| {hidden} | {name} | {by_clock:,.0f} | {shares[0]} | {by_processor:,.0f} | {shares[1]} |", flush=True
            )
    print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

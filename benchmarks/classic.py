"""The classic example in Keras and in nextchar: speed, bits per character, writing and memory.

Usage: python benchmarks/classic.py [--epochs 9] [--rounds 5] [--steps 150] [--seeds 3] [--results FILE] [--output FILE]

Nietzsche, lower-cased, the last 10 % held out. Every installed Keras backend and nextchar's classic recipe run in
processes of their own. In every round each of them in turn trains on the same number of batches, so that all meet the
same machine load. Then the fastest backend and nextchar's recipe train all epochs, scored after each one. Last, the
default recipe gets more and more seconds until it is as good as the example at its end.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

from command import nextchar
from machine import describe_machine

HERE = Path(__file__).parent
KERAS = f"Keras {version('keras')}"
BACKENDS = ("jax", "tensorflow", "torch")
EPOCH_BATCHES = 1409
"""Batches of 128 in an epoch over the 180,248 training windows."""
TEXT = ("nietzsche", "--lowercase")
BUDGETS = (2, 3, 4, 5, 6, 8, 10, 15, 20)
"""Time budgets of the default recipe, in seconds."""


class Worker:
    """A process that obeys commands."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def ask(self, name: str, **options: Any) -> dict[str, Any]:
        """Return the answer to one command."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": name, **options}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"A worker ended: {self._process.args}")
        return json.loads(line)


@dataclass
class System:
    """The measurements of one implementation of the classic example."""

    name: str
    command: list[str]
    rounds: list[float] = field(default_factory=list)
    """Seconds per batch, in each round."""
    epochs: list[dict[str, float]] = field(default_factory=list)
    writing: float = 0.0
    """Characters per second."""
    memory: int = 0
    """Peak resident bytes."""

    def start(self) -> Worker:
        """Return a fresh process of the system."""
        return Worker(str(HERE / self.command[0]), *self.command[1:])

    def end(self, worker: Worker) -> None:
        """End the process and record its peak memory."""
        self.memory = max(self.memory, worker.ask("memory")["bytes"])
        worker.close()

    def milliseconds(self) -> float:
        """Return the median time of a batch."""
        return 1000 * statistics.median(self.rounds)


@dataclass
class Results:
    """All measurements, with nextchar's classic recipe as the last system. They are kept in a file, so that an
    interrupted benchmark, which takes half an hour, continues where it stopped."""

    systems: list[System]
    default: list[dict[str, Any]] = field(default_factory=list)
    """For each budget of the default recipe: the seconds requested, and bits and seconds of each seed."""

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read the file."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls([System(**system) for system in content["systems"]], content["default"])

    @property
    def contestants(self) -> list[System]:
        """The fastest Keras, and nextchar."""
        return [min(self.systems[:-1], key=System.milliseconds), self.systems[-1]]


def default_recipe(seconds: float, seed: int) -> tuple[float, float]:
    """Train with no option but the time; return bits per character and the seconds of training."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--time", f"{seconds}s", "--seed", seed, "--out", Path(folder) / "run", "--quiet")
        result = nextchar("train", *TEXT, *options)
    return result["validation_bits_per_character"], result["training_seconds"]


def say(message: str) -> None:
    """Report progress on standard error."""
    print(message, file=sys.stderr, flush=True)


def measure(results: Results, arguments: argparse.Namespace, save: Callable[[], None]) -> None:
    """Measure whatever ``results`` does not have yet."""
    if not results.systems[0].rounds:
        measure_speed(results.systems, arguments.rounds, arguments.steps)
        save()
    if not results.systems[-1].epochs:
        workers = [(system, system.start()) for system in results.contestants]
        for epoch in range(arguments.epochs):
            for system, worker in workers:
                system.epochs.append(worker.ask("epoch"))
                say(f"{system.name}, epoch {epoch + 1}: {system.epochs[-1]}")
        for system, worker in workers:
            system.end(worker)
        save()
    if not results.default:
        for budget in BUDGETS:
            runs = [default_recipe(budget, seed) for seed in range(arguments.seeds)]
            results.default.append(
                {"time": budget, "bits": [run[0] for run in runs], "seconds": [run[1] for run in runs]}
            )
            say(f"default recipe: {results.default[-1]}")
            if statistics.median(results.default[-1]["bits"]) <= target(results):
                break
        save()


def measure_speed(systems: list[System], rounds: int, steps: int) -> None:
    """Measure batches in turn, then writing."""
    workers = [system.start() for system in systems]
    for worker in workers:
        worker.ask("steps", count=10)  # compiles
    for number in range(rounds):
        for system, worker in zip(systems, workers, strict=True):
            system.rounds.append(worker.ask("steps", count=steps)["seconds"] / steps)
            say(f"round {number + 1}: {system.name} {1000 * system.rounds[-1]:.1f} ms a batch")
    for system, worker in zip(systems, workers, strict=True):
        count = 2000 if system is systems[-1] else 100
        system.writing = worker.ask("write", count=count)["characters_per_second"]
        say(f"{system.name}: {system.writing:.0f} characters/s")
        system.end(worker)


def target(results: Results) -> float:
    """Return the best bits per character of the example."""
    return min(epoch["bits"] for epoch in results.contestants[0].epochs)


def speed_table(systems: list[System]) -> str:
    """Return seconds per epoch, characters per second when writing, and memory."""
    ours, keras = systems[-1], systems[:-1]
    fastest = min(system.milliseconds() for system in keras)
    heads = ("system", "ms a batch", "least to most", "s an epoch", "times the fastest Keras", "writing, characters/s")
    rows = [f"| {' | '.join(heads)} | peak memory, MB |", "|---|" + "---:|" * len(heads)]
    for system in systems:
        least, most = (1000 * extreme(system.rounds) for extreme in (min, max))
        rows.append(
            f"| {system.name} | {system.milliseconds():.1f} | {least:.1f} to {most:.1f} | "
            f"{system.milliseconds() / 1000 * EPOCH_BATCHES:.0f} | {fastest / system.milliseconds():.2f} | "
            f"{system.writing:,.0f} | {system.memory / 1e6:,.0f} |"
        )
    best = [min(seconds) for seconds in zip(*(system.rounds for system in keras), strict=True)]
    ratios = ", ".join(f"{other / own:.2f}" for other, own in zip(best, ours.rounds, strict=True))
    rows.append(
        f"\nThe fastest Keras backend of each round took {ratios} times as long as nextchar's classic recipe.\n"
    )
    return "\n".join(rows)


def epoch_table(contestants: list[System]) -> str:
    """Return seconds and held-out bits per character after each epoch."""
    names = [system.name for system in contestants]
    rows = [
        "| epoch | " + " | ".join(f"{name}, s so far | bits/character" for name in names) + " |",
        "|---:|" + "---:|---:|" * len(names),
    ]
    for number in range(len(contestants[0].epochs)):
        cells = [
            f"{seconds_after(system, number + 1):.0f} | {system.epochs[number]['bits']:.3f}" for system in contestants
        ]
        rows.append(f"| {number + 1} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def seconds_after(system: System, epochs: int) -> float:
    """Return the seconds of the first ``epochs`` passes."""
    return sum(epoch["seconds"] for epoch in system.epochs[:epochs])


def reach_table(results: Results) -> str:
    """Return what the default recipe reaches in each budget, until its median beats the example."""
    example = results.contestants[0]
    needed = seconds_after(example, len(example.epochs))
    rows = ["| default recipe, --time | training s | bits/character, median | all seeds |", "|---:|---:|---:|---|"]
    for run in results.default:
        seconds, bits = statistics.median(run["seconds"]), statistics.median(run["bits"])
        rows.append(
            f"| {run['time']} s | {seconds:.1f} | {bits:.3f} | {', '.join(f'{one:.3f}' for one in run['bits'])} |"
        )
    seconds = statistics.median(results.default[-1]["seconds"])
    rows.append(
        f"\nThe default recipe is as good as the example ever was ({target(results):.3f} bits per character) after "
        f"{seconds:.1f} s of training, where the example trains for {needed:.0f} s: "
        f"**{needed / seconds:.0f} times sooner**.\n"
    )
    return "\n".join(rows)


def package(backend: str) -> str:
    """Return the name under which ``backend`` was installed."""
    return next(iter(packages_distributions()[backend]))


def corpus_path() -> str:
    """Return where the text is."""
    from nextchar.text import catalog
    from nextchar.text.corpus_cache import default_cache_folder

    return str(catalog.resolve(["nietzsche"], cache=default_cache_folder()).files[0].path)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=9, help="at least 1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--results", type=Path, default=Path("classic.json"), help="file to continue from and save to")
    parser.add_argument("--output", type=Path, help="file for the tables")
    arguments = parser.parse_args()
    text = corpus_path()
    if arguments.results.exists():
        results = Results.load(arguments.results)
    else:
        systems = [
            System(
                f"Keras {version('keras')}, {backend} {version(package(backend))}", ["keras_worker.py", backend, text]
            )
            for backend in arguments.backend or BACKENDS
            if importlib.util.find_spec(backend)
        ]
        results = Results([*systems, System("nextchar classic", ["classic_worker.py", text])])

    def save() -> None:
        arguments.results.write_text(json.dumps(asdict(results), indent=1), encoding="utf-8")

    measure(results, arguments, save)
    tables = [speed_table(results.systems), epoch_table(results.contestants), reach_table(results)]
    page = f"{describe_machine()}\n\n" + "\n".join(tables)
    print(page)
    if arguments.output:
        arguments.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

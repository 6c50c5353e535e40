"""Held-out bits per character against seconds of training, by the command itself with nothing chosen by hand.

Usage: python benchmarks/learning.py [--seeds 3] [--only nietzsche] [--budget 60] [--output FILE]

Each line is one `nextchar train TEXT --time T --json` in a process of its own, one after another. The figure is that of
the model that was kept, on the last 10 % of the text, the state carried through the whole of it. Prints a table in
Markdown, medians over the seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from machine import describe_machine

RUNS = {
    "nietzsche": (("--lowercase",), (10, 60, 180)),
    "tinyshakespeare": ((), (10, 60, 180)),
    "korean-stories": ((), (10, 60)),
    "names": ((), (10, 60)),
    "python-docs": ((), (10, 60)),
}
"""Options and time budgets, in seconds, of each text."""
FLOORS = {
    ("nietzsche", 10): 2.25,
    ("nietzsche", 60): 2.00,
    ("nietzsche", 180): 1.93,
    ("tinyshakespeare", 10): 1.69 / 0.693147,
    ("tinyshakespeare", 60): 1.56 / 0.693147,
}
"""Bits per character that a plain prototype of sixty lines reached."""


@dataclass(frozen=True)
class Result:
    text: str
    budget: float
    seed: int
    bits: float
    training_seconds: float
    total_seconds: float
    hidden: int
    steps: int


def train(text: str, options: tuple[str, ...], budget: float, seed: int) -> Result:
    """Train once with the command and return what it reports."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nextchar", "train", text, *options, "--time", f"{budget}s"]
        command += ["--seed", str(seed), "--out", str(Path(folder) / "run"), "--quiet", "--json"]
        began = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        total = time.perf_counter() - began
    result = json.loads(done.stdout.splitlines()[-1])
    return Result(
        text,
        budget,
        seed,
        result["validation_bits_per_character"],
        result["training_seconds"],
        total,
        result["hidden"][0],
        result["steps"],
    )


def print_table(results: list[Result]) -> None:
    """Print medians over the seeds, in Markdown."""
    print(f"\n{describe_machine()}\n")
    print("| text | time | hidden | steps | bits/character | nats | spread | floor | training s | whole command s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for text, budget in dict.fromkeys((result.text, result.budget) for result in results):
        runs = [result for result in results if (result.text, result.budget) == (text, budget)]
        bits = [run.bits for run in runs]
        median = statistics.median(bits)
        spread = f"{max(bits) - min(bits):.3f}" if len(bits) > 1 else "one seed"
        floor = FLOORS.get((text, int(budget)))
        shown = "" if floor is None else f"{floor:.3f} {'reached' if median <= floor else 'MISSED'}"
        print(
            f"| {text} | {budget:g} s | {runs[0].hidden} | {runs[0].steps:,} | **{median:.3f}** | "
            f"{median * 0.693147:.3f} | {spread} | {shown} | "
            f"{statistics.median(run.training_seconds for run in runs):.1f} | "
            f"{statistics.median(run.total_seconds for run in runs):.1f} |"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=RUNS)
    parser.add_argument("--budget", action="append", type=int, help="time budget in seconds; all of a text by default")
    parser.add_argument("--output", type=Path, help="file for the single results, as JSON")
    arguments = parser.parse_args()
    results: list[Result] = []
    for text in arguments.only or RUNS:
        options, budgets = RUNS[text]
        for budget in (budget for budget in budgets if budget in (arguments.budget or budgets)):
            for seed in range(arguments.seeds):
                results.append(train(text, options, budget, seed))
                print(results[-1], file=sys.stderr, flush=True)
                if arguments.output:
                    arguments.output.write_text(json.dumps([asdict(result) for result in results], indent=1))
    print_table(results)


if __name__ == "__main__":
    main()

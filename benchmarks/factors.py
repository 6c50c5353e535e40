"""Factored rows: bits per character of Korean texts whose syllables learn by their letters, and of others.

Usage: NEXTCHAR_CORPORA=FOLDER python benchmarks/factors.py [--runs korean-stories ...] [--seeds 0 1]

Each run has a fixed size and number of updates, and is made with each set of factors in turn, so that nothing but these
differs. Prints a table in Markdown: bits per character on the held-out text with the memory, of the network alone, and
the seconds of training.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from machine import describe_machine

from nextchar import train
from nextchar.training import factors

RUNS: dict[str, dict[str, Any]] = {
    "korean-stories": {"hidden": 256, "steps": 2000, "from_": "none"},
    "korean-bible": {"hidden": 384, "steps": 800, "from_": "none"},
}
"""The texts, and how each is learned: of the Bible 37 s of training on two quiet cores, in float32."""
ALL = factors.factors_of
SETS = {
    "none": lambda _: (),
    "letters": lambda text: ALL(text)[:3],
    "letters, and initial with medial": ALL,
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", nargs="+", default=list(RUNS), choices=RUNS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments = parser.parse_args()
    print(describe_machine() + "\n")
    print("| text | seed | factors | with memory | network | training, s |\n|---|---:|---|---:|---:|---:|")
    for name in arguments.runs:
        for seed in arguments.seeds:
            for which, found in SETS.items():
                factors.factors_of = found
                with tempfile.TemporaryDirectory() as folder:
                    facts = train(name, out=Path(folder) / "run", quiet=True, seed=seed, **RUNS[name]).provenance
                print(
                    f"| {name} | {seed} | {which} | {facts.validation_bits_per_character:.3f} | "
                    f"{facts.network_bits_per_character:.3f} | {facts.training_seconds:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

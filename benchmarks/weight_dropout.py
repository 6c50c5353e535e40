"""Recurrent weights left out: bits per character of short texts that are read often, with and without.

Usage: NEXTCHAR_CORPORA=FOLDER python benchmarks/weight_dropout.py [--texts verse ...] [--seeds 0 1]

Each text is a piece of a corpus. It is learned as the default recipe did before there was dropout of weights (128 units
and 30 passes, or 96 and 20 for less than 50,000 characters), and with twice the size in as many passes and in twice as
many, with each share of the recurrent weights left out. Prints a table in Markdown: bits per character on the held-out
tenth with the memory, of the network alone, and the seconds of training.
"""

from __future__ import annotations

import argparse

from machine import describe_machine
from pieces import learned, reached

from nextchar.training import chooser

TEXTS = {
    "verse": ("tinyshakespeare.txt", 200_000, 75_000),
    "short verse": ("tinyshakespeare.txt", 300_000, 30_000),
    "Nietzsche": ("nietzsche.txt", 100_000, 75_000),
    "short Nietzsche": ("nietzsche.txt", 300_000, 40_000),
    "Hafez": ("persian_hafez.txt", 0, 75_000),
    "Python's library": ("python_stdlib.txt", 500_000, 75_000),
    "cities": ("world_cities.csv", 0, 75_000),
    "Korean stories": ("korean_stories.txt", 20_000, 50_000),
}
"""For each text its file, the first character of the piece, and the length."""
SHARES = {1: (0.0, 0.1, 0.2), 2: (0.0, 0.3, 0.5)}
"""Shares of the weights, for each of how many times the passes."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", nargs="+", default=list(TEXTS), choices=TEXTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments = parser.parse_args()
    print(describe_machine() + "\n")
    print("| text | seed | units | passes | left out | with memory | network | training, s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in arguments.texts:
        _, _, length = TEXTS[name]
        units, passes = (128, 30) if length > chooser.SHORT_TEXT else (96, 20)
        for seed in arguments.seeds:
            print_row(name, seed, units, passes, 0.0)
            for times, shares in SHARES.items():
                for share in shares:
                    print_row(name, seed, 2 * units, times * passes, share)


def print_row(name: str, seed: int, hidden: int, epochs: int, share: float) -> None:
    """Train on a text with ``hidden`` units in ``epochs`` passes, with a ``share`` of the recurrent weights left out,
    and print what is reached."""
    chooser.Chooser.weight_dropout = lambda self, hidden, steps: share  # noqa: ARG005 (the rule's own signature)
    facts = learned(*TEXTS[name], hidden=hidden, epochs=epochs, seed=seed)
    print(f"| {name} | {seed} | {hidden} | {epochs} | {share} | {reached(facts)} |", flush=True)


if __name__ == "__main__":
    main()

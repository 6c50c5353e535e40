"""The learning rate of texts that are read many times: bits per character at multiples of the rate without dropout.

Usage: NEXTCHAR_CORPORA=FOLDER python benchmarks/learning_rate.py [--texts verse ...] [--multiples 1 2 3] [--seeds 0]

Each text, mostly a piece of a corpus, is learned with the size and the passes that stand beside it, everything else as
the default recipe has it. Prints a table in Markdown: dropout as the rule has it, and for each multiple the bits per
character on the held-out tenth with the memory, of the network alone, and the seconds of training.
"""

from __future__ import annotations

import argparse

from machine import describe_machine
from pieces import learned, reached

from nextchar.training.chooser import Chooser

TEXTS = {
    "names": ("names.txt", 0, None, 256, 30),
    "names, fewer passes": ("names.txt", 0, None, 192, 15),
    "verse": ("tinyshakespeare.txt", 200_000, 150_000, 256, 30),
    "verse, fewer passes": ("tinyshakespeare.txt", 200_000, 150_000, 128, 12),
    "Nietzsche": ("nietzsche.txt", 100_000, 150_000, 256, 30),
    "Python's library": ("python_stdlib.txt", 300_000, 150_000, 256, 30),
    "War and Peace": ("war_and_peace.txt", 500_000, 150_000, 256, 30),
    "Hafez": ("persian_hafez.txt", 0, 150_000, 256, 30),
    "Korean stories": ("korean_stories.txt", 0, None, 256, 18),
    "short verse": ("tinyshakespeare.txt", 200_000, 75_000, 256, 30),
    "short Python": ("python_stdlib.txt", 0, 75_000, 256, 60),
    "short Tamil": ("tamil_thirukkural.txt", 0, 75_000, 256, 60),
    "shortest Nietzsche": ("nietzsche.txt", 100_000, 40_000, 96, 20),
}
"""For each text its file, the first character of the piece, its length, the units and the passes."""
RULE = Chooser.learning_rate
"""The rule itself, of which the benchmark takes multiples."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", nargs="+", default=list(TEXTS), choices=TEXTS)
    parser.add_argument("--multiples", nargs="+", type=float, default=[1, 2, 3])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    given = parser.parse_args()
    print(describe_machine() + "\n")
    print("| text | seed | units | passes | dropout | times the rate | with memory | network | training, s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in given.texts:
        for seed in given.seeds:
            for times in given.multiples:
                print_row(name, seed, times)


def print_row(name: str, seed: int, times: float) -> None:
    """Train on a text at ``times`` the learning rate without dropout, and print what is reached."""
    *piece, hidden, epochs = TEXTS[name]
    Chooser.learning_rate = lambda self, hidden, dropout: times * RULE(self, hidden, 0.0)  # noqa: ARG005
    facts = learned(*piece, hidden=hidden, epochs=epochs, seed=seed)
    chosen = f"{hidden} | {epochs} | {facts.plan['dropout']:.2f} | {times:g}"
    print(f"| {name} | {seed} | {chosen} | {reached(facts)} |", flush=True)


if __name__ == "__main__":
    main()

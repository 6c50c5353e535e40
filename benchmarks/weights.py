"""Eight-bit weights: what they cost in bits per character and what they gain in speed.

Usage: python benchmarks/weights.py [--time 20] [--hidden 256] [--rounds 5] [--output FILE]

For each size, trains a model on tinyshakespeare for some seconds. Scores the held-out last 10 % of the text with the
weights as they are and rounded to eight bits. Both write one text on one core, in turns. The speeds are medians of the
rounds, the gain is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from machine import describe_machine
from threadpoolctl import threadpool_limits

import nextchar
from nextchar.model.language_model import LanguageModel
from nextchar.text import catalog
from nextchar.text.corpus_cache import default_cache_folder

LENGTH = 20_000


def characters_per_second(model: LanguageModel) -> float:
    """Return the rate of writing one text."""
    began = time.perf_counter()
    model.generate(length=LENGTH, seed=0)
    return LENGTH / (time.perf_counter() - began)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time", type=float, default=20)
    parser.add_argument("--hidden", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    text = catalog.resolve(["tinyshakespeare"], cache=default_cache_folder()).files[0].path.read_text(encoding="utf-8")
    held_out = text[int(len(text) * 0.9) :]
    rows = [
        describe_machine() + "\n",
        "| hidden | float32, bits | int8, bits | loss | float32, characters/s | int8, characters/s | gain |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for hidden in arguments.hidden or (128, 256, 512):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "run")
            nextchar.train("tinyshakespeare", out=out, hidden=hidden, time=arguments.time, quiet=True)
            models = nextchar.load(out), nextchar.load(out, weights="int8")
        bits = [model.bits_per_character(held_out) for model in models]
        for model in models:
            model.generate(length=LENGTH, seed=0)  # loads the loops
        with threadpool_limits(1, "blas"):
            rates = [[characters_per_second(model) for model in models] for _ in range(arguments.rounds)]
        plain, rounded = (statistics.median(values) for values in zip(*rates, strict=True))
        gain = statistics.median(fast / slow for slow, fast in rates)
        rows.append(
            f"| {hidden} | {bits[0]:.4f} | {bits[1]:.4f} | {bits[1] - bits[0]:+.4f} | {plain:,.0f} | {rounded:,.0f} | "
            f"{gain:.2f} |"
        )
        print(rows[-1], flush=True)
    result = "\n".join(rows) + "\n"
    print(result)
    if arguments.output:
        arguments.output.write_text(result, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Copying: how much of what a model writes stands in its training text, and what the guard against it costs.

Usage: python benchmarks/copying.py RUN [--length 4000] [--texts 5]

RUN is the folder of a run, or a model file, of a blend with its training text. Its network alone, the blend, and the
blend with --max-copy write the same number of characters from an empty prompt, which are then looked up in the text.
Then the speed of one text with the compiled network, in turns. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from machine import describe_machine

from nextchar.model.language_model import LanguageModel
from nextchar.settings import MIN_RUN

TEMPERATURES = (0.5, 1.0)
LIMITS = (None, 30, 20, 15)
"""Values of --max-copy; None is without the guard."""
ROUNDS, CHARACTERS = 3, 10_000
"""Turns of each, and the characters of one."""


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--length", type=int, default=4000)
    parser.add_argument("--texts", type=int, default=5)
    options = parser.parse_args()
    blend = LanguageModel.load(options.run)
    network = LanguageModel(replace(blend.file.without_memory("This benchmark"), text=blend.file.text))
    print(f"{describe_machine()}\n\n{blend}\n")
    began = time.perf_counter()
    characters = len(blend.source_text.ids)
    unpacked = time.perf_counter()
    blend.copy_index.guard(MIN_RUN, ())
    print(
        f"{characters:,} characters: unpacked in {unpacked - began:.2f} s, sorted in "
        f"{time.perf_counter() - unpacked:.2f} s\n"
    )
    print(f"| | temperature | in runs of {MIN_RUN} or more | longest run |\n|---|---:|---:|---:|")
    named = [("network alone", network, None), *((_named(limit), blend, limit) for limit in LIMITS)]
    for name, model, limit in named:
        for temperature in TEMPERATURES:
            share, longest = copied(model, temperature, limit, options.length, options.texts)
            print(f"| {name} | {temperature} | {100 * share:.1f} % | {longest} |", flush=True)
    print("\n| | temperature | characters/s |\n|---|---:|---:|")
    for temperature in TEMPERATURES:
        speeds = {limit: list[float]() for limit in LIMITS}
        for seed in range(ROUNDS):
            for limit, found in speeds.items():
                found.append(speed(blend, temperature, limit, seed))
        for limit, found in speeds.items():
            print(f"| {_named(limit)} | {temperature} | {statistics.median(found):,.0f} |", flush=True)


def _named(limit: int | None) -> str:
    return "blend" if limit is None else f"blend, --max-copy {limit}"


def copied(model: LanguageModel, temperature: float, limit: int | None, length: int, texts: int) -> tuple[float, int]:
    """Return the share of characters in runs of `MIN_RUN` or more, and the length of the longest run."""
    marked, longest = np.zeros((texts, length), np.bool_), 0
    for seed in range(texts):
        text = model.generate(length=length, temperature=temperature, seed=seed, max_copy=limit)
        for run in model.copied_runs(text):
            marked[seed, run.start : run.end] = True
            longest = max(longest, run.length)
    return float(marked.mean()), longest


def speed(model: LanguageModel, temperature: float, limit: int | None, seed: int) -> float:
    """Return the characters per second of one text."""
    prompt = model.fold_prompt(characters=10**9)
    began = time.perf_counter()
    text = model.generate(prompt, length=CHARACTERS, temperature=temperature, seed=seed, max_copy=limit)
    return len(text) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()

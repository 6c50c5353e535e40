"""Lists of models side by side: which share of what they write is valid, unique and new.

Usage: python benchmarks/lists.py MODEL [MODEL ...] [--list names] [--count 10000] [--temperatures 0.7 1.0]

Each model, a run folder or a model file, draws the same number of entries at each temperature, with the same seed. An
entry is what it writes between two line ends, and valid if it is as long as entries of the list are. The list is a file
or a text known by name. All its lines count, those held out from training too: what is new is in none of them. The last
row is the list itself: how many of its own lines are left without repeats.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from machine import describe_machine

from nextchar.model.known_entries import KnownEntries
from nextchar.model.language_model import LanguageModel
from nextchar.model.list_quality import measure_list
from nextchar.text.catalog import resolve
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.text.line_survey import survey_lines
from nextchar.text.text_file import joined_chunks


def read_list(name: str) -> list[str]:
    """Return the lines of the list ``name`` that are not empty."""
    files = resolve([name], cache=default_cache_folder()).files
    return [line for line in "".join(joined_chunks(files, lowercase=False)).split("\n") if line]


def main() -> None:
    """Run the benchmark and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL")
    parser.add_argument("--list", default="names")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.7, 1.0])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    lines = read_list(options.list)
    known, survey = KnownEntries.of_lines(lines), survey_lines(lines)
    print(describe_machine() + f", load {os.getloadavg()[0]:.1f}")
    lengths = f"{survey.shortest} to {survey.longest} characters"
    print(f"\n{options.count:,} entries each; {options.list}: {len(lines):,} lines of {lengths}")
    print("\n| model | temperature | valid | unique | new | entries/s |\n|---|---:|---:|---:|---:|---:|")
    for path in options.models:
        model = LanguageModel.load(path)
        network, vocabulary = model.compiled_network, model.vocabulary
        for temperature in options.temperatures:
            begun = time.perf_counter()
            quality = measure_list(
                network, vocabulary, known, survey, count=options.count, temperature=temperature, seed=options.seed
            )
            speed = options.count / (time.perf_counter() - begun)
            shares = f"{quality.valid:.2%} | {quality.unique:.2%} | {quality.new:.2%}"
            print(f"| {path.name} | {temperature:g} | {shares} | {speed:,.0f} |", flush=True)
    print(f"| the list | | | {len(known) / len(lines):.2%} | | |")


if __name__ == "__main__":
    main()

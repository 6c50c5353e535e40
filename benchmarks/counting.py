"""Counting: seconds and memory for a text, counted and pruned as the memory of a model is.

Usage: python benchmarks/counting.py FILE [--characters 8000000] [--threads 2]

Counts the last characters of a file with contexts of 8 characters and keeps as many n-grams as a run does. The loops
are loaded, or compiled, before. Prints one line; memory is the peak of the process, and before it what it had at first.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from machine import describe_machine

from nextchar.model.blending import MAX_NGRAMS, MAX_WHOLE, ORDER
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_pruning import prune
from nextchar.parallel import Threads


def peak() -> int:
    """Return the largest memory of the process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 1_000_000


def main() -> None:
    """Count, prune and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--characters", type=int, default=8_000_000)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    text = options.file.read_bytes().decode()[-options.characters :]
    characters, numbers = np.unique(np.frombuffer(text.encode("utf-32-le"), np.uint32), return_inverse=True)
    ids, size = numbers.astype(np.min_scalar_type(len(characters))), len(characters)
    del text, numbers
    executor = Threads(options.threads)
    prune(count_text(ids[:2000], size, ORDER, executor), 100)
    before, began = peak(), time.perf_counter()
    counts = count_text(ids, size, ORDER, executor, drop_rare=len(ids) > MAX_WHOLE)
    counted = time.perf_counter()
    kept = prune(counts, min(MAX_NGRAMS, len(ids)))
    pruned = time.perf_counter()
    print(
        f"{describe_machine()}\n{len(ids):,} characters: {counted - began:.2f} s to count, {pruned - counted:.2f} s to "
        f"prune {len(counts.ids) - 1:,} n-grams to {len(kept.ids) - 1:,}; {before} MB before, peak {peak()} MB"
    )


if __name__ == "__main__":
    main()

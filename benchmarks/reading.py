"""Reading along: bits per character of a model as it is, and of one that learns from the text as it reads it, beside
compressors, which do so too.

Usage: NEXTCHAR_CORPORA=FOLDER python benchmarks/reading.py [--budget 60] [--seeds 3] [--only nietzsche] [--runs FOLDER]
           [--output FILE]

`nextchar train TEXT --time T` trains each model, one process at a time, unless FOLDER has it already, and `nextchar
evaluate` scores it on the last 10 % of the text. "Blend" is the honest figure of the run: weights fitted on one half of
that text and used on the other. The model that reads along begins with weights fitted on all of it; "even" begins with
0.5, 0.3 and 0.2 (0.5 and 0.5 without words) for every text instead. Medians over the seeds. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import blend
import numpy as np
from command import nextchar
from machine import show

from nextchar.model.blending import EVEN
from nextchar.model.language_model import LanguageModel
from nextchar.networks.kinds import WEIGHTS
from nextchar.runs.training_text import corpus_of_model
from nextchar.text.corpus_cache import default_cache_folder

TEXTS: dict[str, tuple[str, ...]] = {**blend.TEXTS, "korean-bible": (), "neko": (), "world-cities": ()}
"""Options of each text."""
COLUMNS = ("network", "counts", "blend", "reading", "even", "PPMd", "zpaq", "speed")


def train(name: str, budget: int, seed: int, folder: Path) -> Path:
    """Return the run of a model of the text ``name``, trained now unless it is in ``folder``."""
    run = folder / f"{name}-{budget}s-{seed}"
    if not (run / "model.safetensors").exists():
        nextchar(
            "train", name, "--from", "none", "--time", f"{budget}s", "--seed", str(seed), "--out", run, *TEXTS[name]
        )
    return run


def measure(run: Path, *, counting: bool) -> dict[str, float]:
    """Return the figures of a run, by column; those of the compressors only if ``counting``."""
    found = nextchar("evaluate", run, *([] if counting else ["--no-counting"]))
    model = LanguageModel.load(run)
    corpus = corpus_of_model(run, model.file, default_cache_folder())
    held_out = model.vocabulary.decode(np.asarray(corpus.validation))
    began = time.perf_counter()
    model.surprises(held_out, adapt="counts")
    seconds = time.perf_counter() - began
    situations, parts = model.file.parameters[WEIGHTS].shape
    weights = np.tile(np.array(EVEN[parts], np.float32), (situations, 1))
    even = LanguageModel(replace(model.file, parameters={**model.file.parameters, WEIGHTS: weights}))
    bits = {
        "network": found["network_bits_per_character"],
        "counts": found["counts_bits_per_character"],
        "blend": model.provenance.validation_bits_per_character,
        "reading": found["adaptive_bits_per_character"],
        "even": float(even.surprises(held_out, adapt="counts").mean()),
        "speed": len(held_out) / seconds,
    }
    compressors = {"PPMd": found["ppmd_bits_per_character"], "zpaq": found["zpaq_bits_per_character"]}
    return {**bits, **(compressors if counting else {})}


def table(names: list[str], budget: int, seeds: int, folder: Path) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"| text, {budget} s | {' | '.join(COLUMNS[:-1])} | characters/s |"
    yield "|---|" + "---:|" * len(COLUMNS)
    for name in names:
        found = [measure(train(name, budget, seed, folder), counting=seed == 1) for seed in range(1, seeds + 1)]
        medians = {column: statistics.median(row[column] for row in found if column in row) for column in COLUMNS}
        speed = medians.pop("speed")
        yield f"| {name} | {' | '.join(f'{bits:.3f}' for bits in medians.values())} | {speed:,.0f} |"


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=60, help="seconds of training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=TEXTS, default=list(TEXTS))
    parser.add_argument("--runs", type=Path, help="folder that keeps the runs")
    parser.add_argument("--output", type=Path, help="file that the tables are written to as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        show(table(options.only, options.budget, options.seeds, options.runs or Path(temporary)), options.output)


if __name__ == "__main__":
    main()

"""Scoring many lines: how fast, beside KenLM and beside a loop, and how well it finds lines planted in a log.

Usage: python benchmarks/scoring_lines.py [--lines 20000] [--hidden 128] [--rounds 3] [--log 50000] [--planted 200]
                                          [--time 60s]

The log is made up (`log_lines`), the same each time: lines of about 80 characters. Models learn from 20,000 clean ones.
What is scored are others, among which odd ones are planted. The score of a line is its bits per character, or the bits
of its most surprising character. ROC AUC says how well a score sorts the planted lines before the others: 1 is perfect,
0.5 is chance.

KenLM has no wheel, and its package has no program to learn with: `pip install kenlm` builds it, and here it gets our
own 6-grams in its format, so it gives the same probabilities. On a busy machine only lines per second of processor time
say something, and they too suffer from shared caches.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from log_lines import lines_of_log, with_planted
from machine import describe_machine

import nextchar
from nextchar.model import blending
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Architecture
from nextchar.networks.kinds import blend_content, ngram_content
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_counts import NgramCounts
from nextchar.networks.ngram_network import Lookup
from nextchar.networks.word_counts import kinds_of
from nextchar.text.vocabulary import Vocabulary

LEARNED = 20_000
"""Lines that models learn from."""
ORDER = 5
"""Characters of context of KenLM's 6-grams, which is built for no longer ones."""
ALONE = 100
"""Share of the lines that are scored one after another, as 1 to this number: it takes so much longer."""

Score = Callable[[Sequence[str]], Any]


def vocabulary_of(text: str) -> Vocabulary:
    """Return the vocabulary of all characters of ``text``."""
    return Vocabulary("".join(sorted(set(text))))


def speed_models(text: str, hidden: int) -> Iterator[tuple[str, LanguageModel]]:
    """Yield an LSTM whose weights mean nothing, a blend of it with counts of ``text``, and counts alone."""
    vocabulary = vocabulary_of(text)
    ids = vocabulary.encode(text)
    architecture = Architecture(vocabulary_size=vocabulary.size, embedding=32, hidden=(hidden,))
    random = np.random.default_rng(0)
    parameters = {
        name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in architecture.parameter_shapes().items()
    }
    yield f"LSTM of {hidden} units", LanguageModel(ModelFile(architecture, vocabulary, parameters))
    counts = blending.remember(
        ids, vocabulary.size, kinds=kinds_of(list(vocabulary.token_texts(range(vocabulary.size))))
    )
    situations, parts = counts.weights_shape()
    weights = np.tile(np.array(blending.EVEN[parts], np.float32), (situations, 1))
    yield (
        "the same blended with counts",
        LanguageModel(ModelFile(*_placed(vocabulary, blend_content(architecture, parameters, counts, weights)))),
    )
    alone = blending.remember(ids, vocabulary.size)
    yield "counts alone", LanguageModel(ModelFile(*_placed(vocabulary, ngram_content(alone.ngrams))))


def _placed(vocabulary: Vocabulary, content: tuple[Any, Any]) -> tuple[Any, Vocabulary, Any]:
    header, arrays = content
    return header, vocabulary, arrays


def write_arpa(counts: NgramCounts, names: Sequence[str], path: Path) -> None:
    """Write ``counts``, whole, in the format of KenLM: log10 p of each n-gram, and of what its context leaves.

    ``names`` are those of the ids; that of the line end is ``<s>``, which only begins n-grams.
    """
    lookup, size = Lookup(counts), len(counts.ids)
    suffix, p, texts = np.zeros(size, np.int64), np.zeros(size), [""] * size
    levels: list[list[str]] = []
    for length in range(1, counts.order + 2):
        nodes = np.arange(counts.starts[length], counts.starts[length + 1])
        contexts, ids = counts.contexts[nodes], counts.ids[nodes]
        shorter = np.full(len(nodes), 1 / counts.vocabulary_size)
        if length > 1:
            suffix[nodes] = lookup.find(suffix[contexts], ids)
            shorter = p[suffix[nodes]]
        p[nodes] = counts.shares[nodes] + counts.rests[contexts] * shorter
        rows: list[str] = []
        for node, context, token in zip(nodes.tolist(), contexts.tolist(), ids.tolist(), strict=True):
            if length > 1 and (not texts[context] or names[token] == "<s>"):
                continue
            texts[node] = f"{texts[context]} {names[token]}".lstrip()
            left = f"\t{np.log10(counts.rests[node]):.6f}" if node < len(counts.rests) else ""
            rows.append(f"{-99 if names[token] == '<s>' else np.log10(p[node]):.6f}\t{texts[node]}{left}")
        levels.append(rows)
    levels[0] += ["-99\t</s>", f"{np.log10(counts.rests[0] / counts.vocabulary_size):.6f}\t<unk>"]
    with path.open("w", encoding="utf-8") as file:
        print("\\data\\", *(f"ngram {n}={len(rows)}" for n, rows in enumerate(levels, 1)), sep="\n", file=file)
        for number, rows in enumerate(levels, 1):
            print(f"\n\\{number}-grams:", *rows, sep="\n", file=file)
        print("\n\\end\\", file=file)


def kenlm_of(text: str, folder: Path) -> Score | None:
    """Return what scores lines with KenLM and 6-grams of ``text``, -log2 p of each; None where it is not installed."""
    try:
        kenlm = import_module("kenlm")
    except ImportError:
        return None
    vocabulary = vocabulary_of(text)
    names = ["<unk>", *("<s>" if c == "\n" else f"u{ord(c):x}" for c in vocabulary.characters)]
    write_arpa(count_text(vocabulary.encode(text), vocabulary.size, ORDER), names, folder / "log.arpa")
    model, name_of = kenlm.Model(str(folder / "log.arpa")), dict(zip(vocabulary.characters, names[1:], strict=True))

    def score(lines: Sequence[str]) -> list[float]:
        spelled = (" ".join([name_of.get(c, "<unk>") for c in line]) for line in lines)
        return [-model.score(line, bos=True, eos=False) / np.log10(2) for line in spelled]

    return score


def measure(ways: dict[str, tuple[Score, int]], lines: Sequence[str], rounds: int) -> Iterator[str]:
    """Yield a table of the lines a second of each of ``ways``, which scores the first so many of ``lines``; the best of
    ``rounds`` turns."""
    best = dict.fromkeys(ways, (0.0, 0.0))
    for score, _ in ways.values():
        score(lines[:50])
    for _ in range(rounds):
        for name, (score, count) in ways.items():
            begun, used = time.perf_counter(), time.process_time()
            score(lines[:count])
            passed, used = time.perf_counter() - begun, time.process_time() - used
            best[name] = max(best[name][0], count / passed), max(best[name][1], count / used)
    yield "| way | lines/s | lines/s of processor time |"
    yield "|---|---:|---:|"
    for name, (by_clock, by_processor) in best.items():
        yield f"| {name} | {by_clock:,.0f} | {by_processor:,.0f} |"


def area_under_curve(scores: Sequence[float], planted: Sequence[bool]) -> float:
    """Return ROC AUC: how probable it is that a planted line has a higher score than another, ties counted half."""
    values, is_planted = np.asarray(scores), np.asarray(planted)
    others = np.sort(values[~is_planted])
    below, up_to = (np.searchsorted(others, values[is_planted], side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(others))


def find_planted(models: dict[str, LanguageModel], kenlm: Score | None, log: int, count: int) -> Iterator[str]:
    """Yield a table of how well models find ``count`` lines planted among ``log``."""
    lines, kinds = with_planted(log, count)
    planted = [kind != "" for kind in kinds]
    yield f"| {count} planted among {log:,} lines, score | " + " | ".join(["all", *sorted({*kinds} - {""})]) + " |"
    yield "|---|" + "---:|" * (len({*kinds}))
    columns: dict[str, list[float]] = {}
    for name, model in models.items():
        scores = list(model.text_scores(lines))
        columns[f"{name}: bits per character"] = [score.bits_per_character or 0 for score in scores]
        columns[f"{name}: most surprising character"] = [score.surprise_bits or 0 for score in scores]
    if kenlm is not None:
        columns["KenLM, 6-grams: bits per character"] = [
            bits / len(line) for bits, line in zip(kenlm(lines), lines, strict=True)
        ]
    columns["number of characters"] = [len(line) for line in lines]
    for name, values in columns.items():
        cells = [area_under_curve(values, planted)]
        for kind in sorted({*kinds} - {""}):
            chosen = [at for at, found in enumerate(kinds) if found in {"", kind}]
            cells.append(area_under_curve([values[at] for at in chosen], [kinds[at] != "" for at in chosen]))
        yield f"| {name} | " + " | ".join(f"{cell:.4f}" for cell in cells) + " |"


def main() -> None:
    """Run the benchmark and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20_000, help="lines whose scoring is timed")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--log", type=int, default=50_000, help="lines among which odd ones are planted; 0 leaves it out"
    )
    parser.add_argument("--planted", type=int, default=200)
    parser.add_argument("--time", default="60s", help="training time of the model that finds them")
    options = parser.parse_args()
    print(f"{describe_machine()}, load {os.getloadavg()[0]:.1f}\n")
    text = "\n".join(lines_of_log(LEARNED, Random(1))) + "\n"
    lines = list(lines_of_log(options.lines, Random(2)))
    with TemporaryDirectory() as folder:
        kenlm = kenlm_of(text, Path(folder))
        models = dict(speed_models(text, options.hidden))
        ways: dict[str, tuple[Score, int]] = {name: (model.score_many, len(lines)) for name, model in models.items()}
        if kenlm is None:
            print("KenLM is not installed: pip install kenlm builds it (with CMake and a C++ compiler).\n")
        else:
            ways["KenLM, 6-grams, 1 thread"] = kenlm, len(lines)
        alone = next(iter(models.values()))
        ways["the LSTM, a loop over bits_per_character"] = partial(_one_by_one, alone), max(50, len(lines) // ALONE)
        for row in measure(ways, lines, options.rounds):
            print(row, flush=True)
        print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}; {np.mean(list(map(len, lines))):.0f} characters a line\n")
        if options.log:
            found = {
                "blend": nextchar.train(text=text, quiet=True, time=options.time),
                "counts alone": nextchar.train(text=text, quiet=True, recipe="counts"),
            }
            for row in find_planted(found, kenlm, options.log, options.planted):
                print(row, flush=True)


def _one_by_one(model: LanguageModel, lines: Sequence[str]) -> list[float]:
    return [model.bits_per_character(line) for line in lines]


if __name__ == "__main__":
    main()

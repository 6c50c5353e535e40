"""The memory: what counts add to a network, for how many n-grams, and what they cost in time.

Usage: NEXTCHAR_CORPORA=FOLDER python benchmarks/blend.py [--budget 60] [--only nietzsche] [--runs FOLDER]
           [--output FILE]

`nextchar train TEXT --memory --time T` trains each model, one process at a time, unless FOLDER has it already. Figures
are bits per character on the last 10 % of the text: of the network alone, of the counts alone, and of both with weights
fitted on one half of it and reported on the other. Then the same for other numbers of n-grams and other lengths of
context, and characters per second of the network and of the blend, which take turns. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from command import nextchar
from machine import describe_machine

from nextchar.model.blending import COUNTED, ORDER, blend_evenly, honest_bits, remember, spread
from nextchar.model.language_model import LanguageModel
from nextchar.model.scoring import bits_per_id
from nextchar.networks.architecture import Network
from nextchar.networks.blend import TextCounts
from nextchar.networks.engine import make_network
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_pruning import prune
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import WordCounts, kinds_of
from nextchar.networks.word_pruning import prune_words
from nextchar.parallel import Threads, available_cores
from nextchar.runs.training_text import corpus_of_model
from nextchar.text.corpus_cache import default_cache_folder

TEXTS: dict[str, tuple[str, ...]] = {
    "nietzsche": ("--lowercase",),
    "tinyshakespeare": (),
    "python-stdlib": (),
    "korean-stories": (),
    "names": ("--prose",),
    "war-and-peace": (),
    "hafez": (),
}
"""Options of each text."""
SIZES = (100_000, 200_000, 400_000, 800_000)
"""Numbers of n-grams to keep, at the order of the memory."""
WORD_SIZES = (50_000, 100_000, 200_000, 400_000)
"""Numbers of counts of words to keep."""
ORDERS = (4, 6, 8, 10)
"""Lengths of context, with every n-gram kept."""
ROUNDS, SECONDS = 4, 1.0
"""Turns of each network, and the seconds of one."""


class Texts:
    """A trained model, and what it learned from."""

    def __init__(self, run: Path) -> None:
        self.model = LanguageModel.load(run)
        corpus = corpus_of_model(run, self.model.file, default_cache_folder())
        self.training, self.held_out = np.asarray(corpus.training), np.asarray(corpus.validation)
        self.network = make_network(*self.model.file.lstm_for("A benchmark"), compiled=True)
        self.executor = Threads(available_cores())

    def bits(self, ids_bits: float) -> float:
        """Return bits per character, with what unknown characters cost."""
        return ids_bits + float(self.model.vocabulary.unknown_cost(self.held_out).mean())

    def score(self, network: Network[Any]) -> float:
        """Return the bits per character of ``network`` on the held-out text."""
        return self.bits(bits_per_id(network, self.held_out, self.model.start_id, self.executor))

    def blended(self, counts: TextCounts) -> float:
        """Return the bits per character of the network blended with ``counts``."""
        blend = blend_evenly(self.network, counts, compiled=True)
        return self.bits(float(honest_bits(blend, self.held_out, self.model.start_id, self.executor).mean()))


def measure(name: str, texts: Texts) -> Iterator[str]:
    """Yield the lines of the tables of one text."""
    size = texts.model.vocabulary.size
    kinds = kinds_of(texts.model.vocabulary.token_texts(range(size)))
    began = time.perf_counter()
    counts = remember(texts.training, size, kinds=kinds, executor=texts.executor)
    counted = time.perf_counter() - began
    ngrams, without_words = blend_evenly(texts.network, counts, compiled=True).ngrams, remember(texts.training, size)
    yield f"\n### {name}\n"
    yield "| network | counts | without words | blend | n-grams | beginnings of words | bytes of counts | s to count |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    yield (
        f"| {texts.score(texts.network):.3f} | {texts.score(ngrams):.3f} | {texts.blended(without_words):.3f} | "
        f"{texts.blended(counts):.3f} | {len(counts.ngrams.ids) - 1:,} | {len(counts.words or ()):,} | "
        f"{stored(counts):,} | {counted:.1f} |"
    )
    whole = count_text(spread(texts.training, COUNTED), size, ORDER)
    yield f"\n| n-grams kept, contexts of {ORDER}, no words | bytes | blend |"
    yield "|---:|---:|---:|"
    for most in (*(most for most in SIZES if most < len(whole.ids)), len(whole.ids)):
        pruned = TextCounts(prune(whole, most))
        yield f"| {len(pruned.ngrams.ids) - 1:,} | {stored(pruned):,} | {texts.blended(pruned):.4f} |"
    yield "\n| context, nothing pruned | n-grams | bytes | blend |"
    yield "|---:|---:|---:|---:|"
    for order in ORDERS:
        every = TextCounts(count_text(spread(texts.training, COUNTED), size, order))
        yield f"| {order} | {len(every.ngrams.ids) - 1:,} | {stored(every):,} | {texts.blended(every):.4f} |"
    if kinds is not None:
        yield from measure_words(texts, without_words, count_words(spread(texts.training, COUNTED), kinds))
    yield "\n| texts | network, characters/s | blend, characters/s | ratio |"
    yield "|---:|---:|---:|---:|"
    for batch in (1, 256):
        network, blend = speeds(texts, batch)
        yield f"| {batch} | {network:,.0f} | {blend:,.0f} | {blend / network:.2f} |"


def measure_words(texts: Texts, counts: TextCounts, words: WordCounts) -> Iterator[str]:
    """Yield a table of numbers of counts of ``words`` to keep on top of the n-grams of ``counts``."""
    yield f"\n| beginnings of words kept, {len(counts.ngrams.ids) - 1:,} n-grams | bytes | blend |"
    yield "|---:|---:|---:|"
    for most in (*(most for most in WORD_SIZES if most < len(words)), len(words)):
        with_words = TextCounts(counts.ngrams, prune_words(words, most))
        yield f"| {len(with_words.words or ()):,} | {stored(with_words):,} | {texts.blended(with_words):.4f} |"


def stored(counts: TextCounts) -> int:
    """Return the bytes of ``counts`` in a model file."""
    parts = [part for part in counts if part is not None]
    return sum(array.nbytes for part in parts for array in part.to_arrays().values())


def speeds(texts: Texts, batch: int) -> tuple[float, float]:
    """Return the characters per second of the network and of the blend as they write, with all cores where there are
    several texts: the best of the rounds."""
    alone = LanguageModel(texts.model.file.without_memory("A benchmark"))
    best = [0.0, 0.0]
    for _ in range(ROUNDS):
        for number, model in enumerate((alone, texts.model)):
            best[number] = max(best[number], rate(model, batch))
    return best[0], best[1]


def rate(model: LanguageModel, batch: int) -> float:
    """Return the characters per second of ``batch`` texts side by side, over about `SECONDS`."""
    length = (1 << 14) // batch  # enough for the compiled network
    while True:
        began = time.perf_counter()
        model.generate_many("The", batch, temperature=0.8, length=length, seed=1)
        seconds = time.perf_counter() - began
        if seconds > SECONDS / 2:
            return length * batch / seconds
        length *= 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of training")
    parser.add_argument("--only", action="append", choices=TEXTS, help="a text; all if not given")
    parser.add_argument("--runs", type=Path, help="folder of runs that are kept")
    parser.add_argument("--output", type=Path, help="file to append the tables to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        lines = [f"{describe_machine()}; {options.budget:g} s of training."]
        print(lines[0], flush=True)
        for name in options.only or TEXTS:
            run = folder / f"{name}-{options.budget:g}"
            if not run.exists():
                given = ("--from", "none", "--memory", "--time", f"{options.budget}s")
                nextchar("train", name, *TEXTS[name], *given, "--out", run, "--quiet")
            for line in measure(name, Texts(run)):
                print(line, flush=True)
                lines.append(line)
    if options.output:
        with options.output.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""What the kinds of tokens cost and give: characters, bytes, jamo and words.

Usage: python benchmarks/tokens.py [--texts NAME ...] [--kinds KIND ...] [--seconds 10 60] [--seeds 0] [--json FILE]
       python benchmarks/tokens.py --spelling [--texts NAME ...]
       python benchmarks/tokens.py --output-layer

For each text, time and kind: bits per character of the held-out text (memory included, starting from nothing), those of
the network alone, those of a model that only counts (`--recipe counts`, a second), and how many characters a second the
model writes, one text at a time. The kinds take turns, so that what else the machine does is the same for all.

`--spelling` compares two ways to spell rare words, of as many tokens: by single characters, as nextchar does, and by
pieces from byte-pair encoding, which needs the package tokenizers; for both it counts, and trains as many updates.

`--output-layer` times networks of 256 units with ever more tokens: tokens a second learned from, with a loss over all
tokens and with one estimated from some, and tokens a second written.

NEXTCHAR_CORPORA names the folder with the texts.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from nextchar import LanguageModel, train
from nextchar.model.model_file import ModelFile
from nextchar.model.scoring import Scorer
from nextchar.networks.engine import make_network
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.parallel import Threads, available_cores
from nextchar.runs.trainers import choose_compute
from nextchar.settings import TokenKind, TrainingSettings
from nextchar.text.catalog import resolve
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.text.text_file import joined_chunks
from nextchar.text.vocabulary import Vocabulary
from nextchar.text.word_tokenizer import WordTokenizer, words_of
from nextchar.training.chooser import Chooser
from nextchar.training.dataset import Dataset
from nextchar.training.initial_weights import keras_initial_parameters
from nextchar.training.measurement import measure_step
from nextchar.training.schedule import Schedule
from nextchar.training.updates import Updates

TEXTS = {
    "nietzsche": {},
    "tinyshakespeare": {},
    "korean-stories": {},
    "korean-bible": {},
    "python-stdlib": {},
    "names": {},
}
"""The texts, with the options that they are learned with."""
KINDS: tuple[TokenKind, ...] = ("characters", "words", "jamo", "bytes")
HANGUL = ("korean-stories", "korean-bible")
WRITTEN = 3000
"""Characters that are written to measure the speed."""
STEPS = 600
"""Updates of a comparison of spellings."""
ORDER = 6
SIZE, VOCABULARY_SIZES = 256, (100, 1_000, 5_000, 10_000, 30_000)
"""Units, and numbers of tokens, of the networks whose output layer is timed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", nargs="+", default=list(TEXTS), choices=TEXTS)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--seconds", nargs="+", type=float, default=[10.0, 60.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--spelling", action="store_true")
    parser.add_argument("--output-layer", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    print(
        f"{platform.processor() or platform.machine()}, {available_cores()} cores, Python {platform.python_version()}"
    )
    if options.output_layer:
        rows = list(output_layers())
    else:
        rows = list(spellings(options.texts) if options.spelling else measured(options))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1))


def measured(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Train a model of each kind on each text for each time; print and yield the figures, medians over the seeds."""
    print("text             seconds  kind        bits   network    counts   tokens/character   written/s")
    for name in options.texts:
        kinds: list[TokenKind] = [kind for kind in options.kinds if kind != "jamo" or name in HANGUL]
        counted = {kind: _train(name, kind, recipe="counts") for kind in kinds}
        for seconds in options.seconds:
            found: dict[TokenKind, list[LanguageModel]] = {kind: [] for kind in kinds}
            for seed in options.seeds:
                for kind in kinds:
                    found[kind].append(_train(name, kind, time=seconds, seed=seed, from_="none"))
            for kind, models in found.items():
                yield _row(name, seconds, kind, models, counted[kind])


def _row(
    name: str, seconds: float, kind: str, models: Sequence[LanguageModel], counted: LanguageModel
) -> dict[str, Any]:
    bits = statistics.median(model.provenance.validation_bits_per_character or 0 for model in models)
    alone = statistics.median(
        model.provenance.network_bits_per_character or model.provenance.validation_bits_per_character or 0
        for model in models
    )
    facts = models[0].provenance
    rate = (facts.validation_tokens or facts.validation_characters or 0) / (facts.validation_characters or 1)
    speed = writing_speed(models[0])
    row = {
        "text": name, "seconds": seconds, "kind": kind, "bits": bits, "network": alone,
        "counts": counted.provenance.validation_bits_per_character, "tokens_per_character": rate, "written": speed,
    }  # fmt: skip
    counts = counted.provenance.validation_bits_per_character or 0
    print(
        f"{name:<16} {seconds:>7g}  {kind:<10} {bits:>6.3f}   {alone:>7.3f}   {counts:>7.3f}   {rate:>16.3f}   "
        f"{speed:>9,.0f}",
        flush=True,
    )
    return row


def _train(name: str, kind: TokenKind, **options: Any) -> LanguageModel:
    with tempfile.TemporaryDirectory() as folder:
        return train(name, tokens=kind, out=Path(folder) / "run", quiet=True, **TEXTS[name], **options)


def writing_speed(model: LanguageModel) -> float:
    """Return the characters a second that ``model`` writes, one text at a time, loops loaded."""
    model.generate("", length=200, temperature=0.8, seed=0)
    _ = model.compiled_network
    prompt = model.fold_prompt("", characters=10**9)
    best = 0.0
    for seed in range(3):
        began = time.perf_counter()
        written = model.generate(prompt, length=WRITTEN, temperature=0.8, seed=seed)
        best = max(best, len(written) / (time.perf_counter() - began))
    return best


class PieceTokenizer(WordTokenizer):
    """Pieces of words from byte-pair encoding, for the comparison."""

    def __init__(self, characters: Vocabulary, counted: Counter[str], size: int) -> None:
        """Find the pieces of the words that are ``counted``, up to ``size`` tokens."""
        library: Any = import_module("tokenizers")
        model = library.Tokenizer(library.models.BPE())
        trainer = library.trainers.BpeTrainer(
            vocab_size=size, min_frequency=2, show_progress=False, initial_alphabet=list(characters.characters)
        )
        model.train_from_iterator((word for word, count in counted.items() for _ in range(count)), trainer)
        merges = [(first, second) for first, second in json.loads(model.to_str())["model"]["merges"]]
        super().__init__(characters, [*dict.fromkeys(first + second for first, second in merges)])
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._spelled: dict[str, str] = {}

    def spell(self, text: str) -> str:
        """Return the symbols of ``text``."""
        return "".join(map(self._spell_word, words_of(text)))

    def _spell_word(self, word: str) -> str:
        if word not in self._spelled:
            parts = list(word)
            while len(parts) > 1:
                rank, at = min((self._ranks.get(pair, 1 << 30), at) for at, pair in enumerate(pairwise(parts)))
                if rank == 1 << 30:
                    break
                parts[at : at + 2] = [parts[at] + parts[at + 1]]
            self._spelled[word] = "".join(self._symbols.get(part, part) for part in parts)
        return self._spelled[word]


def spellings(names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Compare both spellings of each text; print and yield the figures."""
    print("text             spelling       tokens   characters a token   counts   network   seconds to encode")
    for name in names:
        files = resolve([name], cache=default_cache_folder()).files
        text = "".join(joined_chunks(files, bool(TEXTS[name].get("lowercase"))))
        learned, held_out = text[: int(0.9 * len(text))], text[int(0.9 * len(text)) :]
        characters = Vocabulary("".join(sorted(c for c, count in Counter(learned).items() if count > 1)))
        counted = Counter(word for word in words_of(learned) if len(word) > 1 and characters.knows(word))
        whole = WordTokenizer.of_text([learned], characters)
        pieces = PieceTokenizer(characters, counted, whole.size - 1)
        for spelling, tokens in (("characters", whole), ("pieces", pieces)):
            yield _spelled(name, spelling, tokens, learned, held_out)


def _spelled(name: str, spelling: str, tokens: WordTokenizer, learned: str, held_out: str) -> dict[str, Any]:
    began = time.perf_counter()
    ids = tokens.encode(learned)
    seconds, scored = time.perf_counter() - began, tokens.encode(held_out)
    threads = Threads(available_cores())

    def bits(network: Any) -> float:
        costs = tokens.unknown_cost(scored) - Scorer(network, tokens.start_id, threads).score(scored)
        return float(costs.sum()) / len(held_out)

    counts = bits(NgramNetwork.of_text(ids, tokens.size, ORDER))
    settings = TrainingSettings()
    plan = Chooser(len(ids), tokens.size, settings, available_cores()).plan(128, STEPS, "float32")
    updates = Updates(plan, Dataset(ids, np.empty(0, ids.dtype), tokens), 0, choose_compute(settings))
    schedule = Schedule(plan)
    for step in range(STEPS):
        updates.update(step, schedule.learning_rate(step))
    updates.threads.close()
    network = bits(make_network(updates.architecture, updates.parameters(), compiled=True))
    print(
        f"{name:<16} {spelling:<12} {tokens.size:>8,}   {len(learned) / len(ids):>18.2f}   {counts:>6.3f}   "
        f"{network:>7.3f}   {seconds:>17.2f}",
        flush=True,
    )
    return {"text": name, "spelling": spelling, "counts": counts, "network": network, "seconds": seconds}


def output_layers() -> Iterator[dict[str, Any]]:
    """Time networks of `SIZE` units by their number of tokens; print and yield the figures."""
    print("   tokens   learned/s, all compared   some compared   written/s")
    settings = TrainingSettings()
    compute = choose_compute(settings)
    for count in VOCABULARY_SIZES:
        tokens = Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + count - 1))))
        plan = Chooser(1_000_000, count, settings, compute.threads).plan(SIZE, 1000, "float32")
        row: dict[str, Any] = {"tokens": count}
        for name, sampled in (("all", False), ("some", True)):
            trial = plan.model_copy(update={"sampled": sampled})
            row[name] = plan.feeding.predicted / measure_step(trial, tokens, compute, 2.0)
        architecture = plan.architecture(count)
        parameters = keras_initial_parameters(architecture, np.random.default_rng(0))
        row["written"] = writing_speed(LanguageModel(ModelFile(architecture, tokens, parameters)))
        print(f"{count:>9,}   {row['all']:>23,.0f}   {row['some']:>13,.0f}   {row['written']:>9,.0f}", flush=True)
        yield row


if __name__ == "__main__":
    main()

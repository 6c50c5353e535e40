"""How often `nextchar who` finds the author of held-out stretches, and how honest its probabilities are.

    NEXTCHAR_CORPORA=... python benchmarks/authorship.py [RUN ...]
    python benchmarks/authorship.py --base-texts FOLDER [--recipe counts]

RUN are runs on different texts; without any, four books of the corpora are counted (`--recipe counts`), which takes a
minute. Each model reads the beginning of each held-out text. Laws are fitted on the first half of each, and checked on
the second. "none" is how many stretches are said to be by none of the models: of the authors', and of foreign texts.

With --base-texts, the folder of the texts for base models, each model learns one book of an author, and is asked about
stretches of another book by the same one, among authors of the same language: calibrated on held-out text of the first
book, and on other pages of the second. --recipe default trains for a minute.
"""

from __future__ import annotations

import argparse
import csv
import lzma
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

import nextchar
from nextchar.model.authorship import MAX_DEVIATIONS, USUAL, Authors, Law
from nextchar.model.language_model import LanguageModel
from nextchar.model.spread import Spread
from nextchar.runs.training_text import held_out_text
from nextchar.settings import RecipeName
from nextchar.text.catalog import resolve
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.text.text_file import joined_chunks

BOOKS = ("nietzsche", "tinyshakespeare", "holmes", "war-and-peace")
FOREIGN = ("python-docs", "python-stdlib", "korean-stories", "names")
LENGTHS = (25, 50, 100, 200, 400, 800, 1600)
LANGUAGES, LONG_BOOK = ("english", "german", "russian"), 150_000
"""Languages with several authors who have two books each of so many characters."""
MAX_READ = 30_000
"""Characters of a text that are read."""
BINS = 10
AS_IT_IS = Law(1.0, 1e12)

Bits = NDArray[np.float64]
Stretches = list[tuple[int, int, Bits]]
"""Their length, the number of their author, and their bits under each model: (N, K)."""


def cut(bits: Mapping[str, Bits], names: Iterable[str], first: float, last: float) -> Stretches:
    """Return stretches of each length of the texts of ``names``, from the ``first`` to the ``last`` share of each."""
    found: Stretches = []
    for length in LENGTHS:
        for number, name in enumerate(names):
            part = bits[name][int(first * len(bits[name])) : int(last * len(bits[name]))]  # (T, K)
            count = len(part) // length
            if count:
                found.append((length, number, part[: count * length].reshape(count, length, -1).sum(1)))
    return found


def nats(law: Law, stretches: Stretches, length: int | None = None) -> float:
    """Return the mean of -ln p of the true author, over stretches and then over authors and lengths."""
    chosen = [some for some in stretches if length in (None, some[0])]
    means = [-np.log(np.maximum(law.posterior(bits, n)[:, author], 1e-300)).mean() for n, author, bits in chosen]
    return float(np.mean(means))


def fit(stretches: Stretches, lengths: Iterable[float]) -> Law:
    """Return the law with the fewest nats among some weights and ``lengths``."""
    weights = np.exp(np.linspace(-2, 1, 25)).tolist()
    return min((Law(w, n) for w in weights for n in lengths), key=lambda law: nats(law, stretches))


def calibration_error(law: Law, stretches: Stretches, length: int) -> tuple[float, float]:
    """Return the share of authors found, and the mean distance between how sure the answers are and how often right."""
    sure, right = list[float](), list[bool]()
    for _, author, bits in (some for some in stretches if some[0] == length):
        posterior = law.posterior(bits, length)
        sure += posterior.max(1).tolist()
        right += (posterior.argmax(1) == author).tolist()
    bins = np.minimum((np.array(sure) * BINS).astype(int), BINS - 1)
    away = [abs(np.sum(np.array(sure)[bins == b]) - np.sum(np.array(right)[bins == b])) for b in range(BINS)]
    return float(np.mean(right)), float(np.sum(away) / len(sure))


def share_of_none(bits: Bits, spreads: list[Spread], length: int) -> float:
    """Return the share of stretches of a text (T, K) that surprise all models."""
    count = len(bits) // length
    means = bits[: count * length].reshape(count, length, -1).mean(1)  # (N, K)
    away = [[spread.deviations(value, length) for spread, value in zip(spreads, row, strict=True)] for row in means]
    return float(np.mean(np.min(away, 1) > MAX_DEVIATIONS))


def surprises(models: Mapping[str, LanguageModel], texts: Mapping[str, str]) -> dict[str, Bits]:
    """Return the bits of each text under the K models, by its name: (T, K)."""
    return {name: np.stack([m.surprises(text) for m in models.values()], 1) for name, text in texts.items()}


def read_foreign(name: str) -> str:
    """Return the end of a text of the catalogue."""
    files = resolve([name], cache=default_cache_folder()).files
    return "".join(joined_chunks(files, False))[-MAX_READ:]


def compare(runs: Iterable[Path]) -> None:
    """Print what is found."""
    models = {path.name: LanguageModel.load(path) for path in runs}
    paths = {path.name: path for path in runs}
    held_out = {n: held_out_text(paths[n], m.file, default_cache_folder())[:MAX_READ] for n, m in models.items()}
    texts = {**held_out, **{name: read_foreign(name) for name in FOREIGN}}
    bits = surprises(models, texts)
    for name, of_text in bits.items():
        print(f"{name:<16} bits per character", *(f"{mean:.3f}" for mean in of_text.mean(0)))
    learned, checked = cut(bits, models, 0, 0.5), cut(bits, models, 0.5, 1)
    halves = {name: text[: len(text) // 2] for name, text in held_out.items()}
    laws = {
        "as it is": AS_IT_IS,
        "temperature": fit(learned, [1e12]),
        "usual": USUAL,
        "fitted": fit(learned, [10, 30, 60, 100, 200, 300, 1000, 3000]),
        "nextchar who": Authors(models).fitted(halves).law,
    }
    for name, law in laws.items():
        print(f"\n{name}: weight {law.weight:.2f}, length {law.length:,.0f}; {nats(law, checked):.4f} nats in the mean")
        for length in LENGTHS:
            (right, error), cost = calibration_error(law, checked, length), nats(law, checked, length)
            print(f"  {length:5} characters: {right:6.1%} right, {cost:.3f} nats, off by {error:.3f}")
    spreads = [Spread.of(bits[name][: len(bits[name]) // 2, k]) for k, name in enumerate(models)]
    known = [spread for spread in spreads if spread is not None]
    print("\nnone of them:", *(f"{s.mean:.2f} ± {s.of_characters:.1f}/√n, {s.of_stretches:.2f}" for s in known))
    for name in texts:
        part = bits[name][len(bits[name]) // 2 :]
        print(f"  {name:<16}", *(f"{length}: {share_of_none(part, known, length):.1%} " for length in LENGTHS))


def read_books(folder: Path, language: str) -> dict[str, tuple[str, str]]:
    """Return the two longest books of each author of ``language`` who has two long ones, by the surname."""
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["language"] == language]
    with lzma.open(folder / f"{language}.txt.xz", "rt", encoding="utf-8") as file:
        texts = file.read()
    books: dict[str, list[str]] = {}
    for row in rows:
        first, size = int(row["character_offset"]), int(row["characters"])
        if size >= LONG_BOOK:
            books.setdefault(row["author"], []).append(texts[first : first + size])
    return {
        author.partition(",")[0].split()[-1]: (some[0], some[1])
        for author, of_author in books.items()
        if len(some := sorted(of_author, key=len, reverse=True)) > 1
    }


def compare_books(folder: Path, language: str, recipe: RecipeName) -> None:
    """Print how often the authors of other books are found."""
    books = read_books(folder, language)
    with TemporaryDirectory() as place:
        models: dict[str, LanguageModel] = {}
        for name, (learned, _) in books.items():
            models[name] = nextchar.train(text=learned, out=Path(place) / name, recipe=recipe, from_="none", quiet=True)
        held_out = {
            name: held_out_text(Path(place) / name, model.file, default_cache_folder())[:MAX_READ]
            for name, model in models.items()
        }
    others = {name: other[len(other) // 2 :][: 2 * MAX_READ] for name, (_, other) in books.items()}
    begun = {name: other[:MAX_READ] for name, other in others.items()}
    checked = {name: other[MAX_READ:] for name, other in others.items()}
    own, calibrated = (Authors(models).fitted(texts).law for texts in (held_out, begun))
    same, another = (cut(surprises(models, texts), models, 0, 1) for texts in (held_out, checked))
    print(f"\n{language}, {recipe}: {', '.join(models)}")
    trials = (("the same book", own, same), ("another book", own, another), ("calibrated", calibrated, another))
    for title, law, stretches in trials:
        print(f" {title}: weight {law.weight:.2f}, length {law.length:,.0f}")
        for length in LENGTHS:
            (right, error), cost = calibration_error(law, stretches, length), nats(law, stretches, length)
            print(f"  {length:5} characters: {right:6.1%} right, {cost:.3f} nats, off by {error:.3f}", flush=True)


def main() -> None:
    """Compare the runs that are given, or make some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--base-texts", type=Path)
    parser.add_argument("--recipe", default="counts", choices=("counts", "default"))
    options = parser.parse_args()
    if options.base_texts is not None:
        for language in LANGUAGES:
            compare_books(options.base_texts, language, options.recipe)
        return
    if options.runs:
        compare(options.runs)
        return
    with TemporaryDirectory() as folder:
        runs = [Path(folder) / book for book in BOOKS]
        for run in runs:
            nextchar.train(run.name, out=run, recipe="counts", quiet=True)
        compare(runs)


if __name__ == "__main__":
    main()

"""Makes a base model: prepares the texts of a language, trains on them with `nextchar train`, and writes the model file
to bases/.

Usage: python scripts/make_base.py LANGUAGE --texts FOLDER --work FOLDER [--passes 2] [--hidden 512] [--window 64]
           [--threads 2] [--precision float32]

FOLDER has LANGUAGE.txt.xz and manifest.tsv, one row a document. Documents whose licence does not hold in countries
where it lasts for life and 70 years, and petitions, are left out. WORK keeps the prepared text and the run: give the
command again after an interruption, and it continues.

A text that a user brings may be wrapped or have a line for each paragraph, have straight or curly quotation marks, be
lower-cased or in capitals. So each document is cut into pieces of some pages, and each piece gets a form of its own,
another one in each pass. A million characters of documents that are in no pass come last: they are held out.
"""

from __future__ import annotations

import argparse
import csv
import lzma
import random
import re
import subprocess
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unicodedata import category

import numpy as np

from nextchar.files.atomic_file import write_atomically
from nextchar.model.description import summarise
from nextchar.model.model_file import ModelFile
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.transfer import transfer

BASES = Path(__file__).parents[1] / "bases"
LICENCES = {"korean": "CC BY 4.0"}
LICENCE_ELSEWHERE = "CC0 1.0"

HELD_OUT = 1 / 60
"""Share of the characters that is held out: of English about the million that `nextchar train` holds out at most."""
MOST_HELD_OUT = 100_000
"""Longest document that is held out, so that there are many."""
PIECE = 20_000
"""Characters of a piece, about."""
LEFT_OUT_LICENCE, LEFT_OUT_REPOSITORIES = "not PD in life+70 countries", {"lovit/petitions_archive"}
RARE = {"english": 1000, "korean": 100}
"""Characters that occur less often, in all passes together, share the unknown symbol, by language."""
RARE_ELSEWHERE = 50
RARE_MARK = 1e-4
"""Share of the text below which a punctuation mark is left to its look-alike."""
KOREAN_LITERATURE, LITERATURE_TIMES = {"storidient/KoCoNovel", "S25duck/AI_Tutorial"}, 4
"""Repositories of Korean stories, a tenth of the texts, and how often they are read in each pass."""
WRAPPED, STRAIGHT, DASHES, CLOSE, LOWER, UPPER = 0.5, 0.5, 0.5, 0.2, 0.1, 0.02
"""Shares of pieces that are wrapped, have straight quotation marks, of those have two hyphens for a dash, have no blank
lines, are lower-cased, and are in capitals."""
WIDTHS = range(50, 86)
STRAIGHT_MARKS = str.maketrans({**dict(zip("“”„‘’‚‹›–", "\"\"\"'''''-", strict=True)), "…": "..."})
ANGLED = re.compile(r"(?<!\S)« | »(?!\w)|[«»]")
"""Angled quotation marks, with the space inside that French sets."""


@dataclass(frozen=True)
class Document:
    """A document of the base texts."""

    repository: str
    licence: str
    start: int
    characters: int

    @property
    def times(self) -> int:
        """How often it is read in each pass."""
        return LITERATURE_TIMES if self.repository in KOREAN_LITERATURE else 1


def documents(texts: Path, language: str) -> list[Document]:
    """Return the documents of ``language`` that may be used."""
    with (texts / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        every = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        rows = [row for row in every if row["language"] == language]
    found = [
        Document(row["repository"], row["licence"], int(row["character_offset"]), int(row["characters"]))
        for row in rows
    ]
    return [
        document
        for document in found
        if LEFT_OUT_LICENCE not in document.licence and document.repository not in LEFT_OUT_REPOSITORIES
    ]


def split(used: Sequence[Document], chance: random.Random) -> tuple[list[Document], list[Document]]:
    """Return the documents to learn from, and those that are held out."""
    shuffled, held_out, size = [*used], list[Document](), 0
    chance.shuffle(shuffled)
    most = HELD_OUT * sum(document.characters for document in used)
    for document in shuffled:
        if size < most and document.characters <= MOST_HELD_OUT:
            held_out.append(document)
            size += document.characters
    return [document for document in shuffled if document not in held_out], held_out


def pieces(text: str) -> Iterator[str]:
    """Yield ``text`` in pieces of whole paragraphs."""
    piece: list[str] = []
    size = 0
    for paragraph in text.split("\n\n"):
        piece.append(paragraph)
        size += len(paragraph)
        if size >= PIECE:
            yield "\n\n".join(piece)
            piece, size = [], 0
    if piece:
        yield "\n\n".join(piece)


def formed(piece: str, chance: random.Random) -> str:
    """Return ``piece`` in a form drawn by ``chance``."""
    wrapped, straight, dashes, close, case = (chance.random() for _ in range(5))
    if straight < STRAIGHT:
        piece = ANGLED.sub('"', piece).translate(STRAIGHT_MARKS)
        if dashes < DASHES:
            piece = piece.replace("—", "--")
    if case < LOWER:
        piece = piece.lower()
    elif case < LOWER + UPPER:
        piece = piece.upper()
    width = chance.choice(WIDTHS)
    if wrapped < WRAPPED:
        lines = (
            textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
            for line in piece.split("\n")
        )
        piece = "\n".join(line for wrapped_line in lines for line in wrapped_line)
    return piece.replace("\n\n", "\n") if close < CLOSE else piece


def prepare(texts: Path, language: str, passes: int, target: Path) -> float:
    """Write the text to train on, unless it is there: ``passes`` over all documents but some, and then those. Return
    the share of what is held out."""
    chance = random.Random(f"nextchar base {language}")
    kept, held_out = split(documents(texts, language), chance)
    held_size = sum(document.characters for document in held_out)
    share = held_size / (held_size + passes * sum(document.characters * document.times for document in kept))
    if target.exists():
        return share
    whole = lzma.decompress((texts / f"{language}.txt.xz").read_bytes()).decode()
    with target.with_suffix(".part").open("w", encoding="utf-8") as file:
        for number in range(passes + 1):
            order = [one for one in kept for _ in range(one.times)] if number < passes else held_out
            chance.shuffle(order)
            for document in order:
                text = whole[document.start : document.start + document.characters]
                file.writelines(f"{formed(piece, chance)}\n\n" for piece in pieces(text))
    target.with_suffix(".part").rename(target)
    return share


def train(text: Path, run: Path, options: Sequence[str]) -> None:
    """Train on ``text``, or continue the ``run``."""
    command = ["nextchar", "train", str(text), "--from", "none", "--out", str(run), "--resume", "auto", "--epochs", "1"]
    fixed = ["--no-memory", "--no-keep-text", "--evaluations", "24"]
    subprocess.run([*command, *fixed, *options], check=True)


def without_rare_marks(model: ModelFile, text: str) -> ModelFile:
    """Return ``model`` without the punctuation marks that ``text`` hardly has and whose look-alikes it knows: a text
    that has them often then begins with what is known of the look-alikes, not with what was never learned."""
    known, counts = model.characters_for("A base model"), Counter(text)
    marks = {
        mark for mark in known.characters if category(mark).startswith("P") and counts[mark] < RARE_MARK * len(text)
    }
    rest = Vocabulary("".join(c for c in known.characters if c not in marks), has_unknown=known.has_unknown)
    alike = {mark for mark in marks if rest.fold(mark)[0]}
    kept = Vocabulary("".join(c for c in known.characters if c not in alike), has_unknown=known.has_unknown)
    architecture, parameters = model.lstm_for("A base model")
    moved = transfer(architecture, parameters, known, kept, np.arange(kept.size))
    smaller = architecture.model_copy(update={"vocabulary_size": kept.size})
    return replace(model, architecture=smaller, vocabulary=kept, parameters=moved.parameters)


def write(run: Path, text: Path, language: str, package: Path) -> None:
    """Write the model of ``run`` on ``text`` into the ``package``, in float16, and print it in words."""
    model = without_rare_marks(ModelFile.load(run / "model.safetensors"), text.read_text(encoding="utf-8"))
    licence = f"model: {LICENCES.get(language, LICENCE_ELSEWHERE)}; texts: see the card of the package"
    provenance = model.provenance.model_copy(
        update={"corpus": (f"{language} base texts",), "corpus_key": None, "licence": licence}
    )
    package.mkdir(parents=True, exist_ok=True)
    write_atomically(package / "model.safetensors", replace(model, provenance=provenance).to_bytes(half=True))
    print(summarise(ModelFile.load(package / "model.safetensors")))  # noqa: T201


def main() -> None:
    """Prepare, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language")
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32", help="bfloat16 where the processor has instructions for it")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    text = options.work / f"{options.language}.txt"
    share = prepare(options.texts, options.language, options.passes, text)
    given = {
        "hidden": options.hidden,
        "layers": 1,
        "window": options.window,
        "threads": options.threads,
        "precision": options.precision,
        "min-count": RARE.get(options.language, RARE_ELSEWHERE),
        "validation": f"{share:.6f}",
    }
    run = options.work / options.language
    train(text, run, [f"--{name}={value}" for name, value in given.items()])
    write(run, text, options.language, BASES / options.language / f"nextchar_{options.language}")


if __name__ == "__main__":
    main()

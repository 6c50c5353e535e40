"""Syllables or jamo: bits per syllable of Korean with either, for a base model and after fine-tuning it.

Usage: NEXTCHAR_CORPORA=FOLDER python benchmarks/jamo.py --texts BASE_TEXTS --work FOLDER [--minutes 12]
           [--budgets 10 60]

Writes one pass of the Korean base texts as syllables and as jamo: a syllable becomes its two or three parts, each a
character of its own by its place. Trains an LSTM of 512 units on both side by side, each on one thread, for as long;
then each learns the Korean stories with the memory. Bits are per character of the text written in syllables, so that
both sides can be compared. Prints a table in Markdown; FOLDER keeps the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from types import ModuleType

from command import nextchar
from machine import show

SYLLABLES = range(0xAC00, 0xD7A4)
MEDIALS, FINALS = 21, 28
PARTS = 0xE000
"""Code points for parts, by place: of private use, so that nothing composes them."""
FORMS = ("syllables", "jamo")
FIXED = (
    "--hidden", 512, "--layers", 1, "--threads", 1, "--precision", "float32", "--min-count", 100, "--from", "none",
    "--no-memory", "--no-keep-text", "--evaluations", 4, "--quiet",
)  # fmt: skip
SHAPES = {"syllables": ("--window", 64, "--streams", 64), "jamo": ("--window", 128, "--streams", 32)}
"""As many ids an update; a window of jamo reaches about as far back in the text."""


def in_jamo(text: str) -> str:
    """Return ``text`` with each syllable in its parts."""
    return "".join("".join(_parts(character)) for character in text)


def _parts(character: str) -> Iterator[str]:
    if ord(character) not in SYLLABLES:
        yield character
        return
    number = ord(character) - SYLLABLES.start
    yield chr(PARTS + number // (MEDIALS * FINALS))
    yield chr(PARTS + 0x20 + number // FINALS % MEDIALS)
    if number % FINALS:
        yield chr(PARTS + 0x40 + number % FINALS)


def make_base() -> ModuleType:
    """Return scripts/make_base.py."""
    path = Path(__file__).parents[1] / "scripts" / "make_base.py"
    spec = util.spec_from_file_location("make_base", path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules["make_base"] = module
    spec.loader.exec_module(module)
    return module


def write_in_both(text: str, held_out: float, name: str, folder: Path) -> dict[str, tuple[float, float]]:
    """Write ``text`` in both forms; return the share of the held-out end in each, and its ids for each character."""
    end = text[round(len(text) * (1 - held_out)) :]
    found: dict[str, tuple[float, float]] = {}
    for form in FORMS:
        whole, held = (text, end) if form == "syllables" else (in_jamo(text), in_jamo(end))
        (folder / f"{name}-{form}.txt").write_text(whole, encoding="utf-8")
        found[form] = len(held) / len(whole), len(held) / len(end)
    return found


def bits_of(run: Path) -> tuple[float, float]:
    """Return the bits per id of the network and of the model of a run."""
    lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
    ended = next(event for event in map(json.loads, reversed(lines)) if event["event"] == "finished")
    blend = ended["validation_bits_per_character"]
    return ended["network_bits_per_character"] or blend, blend


def rows(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table."""
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    share = make_base().prepare(options.texts, "korean", 1, work / "korean.txt")
    base = write_in_both((work / "korean.txt").read_text(encoding="utf-8"), share, "base", work)
    stories = Path(os.environ["NEXTCHAR_CORPORA"]) / "korean_stories.txt"
    own = write_in_both(stories.read_text(encoding="utf-8"), 0.1, "stories", work)
    command = [sys.executable, "-m", "nextchar", "train"]
    processes = [
        subprocess.Popen(
            [*command, *map(str, (work / f"base-{form}.txt", *FIXED, *SHAPES[form], "--validation", base[form][0],
                                  "--time", f"{options.minutes}m", "--out", work / form, "--resume", "auto"))]
        )
        for form in FORMS
    ]  # fmt: skip
    for process in processes:
        process.wait()
    yield (
        "| ids | base | "
        + " | ".join(f"stories, {budget} s: network | with memory" for budget in options.budgets)
        + " |"
    )
    yield "|---|---:|" + "---:|---:|" * len(options.budgets)
    for form in FORMS:
        figures = [bits_of(work / form)[0] * base[form][1]]
        for budget in options.budgets:
            run = work / f"stories-{form}-{budget}"
            if not (run / "report.html").exists():
                nextchar("train", work / f"stories-{form}.txt", "--from", work / form, "--time", f"{budget}s",
                         "--out", run, "--quiet")  # fmt: skip
            figures += [bits * own[form][1] for bits in bits_of(run)]
        yield f"| {form} | {' | '.join(f'{bits:.3f}' for bits in figures)} |"


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=int, default=12)
    parser.add_argument("--budgets", type=int, nargs="+", default=[10, 60])
    options = parser.parse_args()
    show(rows(options), None)


if __name__ == "__main__":
    main()

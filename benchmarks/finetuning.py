"""From a base model, or from nothing: bits per character after the same time, with the memory and without.

Usage: NEXTCHAR_CORPORA=FOLDER python benchmarks/finetuning.py [--base MODEL] [--budgets 10 60] [--seeds 1]
           [--only TEXT...] [--options "--learning-rate 0.002"] [--forgetting FILE] [--runs FOLDER] [--output FILE]

Each row trains with `nextchar train TEXT --time T --from none` and with `--from MODEL`, one after the other; medians
over the seeds. MODEL is that of the table of texts unless one is given. "Tried" is what the best installed base needs
on the sample of the text by which `nextchar train` chooses, "counts" what counts need; a star stands where it is
chosen. "Before" is the network of the base as it is, on excerpts of the held-out text. FILE is text that the base has
not seen, whose bits are measured with the fine-tuned network: what it has forgotten (with
--options=--keep-characters, or characters that are left out weigh most). "In all" are
the seconds of the whole command from the base, from the shell and back. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from command import nextchar
from machine import show

from nextchar.runs.start import Trial, find_start
from nextchar.runs.training_text import find_texts
from nextchar.settings import TextSettings, TrainingSettings

TEXTS: dict[str, tuple[str, str, tuple[str, ...], Callable[[str], str] | None]] = {
    "Nietzsche": ("nietzsche.txt", "english", (), None),
    "Nietzsche, lower-cased": ("nietzsche.txt", "english", ("--lowercase",), None),
    "Nietzsche, capitals": ("nietzsche.txt", "english", (), str.upper),
    "tinyshakespeare": ("tinyshakespeare.txt", "english", (), None),
    "War and Peace, 100,000": ("war_and_peace.txt", "english", (), lambda text: text[:100_000]),
    "War and Peace": ("war_and_peace.txt", "english", (), None),
    "Korean stories": ("korean_stories.txt", "korean", (), None),
    "Korean Bible": ("korean_bible_krv.txt", "korean", (), None),
    "names": ("names.txt", "english", (), None),
    "Python's library": ("python_stdlib.txt", "english", (), None),
    "world cities": ("world_cities.csv", "english", (), None),
}
"""File, base model, options and change of each text."""
COLUMNS = ("tried", "counts", "nothing", "nothing, blend", "before", "base", "base, blend", "in all")


def place(name: str, folder: Path) -> Path:
    """Return the file of a text, written to ``folder`` where it is changed."""
    file, _, _, change = TEXTS[name]
    source = Path(os.environ["NEXTCHAR_CORPORA"]) / file
    if change is None:
        return source
    changed = folder / f"changed-{list(TEXTS).index(name)}-{file}"
    changed.write_text(change(source.read_text(encoding="utf-8")), encoding="utf-8")
    return changed


def measure(run: Path, forgetting: Path | None) -> dict[str, float]:
    """Return the figures of a run from nothing or from a base."""
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    [ended] = [event for event in events if event["event"] == "finished"]
    read = [event for event in events if event["event"] == "base_read"]
    side = "base" if read else "nothing"
    blend = ended["validation_bits_per_character"]
    found = {f"{side}, blend": blend, side: ended["network_bits_per_character"] or blend}
    if read:
        found["before"] = read[0]["validation_bits_per_character"]
        if forgetting is not None:
            found["forgetting"] = nextchar("evaluate", run, forgetting, "--no-counting", "--adapt", "none")[
                "network_bits_per_character"
            ]
    return found


def tried(name: str, folder: Path) -> Trial | None:
    """Return how the installed base model that suits the text best does on the sample by which training chooses."""
    text = TextSettings(lowercase="--lowercase" in TEXTS[name][2])
    files = find_texts((str(place(name, folder)),), text, folder).files
    return find_start(files, text, TrainingSettings(), folder).trial


def figures_of(name: str, budget: int, seed: int, options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Return the figures of a text after ``budget`` seconds, trained now unless the runs are in ``folder``."""
    text, (_, language, given, _) = place(name, folder), TEXTS[name]
    base = options.base or language
    sides = {"nothing": ["--from", "none"], "base": ["--from", base, *options.options.split()]}
    figures: dict[str, float] = {}
    for side, more in list(sides.items())[options.base_only :]:
        run = folder / f"{text.stem}{''.join(given)}-{side}-{budget}-{seed}"
        if not (run / "report.html").exists():
            began = time.perf_counter()
            nextchar("train", text, *given, "--time", f"{budget}s", "--seed", seed, "--out", run, *more, "--quiet")
            figures["in all"] = time.perf_counter() - began
        figures.update(measure(run, options.forgetting))
    return figures


def rows(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Yield the lines of the table."""
    columns = [*COLUMNS, *(["forgetting"] if options.forgetting else [])]
    yield f"| text | seconds | {' | '.join(columns)} |"
    yield "|---|---:|" + "---:|" * len(columns)
    for name in options.only:
        trial = tried(name, folder)
        for budget in options.budgets:
            found = [figures_of(name, budget, seed, options, folder) for seed in range(1, options.seeds + 1)]
            found[0] |= {"tried": trial.bits, "counts": trial.counted} if trial else {}
            medians = [
                statistics.median(row[column] for row in found if column in row) if column in found[0] else None
                for column in columns
            ]
            shown = " | ".join("" if bits is None else f"{bits:.3f}" for bits in medians)
            yield f"| {name}{' *' if trial and trial.pays else ''} | {budget} | {shown} |"


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="run, model file or name of an installed base model, for all texts")
    parser.add_argument("--budgets", type=int, nargs="+", default=[10, 60], help="seconds of training")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=TEXTS, default=list(TEXTS))
    parser.add_argument("--options", default="", help="more options of the runs from the base")
    parser.add_argument("--base-only", action="store_true", help="leave out the runs from nothing")
    parser.add_argument("--forgetting", type=Path, help="text that the base has not seen")
    parser.add_argument("--runs", type=Path, help="folder that keeps the runs")
    parser.add_argument("--output", type=Path, help="file that the table is written to as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        show(rows(options, folder), options.output)


if __name__ == "__main__":
    main()

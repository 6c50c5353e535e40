"""Dynamic evaluation: what `nextchar evaluate --adapt weights` gains over `nextchar evaluate`.

Usage: NEXTCHAR_CORPORA=FOLDER python benchmarks/adaptation.py [--budget 60] [--only nietzsche] [--runs FOLDER]
           [--output FILE]

`nextchar train TEXT --time T` trains each model, unless `learning.py --keep` left it in FOLDER, and `nextchar evaluate
RUN --adapt weights` scores it, one process at a time. Figures are bits per character on the last 10 % of the text. The
speed is that of the adapting scorer on one thread, on the first characters of that. Then the last model scores texts
that it cannot predict. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from command import nextchar
from machine import describe_machine

from nextchar.model.dynamic_evaluation import OWN_TEXT, AdaptiveScorer
from nextchar.model.language_model import LanguageModel
from nextchar.runs.training_text import corpus_of_model
from nextchar.text import catalog
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.text.text_file import joined_chunks

TEXTS = {
    "tinyshakespeare": ((), False),
    "korean-stories": ((), False),
    "python-docs": ((), False),
    "hongloumeng": ((), False),
    "war-and-peace": ((), True),
    "hafez": ((), True),
    "neko": ((), True),
    "names": ((), True),
    "python-stdlib": ((), True),
    "nietzsche": (("--lowercase",), False),
}
"""Options of each text, and whether the constants of `nextchar.model.dynamic_evaluation` were chosen on it."""
MEASURED = 10_000
"""Maximum of characters for measuring the speed, and the length of each text that the model cannot predict."""


@dataclass(frozen=True)
class Result:
    text: str
    budget: float
    hidden: int
    plain: float
    adapting: float
    characters: int
    characters_per_second: float
    start_seconds: float


def measure(text: str, budget: float, run: Path) -> Result:
    """Train on ``text`` in the folder ``run``, and score what was held out."""
    if not run.exists():
        nextchar("train", text, *TEXTS[text][0], "--time", f"{budget}s", "--from", "none", "--out", run, "--quiet")
    scored = nextchar("evaluate", run, "--adapt", "weights", "--no-counting")
    speed, start = measure_speed(run)
    return Result(
        text,
        budget,
        LanguageModel.load(run).file.lstm_for("A benchmark")[0].hidden[0],
        scored["bits_per_character"],
        scored["adaptive_bits_per_character"],
        scored["characters"],
        speed,
        start,
    )


def measure_speed(run: Path) -> tuple[float, float]:
    """Return characters per second of the adapting scorer, and the seconds before the first."""
    model = LanguageModel.load(run)
    ids = corpus_of_model(run, model.file, default_cache_folder()).validation[:MEASURED]
    network = model.network_for(OWN_TEXT)
    began = time.perf_counter()
    scorer = AdaptiveScorer(*model.file.lstm_for("A benchmark"), network, model.start_id)
    ready = time.perf_counter()
    scorer.score(ids)
    return len(ids) / (time.perf_counter() - ready), ready - began


def unforeseen_texts(characters: str) -> dict[str, str]:
    """Return texts that a model with these ``characters`` cannot predict, unless it was trained on one."""
    chance = random.Random(0)
    drawn = [chance.choice(characters) for _ in range(MEASURED)]
    return {
        "random characters": "".join(drawn),
        "one character": characters[-1] * MEASURED,
        "each random character 200 times": "".join(one * 200 for one in drawn[: MEASURED // 200]),
        **{f"beginning of {name}": beginning_of(name) for name in ("korean-stories", "python-stdlib")},
    }


def beginning_of(name: str) -> str:
    """Return the first characters of a text known by name."""
    found = catalog.resolve([name], cache=default_cache_folder())
    return "".join(joined_chunks(found.files))[:MEASURED]


def measure_unforeseen(run: Path, folder: Path) -> list[tuple[str, float, float]]:
    """Return name, plain and adapting bits per character of texts that the model of ``run`` cannot predict."""
    path = folder / "text.txt"
    results: list[tuple[str, float, float]] = []
    for name, content in unforeseen_texts(LanguageModel.load(run).vocabulary.characters).items():
        path.write_text(content, encoding="utf-8", newline="")
        scored = nextchar("evaluate", run, path, "--adapt", "weights", "--no-counting")
        results.append((name, scored["bits_per_character"], scored["adaptive_bits_per_character"]))
    return results


def print_tables(results: list[Result], unforeseen: list[tuple[str, float, float]]) -> None:
    """Print everything in Markdown."""
    print(f"\n{describe_machine()}\n")
    print("| text | chosen on it | time | hidden | plain | adapting | gain | held out | characters/s | start, s |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for one in results:
        print(
            f"| {one.text} | {'yes' if TEXTS[one.text][1] else 'no'} | {one.budget:g} s | {one.hidden} | "
            f"{one.plain:.3f} | {one.adapting:.3f} | **{one.plain - one.adapting:.3f}** | {one.characters:,} | "
            f"{one.characters_per_second:,.0f} | {one.start_seconds:.1f} |"
        )
    print(f"\nThe model of {results[-1].text}, {results[-1].budget:g} s, on texts that it cannot predict:\n")
    print("| text | plain | adapting | gain |")
    print("|---|---:|---:|---:|")
    for name, plain, adapting in unforeseen:
        print(f"| {name} | {plain:.3f} | {adapting:.3f} | {plain - adapting:.3f} |")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", action="append", type=float, help="seconds of training; 60 by default")
    parser.add_argument("--only", action="append", choices=TEXTS)
    parser.add_argument("--runs", type=Path, help="folder with runs of learning.py")
    parser.add_argument("--output", type=Path, help="file for the single results, as JSON")
    arguments = parser.parse_args()
    results: list[Result] = []
    runs: list[Path] = []
    with tempfile.TemporaryDirectory() as folder:
        for text in arguments.only or TEXTS:
            for budget in arguments.budget or [60.0]:
                runs.append((arguments.runs or Path(folder)) / f"{text}-none-{budget:g}-0")
                results.append(measure(text, budget, runs[-1]))
                print(results[-1], file=sys.stderr, flush=True)
                if arguments.output:
                    arguments.output.write_text(json.dumps([asdict(result) for result in results], indent=1))
        print_tables(results, measure_unforeseen(runs[-1], Path(folder)))


if __name__ == "__main__":
    main()

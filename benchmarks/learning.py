"""Held-out bits per character against seconds of training, by the command itself with no tuning.

Usage: python benchmarks/learning.py [--only nietzsche] [--budget 60] [--seeds 3] [--from none english]
           [--keras-epochs 9] [--keep FOLDER] [--output FILE] [--results FILE ...] [--picture FILE]

Each run is one `nextchar train TEXT --time T --from BASE --json` in its own process, one at a time. The figures are
those of the kept model, and of its network without the memory, on the last 10 % of the text, with the state carried
through all of it. For comparison: what counting achieves, as `nextchar evaluate` prints it, and on Nietzsche the
classic example in Keras, epoch by epoch. Prints a table in Markdown, medians over the seeds, and draws the curves.
`--results` draws earlier results without measuring.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import sysconfig
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from classic import BACKENDS, HERE, Worker, corpus_path
from command import nextchar
from machine import describe_machine

from nextchar.text import catalog
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.text.text_file import joined_chunks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BUDGETS = (5, 10, 30, 60, 180, 600)
NOTHING = "none"
"""The base of a run that starts from nothing."""
COLORS = ("#1f6f8b", "#4c8c4a")
"""Of the curves from nothing, and from a base."""


@dataclass(frozen=True)
class Text:
    options: tuple[str, ...] = ()
    budgets: tuple[int, ...] = BUDGETS
    goals: dict[int, float] = field(default_factory=dict)
    """Target bits per character for each time budget."""
    known: bool = True
    """Whether the rule of `nextchar.training.default_recipe` was fitted on this text, among others."""


TEXTS = {
    "nietzsche": Text(("--lowercase",), (5, 9, 10, 30, 60, 180, 600), {10: 1.84, 60: 1.79, 600: 1.76}),
    "tinyshakespeare": Text((), (3, *BUDGETS), {10: 2.06, 60: 1.98, 600: 1.93}),
    "korean-stories": Text(),
    "names": Text(),
    "hongloumeng": Text(known=False),
    "korean-bible": Text(known=False),
    "hafez": Text(known=False),
    "neko": Text(known=False),
    "thirukkural": Text(known=False),
    "world-cities": Text(known=False),
    "python-stdlib": Text(known=False),
    "war-and-peace": Text(known=False),
    "war-and-peace, 100 kB": Text(known=False),
    "python-lib, 10 MB": Text(known=False),
}


@dataclass(frozen=True)
class Result:
    text: str
    budget: float
    seed: int
    bits: float
    training_seconds: float
    total_seconds: float
    hidden: int
    steps: int
    dropout: float
    network: float
    """Bits per character of the network without the memory."""
    base: str
    """The base model, or `none`."""


@dataclass
class Results:
    """All measurements, kept in a file."""

    machine: str = field(default_factory=describe_machine)
    runs: list[Result] = field(default_factory=list)
    counting: dict[str, dict[str, float]] = field(default_factory=dict)
    """Bits per character of each text without learning: `ppmd` and `ngram`."""
    keras: list[dict[str, float]] = field(default_factory=list)
    """`seconds` so far and `bits` after each epoch of the classic example."""

    @classmethod
    def load(cls, paths: list[Path]) -> Results:
        """Read the results in several files."""
        merged = cls()
        for path in paths:
            content = json.loads(path.read_text(encoding="utf-8"))
            merged.machine = content["machine"]
            merged.runs += [Result(**run) for run in content["runs"]]
            merged.counting |= content["counting"]
            merged.keras = content["keras"] or merged.keras
        return merged

    def median(self, text: str, base: str, budget: float, what: str = "bits") -> float:
        """Return the median over the seeds."""
        return statistics.median(getattr(run, what) for run in self.of(text, base, budget))

    def of(self, text: str, base: str, budget: float) -> list[Result]:
        """Return the runs of a text, from a base and for a budget."""
        return [run for run in self.runs if (run.text, run.base, run.budget) == (text, base, budget)]

    def bases(self, text: str) -> list[str]:
        """Return what the runs of a text started from, from nothing first."""
        return sorted({run.base for run in self.runs if run.text == text}, key=lambda base: (base != NOTHING, base))

    def budgets(self, text: str, base: str) -> list[float]:
        """Return the budgets that a text was given."""
        return sorted({run.budget for run in self.runs if (run.text, run.base) == (text, base)})

    @property
    def texts(self) -> list[str]:
        """The texts, in the order of `TEXTS`."""
        return [text for text in TEXTS if self.bases(text)]


def argument_of(text: str, folder: Path) -> str:
    """Return the argument of the command for ``text``: its name, or a file with part of it."""
    if text == "war-and-peace, 100 kB":
        found = catalog.resolve(["war-and-peace"], cache=default_cache_folder())
        content = "".join(joined_chunks(found.files))[1_000_000:1_100_000]
    elif text == "python-lib, 10 MB":
        files = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
        own = [path for path in files if not {"site-packages", "test", "tests"} & set(path.parts)]
        content = "".join(path.read_text(encoding="utf-8", errors="ignore") for path in own)[:10_000_000]
    else:
        return text
    path = folder / f"{text}.txt"
    path.write_text(content, encoding="utf-8")
    return str(path)


def train(text: str, base: str, budget: float, seed: int, *, argument: str, run: Path) -> Result:
    """Train once with the command and return what it reports."""
    began = time.perf_counter()
    options = ("--time", f"{budget}s", "--from", base, "--seed", seed, "--out", run, "--quiet")
    result = nextchar("train", argument, *TEXTS[text].options, *options)
    total = time.perf_counter() - began
    plan = json.loads((run / "settings.json").read_text(encoding="utf-8"))["plan"]
    return Result(
        text,
        budget,
        seed,
        result["validation_bits_per_character"],
        result["training_seconds"],
        total,
        result["hidden"][0],
        result["steps"],
        plan["dropout"],
        result["network_bits_per_character"],
        base,
    )


def count(run: Path) -> dict[str, float]:
    """Return what counting achieves on the text that the run held out."""
    counted = nextchar("evaluate", run)
    return {"ppmd": counted["ppmd_bits_per_character"], "ngram": counted["ngram_bits_per_character"]}


def keras_epochs(count: int) -> list[dict[str, float]]:
    """Return seconds so far and bits after each epoch of the classic example, by the first installed backend."""
    backend = next(name for name in BACKENDS if importlib.util.find_spec(name))
    worker, seconds, epochs = Worker(str(HERE / "keras_worker.py"), backend, corpus_path()), 0.0, []
    for _ in range(count):
        epoch = worker.ask("epoch")
        seconds += epoch["seconds"]
        epochs.append({"seconds": seconds, "bits": epoch["bits"]})
        print(f"Keras, {backend}: {epochs[-1]}", file=sys.stderr, flush=True)
    worker.close()
    return epochs


def table(results: Results) -> str:
    """Return medians over the seeds, in Markdown."""
    rows = [
        "| text | from | time | hidden | steps | dropout | bits | network | spread | goal | training s | command s |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for text in results.texts:
        for base in results.bases(text):
            rows += [row(results, text, base, budget) for budget in results.budgets(text, base)]
    rows += ["", "| text | PPMd, adapting | 6-gram |", "|---|---:|---:|"]
    rows += [f"| {text} | {one['ppmd']:.3f} | {one['ngram']:.3f} |" for text, one in results.counting.items()]
    if results.keras:
        rows += ["", "| epoch of the example in Keras | seconds | bits/character |", "|---:|---:|---:|"]
        rows += [
            f"| {number} | {epoch['seconds']:.0f} | {epoch['bits']:.3f} |"
            for number, epoch in enumerate(results.keras, 1)
        ]
    return "\n".join(rows)


def row(results: Results, text: str, base: str, budget: float) -> str:
    """Return the line of the table for a text, a base and a budget."""
    runs = results.of(text, base, budget)
    bits = [run.bits for run in runs]
    spread = f"{max(bits) - min(bits):.3f}" if len(bits) > 1 else "one seed"
    median, network, training, total = (
        results.median(text, base, budget, what) for what in ("bits", "network", "training_seconds", "total_seconds")
    )
    goal = TEXTS[text].goals.get(int(budget)) if base == NOTHING else None
    reached = "" if goal is None else f"{goal:.3f} {'reached' if median <= goal else 'MISSED'}"
    return (
        f"| {text} | {base} | {budget:g} s | {runs[0].hidden} | {runs[0].steps:,} | {runs[0].dropout:.2f} | "
        f"**{median:.3f}** | {network:.3f} | {spread} | {reached} | {training:.1f} | {total:.1f} |"
    )


def draw(results: Results, path: Path) -> None:
    """Draw a panel for each text: bits per character against seconds, on a logarithmic axis."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    texts = results.texts
    columns = min(2, len(texts))
    rows = -(-len(texts) // columns)
    with mpl.rc_context({"svg.hashsalt": "nextchar", "font.size": 11}):
        figure = Figure(figsize=(5.2 * columns, 3.6 * rows), layout="constrained")
        FigureCanvasSVG(figure)
        for axes, text in zip(figure.subplots(rows, columns, squeeze=False).flat, texts, strict=False):
            draw_text(axes, results, text)
        lines = {str(line.get_label()): line for axes in figure.axes for line in axes.get_lines()}
        figure.legend(list(lines.values()), list(lines), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def draw_text(axes: Axes, results: Results, text: str) -> None:
    """Draw the curve of one text, each point labelled with its hidden size, and the comparisons."""
    for base in results.bases(text):
        color, budgets = COLORS[base != NOTHING], results.budgets(text, base)
        seconds, bits, network = (
            [results.median(text, base, budget, what) for budget in budgets]
            for what in ("training_seconds", "bits", "network")
        )
        origin = "nothing" if base == NOTHING else f"the base {base}"
        axes.plot(seconds, bits, "o-", color=color, label=f"nextchar from {origin}")
        axes.plot(seconds, network, ".:", color=color, label=f"its network from {origin}, alone")
        if base == NOTHING:
            annotate(axes, seconds, bits, [results.of(text, base, budget)[0].hidden for budget in budgets])
    if text == "nietzsche" and results.keras:
        keras = results.keras
        axes.plot(
            [e["seconds"] for e in keras], [e["bits"] for e in keras], "s-", color="#b5651d", label="Keras example"
        )
    for name, label, style in (("ngram", "6-gram", (0, (4, 2))), ("ppmd", "PPMd, adapting", (0, (1, 2)))):
        if text in results.counting:
            axes.axhline(results.counting[text][name], color="#666666", linestyle=style, label=label)
    goals = TEXTS[text].goals
    if goals:
        axes.plot(list(goals), list(goals.values()), "x", color="#a33", label="goal")
    axes.set_xscale("log")
    ticks = (3, 10, 30, 60, 180, 600, 1800)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_title(text)
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("bits per character")
    axes.grid(axis="y", color="#dddddd")


def annotate(axes: Axes, seconds: list[float], bits: list[float], hidden: list[int]) -> None:
    """Write the hidden size at each point at which it changes."""
    for number, point in enumerate(zip(seconds, bits, strict=True)):
        if number == 0 or hidden[number] != hidden[number - 1]:
            axes.annotate(str(hidden[number]), point, (0, -14), textcoords="offset points", ha="center", size=9)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=TEXTS)
    parser.add_argument("--budget", action="append", type=int, help="time budget in seconds; all of a text by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--from", dest="bases", nargs="+", default=[NOTHING], help="base models, or `none`")
    parser.add_argument("--keras-epochs", type=int, default=9, help="passes of the classic example; 0: without it")
    parser.add_argument("--keep", type=Path, help="folder for the runs")
    parser.add_argument("--output", type=Path, help="file for the single results, as JSON")
    parser.add_argument("--results", type=Path, nargs="+", help="such files: what is in them, and nothing is measured")
    parser.add_argument("--picture", type=Path, help="file for the curves, SVG")
    arguments = parser.parse_args()
    results = Results.load(arguments.results or [])
    if not arguments.results:
        with tempfile.TemporaryDirectory() as folder:
            measure(results, arguments, arguments.keep or Path(folder), Path(folder))
    print(f"\n{results.machine}\n\n{table(results)}")
    if arguments.picture:
        draw(results, arguments.picture)


def measure(results: Results, arguments: argparse.Namespace, runs: Path, made: Path) -> None:
    """Fill ``results``; the runs are in folders of ``runs``, files with parts of texts in ``made``."""

    def save() -> None:
        if arguments.output:
            arguments.output.write_text(json.dumps(asdict(results), indent=1), encoding="utf-8")

    for text in arguments.only or TEXTS:
        argument, run = argument_of(text, made), None
        for budget in (budget for budget in TEXTS[text].budgets if budget in (arguments.budget or (budget,))):
            for seed in range(arguments.seeds):
                for base in arguments.bases:
                    run = runs / f"{text}-{base}-{budget}-{seed}"
                    results.runs.append(train(text, base, budget, seed, argument=argument, run=run))
                    print(results.runs[-1], file=sys.stderr, flush=True)
                    save()
        if run is not None:
            results.counting[text] = count(run)
            save()
    if arguments.keras_epochs and "nietzsche" in (arguments.only or TEXTS):
        results.keras = keras_epochs(arguments.keras_epochs)
        save()


if __name__ == "__main__":
    main()

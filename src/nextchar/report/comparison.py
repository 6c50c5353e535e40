"""Runs beside each other as one HTML file that needs no other."""

from __future__ import annotations

import string
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from nextchar.model.comparison import PASSAGE, Comparison, letter
from nextchar.model.kept_text import base_name
from nextchar.page import curve_script, curve_style, inline_element, json_element, module_as_script, page_style
from nextchar.report.curves import script_policy
from nextchar.report.markup import element, grid_table, language_of, text_element, visible_lines
from nextchar.runs.comparison import (
    ComparedRun,
    RunComparison,
    about_held_out,
    differing_settings,
    facts_in_words,
)
from nextchar.settings import describe_value

COLOURS = 6
"""Colours of curves; further runs have them again, dashed."""

SCORED_BY_THEMSELVES = (
    "As each run scored itself while it trained: on excerpts of a long held-out text, and before what was counted is "
    "blended in. Lower is better."
)


def comparison_page(comparison: RunComparison) -> str:
    """Return a page with the results of runs, their learning curves, the settings that differ, and their samples."""
    runs = comparison.runs
    folder = files("nextchar.report")
    curves = _curves(runs)
    drawing = module_as_script((folder / "draw_comparison.js").read_text(encoding="utf-8"))
    script = inline_element("script", curve_script() + drawing) if curves else ""
    none = text_element("p", "None of these was trained in a run that is at hand.", class_="note")
    return string.Template((folder / "comparison.html").read_text(encoding="utf-8")).substitute(
        policy=script_policy(script) if script else "'none'",
        style=inline_element("style", page_style() + curve_style()),
        title=escape(", ".join(run.short_name for run in runs)),
        notes="".join(text_element("p", sentence, class_="notice") for sentence in _notes(runs)),
        facts=_table(runs, facts_in_words(runs), "results"),
        scores=_scores(comparison),
        curves=curves or none,
        settings=_settings(runs),
        samples=_samples(comparison),
        script=script,
    )


def _notes(runs: Sequence[ComparedRun]) -> list[str]:
    unfinished = [f"{run.short_name} is {run.unfinished}." for run in runs if run.unfinished is not None]
    return [*about_held_out(runs), *unfinished]


def _table(runs: Sequence[ComparedRun], rows: Sequence[tuple[str, Sequence[str]]], class_: str) -> str:
    """Return a table with a column for each run."""
    heads = ["", *(_named(number, run) for number, run in enumerate(runs))]
    return grid_table(heads, (_row(name, cells) for name, cells in rows), class_)


def _named(number: int, run: ComparedRun) -> str:
    return f"{letter(number)} {text_element('bdi', run.short_name)}"


def _row(head: str, cells: Sequence[str]) -> str:
    shown = (text_element("td", cell, dir="auto") for cell in cells)
    return element("tr", text_element("th", head, scope="row") + "".join(shown))


def _settings(runs: Sequence[ComparedRun]) -> str:
    rows = [
        (name, ["–" if value is None else describe_value(value) for value in values])
        for name, values in differing_settings(runs).items()
    ]
    return _table(runs, rows, "settings-table") if rows else text_element("p", "They are all the same.", class_="note")


def _curves(runs: Sequence[ComparedRun]) -> str:
    """Return the learning curves in one picture, and their figures as a table; "" if no run has any.

    The picture shows the bits on held-out text, or on the training text where nothing was held out.
    """
    histories = {
        number: run.record.history(max_samples=0)["evaluations"]
        for number, run in enumerate(runs)
        if run.record is not None and run.record.evaluations
    }
    if not histories:
        return ""
    evaluations: list[dict[str, Any]] = []
    for number, history in histories.items():
        kind = "validation_bits" if any(row["validation_bits"] is not None for row in history) else "training_bits"
        evaluations += [
            {"seconds": row["seconds"], "epoch": row["epoch"], f"bits_{number}": row[kind]} for row in history
        ]
    evaluations.sort(key=lambda row: row["seconds"])
    keys = "".join(element("span", _named(n, runs[n]), class_=f"key {_class(n)}") for n in histories)
    label = f"Learning curves of {len(histories)} runs, in bits per character over seconds of training."
    data = {"evaluations": evaluations, "curves": [[_class(n), f"bits_{n}"] for n in histories], "label": label}
    picture = element("div", "", id="curves", class_="curve")
    note = text_element("p", SCORED_BY_THEMSELVES, class_="note")
    drawn = picture + json_element("curve-data", data)
    return element("p", keys, class_="keys") + drawn + note + _figures(runs, evaluations)


def _figures(runs: Sequence[ComparedRun], evaluations: Sequence[dict[str, Any]]) -> str:
    """Return the curves as a table that can be folded."""
    rows = [
        (f"{row['seconds']:.1f} s", [_bits(row.get(f"bits_{number}")) for number in range(len(runs))])
        for row in evaluations
    ]
    summary = text_element("summary", "The curves as a table")
    return element("details", summary + _table(runs, rows, "points"), id="figures", open="")


def _bits(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _class(number: int) -> str:
    return f"run-{number % COLOURS}" + (" dashed" if number >= COLOURS else "")


def _scores(comparison: RunComparison) -> str:
    """Return the scores of all runs on one text, if they were asked for."""
    scores = comparison.scores
    if scores is None or comparison.text is None:
        return ""
    rows = [
        ("bits per character", [f"{score.bits_per_character:.3f}" for score in scores.scores]),
        ("difference from A", ["", *(f"{score.difference:+.3f}" for score in scores.scores[1:])]),
        ("95 % interval", [" to ".join(f"{end:+.3f}" for end in score.interval or ()) for score in scores.scores]),
        ("unknown characters", [f"{score.unknown_characters:,}" for score in scores.scores]),
    ]
    head = text_element("h2", f"On {base_name(comparison.text)}, {scores.characters:,} characters")
    about = text_element("p", scores.about_intervals, class_="note")
    return element("section", head + _table(comparison.runs, rows, "results") + about + _passages(scores))


def _passages(scores: Comparison) -> str:
    """Return tables of the passages in which each model differs most from the first."""
    parts: list[str] = []
    for number, score in enumerate(scores.scores[1:], 1):
        name = letter(number)
        rows = (
            _row(
                f"line {passage.line:,}",
                [f"{passage.first_bits:.1f}", f"{passage.bits:.1f}", visible_lines(passage.text)],
            )
            for passage in score.passages
        )
        title = f"Where {name} differs most from A, in bits for {PASSAGE} characters"
        parts.append(text_element("h3", title) + grid_table(["", "A", name, ""], rows, "passages"))
    return "".join(parts)


def _samples(comparison: RunComparison) -> str:
    """Return what each model wrote after the same prompt, if anything was."""
    sampling = comparison.sampling
    if sampling.length == 0:
        return ""
    cards = "".join(
        element("article", _heading(number, run) + _written(run, comparison.prompt, sample), class_="card")
        for number, (run, sample) in enumerate(zip(comparison.runs, comparison.samples, strict=True))
    )
    how = f"At temperature {sampling.temperature:g}, with the seed {sampling.seed}."
    head = text_element("h2", "What they write") + text_element("p", how, class_="note")
    return element("section", head + element("div", cards, class_="cards"))


def _heading(number: int, run: ComparedRun) -> str:
    return element("h3", text_element("b", letter(number)) + " " + text_element("bdi", run.short_name))


def _written(run: ComparedRun, prompt: str, sample: str) -> str:
    text = text_element("span", prompt, class_="prompt") + escape(sample)
    language = language_of(run.model.vocabulary.characters)
    return element("div", text, class_="written", dir="auto", lang=language)

"""The learning curves of a run, which a script draws in the report, and the same figures as a table."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from nextchar.page import curve_script, inline_element, json_element, module_as_script
from nextchar.report.markup import element, grid_table, text_element
from nextchar.runs.record import RunRecord
from nextchar.training.events import Evaluated


def learning_curves(run: RunRecord) -> str:
    """Return the bits per character of training and validation over training time, as HTML.

    The script of `drawing_script` draws them in the browser, in the width of the page. A table with the same figures
    follows, which stays open if scripts do not run. Both have at most `nextchar.runs.record.MAX_EVALUATIONS`
    evaluations.

    Args:
        run: a run with at least one evaluation.
    """
    history = run.history(max_samples=0)["evaluations"]
    data = {
        "evaluations": history,
        "best": _best_point(run.best),
        "recoveries": _recovery_seconds(run),
        "label": _described(run.evaluations),
    }
    return element("div", "", id="curves", class_="curves") + json_element("curve-data", data) + _figures(history)


def drawing_script() -> str:
    """Return the script that draws the result of `learning_curves` in its element."""
    source = (files("nextchar.report") / "draw_curves.js").read_text(encoding="utf-8")
    return inline_element("script", curve_script() + module_as_script(source))


def script_policy(script: str) -> str:
    """Return the source for a content security policy that allows only ``script``, an element, to run."""
    content = script[script.index(">") + 1 : script.rindex("<")]
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _best_point(best: Evaluated | None) -> dict[str, float] | None:
    bits = best.validation_bits_per_character if best else None
    return {"seconds": best.seconds, "bits": bits} if best and bits is not None and math.isfinite(bits) else None


def _recovery_seconds(run: RunRecord) -> list[float]:
    """Return when training went back. A recovery logs only its step; time is interpolated between evaluations."""
    steps, seconds = [0.0, *(e.step for e in run.evaluations)], [0.0, *(e.seconds for e in run.evaluations)]
    return [float(np.interp(event.step, steps, seconds)) for event in run.recoveries]


def _described(evaluations: Sequence[Evaluated]) -> str:
    """Return a description of the picture, for people who cannot see it."""
    first, last = evaluations[0], evaluations[-1]
    falls = f"training from {first.training_bits_per_character:.3f} to {last.training_bits_per_character:.3f}"
    before, after = first.validation_bits_per_character, last.validation_bits_per_character
    if before is not None and after is not None:
        falls += f", validation from {before:.3f} to {after:.3f}"
    span = f"{first.seconds:.0f} to {last.seconds:.0f} seconds"
    return f"Learning curves in bits per character, {span}: {falls}."


def _figures(history: Sequence[dict[str, float | None]]) -> str:
    """Return the curves as a table that can be folded."""
    columns = {"step": ",d", "epoch": ".2f", "seconds": ".1f", "training_bits": ".3f", "validation_bits": ".3f"}
    heads = ["step", "epoch", "seconds", "training bits", "validation bits"]
    rows = (
        element("tr", "".join(text_element("td", _figure(evaluation[key], form)) for key, form in columns.items()))
        for evaluation in history
    )
    summary = text_element("summary", "The curves as a table")
    return element("details", summary + grid_table(heads, rows, "figures"), id="figures", open="")


def _figure(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)

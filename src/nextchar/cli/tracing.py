"""What a text copies from the training text, for the terminal: marks in it, and a list below."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nextchar.runs.screen import colours_of

if TYPE_CHECKING:
    from nextchar.model.continuation import Prompt
    from nextchar.model.language_model import LanguageModel
    from nextchar.text.documents import CopiedRun

COLOURS = ("\x1b[4;33m", "\x1b[0m")
"""Underlined and yellow, and back."""
BRACKETS = ("[[", "]]")
"""Where there are no colours."""
MAX_SHOWN = 60
"""Most characters of a run that the list repeats."""


def traced(model: LanguageModel, prompt: str, text: str, minimum: int, *, echo: bool) -> str:
    """Return a text with its copied runs marked, and below it a line for each.

    Args:
        model: wrote the text.
        prompt: what the text continues.
        text: what was written.
        minimum: characters of the shortest run.
        echo: whether the prompt is part of what is returned.
    """
    whole, before = (prompt + text, "") if echo else (text, prompt)
    runs = model.copied_runs(whole, minimum, prompt=before)
    of = f"of {minimum} characters or more"
    lines = [f"Copied, in runs {of}:" if runs else f"Nothing is copied in runs {of}."]
    lines += [f"  {run.place}: {_shown(whole[run.start : run.end], run.length)}" for run in runs]
    return marked(whole, runs, COLOURS if colours_of(sys.stdout) else BRACKETS) + "\n\n" + "\n".join(lines)


def marked(text: str, runs: Sequence[CopiedRun], marks: tuple[str, str]) -> str:
    """Return ``text`` with ``marks`` around each of ``runs``; a colour begins anew on each line."""
    begin, end = marks
    broken = f"{end}\n{begin}" if marks == COLOURS else "\n"

    def pieces() -> Iterator[str]:
        done = 0
        for run in runs:
            yield text[done : run.start]
            yield begin + text[run.start : run.end].replace("\n", broken) + end
            done = run.end
        yield text[done:]

    return "".join(pieces())


def copied_json(model: LanguageModel, prompt: Prompt, texts: Sequence[str], minimum: int) -> list[list[dict[str, Any]]]:
    """Return the copied runs of each of ``texts`` as plain values."""
    return [[run.as_json() for run in model.copied_runs(text, minimum, prompt=prompt.text)] for text in texts]


def _shown(text: str, length: int) -> str:
    """Return the ``text`` of a run on one line, quoted and cut where it is long, and the length of the run."""
    shown = repr(text) if len(text) <= MAX_SHOWN else repr(text[:MAX_SHOWN]) + "..."
    part = "" if len(text) == length else f"the last {len(text):,} of "
    return f"{shown} ({part}{length:,} characters)"

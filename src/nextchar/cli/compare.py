"""`nextchar compare`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.app import DONE
from nextchar.cli.cells import safe_line
from nextchar.cli.columns import aligned, fitted, line_width
from nextchar.cli.console import as_typed, note_compiling, print_json
from nextchar.cli.differences import difference_lines, name_lines
from nextchar.cli.html_file import check_html_name, write_html
from nextchar.cli.scored_text import TextScoringOptions, given_text
from nextchar.errors import UsageError
from nextchar.model.comparison import letter
from nextchar.runs.screen import wrap_words
from nextchar.settings import SamplingSettings, describe_value

if TYPE_CHECKING:
    from nextchar.model.comparison import Comparison
    from nextchar.runs.comparison import ComparedRun, RunComparison

Flag = Annotated[bool, Parameter(negative=())]
MAX_BESIDE = 6
"""Most runs beside each other in a table; with more, their figures would be cut."""


class ComparingOptions(TextScoringOptions):
    """What is compared besides settings and results."""

    text: str | None = Field(
        default=None,
        description="Score all on this text too: a file, a folder, an address, - for standard input, or a name that "
        "`nextchar corpora` lists.",
    )
    prompt: str | None = Field(
        default=None, description="What each model continues; by default the prompt of the first run's samples."
    )
    length: int = Field(default=200, ge=0, le=100_000_000, description="Characters that each writes; 0: none.")
    temperature: float = Field(default=0.5, ge=0, le=100, description="Temperature at which each writes.")
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed with which each writes.")
    html: Path | None = Field(
        default=None,
        description="Write a page too: the same in one HTML file, with the learning curves in one picture.",
    )


def compare(
    *runs: Path,
    options: Annotated[ComparingOptions, Parameter(name="*")] = ComparingOptions(),  # noqa: B008 (immutable)
    json: Flag = False,
) -> int:
    """Compare runs: the settings in which they differ, what came of them, and what they write with the same seed.

    Bits can be compared if all were measured on the same text; the result says whether they were. With --text, all are
    scored on one text, with intervals for their differences.

    Parameters
    ----------
    runs
        Two to twelve run folders or model files.
    json
        Print the result as one JSON object.
    """
    from nextchar.runs.comparison import MAX_RUNS, MIN_RUNS, ComparedRun, RunComparison, sample_prompt, write_samples

    if not MIN_RUNS <= len(runs) <= MAX_RUNS:
        given = "One run" if len(runs) == 1 else f"{len(runs)} runs"
        raise UsageError(f"{given} cannot be compared: name {MIN_RUNS} to {MAX_RUNS} run folders or model files.")
    check_html_name(options.html)
    compared = [ComparedRun.read(run, carry_state=options.carry_state, weights=options.weights) for run in runs]
    prompt = sample_prompt(compared) if options.prompt is None else as_typed(options.prompt)
    sampling = SamplingSettings(length=options.length, temperature=options.temperature, seed=options.seed)
    with note_compiling():
        scores = None if options.text is None else _scores(compared, options.text, options)
        samples = write_samples(compared, prompt, sampling)
    comparison = RunComparison(compared, prompt, sampling, samples, options.text, scores)
    if options.html is not None:
        from nextchar.report.comparison import comparison_page

        write_html(options.html, comparison_page(comparison))
    if json:
        print_json(comparison.as_json())
    else:
        print(*_lines(comparison, line_width()), sep="\n")
    return DONE


def _scores(runs: Sequence[ComparedRun], text: str, options: TextScoringOptions) -> Comparison:
    """Return the scores of ``runs`` on ``text``."""
    from nextchar.model.comparison import compare_models

    models = [run.model for run in runs]
    scored = given_text(text, options, models)
    return compare_models(models, scored.pieces(), scored.size)


def _lines(comparison: RunComparison, width: int) -> Iterator[str]:
    """Yield the result for people."""
    from nextchar.runs.comparison import about_held_out, differing_settings, facts_in_words

    runs = comparison.runs
    yield from name_lines([run.name for run in runs], [run.unfinished for run in runs])
    yield ""
    yield from _grid(facts_in_words(runs), width)
    for sentence in about_held_out(runs):
        yield wrap_words(sentence, width)
    settings = [(name, list(map(_setting, values))) for name, values in differing_settings(runs).items()]
    yield ""
    if settings:
        yield "Settings that differ:"
        yield from _grid(settings, width)
    else:
        yield "All settings are the same."
    if comparison.scores is not None:
        yield f"\nOn {comparison.text}, {comparison.scores.characters:,} characters:"
        yield from difference_lines(comparison.scores, width)
    yield from _samples(comparison, width)


def _grid(rows: Sequence[tuple[str, Sequence[str]]], width: int) -> Iterator[str]:
    """Yield a table with a column for each run, or several below each other; cells are cut where they are too wide."""
    count = len(rows[0][1])
    for first in range(0, count, MAX_BESIDE):
        beside = range(first, min(first + MAX_BESIDE, count))
        heads = ["", *map(letter, beside)]
        table = [heads, *([safe_line(name), *(safe_line(cells[n]) for n in beside)] for name, cells in rows)]
        yield from aligned(fitted(table, width), width, right=range(1, len(heads)))


def _setting(value: object) -> str:
    return "–" if value is None else describe_value(value)


def _samples(comparison: RunComparison, width: int) -> Iterator[str]:
    """Yield what each model wrote, in the lines that it wrote."""
    sampling = comparison.sampling
    if sampling.length == 0:
        return
    after = f'After "{safe_line(comparison.prompt)}"' if comparison.prompt else "From the beginning of a text"
    how = f"at temperature {sampling.temperature:g}, with the seed {sampling.seed}"
    yield "\n" + wrap_words(f"{after} {how}:", width)
    for number, sample in enumerate(comparison.samples):
        yield f"\n{letter(number)}"
        yield from (wrap_words(f"  {safe_line(line)}", width, 2) for line in sample.split("\n"))

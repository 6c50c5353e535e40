"""`nextchar inspect`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from nextchar.cli.app import DONE
from nextchar.cli.console import note, print_facts, print_json
from nextchar.cli.text_options import TextOptions
from nextchar.errors import MissingDependencyError, UsageError
from nextchar.files.file_size import describe_size
from nextchar.settings import TextSettings, TrainingSettings, describe_duration

if TYPE_CHECKING:
    from nextchar.runs.base_models import StartingModel
    from nextchar.runs.forecast import Forecast
    from nextchar.text.inspection import CharacterCount, Inspection
    from nextchar.text.text_file import TextFile


WIDTH = 10
"""Columns for the names of facts."""


def inspect(
    *corpus: str,
    text: Annotated[TextOptions, Parameter(name="*")] = TextOptions(),  # noqa: B008 (immutable)
    training: Annotated[TrainingSettings, Parameter(name="*")] = TrainingSettings(),  # noqa: B008 (immutable)
    forecast: bool = True,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show what a text contains, which model would be trained on it, how long that takes and how good it would be.

    Parameters
    ----------
    corpus
        Files (plain, compressed, or records with --column), folders, addresses, - for standard input, or names that
        `nextchar corpora` lists.
    forecast
        Train for a few seconds to estimate how good the model would be.
    json
        Print everything as one JSON object.
    """
    from nextchar.runs.start import named_model
    from nextchar.runs.training_text import find_texts
    from nextchar.text.corpus_cache import default_cache_folder
    from nextchar.text.inspection import inspect_texts
    from nextchar.training.recipes import recipe_of

    if not corpus:
        raise UsageError("Name a text to look at: nextchar inspect mybook.txt")
    settings, training = recipe_of(training).complete(text, training)
    named = named_model(training)
    settings = settings if named is None else named.text_like(settings)
    stdin = sys.stdin.buffer if "-" in corpus else None
    found = find_texts(corpus, settings, default_cache_folder(), stdin=stdin)
    for message in found.notes:
        note(message)
    inspection = inspect_texts(found.files, settings)
    if not json:
        print_facts(_inspection_facts(inspection, settings), WIDTH)
    wanted = forecast and inspection.characters > 1
    expected = _forecast(found.files, settings, training, named) if wanted else None
    if json:
        print_json({**inspection.as_dict(), "forecast": None if expected is None else _forecast_dict(expected)})
    elif expected is not None:
        print_facts(_forecast_facts(expected), WIDTH)
    return DONE


def _forecast(
    files: Sequence[TextFile], text: TextSettings, training: TrainingSettings, named: StartingModel | None
) -> Forecast | None:
    from nextchar.runs.forecast import TRIAL_SECONDS, forecast
    from nextchar.runs.start import find_start
    from nextchar.runs.texts import check_tokens, notice_lists
    from nextchar.text.corpus_cache import default_cache_folder

    note(f"training for about {TRIAL_SECONDS:g} s to make a forecast (--no-forecast skips it)")
    text, noticed = notice_lists(files, text, training)
    check_tokens(text, training)
    start = find_start(files, text, training, default_cache_folder(), named)
    for message in (*noticed, *start.notes):
        note(message)
    try:
        return forecast(start.corpus, start.training)
    except MissingDependencyError as error:
        note(str(error))
        return None


def _inspection_facts(inspection: Inspection, settings: TextSettings) -> Iterator[tuple[str, object]]:
    from nextchar.text.decomposition import ADVICE, NOTICED

    for file in inspection.files:
        ends = ", ".join(
            f"{count:,} {name}" for name, count in (("LF", file.lf), ("CRLF", file.crlf), ("CR", file.cr)) if count
        )
        packed = ", compressed" if file.compressed else ""
        yield (
            "file",
            f"{file.name}: {file.bytes:,} bytes, {file.encoding} ({file.determined}){packed}; line ends: {ends}",
        )
    size = f" ({inspection.size})" + (f": {inspection.advice}" if inspection.advice else "")
    yield "characters", f"{inspection.characters:,}{size}"
    yield (
        "distinct",
        f"{inspection.distinct:,}; most frequent: {' '.join(repr(c.character) for c in inspection.frequent)}",
    )
    if inspection.rare:
        yield (
            "rare",
            f"{inspection.rare:,} occur fewer than {inspection.least_count} times and would share the unknown symbol:\n"
            + _counted(inspection.rare_examples),
        )
    for oddity in inspection.oddities:
        yield "odd", f"{oddity.count:,} {oddity.kind}: {', '.join(oddity.examples)}"
    if inspection.decomposed_share > NOTICED and settings.token_kind != "bytes":
        yield "decomposed", f"{inspection.decomposed_share:.1%} of the characters: {ADVICE}"
    yield "lines", f"{inspection.lines:,}, the longest of {inspection.longest_line:,} characters"
    repetition = inspection.repetition
    examined = f" (of the first {repetition.examined:,})" if repetition.examined < inspection.characters else ""
    yield "repeated", f"{repetition.share:.1%} of the characters are in passages that occur earlier{examined}"
    if repetition.line is not None:
        yield "", f"most repeated line, {repetition.line_count:,} times: {repetition.line[:80]!r}"
    if inspection.bz2_bits_per_character is not None:
        yield (
            "compressed",
            f"{inspection.bz2_bits_per_character:.2f} bits per character by bzip2, "
            f"{inspection.lzma_bits_per_character:.2f} by xz",
        )


def _counted(characters: Sequence[CharacterCount]) -> str:
    return "\n".join(f"{c.description}, {c.count} times" for c in characters)


def _forecast_dict(expected: Forecast) -> dict[str, Any]:
    return {**asdict(expected), "plan": expected.plan.model_dump(mode="json")}


def _forecast_facts(expected: Forecast) -> Iterator[tuple[str, object]]:
    plan = expected.plan
    sizes = " + ".join(map(str, plan.hidden))
    yield "model", f"LSTM of {sizes} units, embedding {plan.embedding}, {expected.parameters:,} parameters"
    yield (
        "plan",
        f"{plan.steps:,} steps of {plan.feeding.batch} × {plan.feeding.window} characters, "
        f"learning rate {plan.learning_rate:g}, dropout {plan.dropout:g}",
    )
    yield "time", None if expected.seconds is None else f"about {describe_duration(expected.seconds)} of training"
    yield "memory", f"about {describe_size(expected.memory)}"
    bits = expected.bits_per_character
    of_network = "bits per character on the held-out text, without the memory (from a trial run)"
    yield "expected", None if bits is None else f"about {bits:.1f} {of_network}"
    for message in expected.notes:
        yield "note", message

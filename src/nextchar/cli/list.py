"""`nextchar list`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

from cyclopts import Parameter
from pydantic import AfterValidator, BeforeValidator, Field

from nextchar.cli.app import DONE, FAILED
from nextchar.cli.console import as_typed, note, note_compiling, print_json
from nextchar.errors import NextcharError
from nextchar.model.list_settings import ListSettings
from nextchar.settings import Settings

if TYPE_CHECKING:
    from nextchar.model.known_entries import KnownEntries
    from nextchar.model.language_model import LanguageModel
    from nextchar.model.listing import Entry

Flag = Annotated[bool, Parameter(negative=())]


def _split(texts: object) -> object:
    """Return the texts that commas separate in ``texts``, which are arguments of the command."""
    if isinstance(texts, str):
        texts = (texts,)
    return tuple(part for text in cast("Iterable[str]", texts) for part in as_typed(text).split(","))


Parts = Annotated[tuple[str, ...], BeforeValidator(_split)]
Typed = Annotated[str | None, AfterValidator(lambda text: None if text is None else as_typed(text))]
_FIELDS = ListSettings.model_fields


class ListArguments(ListSettings):
    """The options of a list as they are typed: commas separate several texts."""

    starts: Parts = _FIELDS["starts"]  # type: ignore[assignment]
    ends: Parts = _FIELDS["ends"]  # type: ignore[assignment]
    contains: Parts = _FIELDS["contains"]  # type: ignore[assignment]
    like: Typed = _FIELDS["like"]  # type: ignore[assignment]
    allowed: Typed = _FIELDS["allowed"]  # type: ignore[assignment]


class ListOutput(Settings):
    """What is printed of the entries."""

    bits: Flag = Field(
        default=False,
        description="After each entry its bits: -log2 of the probability of its line at temperature 1. In text, a tab "
        "comes before them.",
    )
    format: Literal["text", "json", "csv"] = Field(
        default="text",
        description="text: an entry on each line; csv: a table with a head; json: one object, with the bits, the "
        "settings, and what was refused.",
    )


def list_entries(
    model: Path,
    *,
    settings: Annotated[ListArguments, Parameter(name="*")] = ListArguments(),  # noqa: B008 (immutable)
    output: Annotated[ListOutput, Parameter(name="*")] = ListOutput(),  # noqa: B008 (immutable)
) -> int:
    """Write new entries like those of a list that the model learned from, one a line: names, places, products.

    There are exactly as many as asked for. If that is not possible, a sentence on standard error says why, and the exit
    status is 1. Entries are drawn from the model's own distribution, conditioned on the options.

    Several texts for --starts, --ends or --contains are separated by commas, or the option is repeated; for a text with
    a comma in it, use --like.

    Parameters
    ----------
    model
        A run folder or a model file.
    """
    from nextchar.model.language_model import LanguageModel

    language_model = LanguageModel.load(model)
    known = _known_entries(model, language_model) if settings.new else None
    settings = settings.model_copy(update=_folded(settings, language_model))
    with note_compiling():
        listing = language_model.listing(settings, known)
    if output.format == "json":
        entries = [{"text": entry.text, "bits": entry.bits} for entry in listing]
        chosen = {**settings.model_dump(), "seed": None if settings.best else listing.seed}
        found = {"drawn": listing.drawn, "refused": dict(listing.refused), "shortfall": listing.shortfall}
        print_json({"entries": entries, **found, "settings": chosen})
    else:
        _print(listing.steps(), output)
    if listing.shortfall is not None:
        note(listing.shortfall)
        return FAILED
    if settings.seed is None and not settings.best and sys.stderr.isatty():
        note("to reproduce this list", f"--seed {listing.seed}")
    return DONE


def _folded(settings: ListArguments, model: LanguageModel) -> dict[str, tuple[str, ...]]:
    """Return the texts of --starts, --ends and --contains in characters that the model knows, with a note on those that
    were replaced, as in a prompt; one with nothing near it stays, and is an error."""
    folded: dict[str, tuple[str, ...]] = {}
    for name in ("starts", "ends", "contains"):
        given: tuple[str, ...] = getattr(settings, name)
        read = tuple(_near(part, model) or part for part in given)
        if read != given:
            note(f"the model does not know all of --{name} {','.join(given)}: it reads {','.join(read)}")
            folded[name] = read
    return folded


def _near(part: str, model: LanguageModel) -> str:
    """Return ``part`` in characters that the model knows; "" if one of them has none near it."""
    text, replacements = model.vocabulary.fold(part)
    return text if all(replacement.read_as for replacement in replacements) else ""


def _known_entries(path: Path, model: LanguageModel) -> KnownEntries:
    """Return the training list: all of it if the run's text is still at hand, else what the model file has.

    Raises:
        UsageError: there is neither.
    """
    from nextchar.model.known_entries import KnownEntries
    from nextchar.runs.training_text import corpus_of_model
    from nextchar.text.corpus_cache import default_cache_folder
    from nextchar.text.documents import SourceText

    try:
        corpus = corpus_of_model(path, model.file, default_cache_folder())
        return KnownEntries.of_source(SourceText(corpus.ids, (), corpus.vocabulary))
    except NextcharError:
        known = model.known_entries
    if not known.is_whole:
        note(f"new entries are those that are not in the last {len(known):,} lines: the model file has no more")
    elif model.provenance.validation_characters and not model.is_of_lines:
        note("new entries may be in the part of the list that was held out: the model file does not have it")
    return known


def _print(steps: Iterable[list[Entry]], output: ListOutput) -> None:
    """Print the entries of ``steps`` as they come."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    if output.format == "csv":
        table.writerow(["text", "bits"] if output.bits else ["text"])
    for entries in steps:
        rows = [[entry.text, f"{entry.bits:.3f}"] if output.bits else [entry.text] for entry in entries]
        if output.format == "csv":
            table.writerows(rows)
        else:
            sys.stdout.write("".join("\t".join(row) + "\n" for row in rows))
        if rows:
            sys.stdout.flush()

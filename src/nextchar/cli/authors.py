"""The models that `nextchar who` compares a text with, calibrated on held-out text of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nextchar.cli.console import note_carried, note_compiling, note_if_slow, resolve
from nextchar.cli.scored_text import TextScoringOptions, encoding_for
from nextchar.errors import NextcharError, TextError, UsageError, shortened

if TYPE_CHECKING:
    from nextchar.model.authorship import Authors
    from nextchar.model.language_model import LanguageModel
    from nextchar.text.text_file import TextFile


@dataclass(frozen=True)
class Calibrated:
    """The models, and what they are calibrated on."""

    authors: Authors
    fitted_on: tuple[str, ...]
    """Names of the models whose held-out text the probabilities are fitted on."""

    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield what to say about the calibration."""
        authors = self.authors
        if self.fitted_on and len(authors.models) > 1:
            yield "calibrated", f"on held-out text of {', '.join(self.fitted_on)}"
        elif len(authors.models) > 1:
            yield "calibrated", "as usual: no held-out text of these models was read (--calibrate NAME=FILE gives one)"
        unknown = [name for name in authors.names if name not in authors.known_spreads]
        if unknown:
            names = ", ".join(unknown)
            yield "none of them", f"not judged: it is not known how {names} fares on its own text (--calibrate)"


def load_authors(
    paths: Sequence[Path], calibrate: Sequence[str], options: TextScoringOptions, *, fit: bool = True
) -> Calibrated:
    """Return the models at ``paths``, calibrated.

    Args:
        paths: run folders or model files, named after themselves.
        calibrate: held-out texts, NAME=FILE each.
        options: how texts are read, and how the models compute.
        fit: whether to calibrate on held-out text that runs have on this machine, too.

    Raises:
        UsageError: there is no model, or none of a name in ``calibrate``.
        ModelFileError: a model cannot be read.
        TextError: a text cannot be read.
    """
    from nextchar.model.authorship import Authors
    from nextchar.model.language_model import LanguageModel
    from nextchar.model.model_path import named_models

    named = named_models(paths)
    models = {
        name: LanguageModel.load(path, carry_state=options.carry_state, weights=options.weights)
        for name, path in named.items()
    }
    if options.carry_state:
        for model in models.values():
            note_carried(model)
    authors = Authors(models)
    given = dict(_given_text(text, models, options) for text in calibrate)
    found = _held_out_texts(named, models) if fit else {}
    message = "calibrating on held-out text of each model (--no-calibration skips this)"
    with note_compiling(), note_if_slow(message):
        unmeasured = {name: text for name, text in found.items() if name not in authors.known_spreads}
        authors = authors.measured({**unmeasured, **given}).fitted(texts := {**found, **given})
    return Calibrated(authors, tuple(name for name in models if name in texts))


def _given_text(given: str, models: Mapping[str, LanguageModel], options: TextScoringOptions) -> tuple[str, str]:
    """Return the name and the text of ``given``, NAME=FILE."""
    name, _, file = given.partition("=")
    if not name or not file:
        raise UsageError(f"--calibrate {shortened(given)} is not NAME=FILE: name one of {', '.join(models)}.")
    if name not in models:
        raise UsageError(f"--calibrate {shortened(given)} names no model: choose from {', '.join(models)}.")
    return name, read_text(file, options, models)


def _held_out_texts(named: Mapping[str, Path], models: Mapping[str, LanguageModel]) -> dict[str, str]:
    """Return the held-out texts of the runs of ``models`` that are on this machine."""
    from nextchar.model.spread import MIN_CHARACTERS
    from nextchar.runs.training_text import held_out_text
    from nextchar.text.corpus_cache import default_cache_folder

    found: dict[str, str] = {}
    for name, path in named.items():
        with suppress(NextcharError):  # a model is calibrated without: `Calibrated.facts` says so
            text = held_out_text(path, models[name].file, default_cache_folder())
            if len(text) >= MIN_CHARACTERS:
                found[name] = text
    return found


def read_text(name: str, options: TextScoringOptions, models: Mapping[str, LanguageModel]) -> str:
    """Return the text of ``name``, a file, a folder, an address, or - for standard input, as all of ``models`` read it.

    Raises:
        TextError: it cannot be read, or is no text, which some of the models need.
    """
    from nextchar.text.text_file import joined_chunks

    return "".join(joined_chunks(files_of(name, options, models), False, options.boundary))


def files_of(name: str, options: TextScoringOptions, models: Mapping[str, LanguageModel]) -> Sequence[TextFile]:
    """Return the files of ``name``; arguments and errors are those of `read_text`."""
    from nextchar.text.text_file import NotTextError

    encoding = encoding_for(models.values(), options)
    try:
        return resolve([name], options.reading(encoding)).files
    except NotTextError as error:
        of_text = [name for name, model in models.items() if model.encoding is None]
        if encoding is not None or len(of_text) == len(models):
            raise
        raise TextError(
            f"{name} is not text, or in an encoding that was not recognised, and {', '.join(of_text)} can only read "
            "text: give its --encoding, or compare models of bytes alone."
        ) from error

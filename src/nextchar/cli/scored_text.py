"""The text that a command scores: one that is named, or the held-out text of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.console import note, resolve, shell_quoted
from nextchar.errors import NextcharError, TextError
from nextchar.settings import Boundary, Errors, Normalization, Settings, Weights
from nextchar.text.reading_options import ReadingOptions

if TYPE_CHECKING:
    from nextchar.model.language_model import LanguageModel
    from nextchar.text.corpus import Corpus

Flag = Annotated[bool, Parameter(negative=())]


class ScoringOptions(Settings):
    """How a text is read, and how the model computes."""

    encoding: str | None = Field(default=None, description="Encoding of the text; detected by default, with a note.")
    errors: Errors = Field(
        default="strict",
        description="What to do with bytes that do not decode: strict stops with an error, replace reads U+FFFD for "
        "each wrong sequence, latin reads each wrong byte as cp1252.",
    )
    carry_state: Flag = Field(
        default=False,
        description="Let a model that was trained in windows carry its state from character to character: many times "
        "faster, with other probabilities.",
    )
    weights: Weights = Field(
        default="float32",
        description="int8 rounds the weights to eight bits: large models are about twice as fast and score a little "
        "worse.",
    )


class TextScoringOptions(ScoringOptions):
    """The same for texts that may be files of records."""

    column: str | None = Field(
        default=None,
        min_length=1,
        description="Column or field of a JSON lines, CSV, TSV or Parquet file that holds the text.",
    )
    boundary: Boundary = Field(
        default="line",
        description="What separates documents, that is, files or records: line, blank (a blank line) or none.",
    )

    def reading(self, encoding: str | None, normalize: Normalization | None = None) -> ReadingOptions:
        """Return how files are read in ``encoding``, and brought into the normalization form ``normalize``."""
        return ReadingOptions(encoding, self.errors, column=self.column, boundary=self.boundary, normalize=normalize)


@dataclass(frozen=True)
class ScoredText:
    """A text to score."""

    name: str
    held_out: bool
    """Whether it is the held-out text of the model's own run."""
    size: int
    """Number of characters, or an upper bound."""
    pieces: Callable[[], Iterable[str]]
    """Reads the text in pieces."""

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return f"the held-out text of {self.name}" if self.held_out else self.name


def training_text(model: Path, language_model: LanguageModel) -> tuple[Corpus | None, str]:
    """Return the text that the model learned from, or the reason why it is missing."""
    from nextchar.runs.training_text import corpus_of_model
    from nextchar.text.corpus_cache import default_cache_folder

    try:
        return corpus_of_model(model, language_model.file, default_cache_folder()), ""
    except NextcharError as error:
        return None, str(error)


def encoding_for(models: Iterable[LanguageModel], options: TextScoringOptions) -> str | None:
    """Return how files are read for all of ``models``: as the options say, as bytes where the tokens of all are bytes,
    or else as text in the encoding that is detected."""
    if options.encoding is not None or options.column is not None:
        return options.encoding
    encodings = {model.encoding for model in models}
    return encodings.pop() if len(encodings) == 1 else None


def given_text(name: str, options: TextScoringOptions, models: Sequence[LanguageModel]) -> ScoredText:
    """Return the text called ``name``, read as the options say and as all of ``models`` read text."""
    from nextchar.text.text_file import content_of, joined_chunks

    lowercase = all(model.provenance.lowercase for model in models)
    files = resolve([name], options.reading(encoding_for(models, options), models[0].provenance.normalize)).files
    if lowercase:
        note("the text was lower-cased, because the model was trained on lower-cased text")
    size = sum(content_of(file).bytes for file in files)
    return ScoredText(name, False, size, lambda: joined_chunks(files, lowercase, options.boundary))


def held_out_text(model: Path, language_model: LanguageModel, corpus: Corpus | None, gone: str) -> ScoredText:
    """Return the text that the model was scored on in its run.

    Raises:
        TextError: it is missing, or nothing was held out.
    """
    from nextchar.runs.training_text import scored_text

    instead = f"Name a text to score: nextchar evaluate {shell_quoted(model)} TEXT"
    if corpus is None:
        raise TextError(f"The held-out text of the model is missing. {gone} {instead}")
    held_out = scored_text(corpus, language_model.file)
    if not held_out:
        raise TextError(f"The run of {model} held nothing out. {instead}")
    return ScoredText(", ".join(corpus.names), True, len(held_out), lambda: [held_out])

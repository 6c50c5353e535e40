"""`nextchar evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.app import DONE
from nextchar.cli.console import (
    make_ready,
    note,
    note_carried,
    note_if_slow,
    print_facts,
    print_json,
    resolve,
    shell_quoted,
)
from nextchar.cli.list_figures import bits_per_line, label_dicts, list_facts
from nextchar.errors import NextcharError, TextError, UnknownCharacterError
from nextchar.settings import Adapt, Boundary, Errors, Settings, Weights

if TYPE_CHECKING:
    from nextchar.model.baselines import CountingScores
    from nextchar.model.evaluation import Evaluation
    from nextchar.model.language_model import LanguageModel
    from nextchar.text.corpus import Corpus

Flag = Annotated[bool, Parameter(negative=())]


@dataclass(frozen=True)
class _Scored:
    """The text to score."""

    name: str
    held_out: bool
    """Whether it is the held-out text of the model's own run."""
    size: int
    """Number of characters, or an upper bound."""
    pieces: Callable[[], Iterable[str]]
    """Reads the text in pieces."""


class ScoringOptions(Settings):
    """How a text is read, and how the model computes."""

    encoding: str | None = Field(default=None, description="Encoding of the text; detected by default, with a note.")
    errors: Errors = Field(
        default="strict",
        description="What to do with bytes that do not decode: strict stops with an error, replace reads U+FFFD for "
        "each wrong sequence, latin reads each wrong byte as cp1252.",
    )
    column: str | None = Field(
        default=None,
        min_length=1,
        description="Column or field of a JSON lines, CSV, TSV or Parquet file that holds the text.",
    )
    boundary: Boundary = Field(
        default="line",
        description="What separates documents, that is, files or records: line, blank (a blank line) or none.",
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


class EvaluationOptions(ScoringOptions):
    """How a text is read and scored, and with what."""

    counting: bool = Field(
        default=True,
        description="Score by counting too, which takes a second or two for each megabyte of training text, and ten "
        "with zpaq.",
    )
    adapt: Adapt = Field(
        default="counts",
        description="Also score the text as a model that learns from what it has scored: counts (and what is computed "
        "from the last layer, some ten thousand characters a second), weights (all of the network's too, some "
        "thousand; needs torch) or none. The model file stays unchanged.",
    )
    strict: Flag = Field(
        default=False,
        description="Refuse a text with characters that the model does not know, instead of scoring them as unknown.",
    )


def evaluate(
    model: Path,
    text: str | None = None,
    *,
    options: Annotated[EvaluationOptions, Parameter(name="*")] = EvaluationOptions(),  # noqa: B008 (immutable)
    json: Flag = False,
) -> int:
    """Score a text: the bits per character that the model needs to predict each character from all before it.

    It also says what the network and the counts of the model need alone, and scores other models that count, after the
    same training text: PPMd, a compressor of order 6, and zpaq, where it is installed, which adapt as they read, and an
    n-gram model with six characters of context, which does not.

    Parameters
    ----------
    model
        A run folder or a model file.
    text
        A file, a folder, an address, - for standard input, or a name that `nextchar corpora` lists; by default the
        held-out text of the model's run.
    json
        Print the result as one JSON object.
    """
    from nextchar.model.language_model import LanguageModel

    language_model = LanguageModel.load(model, carry_state=options.carry_state, weights=options.weights)
    if options.carry_state:
        note_carried(language_model)
    needs_corpus = options.counting or text is None
    corpus, gone = _training_text(model, language_model) if needs_corpus else (None, "")
    scored = _held_out(model, language_model, corpus, gone) if text is None else _given(text, options, language_model)
    make_ready(language_model, scored.size)
    # The default says nothing against a model of a list, which cannot learn from other lines.
    adapt = "none" if language_model.is_of_lines and options.adapt == "counts" else options.adapt
    evaluation = language_model.evaluate(scored.pieces(), adapt=adapt, parts=True)
    if options.strict and evaluation.unknown_characters:
        raise UnknownCharacterError(
            f"{evaluation.unknown_characters:,} characters of {scored.name} are unknown to the model. Without --strict "
            "they are scored as unknown."
        )
    per_line = bits_per_line(language_model, evaluation)
    labels = language_model.bits_by_label("".join(scored.pieces())) if language_model.provenance.labels else {}
    counted = _count(language_model, corpus, scored) if options.counting and corpus is not None else None
    if json:
        missing = gone if options.counting else "left out with --no-counting"
        of_list = {"bits_per_line": per_line, "labels": label_dicts(labels)}
        print_json({**_as_dict(scored, evaluation, counted, missing), **of_list, "adapt": adapt})
    else:
        facts = _facts(scored, evaluation, counted, gone)
        print_facts(chain(facts, list_facts(evaluation, per_line, labels)))
    return DONE


def _training_text(model: Path, language_model: LanguageModel) -> tuple[Corpus | None, str]:
    """Return the text that the model learned from, or the reason why it is missing."""
    from nextchar.runs.training_text import corpus_of_model
    from nextchar.text.corpus import default_cache_folder

    try:
        return corpus_of_model(model, language_model.file, default_cache_folder()), ""
    except NextcharError as error:
        return None, str(error)


def _given(name: str, options: EvaluationOptions, language_model: LanguageModel) -> _Scored:
    from nextchar.text.text_file import content_of, joined_chunks

    files = resolve([name], options.encoding, options.errors, options.column, options.boundary).files
    lowercase = language_model.provenance.lowercase
    if lowercase:
        note("the text was lower-cased, because the model was trained on lower-cased text")
    size = sum(content_of(file).bytes for file in files)
    return _Scored(name, False, size, lambda: joined_chunks(files, lowercase, options.boundary))


def _held_out(model: Path, language_model: LanguageModel, corpus: Corpus | None, gone: str) -> _Scored:
    """Return the text that the model was scored on in its run.

    Raises:
        TextError: it is missing, or nothing was held out.
    """
    from nextchar.model.baselines import LOST

    instead = f"Name a text to score: nextchar evaluate {shell_quoted(model)} TEXT"
    if corpus is None:
        raise TextError(f"The held-out text of the model is missing. {gone} {instead}")
    size = language_model.provenance.validation_characters
    ids = corpus.validation if size is None else corpus.held_out_excerpt(size)
    if len(ids) == 0:
        raise TextError(f"The run of {model} held nothing out. {instead}")
    held_out = corpus.vocabulary.decode(corpus.without_order(ids), unknown=LOST)
    return _Scored(", ".join(corpus.names), True, len(ids), lambda: [held_out])


def _count(language_model: LanguageModel, corpus: Corpus, scored: _Scored) -> CountingScores:
    from nextchar.model.baselines import count_and_score

    with note_if_slow("counting the training text (--no-counting skips this)", 3.0):
        return count_and_score(
            corpus.without_order(corpus.training), corpus.vocabulary, language_model.start_id, scored.pieces()
        )


def _as_dict(
    scored: _Scored, evaluation: Evaluation, counting: CountingScores | None, missing: str
) -> dict[str, object]:
    return {
        **asdict(evaluation),
        "text": scored.name,
        "held_out": scored.held_out,
        "ppmd_bits_per_character": counting and counting.ppmd_bits_per_character,
        "zpaq_bits_per_character": counting and counting.zpaq_bits_per_character,
        "ngram_bits_per_character": counting and counting.ngram_bits_per_character,
        "counted_characters": counting and counting.counted_characters,
        "counting_missing": missing or None,
    }


def _facts(
    scored: _Scored, evaluation: Evaluation, counting: CountingScores | None, gone: str
) -> Iterator[tuple[str, object]]:
    from nextchar.model.baselines import MAX_COUNTED, PPMD_ORDER

    if scored.held_out:
        yield "text", f"the held-out text of {scored.name}"
    yield "bits per character", f"{evaluation.bits_per_character:.3f}"
    if evaluation.adaptive_bits_per_character is not None:
        yield "adapting as it reads", f"{evaluation.adaptive_bits_per_character:.3f}"
    if evaluation.network_bits_per_character is not None:
        yield "its network alone", f"{evaluation.network_bits_per_character:.3f}"
    if evaluation.counts_bits_per_character is not None:
        yield "its counts alone", f"{evaluation.counts_bits_per_character:.3f}"
    yield "characters", f"{evaluation.characters:,}"
    yield "unknown to the model", f"{evaluation.unknown_characters:,}"
    if counting is None:
        yield "counting", f"missing: {gone}" if gone else None
        return
    yield "counting: PPMd", f"{counting.ppmd_bits_per_character:.3f} (order {PPMD_ORDER}, adapting as it reads)"
    if counting.zpaq_bits_per_character is not None:
        yield "counting: zpaq", f"{counting.zpaq_bits_per_character:.3f} (adapting as it reads)"
    yield "counting: 6-gram", f"{counting.ngram_bits_per_character:.3f}"
    if counting.counted_characters == MAX_COUNTED:
        yield "counted", f"the last {MAX_COUNTED:,} characters of the training text"

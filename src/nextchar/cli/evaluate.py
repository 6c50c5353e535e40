"""`nextchar evaluate`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.app import DONE
from nextchar.cli.columns import line_width
from nextchar.cli.console import (
    make_ready,
    note,
    note_carried,
    note_if_slow,
    print_facts,
    print_json,
)
from nextchar.cli.html_file import check_html_name, write_html
from nextchar.cli.list_figures import bits_per_line, label_dicts, list_facts
from nextchar.cli.scored_text import ScoredText, TextScoringOptions, given_text, held_out_text, training_text
from nextchar.errors import UnknownCharacterError, UsageError
from nextchar.settings import Adapt

if TYPE_CHECKING:
    from nextchar.model.baselines import CountingScores
    from nextchar.model.evaluation import Evaluation
    from nextchar.model.language_model import LanguageModel
    from nextchar.text.corpus import Corpus

Flag = Annotated[bool, Parameter(negative=())]


class EvaluationOptions(TextScoringOptions):
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
    show: Flag = Field(
        default=False,
        description="Print the text coloured by surprise (marked, where there are no colours), and list the most "
        "surprising places, with what the model expected there.",
    )
    html: Path | None = Field(
        default=None,
        description="Write the text coloured by surprise as a page: one HTML file that says of each character what it "
        "cost and what the model expected.",
    )
    limit: int = Field(
        default=20_000, ge=1, description="Characters that --show and --html take, from the beginning of the text."
    )
    worst: int = Field(default=10, ge=0, le=1000, description="Most surprising places that --show lists.")
    compare: Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative=())] = Field(
        default=(),
        max_length=11,
        description="Score other models on the text too, run folders or model files, and show where they differ most. "
        "Nothing adapts then, and nothing is counted.",
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
    from nextchar.model.model_path import model_name

    _check(options)
    language_model = _load(model, options)
    models = [language_model, *(_load(path, options) for path in options.compare)]
    needs_corpus = text is None or (options.counting and not options.compare)
    corpus, gone = training_text(model, language_model) if needs_corpus else (None, "")
    scored = held_out_text(model, language_model, corpus, gone) if text is None else given_text(text, options, models)
    make_ready(language_model, scored.size)
    if options.compare:
        _compare([model, *options.compare], models, scored, options, as_json=json)
        return DONE
    adapt = _adapt_for(language_model, options)
    evaluation = language_model.evaluate(scored.pieces(), adapt=adapt, parts=True)
    _check_known(options, evaluation.unknown_characters, scored.name)
    per_line = bits_per_line(language_model, evaluation)
    labels = language_model.bits_by_label("".join(scored.pieces())) if language_model.provenance.labels else {}
    counted = _count(corpus, scored) if options.counting and corpus is not None else None
    shown = _show_surprise(language_model, model_name(model), scored, options, evaluation, quiet=json)
    if json:
        of_list = {"bits_per_line": per_line, "labels": label_dicts(labels)}
        missing = gone if options.counting else "left out with --no-counting"
        print_json({**_as_dict(scored, evaluation, counted, missing), **of_list, "adapt": adapt, **shown})
    else:
        facts = _facts(language_model, scored, evaluation, counted, gone)
        print_facts([*facts, *list_facts(evaluation, per_line, labels)])
    return DONE


def _check(options: EvaluationOptions) -> None:
    """Check that the options make sense together."""
    check_html_name(options.html)
    if options.compare and (options.show or options.html is not None):
        raise UsageError("--show and --html show what surprised one model: leave them out, or leave out --compare.")


def _adapt_for(model: LanguageModel, options: EvaluationOptions) -> Adapt:
    """Return how ``model`` adapts. The default says nothing against one of a list, which cannot learn from other
    lines."""
    return "none" if model.is_of_lines and options.adapt == "counts" else options.adapt


def _load(path: Path, options: TextScoringOptions) -> LanguageModel:
    from nextchar.model.language_model import LanguageModel

    model = LanguageModel.load(path, carry_state=options.carry_state, weights=options.weights)
    if options.carry_state:
        note_carried(model)
    return model


def _check_known(options: EvaluationOptions, count: int, text: str) -> None:
    if options.strict and count:
        raise UnknownCharacterError(
            f"{count:,} characters of {text} are unknown to the model. Without --strict they are scored as unknown."
        )


def _compare(
    paths: Sequence[Path],
    models: Sequence[LanguageModel],
    scored: ScoredText,
    options: EvaluationOptions,
    *,
    as_json: bool,
) -> None:
    """Print how well ``models``, those at ``paths``, predict the text."""
    from nextchar.cli.differences import difference_lines, largest_difference_lines, name_lines
    from nextchar.model.comparison import compare_models

    comparison = compare_models(models, scored.pieces(), scored.size)
    _check_known(options, max(score.unknown_characters for score in comparison.scores), scored.name)
    if scored.held_out:
        _note_other_texts(models, paths)
    if as_json:
        names = {"models": list(map(str, paths)), "text": scored.name, "held_out": scored.held_out}
        print_json({**names, **comparison.as_json()})
        return
    width = line_width()
    print(*name_lines(list(map(str, paths)), [None] * len(paths)), sep="\n")
    print(f"\nOn {scored.title}, {comparison.characters:,} characters:")
    print(*difference_lines(comparison, width), *largest_difference_lines(comparison, width), sep="\n")


def _note_other_texts(models: Sequence[LanguageModel], paths: Sequence[Path]) -> None:
    """Say which models may have learned from the held-out text of the first."""
    splits = [(model.provenance.corpus_sha256, model.provenance.training_characters) for model in models]
    for split, path in zip(splits[1:], paths[1:], strict=True):
        if None in split or split != splits[0]:
            note(f"{path} is not known to have held out the same text, and may have learned from it")


def _count(corpus: Corpus, scored: ScoredText) -> CountingScores:
    from nextchar.model.baselines import count_and_score
    from nextchar.text.documents import SourceText

    with note_if_slow("counting the training text (--no-counting skips this)", 3.0):
        learned = SourceText(corpus.without_order(corpus.training), (), corpus.vocabulary).in_characters()
        return count_and_score(learned.ids, learned.vocabulary, learned.vocabulary.start_id, scored.pieces())


def _show_surprise(
    model: LanguageModel,
    name: str,
    scored: ScoredText,
    options: EvaluationOptions,
    evaluation: Evaluation,
    *,
    quiet: bool,
) -> dict[str, object]:
    """Show what surprised the model called ``name``, as the options ask; return it for JSON, which is ``quiet``."""
    from nextchar.cli.surprise import list_worst, show
    from nextchar.model.kept_text import base_name
    from nextchar.model.surprise import EXPECTED, WorstPlaces, read_first_surprises
    from nextchar.report.surprise import ALTERNATIVES, surprise_page

    taken = min(options.limit, evaluation.characters)
    if (options.show or options.html) and taken < evaluation.characters:
        note(f"of {evaluation.characters:,} characters, the first {taken:,} are shown; --limit takes another number")
    if options.html is not None:
        surprises = read_first_surprises(model, scored.pieces(), taken, ALTERNATIVES)
        write_html(options.html, surprise_page(surprises, evaluation, text=base_name(scored.name), model=name))
    if not options.show:
        return {}
    places = WorstPlaces(options.worst)
    surprises = places.watch(read_first_surprises(model, scored.pieces(), taken, EXPECTED + 1))
    if quiet:
        deque(surprises, maxlen=0)
    else:
        show(surprises)
        list_worst(places.found(), taken)
    return {"shown_characters": taken, "worst": [place.as_json() for place in places.found()]}


def _as_dict(
    scored: ScoredText, evaluation: Evaluation, counting: CountingScores | None, missing: str
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
    model: LanguageModel, scored: ScoredText, evaluation: Evaluation, counting: CountingScores | None, gone: str
) -> Iterator[tuple[str, object]]:
    from nextchar.model.baselines import MAX_COUNTED, PPMD_ORDER

    if scored.held_out:
        yield "text", scored.title
    yield "bits per character", f"{evaluation.bits_per_character:.3f}"
    if evaluation.adaptive_bits_per_character is not None:
        yield "adapting as it reads", f"{evaluation.adaptive_bits_per_character:.3f}"
    if evaluation.network_bits_per_character is not None:
        yield "its network alone", f"{evaluation.network_bits_per_character:.3f}"
    if evaluation.counts_bits_per_character is not None:
        yield "its counts alone", f"{evaluation.counts_bits_per_character:.3f}"
    if model.vocabulary.kind == "bytes":
        yield "bits per byte", f"{evaluation.bits_per_character * evaluation.characters / evaluation.tokens:.3f}"
    yield "characters", f"{evaluation.characters:,}"
    if model.vocabulary.kind != "characters":
        yield f"read as {model.vocabulary.kind}", f"{evaluation.tokens:,}"
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

"""`nextchar score`."""

from __future__ import annotations

import hashlib
import json as json_format
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.app import DONE
from nextchar.cli.console import note, note_carried, note_compiling, resolve
from nextchar.cli.entries import STANDARD_INPUT, Entry, Source, records_of
from nextchar.cli.score_folder import ScoreFolder
from nextchar.cli.score_rows import NO_SCORE, Row, RowFormat, RowFormatter, ordered
from nextchar.cli.scored_text import ScoringOptions
from nextchar.cli.shard import parse_shard, shard_of_job
from nextchar.errors import UnknownCharacterError, UsageError, shortened
from nextchar.settings import Adapt
from nextchar.text.reading_options import ReadingOptions
from nextchar.text.records import Format

if TYPE_CHECKING:
    from nextchar.model.language_model import LanguageModel
    from nextchar.model.text_score import TextScore

Flag = Annotated[bool, Parameter(negative=())]
OF_LINES = ("column", "echo", "sort", "worst", "threshold", "out")
"""Options that are for scores of lines."""


class LineOptions(ScoringOptions):
    """What is scored, and where the scores go."""

    lines: bool | None = Field(
        default=None,
        description="Score each line by itself, without its line end, instead of each text as a whole; the default on "
        "standard input and with --column.",
    )
    column: str | None = Field(
        default=None,
        min_length=1,
        description="Score the text in this column or field of each record of JSON lines, CSV or TSV, and pass the "
        "records through with the scores added. Records on standard input are JSON lines.",
    )
    format: RowFormat | None = Field(
        default=None,
        description="Print tsv, scores separated by tabs, or jsonl, a JSON object a line; by default tsv, and records "
        "in their own format.",
    )
    echo: Flag = Field(
        default=False, description="Repeat each line after its scores, as --sort, --worst and --threshold do."
    )
    sort: Flag = Field(default=False, description="Print the most surprising lines first, by bits per character.")
    worst: int | None = Field(default=None, ge=1, description="Print only so many lines, the most surprising first.")
    threshold: str | None = Field(
        default=None,
        description="Print only lines with more bits per character than this number, or, like 99.9%, than so many of "
        "the lines that the model was tested on and has not learned from.",
    )
    adapt: Adapt = Field(
        default="none",
        description="Learn from each text as it is scored: counts or weights, as in nextchar evaluate. Not with "
        "--lines, each of which is scored by itself.",
    )
    out: Path | None = Field(
        default=None,
        description="Folder to write instead: one file of scores for each text, complete or not there at all. What is "
        "there is not done again.",
    )
    shard: str | None = Field(
        default=None,
        description="Take a share of the texts: INDEX/COUNT, from 0/16 to 15/16. By default that of an array job "
        "of SLURM, an indexed job of Kubernetes (with NEXTCHAR_SHARDS) or torchrun, if this is one.",
    )


def score(
    model: Path,
    /,
    *texts: str,
    options: Annotated[LineOptions, Parameter(name="*")] = LineOptions(),  # noqa: B008 (immutable)
    json: Flag = False,
) -> int:
    """Score lines or texts: bits in total and bits per character, and where a line is most surprising.

    With --lines, each line gives a line, in the same order, and from a pipe as soon as it comes: its bits, its bits per
    character, the column of its most surprising character (from 1), that character, and its bits; and, where the model
    learned from many lines, the share of lines it has not learned from that have fewer bits a character. An empty line
    has 0 bits and nan bits per character. Without --lines, each text gives its bits, its bits per character, and its
    name; `nextchar evaluate` says more about a single text.

    Parameters
    ----------
    model
        A run folder or a model file.
    texts
        Files (plain or compressed) or - for standard input, which is the default, and UTF-8 unless --encoding says
        otherwise.
    json
        The same as --format jsonl.
    """
    names = list(dict.fromkeys(texts)) or [STANDARD_INPUT]
    options = _completed(names, options, json)
    share = _share(names, options)
    scoring = _Scoring(model, names, options)
    if options.out is None:
        for rows in scoring.rows(share):
            sys.stdout.write(rows)
            sys.stdout.flush()
        return DONE
    folder = ScoreFolder(options.out, names, scoring.suffix)
    folder.claim(scoring.settings())
    for name in share:
        if folder.file_of(name).exists():
            note(f"skipped: the scores of {name} are there already, in {folder.file_of(name)}")
        else:
            folder.write(name, scoring.rows([name]))
            note(f"{name}: scored, in {folder.file_of(name)}")
    return DONE


def _completed(names: Sequence[str], options: LineOptions, json: bool) -> LineOptions:
    """Return ``options`` with what follows from others.

    Raises:
        UsageError: they make no sense together.
    """
    if json and options.format == "tsv":
        raise UsageError("--json is the same as --format jsonl: leave out --format tsv.")
    by_line = options.lines
    if by_line is None:
        by_line = options.column is not None or (names == [STANDARD_INPUT] and options.adapt == "none")
    if not by_line:
        for name in OF_LINES:
            if getattr(options, name):
                raise UsageError(f"--{name} is for scores of lines: add --lines.")
    if by_line and options.adapt != "none":
        raise UsageError("--adapt is for whole texts: with --lines, each line is scored by itself.")
    if STANDARD_INPUT in names:
        for name in ("out", "shard"):
            if getattr(options, name):
                raise UsageError(f"--{name} is for files, not for standard input: name the files to score.")
    chosen = bool(options.sort or options.worst or options.threshold)
    form = "jsonl" if json else options.format
    return options.model_copy(update={"lines": by_line, "format": form, "echo": options.echo or chosen})


def _share(names: Sequence[str], options: LineOptions) -> Sequence[str]:
    """Return the texts of this process, with a note if they are not all."""
    if STANDARD_INPUT in names:  # each process has its own
        return names
    shard = parse_shard(options.shard) if options.shard is not None else shard_of_job(os.environ)
    if shard is None:
        return names
    share = shard.share(names)
    if shard.count > 1:
        few = (
            "" if share else f"; there are fewer texts than the {shard.count:,} shards (--shard 0/1 takes all of them)"
        )
        note(f"{shard}: {len(share):,} of {len(names):,} texts{few}")
    return share


class _Scoring:
    """Scores texts by their names, and formats the scores."""

    def __init__(self, path: Path, names: Sequence[str], options: LineOptions) -> None:
        from nextchar.model.language_model import LanguageModel

        kinds: set[Format | None] = {None if options.column is None else records_of(name) for name in names}
        if len(kinds) > 1:
            raise UsageError("The files have records of several formats: score those of one format at a time.")
        self._path, self._options = path, options
        self._model: LanguageModel = LanguageModel.load(path, carry_state=options.carry_state, weights=options.weights)
        has_quantiles = self._model.provenance.held_out_lines is not None
        self._formatter = RowFormatter(kinds.pop(), options.format, echo=options.echo, has_quantiles=has_quantiles)
        self._threshold = None if options.threshold is None else _threshold(options.threshold, self._model)
        if options.carry_state:
            note_carried(self._model)
        if self._model.provenance.lowercase:
            note("the texts are lower-cased, because the model was trained on lower-cased text")

    @property
    def suffix(self) -> str:
        """The end of the names of files of scores."""
        return f".{self._formatter.form}"

    def settings(self) -> dict[str, object]:
        """Return what the scores depend on."""
        from nextchar.model.model_path import find_model

        digest = hashlib.sha256(find_model(self._path).read_bytes()).hexdigest()
        names = {*ScoringOptions.model_fields, "column", "echo", "format", "sort", "worst", "threshold"}
        return {"model": digest, **self._options.model_dump(include=names)}

    def rows(self, names: Sequence[str]) -> Iterator[str]:
        """Yield the scores of the texts ``names``, some lines at a time."""
        options = self._options
        self._formatter.begin()
        with note_compiling():
            if not options.lines:
                yield from map(self._row_of_text, names)
                return
            heads_and_rows = (pair for name in names for pair in self._rows_of_entries(name))
            if not (options.sort or options.worst):
                yield from (head + "".join(row.text for row in rows) for head, rows in heads_and_rows)
                return
            heads: list[str] = []

            def all_rows() -> Iterator[Row]:
                for head, rows in heads_and_rows:
                    heads.extend([head] if head else [])
                    yield from rows

            found = ordered(all_rows(), options.worst)
            yield from heads
            yield from (row.text for row in found)

    def _rows_of_entries(self, name: str) -> Iterator[tuple[str, list[Row]]]:
        """Yield the rows of the lines or records of ``name``, some at a time, each time with what comes before them."""
        options = self._options
        encoding = options.encoding or (self._model.encoding if options.column is None else None)
        source = Source(name, encoding, options.errors, options.column)
        for number, entries in enumerate(source.entries()):
            head = self._formatter.head(source) if number == 0 else ""
            scored = zip(entries, self._scores(name, entries), strict=True)
            shown = (pair for pair in scored if self._is_shown(pair[1]))
            yield head, [self._formatter.row(source, entry, score) for entry, score in shown]

    def _is_shown(self, score: TextScore) -> bool:
        least, mean = self._threshold, score.bits_per_character
        return least is None or (mean is not None and mean > least)

    def _scores(self, name: str, entries: Sequence[Entry]) -> Iterator[TextScore]:
        from nextchar.model.batch_scoring import UnknownTextError

        texts = [entry for entry in entries if entry.text is not None]
        scores = self._model.text_scores(entry.text or "" for entry in texts)
        try:
            for entry in entries:
                yield NO_SCORE if entry.text is None else next(scores)
        except UnknownTextError as error:
            number = texts[error.position].number
            raise UnknownCharacterError(f"Line {number:,} of {name}: {error.reason}") from error

    def _row_of_text(self, name: str) -> str:
        from nextchar.text.text_file import joined_chunks

        encoding, form = self._options.encoding or self._model.encoding, self._model.provenance.normalize
        files = resolve([name], ReadingOptions(encoding, self._options.errors, normalize=form)).files
        evaluation = self._model.evaluate(
            joined_chunks(files, self._model.provenance.lowercase), adapt=self._options.adapt
        )
        plain, adaptive = evaluation.bits_per_character, evaluation.adaptive_bits_per_character
        mean, characters = plain if adaptive is None else adaptive, evaluation.characters
        if self._formatter.form != "jsonl":
            return f"{mean * characters:.4f}\t{mean:.4f}\t{name}\n"
        scores = {"bits": mean * characters, "bits_per_character": mean, "characters": characters}
        return json_format.dumps({**scores, "text": name}) + "\n"


def _threshold(value: str, model: LanguageModel) -> float:
    """Return the bits per character that ``value`` stands for: a number, or a share of held-out lines.

    Raises:
        UsageError: it is neither, or the model file does not have the scores of held-out lines.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(%?)\s*", value)
    if match is None or (match[2] and float(match[1]) > 100):
        raise UsageError(
            f"--threshold = {shortened(value)} is not allowed: write a share of held-out lines, like 99.9%, or bits "
            "per character, like 4.5."
        )
    if not match[2]:
        return float(match[1])
    quantiles = model.provenance.held_out_lines
    if quantiles is None:
        raise UsageError(
            "The model file does not have the scores of held-out lines: give --threshold in bits per character, or "
            "train again on a text of many lines."
        )
    return quantiles.threshold(float(match[1]) / 100)

"""`nextchar score`."""

from __future__ import annotations

import hashlib
import json as json_format
import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.app import DONE
from nextchar.cli.console import note, note_carried, note_compiling, resolve
from nextchar.cli.evaluate import ScoringOptions
from nextchar.cli.score_folder import ScoreFolder
from nextchar.cli.shard import parse_shard, shard_of_job
from nextchar.errors import UnknownCharacterError, UsageError
from nextchar.settings import Adapt

if TYPE_CHECKING:
    from nextchar.model.language_model import LanguageModel

Flag = Annotated[bool, Parameter(negative=())]
STANDARD_INPUT = "-"


class LineOptions(ScoringOptions):
    """What is scored, and where the scores go."""

    lines: Flag = Field(
        default=False, description="Score each line by itself, without its line end, instead of each text as a whole."
    )
    echo: Flag = Field(default=False, description="Repeat each line after its scores.")
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
    """Score texts or lines: bits in total and bits per character, separated by a tab.

    With --lines, each line gives a line, in the same order, and from a pipe as soon as it comes. An empty line has 0
    bits and nan bits per character. Without --lines, each text gives a line that ends in its name; `nextchar evaluate`
    says more about a single text.

    Parameters
    ----------
    model
        A run folder or a model file.
    texts
        Files (plain or compressed) or - for standard input, which is the default, and UTF-8 unless --encoding says
        otherwise.
    json
        Print each line as a JSON object: bits, bits_per_character (null for an empty line) and characters.
    """
    names = list(dict.fromkeys(texts)) or [STANDARD_INPUT]
    _check(names, options)
    share = _share(names, options)
    folder = ScoreFolder(options.out, names, ".jsonl" if json else ".tsv") if options.out is not None else None
    scoring = _Scoring(model, options, json)
    if folder is None:
        for name in share:
            for rows in scoring.rows(name):
                sys.stdout.write(rows)
                sys.stdout.flush()
        return DONE
    folder.claim(scoring.settings())
    for name in share:
        if folder.file_of(name).exists():
            note(f"skipped: the scores of {name} are there already, in {folder.file_of(name)}")
        else:
            folder.write(name, scoring.rows(name))
            note(f"{name}: scored, in {folder.file_of(name)}")
    return DONE


def _check(names: Sequence[str], options: LineOptions) -> None:
    """Check that the options make sense together."""
    if not options.lines:
        for name in ("echo", "out"):
            if getattr(options, name):
                raise UsageError(f"--{name} is for scores of lines: add --lines.")
    if options.lines and options.adapt != "none":
        raise UsageError("--adapt is for whole texts: with --lines, each line is scored by itself.")
    if STANDARD_INPUT in names:
        for name in ("out", "shard"):
            if getattr(options, name):
                raise UsageError(f"--{name} is for files, not for standard input: name the files to score.")


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

    def __init__(self, path: Path, options: LineOptions, as_json: bool) -> None:
        from nextchar.model.language_model import LanguageModel

        self._path, self._options, self._as_json = path, options, as_json
        self._model: LanguageModel = LanguageModel.load(path, carry_state=options.carry_state, weights=options.weights)
        if options.carry_state:
            note_carried(self._model)
        if self._model.provenance.lowercase:
            note("the texts are lower-cased, because the model was trained on lower-cased text")

    def settings(self) -> dict[str, object]:
        """Return what the scores depend on."""
        from nextchar.model.model_path import find_model

        digest = hashlib.sha256(find_model(self._path).read_bytes()).hexdigest()
        chosen = self._options.model_dump(include={*ScoringOptions.model_fields, "echo"})
        return {"model": digest, **chosen}

    def rows(self, name: str) -> Iterator[str]:
        """Yield the scores of the text ``name``, some lines at a time."""
        with note_compiling():
            yield from self._rows_of_lines(name) if self._options.lines else [self._row_of_text(name)]

    def _rows_of_lines(self, name: str) -> Iterator[str]:
        from nextchar.model.batch_scoring import UnknownTextError

        done = 0
        for lines in _lines(name, self._options):
            try:
                bits = self._model.score_many(lines).tolist()
            except UnknownTextError as error:
                raise UnknownCharacterError(f"Line {done + error.position + 1:,} of {name}: {error.reason}") from error
            echoed = lines if self._options.echo else [None] * len(lines)
            lengths = [len(self._model.as_trained(line)) for line in lines]
            yield "".join(map(self._row, bits, lengths, echoed))
            done += len(lines)

    def _row_of_text(self, name: str) -> str:
        from nextchar.text.text_file import joined_chunks

        files = resolve([name], self._options.encoding, self._options.errors).files
        evaluation = self._model.evaluate(
            joined_chunks(files, self._model.provenance.lowercase), adapt=self._options.adapt
        )
        plain, adaptive = evaluation.bits_per_character, evaluation.adaptive_bits_per_character
        mean = plain if adaptive is None else adaptive
        return self._row(mean * evaluation.characters, evaluation.characters, name)

    def _row(self, bits: float, characters: int, text: str | None) -> str:
        per_character = bits / characters if characters else None
        if self._as_json:
            row: dict[str, object] = {"bits": bits, "bits_per_character": per_character, "characters": characters}
            return json_format.dumps(row if text is None else {**row, "text": text}) + "\n"
        scores = f"{bits:.4f}\t{math.nan if per_character is None else per_character:.4f}"
        return f"{scores}\n" if text is None else f"{scores}\t{text}\n"


def _lines(name: str, options: LineOptions) -> Iterator[list[str]]:
    """Yield the lines of the text ``name``, some at a time; those of a pipe as they come."""
    from nextchar.text.lines import arriving_text, lines_of
    from nextchar.text.text_file import EmptyTextError

    if name == STANDARD_INPUT:
        if sys.stdin.isatty():
            note("type the lines to score; Ctrl-D ends")
        yield from lines_of(arriving_text(sys.stdin.buffer, "standard input", options.encoding, options.errors))
    elif Path(name).is_fifo():
        with Path(name).open("rb") as pipe:
            yield from lines_of(arriving_text(pipe, name, options.encoding, options.errors))
    else:
        try:
            files = resolve([name], options.encoding, options.errors).files
        except EmptyTextError:
            return
        for file in files:
            yield from lines_of(file.chunks())

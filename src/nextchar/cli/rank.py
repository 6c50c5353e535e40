"""`nextchar rank`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.app import DONE
from nextchar.cli.console import note, note_compiling
from nextchar.errors import NextcharError, TextError, UsageError, shortened
from nextchar.settings import OneOrMore, Settings, Weights

if TYPE_CHECKING:
    from nextchar.model.language_model import LanguageModel
    from nextchar.model.reranking import Ranking

Flag = Annotated[bool, Parameter(negative=())]
STANDARD_INPUT = "-"
CANDIDATES = "candidates"
"""The field that holds the candidates of a line."""


class RankingOptions(Settings):
    """What the order follows."""

    weight: OneOrMore = Field(
        default=(),
        description="NAME=NUMBER: add this many times the score NAME of each candidate to ln p of the model; a cost "
        "has a negative weight. Repeat it for several scores.",
    )
    per_character: Flag = Field(
        default=False, description="Divide ln p by the number of characters, so that long candidates do not lose by it."
    )
    line_end: Flag = Field(
        default=False,
        description="Count the line end after each candidate too, so that one that breaks off is less probable; for "
        "models of lines.",
    )
    text_field: str = Field(default="text", min_length=1, description="Field that holds the text of a candidate.")
    id_field: str = Field(
        default="id",
        min_length=1,
        description="Field that says which lines are candidates for the same text, where a line is one candidate.",
    )
    weights: Weights = Field(
        default="float32", description="int8 rounds the weights of the model to eight bits: faster, a little worse."
    )


def rank(
    model: Path,
    file: str = STANDARD_INPUT,
    /,
    *,
    options: Annotated[RankingOptions, Parameter(name="*")] = RankingOptions(),  # noqa: B008 (immutable)
) -> int:
    """Re-order candidates for a text: the most probable first.

    Each line is a JSON object: {"candidates": [...]} with strings or objects that have a "text", or a single candidate
    with an "id"; candidates of the same id follow one another. They come back in order, each with "log_probability" (ln
    p of the model) and "total", which the order follows; all other fields stay. From a pipe, groups are answered as
    they come.

    Parameters
    ----------
    model
        A run folder or a model file.
    file
        A file of JSON lines in UTF-8, or - for standard input.
    """
    from nextchar.model.language_model import LanguageModel
    from nextchar.model.reranking import Ranking

    weights = dict(map(_weight, options.weight))
    ranking = Ranking(weights, options.per_character, options.line_end, options.text_field)
    language_model = LanguageModel.load(model, weights=options.weights)
    for groups in _groups(file, ranking, options.id_field):
        with note_compiling():
            sys.stdout.write("".join(_rows(groups, ranking, language_model)))
        sys.stdout.flush()
    return DONE


def _weight(given: str) -> tuple[str, float]:
    """Return the name and the weight in ``given``, NAME=NUMBER."""
    name, _, number = given.rpartition("=")
    try:
        if name:
            return name, float(number)
    except ValueError:
        pass
    raise UsageError(f"--weight {shortened(given)} is not NAME=NUMBER: write for example --weight score=0.3.")


class _Group:
    """Candidates for the same text."""

    def __init__(self, line: Mapping[str, Any] | None, key: object) -> None:
        self.line = line
        """The line that they stand in; None where each has its own."""
        self.key = key
        self.candidates: list[dict[str, Any]] = []


def _groups(name: str, ranking: Ranking, id_field: str) -> Iterator[list[_Group]]:
    """Yield the complete groups of candidates of the file ``name``, those that come together at once."""
    number, last = 0, _Group({}, None)
    for lines in _lines(name):
        complete: list[_Group] = []
        for line in lines:
            number += 1
            if not line.strip():
                continue
            try:
                group, candidates = _parse(line, id_field)
                candidates = list(map(ranking.as_candidate, candidates))
            except NextcharError as error:
                raise TextError(f"Line {number:,} of {_shown(name)}: {error}") from error
            if group.line is None and last.line is None and group.key == last.key:
                last.candidates += candidates
                continue
            complete.append(last)
            last, last.candidates = group, candidates
            if group.line is not None:  # nothing can follow in it
                complete.append(last)
                last = _Group({}, None)
        yield [group for group in complete if group.candidates or group.line]
    yield [last] if last.candidates else []


def _parse(line: str, id_field: str) -> tuple[_Group, Sequence[object]]:
    """Return the group that ``line`` is or belongs to, and its candidates."""
    try:
        content = json.loads(line)
    except ValueError as error:
        raise TextError(f"it is not JSON: {error}.") from error
    if isinstance(content, dict):
        fields = cast("dict[str, Any]", content)
        candidates = fields.get(CANDIDATES)
        if isinstance(candidates, list):
            return _Group(fields, None), cast("list[object]", candidates)
        if id_field in fields:
            return _Group(None, fields[id_field]), [fields]
    raise TextError(
        f'give an object with a list of "{CANDIDATES}", or one candidate with the field "{id_field}" (--id-field).'
    )


def _rows(groups: Sequence[_Group], ranking: Ranking, model: LanguageModel) -> Iterator[str]:
    """Yield the lines to print for ``groups``."""
    ranked = ranking.rank([group.candidates for group in groups], model.score_many)
    for group, candidates in zip(groups, ranked, strict=True):
        rows = candidates if group.line is None else [{**group.line, CANDIDATES: candidates}]
        yield from (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _lines(name: str) -> Iterator[list[str]]:
    """Yield the lines of the file ``name``, some at a time; those of a pipe as they come."""
    from nextchar.text.lines import arriving_text, lines_of

    if name == STANDARD_INPUT and sys.stdin.isatty():
        note("type JSON lines with candidates; Ctrl-D ends")
    with nullcontext(sys.stdin.buffer) if name == STANDARD_INPUT else Path(name).open("rb") as stream:
        yield from lines_of(arriving_text(stream, _shown(name), None, "strict"))


def _shown(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else name

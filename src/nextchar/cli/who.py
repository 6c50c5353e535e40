"""`nextchar who`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from pydantic import Field

from nextchar.cli.app import DONE
from nextchar.cli.authors import Calibrated, files_of, load_authors, read_text
from nextchar.cli.cells import safe_line
from nextchar.cli.columns import aligned
from nextchar.cli.console import note_compiling, print_facts, print_json
from nextchar.cli.scored_text import TextScoringOptions
from nextchar.errors import UsageError
from nextchar.settings import OneOrMore

if TYPE_CHECKING:
    from nextchar.model.authorship import AttributedText, Attribution

Flag = Annotated[bool, Parameter(negative=())]
NONE = "none"
"""The author of a text that is like none of the models; also the folder of such texts."""


class WhoOptions(TextScoringOptions):
    """How texts are read, and what the probabilities are calibrated on."""

    lines: Flag = Field(default=False, description="Also say whose each line is; it is read after the lines before it.")
    calibrate: OneOrMore = Field(
        default=(),
        description="NAME=FILE: text of the author NAME that the model has not learned from, some thousand characters "
        "or more. Repeat it for several. By default the held-out text of each model's run, if it is on this machine.",
    )
    calibration: bool = Field(
        default=True,
        description="Calibrate on held-out text of the runs; without, the usual calibration is used, which takes no "
        "time.",
    )


@dataclass(frozen=True)
class _Judged:
    """A text, whose it is, and what was found."""

    name: str
    truth: str | None
    answer: AttributedText


def who(
    text: str,
    /,
    *models: Path,
    options: Annotated[WhoOptions, Parameter(name="*")] = WhoOptions(),  # noqa: B008 (immutable)
    json: Flag = False,
) -> int:
    """Say which of several models a text is most like, and how sure that is.

    The probabilities assume that one of the models' authors wrote it, each as likely as any other beforehand, unless
    all models are more surprised than by nearly all of their own held-out text: then it is none of them.

    A folder gives an answer for each file in it. Where files lie in sub-folders named after the models (or none), it
    also counts who was taken for whom.

    Parameters
    ----------
    text
        A file, a folder, an address, or - for standard input.
    models
        Run folders or model files, named after themselves.
    json
        Print the result as one JSON object (docs/who.md).
    """
    if not models:
        raise UsageError("Name the models to compare with: nextchar who TEXT MODEL MODEL...")
    calibrated = load_authors(models, options.calibrate, options, fit=options.calibration)
    if Path(text).is_dir():
        return _judge_folder(Path(text), calibrated, options, as_json=json)
    answer = _attributed(read_text(text, options, calibrated.authors.models), calibrated)
    if json:
        print_json({**answer.as_json(lines=options.lines), "calibrated_on": calibrated.fitted_on})
        return DONE
    print_facts([*_facts(answer), *calibrated.facts()])
    if options.lines:
        print()
        _print_lines(answer)
    return DONE


def _attributed(text: str, calibrated: Calibrated) -> AttributedText:
    """Return whose ``text`` is, with its lines as they are displayed."""
    authors = calibrated.authors
    with note_compiling():
        answer = authors.attribute(text)
    displayed = next(iter(authors.models.values())).vocabulary.displayed
    return replace(answer, lines=tuple((displayed(line), found) for line, found in answer.lines))


def _facts(answer: Attribution) -> Iterator[tuple[str, object]]:
    yield "author", answer.author or f"none of them, but most like {answer.likeliest}"
    order: list[int] = (-answer.probabilities).argsort(kind="stable").tolist()
    for number in order:
        per_character = f"{answer.bits[number] / answer.characters:.3f} bits per character"
        share = _likely(float(answer.probabilities[number]))
        yield answer.names[number], f"{share:>8}  {per_character}" if len(answer.names) > 1 else per_character
    yield "characters", f"{answer.characters:,}"


def _print_lines(answer: AttributedText) -> None:
    """Print each line after its author and the probability of that."""
    width = max(map(len, (*answer.names, NONE)))
    for text, line in answer.lines:
        author, share = "", ""
        if line.characters:
            author, share = line.author or NONE, "" if line.none_of_them else _likely(float(line.probabilities.max()))
        print(f"{author:<{width}}  {share:>8}  {safe_line(text)}".rstrip())


def _judge_folder(folder: Path, calibrated: Calibrated, options: WhoOptions, *, as_json: bool) -> int:
    """Say whose each file in ``folder`` is, and who was taken for whom."""
    from nextchar.text.text_file import joined_chunks

    names = calibrated.authors.names
    judged: list[_Judged] = []
    for file in files_of(str(folder), options, calibrated.authors.models):
        answer = _attributed("".join(joined_chunks([file], False, options.boundary)), calibrated)
        place = file.path.relative_to(folder)
        truth = next((part for part in reversed(place.parent.parts) if part in {*names, NONE}), None)
        judged.append(_Judged(place.as_posix(), truth, answer))
        if not as_json:
            share = "" if answer.none_of_them else f"{answer.probabilities.max():.4f}"
            print(f"{answer.author or NONE}\t{share}\t{place.as_posix()}")
            sys.stdout.flush()
    confusion = _confusion(judged)
    if as_json:
        texts = [_as_dict(one, lines=options.lines) for one in judged]
        print_json({"texts": texts, **_summary(confusion), "calibrated_on": calibrated.fitted_on})
        return DONE
    if confusion:
        print()
        _print_confusion(confusion, names)
    print()
    print_facts(calibrated.facts())
    return DONE


def _as_dict(judged: _Judged, *, lines: bool) -> dict[str, Any]:
    return {"text": judged.name, "truth": judged.truth, **judged.answer.as_json(lines=lines)}


def _confusion(judged: Sequence[_Judged]) -> dict[str, Counter[str]]:
    """Return how often each true author's texts were taken for whose."""
    table: dict[str, Counter[str]] = {}
    for text in judged:
        if text.truth is not None:
            table.setdefault(text.truth, Counter())[text.answer.author or NONE] += 1
    return table


def _summary(confusion: Mapping[str, Counter[str]]) -> dict[str, Any]:
    total = sum(counts.total() for counts in confusion.values())
    correct = sum(counts[truth] for truth, counts in confusion.items())
    return {"confusion": confusion, "judged": total, "correct": correct, "accuracy": correct / total if total else None}


def _print_confusion(confusion: Mapping[str, Counter[str]], names: Sequence[str]) -> None:
    """Print a row for each true author: how often the texts were taken for whose."""
    columns = [*names, NONE]
    rows = [["written by, taken for", *columns]]
    rows += [[truth, *(str(confusion[truth][name]) for name in columns)] for truth in columns if truth in confusion]
    print(*aligned(rows, sys.maxsize, right=range(1, len(rows[0]))), sep="\n")
    summary = _summary(confusion)
    print(f"{summary['correct']:,} of {summary['judged']:,} correct: {summary['accuracy']:.1%}")


def _likely(probability: float) -> str:
    """Return a probability for readers, never as certain."""
    if probability >= 0.9995:
        return "> 99.9 %"
    return "< 0.1 %" if probability < 0.0005 else f"{100 * probability:.1f} %"

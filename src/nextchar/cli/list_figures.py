"""The figures of a list: bits of a line, and of the entries of each label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextchar.model.evaluation import Evaluation
    from nextchar.model.label_scores import LabelScore
    from nextchar.model.language_model import LanguageModel

MAX_LABELS_SHOWN = 20
"""Labels whose figures the terminal shows."""


def bits_per_line(model: LanguageModel, evaluation: Evaluation) -> float | None:
    """Return the mean bits of a line with its end; None if the ``model`` is not of a list."""
    if not (model.is_of_lines and evaluation.lines):
        return None
    return evaluation.bits_per_character * evaluation.characters / evaluation.lines


def label_dicts(labels: Mapping[str, LabelScore]) -> dict[str, dict[str, object]]:
    """Return the scores of the entries of each label for JSON."""
    return {
        label: {**score._asdict(), "bits_per_character": score.bits_per_character} for label, score in labels.items()
    }


def list_facts(
    evaluation: Evaluation, per_line: float | None, labels: Mapping[str, LabelScore]
) -> Iterator[tuple[str, object]]:
    """Yield the figures as facts to print; none for another text."""
    if per_line is not None:
        yield "bits per line", f"{per_line:.2f} ({evaluation.lines:,} lines)"
    for label, score in [*labels.items()][:MAX_LABELS_SHOWN]:
        yield f"label {label}", f"{score.bits_per_character:.3f} bits per character, {score.entries:,} entries"
    if len(labels) > MAX_LABELS_SHOWN:
        yield "labels", f"{len(labels) - MAX_LABELS_SHOWN:,} more: --json shows all"

"""Labels: the kind of each entry of a list, which stands before it on its line, so that a model can write entries of a
kind. The figures of an entry are those after its label, which is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from nextchar.errors import TextError

SEPARATOR = "\t"
"""What stands between a label and its entry."""
MAX_LABELS = 1000
"""Most different labels: with more, the column is rather another one."""


def labelled(label: str, entry: str) -> str:
    """Return ``entry`` with its ``label`` as one line.

    >>> labelled("dwarf", "Thorin")
    'dwarf\\tThorin'
    """
    return f"{_on_a_line(label)}{SEPARATOR}{_on_a_line(entry)}"


def split_label(line: str) -> tuple[str, str]:
    """Return the label and the entry of ``line``."""
    label, _, entry = line.partition(SEPARATOR)
    return label, entry


def labels_of(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the labels of ``lines``, the most frequent first.

    Raises:
        TextError: there are too many.
    """
    counts = Counter(split_label(line)[0] for line in lines)
    if len(counts) > MAX_LABELS:
        raise TextError(
            f"The column of the labels has {len(counts):,} different ones, and {MAX_LABELS:,} are allowed: name the "
            "column with the kinds of the entries in --label-column."
        )
    return tuple(label for label, _ in counts.most_common())


def _on_a_line(text: str) -> str:
    return " ".join(text.split())

"""Labels stand before their entries, each pair on one line."""

import pytest

from nextchar.errors import TextError
from nextchar.text.labels import MAX_LABELS, labelled, labels_of, split_label


def test_a_label_and_its_entry_come_back() -> None:
    assert split_label(labelled("dwarf", "Thorin")) == ("dwarf", "Thorin")
    assert split_label(labelled("요정", "갈라드리엘")) == ("요정", "갈라드리엘")


def test_both_are_on_one_line_whatever_is_in_them() -> None:
    line = labelled("high\telf", "Fëa\nnor\t I")
    assert split_label(line) == ("high elf", "Fëa nor I")
    assert "\n" not in line


def test_labels_come_by_how_often_they_are_there() -> None:
    assert labels_of(["b\t1", "a\t2", "a\t3"]) == ("a", "b")


def test_too_many_labels_are_another_column() -> None:
    lines = [f"{number}\tx" for number in range(MAX_LABELS + 1)]
    assert len(labels_of(lines[:-1])) == MAX_LABELS
    with pytest.raises(TextError, match="1,001 different ones, and 1,000 are allowed"):
        labels_of(lines)

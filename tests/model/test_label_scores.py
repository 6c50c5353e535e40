"""The bits of a label's entries are those after the label."""

import numpy as np
import pytest

from nextchar.model.label_scores import scores_by_label


def test_scores_worked_by_hand() -> None:
    lines = ["a\txy", "bb\tz", "a\t"]
    text = "".join(f"{line}\n" for line in lines)
    surprises = np.array([100.0 if character in "ab\t" else 1.0 + (character == "z") for character in text])
    scores = scores_by_label(lines, surprises)
    assert list(scores) == ["a", "bb"]
    assert scores["a"] == (2, 4, 4.0)
    assert scores["bb"] == (1, 2, 3.0)
    assert scores["bb"].bits_per_character == pytest.approx(1.5)

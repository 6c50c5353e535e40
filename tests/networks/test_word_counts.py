"""Which characters make words."""

import pytest

from nextchar.networks.word_counts import BELONGS, SEPARATES, SEPARATOR, kinds_of


def test_letters_digits_marks_and_apostrophes_make_words() -> None:
    kinds = kinds_of(["a", "é", "가", "\u0301", "5", "_", "'", "’", "-", " ", "\n", "", "ab", "a b"])
    assert kinds is not None
    assert kinds.tolist() == [BELONGS] * 8 + [SEPARATES, SEPARATOR, SEPARATES, SEPARATES, BELONGS, SEPARATES]


def test_without_a_space_the_first_that_separates_stands_for_all() -> None:
    kinds = kinds_of(["a", "\n", "."])
    assert kinds is not None
    assert kinds.tolist() == [BELONGS, SEPARATOR, SEPARATES]


@pytest.mark.parametrize("texts", [["a", "b"], [" ", "."], []])
def test_without_words_there_is_nothing_to_count(texts: list[str]) -> None:
    assert kinds_of(texts) is None

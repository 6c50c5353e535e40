"""Counting words: what is counted after their beginnings."""

import numpy as np
import pytest

from nextchar.networks import growing_counts
from nextchar.networks.word_counting import (
    _compiled_counts,  # pyright: ignore[reportPrivateUsage]
    _python_counts,  # pyright: ignore[reportPrivateUsage]
    count_words,
)
from nextchar.networks.word_counts import BELONGS, MAX_LENGTH, WordCounts, kinds_of, tree_of

TEXT = "the cat, the cow; the cat's  the\nthe a"
CHARACTERS = sorted(set(TEXT))
IDS = np.array([CHARACTERS.index(c) for c in TEXT])


def words(text: str = TEXT) -> WordCounts:
    kinds = kinds_of(CHARACTERS)
    assert kinds is not None
    return count_words(np.array([CHARACTERS.index(c) for c in text]), kinds)


def counted(words: WordCounts) -> dict[str, int]:
    """Return the count of every string in the tree."""
    tree, strings = words.tree, [""] * len(words.tree.ids)
    for node in range(1, len(strings)):
        strings[node] = strings[tree.contexts[node]] + CHARACTERS[tree.ids[node]]
    return dict(zip(strings[1:], tree.counts[1:].tolist(), strict=True))


def test_what_came_after_each_beginning_is_counted() -> None:
    strings = counted(words())
    assert strings["t"] == strings["th"] == strings["the"] == 5
    assert (strings["c"], strings["cat"], strings["cow"], strings["cat'"]) == (3, 2, 1, 1)
    assert (strings["the "], strings["the\n"]) == (4, 1), "what ended the word"
    assert (strings["the c"], strings["the cat"], strings["the t"]) == (3, 2, 1), "whatever was between them"
    assert strings["cat "] == 0, "only a comma came after it, and a space stands for all that separates"
    assert strings["cat,"] == 1
    assert strings["cat t"] == 1
    assert strings[" "] == 3, "after a first separator, no word has begun"
    assert "the cat, t" not in strings
    assert "he" not in strings, "words are counted from their beginnings"


def test_numbers_are_those_of_brute_force() -> None:
    """Every context of every place, found by looking back at the text."""
    expected: dict[str, int] = {}
    kinds = kinds_of(CHARACTERS)
    assert kinds is not None
    kind = dict(zip(CHARACTERS, kinds.tolist(), strict=True))
    for place, character in enumerate(TEXT):
        start = place
        while start > 0 and kind[TEXT[start - 1]] == BELONGS:
            start -= 1
        end = start
        while end > 0 and kind[TEXT[end - 1]] != BELONGS:
            end -= 1
        before = end
        while before > 0 and kind[TEXT[before - 1]] == BELONGS:
            before -= 1
        contexts = [TEXT[start:place]]
        if end > 0:
            contexts.append(TEXT[before:end] + " " + TEXT[start:place])
            expected.setdefault(TEXT[before:end] + " ", 0)
        for context in contexts:
            expected[context + character] = expected.get(context + character, 0) + 1
    assert counted(words()) == expected


@pytest.mark.parametrize("text", [TEXT, "", "the", "a" * 60 + " cat " + "a" * 60 + " cow", ", ,,", "a\na a\na"])
def test_python_and_compiled_loops_count_the_same(text: str) -> None:
    kinds = kinds_of(CHARACTERS)
    assert kinds is not None
    ids = np.array([CHARACTERS.index(c) for c in text], np.int64)
    trees = [tree_of(*count(ids, kinds), len(kinds)) for count in (_compiled_counts, _python_counts)]
    for name in ("firsts", "ids", "counts", "lost"):
        np.testing.assert_array_equal(getattr(trees[0], name), getattr(trees[1], name))
    assert len(trees[0].starts) == MAX_LENGTH + 2


def test_long_words_are_counted_up_to_a_length() -> None:
    strings = counted(words("a" * 60 + " cow"))
    assert max(map(len, strings)) == MAX_LENGTH
    assert strings["cow"] == 1
    assert not any("a c" in string for string in strings)


def test_what_has_no_room_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_counts, "MAX_NEW", 10)
    few = words()
    assert len(few) == 10
    assert (
        counted(few).items()
        <= {
            **counted(few),
        }.items()
    )
    assert counted(few)["the"] == 5, "what is known goes on counting"


def test_they_come_back_from_their_arrays() -> None:
    original = words()
    again = WordCounts.from_arrays(len(CHARACTERS), original.to_arrays())
    assert counted(again) == counted(original)
    np.testing.assert_array_equal(again.kinds, original.kinds)
    assert again.separator == CHARACTERS.index(" ")

"""What may come next in an entry, and which entries are accepted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nextchar.errors import UnknownCharacterError, UsageError
from nextchar.model.known_entries import KnownEntries
from nextchar.model.list_constraints import ListConstraints, Position, allowed_points
from nextchar.model.list_settings import ListSettings
from nextchar.settings import build
from nextchar.text.byte_tokenizer import ByteTokenizer
from nextchar.text.vocabulary import Vocabulary
from nextchar.text.word_tokenizer import WordTokenizer
from tests.token_kinds import jamo_of

VOCABULARY = Vocabulary("\n-abcde")


def constraints(known: KnownEntries | None = None, **options: Any) -> ListConstraints:
    return ListConstraints(VOCABULARY, build(ListSettings, options), known)


def allowed(of: ListConstraints, length: int) -> str:
    """Return the characters allowed after ``length`` others."""
    return "".join(VOCABULARY.token_texts([n for n, may in enumerate(of.allowed(Position(length))) if may]))


def test_the_line_end_comes_between_the_shortest_and_the_longest() -> None:
    of = constraints(min=2, max=3)
    assert [allowed(of, length) for length in range(5)] == ["-abcde", "-abcde", "\n-abcde", "\n", "\n"]


def test_only_allowed_characters_come() -> None:
    assert allowed(constraints(allowed="a-c"), 1) == "\nabc"
    assert allowed(constraints(allowed="ezé"), 1) == "\ne"


@pytest.mark.parametrize(
    ("written", "characters"),
    [("abc", "abc"), ("a-c", "abc"), ("a-", "-a"), ("-a", "-a"), ("a-cx-z", "abcxyz"), ("a", "a"), ("--0", "-./0")],
)
def test_ranges_of_characters(written: str, characters: str) -> None:
    assert "".join(map(chr, np.flatnonzero(allowed_points(written)))) == characters


def test_a_start_of_another_start_is_enough() -> None:
    assert constraints(starts=("abc", "ab", "c", "ab")).starts == ("c", "ab")
    assert constraints().starts == ("",)


def test_the_order_of_starts_does_not_matter() -> None:
    # A set of texts has another order in each process, and the same seed would give another list.
    starts = ("e", "a", "cd", "d", "b", "ca")
    assert (
        constraints(starts=starts).starts == constraints(starts=starts[::-1]).starts == ("a", "b", "d", "e", "ca", "cd")
    )


@pytest.mark.parametrize(
    ("options", "refusals"),
    [
        ({"ends": ("b", "cc")}, {"ab": None, "acc": None, "ac": "end"}),
        ({"contains": ("bb", "e")}, {"abba": None, "dea": None, "ab": "part"}),
        ({"like": "b{2}"}, {"abba": None, "aba": "pattern"}),
        ({"like": "^a.b$"}, {"acb": None, "aacb": "pattern"}),
        ({"new": True}, {"ab": None, "ADA": "known"}),
        ({"ends": "a", "contains": "b"}, {"ba": None, "b": "end", "ca": "part"}),
    ],
)
def test_entries_are_accepted_or_not(options: dict[str, Any], refusals: dict[str, str | None]) -> None:
    of = constraints(KnownEntries.of_lines(["ada"]), **options)
    assert {entry: of.refusal(entry) for entry in refusals} == refusals
    assert {entry: of.refusal(entry) for entry in refusals} == refusals


def test_repeats_are_refused_whatever_their_case() -> None:
    of = constraints(unique=True)
    assert [of.refusal(entry) for entry in ("ab", "ac", "AB", "ab")] == [None, None, "repeat", "repeat"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"starts": "É"}, "does not know 'É'"),
        ({"starts": "A"}, r"does not know 'A' \(U\+0041 LATIN CAPITAL LETTER A\)\. It knows 'a'\."),
        ({"ends": ("a", "x")}, "--ends 'x'"),
        ({"contains": "axb"}, "does not know 'x'"),
        ({"allowed": "xyz"}, "knows none of the characters of --allowed 'xyz'"),
    ],
)
def test_characters_that_the_model_does_not_know(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownCharacterError, match=words):
        constraints(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"min": 5, "max": 4}, "--min 5 is more than --max 4"),
        ({"starts": ""}, "--starts '' is not allowed"),
        ({"ends": ("a", "b\n")}, r"--ends 'b\\n' is not allowed"),
        ({"contains": "abcde", "max": 4}, "--contains 'abcde' has more characters than --max 4"),
        ({"starts": "ad", "allowed": "abc"}, "--starts 'ad' has characters that --allowed leaves out"),
        ({"allowed": "z-a"}, "range backwards"),
        ({"like": "(a"}, r"--like '\(a' is not a regular expression"),
        ({"like": "(?=a)"}, "is not a regular expression of RE2"),
        ({"best": True, "temperature": 0.5}, "--best draws nothing, so --temperature"),
        ({"best": True, "seed": 1}, "--seed"),
        ({"temperature": 0}, "temperature = 0 is not allowed"),
        ({"count": 0}, "count = 0 is not allowed"),
        ({"start": "a"}, "Did you mean 'starts'"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        constraints(**options)


def test_a_model_without_a_line_end_writes_no_list() -> None:
    with pytest.raises(UsageError, match="knows no line end"):
        ListConstraints(Vocabulary("abc"), ListSettings())


def test_a_pattern_takes_time_in_proportion_to_the_entry() -> None:
    # An engine that goes back would need 2^60 steps.
    assert constraints(like="^(a|aa)+$").refusal("a" * 60 + "b") == "pattern"


def test_words_that_begin_with_a_start_or_spell_it_are_allowed() -> None:
    tokens = WordTokenizer(VOCABULARY, ["ab", "abc", "bc", "cd"])
    of = ListConstraints(tokens, build(ListSettings, {"starts": ("abcd", "bd"), "min": 2, "max": 5}))

    def after(*texts: str) -> tuple[Position, set[str]]:
        position = of.after_read("")
        for text in texts:
            position = of.after(position, tokens.token_texts(range(tokens.size)).index(text))
        return position, set(tokens.token_texts(np.flatnonzero(of.allowed(position))))

    assert of.read == ("",)
    assert after() == (Position(0, missing=("bd", "abcd")), {"a", "b", "ab", "abc"})
    assert after("ab") == (Position(2, missing=("cd",)), {"c", "cd"})
    assert after("ab", "c") == (Position(3, missing=("d",)), {"d"})
    assert after("b", "d") == (Position(2), {"\n", *"-abcde", "ab", "abc", "bc", "cd"})
    # No room for a token of three characters, then for none.
    assert after("ab", "cd") == (Position(4), {"\n", *"-abcde"})
    assert after("ab", "cd", "e") == (Position(5), {"\n"})


def test_parts_of_allowed_characters_are_allowed() -> None:
    of = ListConstraints(ByteTokenizer(), build(ListSettings, {"allowed": "aé"}))
    start = of.after_read("")
    first = of.after(start, 0xC3)
    assert [np.flatnonzero(of.allowed(position)).tolist() for position in (start, first)] == [[0x61, 0xC3], [0xA9]]
    assert first == Position(1, 1)
    assert np.flatnonzero(of.allowed(of.after(first, 0xA9))).tolist() == [0x0A, 0x61, 0xC3]
    of = ListConstraints(jamo_of("각난\n"), build(ListSettings, {"allowed": "각난"}))
    # Their jamo spell others, too.
    assert [of.refusal(entry) for entry in ("각난", "나", "간")] == [None, "character", "character"]

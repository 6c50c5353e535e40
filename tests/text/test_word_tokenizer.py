"""Words: cut so that the text comes back, spelled in pieces where they are rare, and begun by a prompt."""

from __future__ import annotations

import itertools
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.model.language_model import LanguageModel
from nextchar.text import word_tokenizer
from nextchar.text.held_out import Piece
from nextchar.text.vocabulary import SCALAR_VALUES, Vocabulary
from nextchar.text.word_tokenizer import MAX_WORD, WordTokenizer, pieces_of_words, whole_words, words_of
from tests.small_networks import model_of_tokens
from tests.token_kinds import words_in

TEXT = "the cat saw the cats, and the cat's hat; the hat saw the cat. " * 8 + "값을 치른 값이\n한국어 한국말\n" * 4
TOKENS = words_in(TEXT)
texts = st.text(st.sampled_from("ab é\u0301'’., \t\n\u3000한값漢👩\u200d_1-"), max_size=60) | st.text(max_size=30)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("It goes, so it goes.\n", ["It", " goes", ",", " so", " it", " goes", ".", "\n"]),
        ("two  spaces   three", ["two", " ", " spaces", "  ", " three"]),
        ("end  \n\n  x", ["end", "  ", "\n", "\n", " ", " x"]),
        ("don't it’s 'a' b'", ["don't", " it’s", " '", "a", "'", " b", "'"]),
        ("a_1 = f(x);", ["a_1", " =", " f", "(", "x", ");"]),
        ("\tif x:", ["\t", "if", " x", ":"]),
        ("e\u0301te\u0301 가각", ["e\u0301te\u0301", " 가각"]),
        ("ทั้งหมด हिन्दी", ["ทั้งหมด", " हिन्दी"]),
        ("x" * (MAX_WORD + 1), ["x" * MAX_WORD, "x"]),
        ("\0\ud800", ["\0\ud800"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(texts)
def test_the_words_of_a_text_are_the_text(text: str) -> None:
    words = words_of(text)
    assert "".join(words) == text
    assert all(0 < len(word) <= 2 * MAX_WORD + 2 for word in words)


def test_frequent_words_are_tokens_and_rare_ones_are_spelled() -> None:
    assert TOKENS.token_texts(TOKENS.encode(" the cat saw")) == [" the", " cat", " saw"]
    assert TOKENS.token_texts(TOKENS.encode(" cashew")) == list(" cashew")


def test_words_worked_by_hand() -> None:
    characters = Vocabulary(" abc")
    tokens = WordTokenizer(characters, ["abc", " ab", "bc"])
    assert tokens.words == ("abc", " ab", "bc")
    assert tokens.token_texts(range(tokens.size)) == ["\ufffd", " ", "a", "b", "c", "abc", " ab", "bc"]
    assert tokens.encode("abc bc ab ab☃").tolist() == [5, 1, 3, 4, 6, 6, 0]
    assert tokens.token_lengths(tokens.encode("abc bc ab")).tolist() == [3, 1, 1, 1, 3]
    assert tokens.unknown_cost(tokens.encode("☃"))[0] == pytest.approx(-characters.unseen_log2_probability)
    assert tokens.known_count == 4
    assert (tokens.characters, tokens.word_symbols, tokens.succession) == (" abc", None, None)


def test_the_most_frequent_words_are_chosen_in_a_fixed_order() -> None:
    tokens = words_in("b b b b, aa aa cc cc cc dd once\n" * 2, 13)
    assert tokens.words == (" b", " cc")
    assert words_in("once twice three", 100).words == ()


def test_the_private_area_of_symbols_is_unknown() -> None:
    private = "\uffff\U000f0000\U000ffffd"
    text = f"ab ab ab {private} {private}\U0010fffd \U0010fffd \ue000"
    tokens = words_in(text)
    assert tokens.unknown_in(private + "\U0010fffd\ue000a").tolist() == [True] * 3 + [False] * 3
    assert tokens.decode(tokens.encode(text)) == text.translate(dict.fromkeys(map(ord, private), "\ufffd"))
    assert tokens.unknown_cost(tokens.encode("\U000f0000"))[0] < 20.1
    assert not set(private) & set(tokens.characters)


@pytest.mark.parametrize("words", [["ax"], ["a"], [""], ["ab", "ab"], ["\ufffda"]])
def test_words_that_do_not_fit_are_refused(words: list[str]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        WordTokenizer(Vocabulary("ab"), words)


def test_too_many_words_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_tokenizer, "LAST_SYMBOL", word_tokenizer.FIRST_SYMBOL + 1)
    with pytest.raises(ValueError, match="too many words"):
        WordTokenizer(Vocabulary("ab"), ["ab", "aa", "bb"])


@pytest.mark.parametrize("size", [20, 30, 35])
def test_there_are_as_many_tokens_as_asked_for(size: int) -> None:
    assert words_in(TEXT, size).size == max(size, len(set(TEXT)) + 1)


def test_the_same_text_gives_the_same_tokens() -> None:
    assert words_in(TEXT) == TOKENS
    assert words_in(TEXT, 30) != TOKENS


def test_the_number_of_words_grows_with_the_text() -> None:
    sizes = [word_tokenizer.default_words(length) for length in (0, 100_000, 1_000_000, 100_000_000)]
    assert sizes == [200, 333, 3333, 30_000]


@given(st.sampled_from([TEXT, "x" * 200 + " y. \n\n" + "z " * 700]), st.lists(st.integers(0, 900), max_size=6))
def test_a_text_in_pieces_has_the_tokens_of_the_whole(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    cut = [text[a:b] for a, b in itertools.pairwise(places)]
    pieces = [piece.content for piece in pieces_of_words(Piece(0, held_out=False, content=c) for c in cut)]
    assert "".join(pieces) == text
    assert [word for piece in pieces for word in words_of(piece)] == words_of(text)
    assert [word for piece in whole_words(cut) for word in words_of(piece)] == words_of(text)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), texts), max_size=6))
def test_pieces_of_several_texts_are_kept_apart(parts: list[tuple[int, bool, str]]) -> None:
    parts.sort(key=lambda part: part[0])
    pieces = [Piece(text, held_out=held_out, content=content) for text, held_out, content in parts]
    cut = list(pieces_of_words(pieces))
    for text in range(3):
        for held_out in (False, True):
            of_part = [
                "".join(p.content for p in some if (p.text, p.held_out) == (text, held_out)) for some in (pieces, cut)
            ]
            assert of_part[0] == of_part[1]
    assert [p.text for p in cut] == sorted(p.text for p in cut)


def test_a_text_without_an_end_of_a_word_is_cut_when_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_tokenizer, "MAX_HELD", 100)
    pieces = list(whole_words(["漢" * 60] * 5))
    assert "".join(pieces) == "漢" * 300
    assert max(map(len, pieces)) <= 180


@pytest.mark.parametrize(
    ("prompt", "begun"),
    [("", 0), ("the\n", 0), ("the ca", 3), ("the cat ", 1), ("the cat.", 1), ("ca", 2), ("x" * 300, 300 % MAX_WORD)],
)
def test_the_end_of_a_prompt_that_a_token_may_begin_with(prompt: str, begun: int) -> None:
    assert TOKENS.begun(prompt) == begun


@pytest.mark.parametrize("alphabet", [" a'’b., \n\t한_\u0301e'  ", "ab' \t"])
def test_what_is_begun_does_not_change_what_is_before(alphabet: str) -> None:
    random = np.random.default_rng(0)
    for number in range(300):
        text = "".join(random.choice(list(alphabet), random.integers(1, 40)))
        text = "ab" * 90 + text + "a" * 70 if number % 10 == 0 else text
        begun, ids = "", list[int]()
        cuts = [0, *sorted(random.integers(0, len(text) + 1, 4).tolist()), len(text)]
        for first, end in itertools.pairwise(cuts):
            piece = begun + text[first:end]
            begun = piece[len(piece) - TOKENS.begun(piece) :]
            read = TOKENS.encode(piece).tolist()
            ids += read[: len(read) - len(TOKENS.encode(begun))]
        assert ids + TOKENS.encode(begun).tolist() == TOKENS.encode(text).tolist()
        assert begun == text[len(text) - TOKENS.begun(text) :]


def test_tabs_before_the_last_word_of_a_prompt_are_cut_as_in_a_text() -> None:
    tokens = WordTokenizer(Vocabulary("\tact"), ["\t\t", "cat"])
    model = model_of_tokens(tokens)
    assert model.fold_prompt("\t\tca").ids.tolist() == tokens.encode("\t\tcat").tolist()[:2]
    assert model.fold_prompt("\t\t").begun == "\t\t"


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return model_of_tokens(TOKENS, seed=2, spread=0.3)


@pytest.mark.parametrize("prompt", ["the ca", "c", "the cat ", "the cat sa", "한국", "the cat.", " "])
def test_what_is_begun_is_finished(model: LanguageModel, prompt: str) -> None:
    folded = model.fold_prompt(prompt)
    assert folded.begun == prompt[len(prompt) - TOKENS.begun(prompt) :] != ""
    for _ in folded.read():
        pass
    may_come = np.isfinite(folded.next_logits())
    for id_, token in enumerate(TOKENS.token_texts(range(TOKENS.size))):
        goes_on = token != "\ufffd" and token.startswith(folded.begun)
        assert may_come[id_] == (goes_on or id_ in folded.spellings)
    written = set()
    for seed in range(20):
        text = model.generate(prompt, length=20, temperature=1.5, seed=seed)
        assert len(text) == 20
        assert "".join(model.stream(prompt, length=20, temperature=1.5, seed=seed)) == text
        written.add(text[:3])
    assert len(written) > 3
    for length in range(3):
        assert (
            model.generate(prompt, length=length, temperature=1.5, seed=1)
            == model.generate(prompt, length=20, temperature=1.5, seed=1)[:length]
        )


def test_scores_in_pieces_are_those_of_the_whole(model: LanguageModel) -> None:
    whole = model.evaluate(TEXT)
    for size in (1, 7, 100):
        pieces = [TEXT[first : first + size] for first in range(0, len(TEXT), size)]
        in_pieces = model.evaluate(iter(pieces))
        assert in_pieces.bits_per_character == pytest.approx(whole.bits_per_character)
        assert in_pieces.characters == len(TEXT)


def test_all_marks_are_of_words() -> None:
    marks = [chr(p) for p in range(0x110000) if unicodedata.category(chr(p)).startswith("M")]
    text = " ".join(f"a{mark}b" for mark in marks)
    assert words_of(text)[:2] == [f"a{marks[0]}b", f" a{marks[1]}b"]
    assert len(words_of(text)) == len(marks)


def test_unknown_characters_leave_their_words_in_pieces() -> None:
    tokens = words_in(TEXT + "☃ ☃☃", min_count=5)
    assert tokens.unknown_in("☃").all()
    assert not any("☃" in word for word in tokens.words)
    assert tokens.decode(tokens.encode("cat☃cat")) == "cat\ufffdcat"
    assert tokens.unknown_cost(tokens.encode("☃")) == pytest.approx([np.log2(SCALAR_VALUES - tokens.known_count)])


def test_names_of_real_words_are_tokens(corpora: Path) -> None:
    text = (corpora / "tinyshakespeare.txt").read_text(encoding="utf-8")[:200_000]
    tokens = words_in(text)
    assert {" the", " and", "\n", "First", " Citizen"} <= {*tokens.words, *tokens.characters}
    assert tokens.size == 666 + len(set(text)) + 1
    assert 1.5 * len(tokens.encode(text)) < len(text)

"""A model that speaks text."""

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest

from nextchar.errors import TextError, UnknownCharacterError, UsageError
from nextchar.model import batch_scoring
from nextchar.model.batch_scoring import UnknownTextError
from nextchar.model.language_model import LanguageModel
from nextchar.text.vocabulary import Vocabulary
from tests.small_networks import ALPHABET, random_model


def test_the_same_seed_gives_the_same_text_and_another_another() -> None:
    model = random_model()
    one = model.generate("hello", length=80, seed=1, temperature=1.0)
    assert len(one) == 80
    assert one == model.generate("hello", length=80, seed=1, temperature=1.0)
    assert one != model.generate("hello", length=80, seed=2, temperature=1.0)
    assert one != "".join(model.stream("hello", length=80, seed=1, temperature=1.0, text=1))


def test_without_a_seed_texts_differ() -> None:
    model = random_model()
    assert model.generate(length=60, temperature=1.5) != model.generate(length=60, temperature=1.5)


def test_every_kind_of_prompt_is_gone_on_from() -> None:
    model = random_model()
    for prompt in ("", "a", "HELLO", "☃☃☃", "\ud800", "e\u0301", "\0", "가나", "ｆｕｌｌ"):
        assert len(model.generate(prompt, length=5, seed=0)) == 5


def test_a_folded_prompt_reads_as_its_nearest_known_form() -> None:
    model = random_model()
    assert model.generate("HELLO", length=40, seed=0) == model.generate("hello", length=40, seed=0)


def test_strict_refuses_unknown_characters_and_names_them() -> None:
    with pytest.raises(UnknownCharacterError, match=r"U\+2603 SNOWMAN.*character 3"):
        random_model().generate("ab☃", strict=True)


@pytest.mark.parametrize("options", [{"temperature": -1}, {"top_k": 0}, {"lenght": 3}, {"top_p": 1.5}])
def test_wrong_options_are_usage_errors(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        random_model().generate("a", **options)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="length"):
        random_model().generate("a", lenght=3)  # type: ignore[call-arg]


def test_stops_end_the_text_before_them() -> None:
    model = random_model()
    text = model.generate("abc", length=300, seed=5, temperature=1.0)
    for stop in (text[40:42], text[100:107], text[0], text[250]):
        assert model.generate("abc", length=300, seed=5, temperature=1.0, stop=(stop,)) == text[: text.index(stop)]
    first = min(text.index(text[40:42]), text.index(text[30:33]))
    stops = (text[40:42], text[30:33])
    assert model.generate("abc", length=300, seed=5, temperature=1.0, stop=stops) == text[:first]
    assert model.generate("abc", length=300, seed=5, temperature=1.0, stop=("§" + text[3],)) == text


def test_the_distribution_sums_to_one_and_leaves_the_unknown_symbol_out() -> None:
    distribution = random_model().next_character_distribution("ab")
    assert set(distribution) == set(ALPHABET)
    assert sum(distribution.values()) == pytest.approx(1)
    assert list(distribution.values()) == sorted(distribution.values(), reverse=True)


def test_the_distribution_is_what_is_drawn_from() -> None:
    model = random_model()
    distribution = model.next_character_distribution("ab", temperature=0.7)
    draws = [model.generate("ab", length=1, seed=seed, temperature=0.7) for seed in range(3000)]
    for character, probability in list(distribution.items())[:5]:
        deviation = math.sqrt(probability * (1 - probability) / 3000)
        assert draws.count(character) / 3000 == pytest.approx(probability, abs=4 * deviation)


def test_scores_of_all_possible_texts_sum_to_one() -> None:
    """Over every text of one character: the known ones, and the unknown ones, which all score the same."""
    model = random_model()
    known = sum(2 ** -model.surprises(character)[0] for character in ALPHABET)
    unknown = 2 ** -model.surprises("☃")[0] * (0x110000 - 0x800 - len(ALPHABET))
    assert known + unknown == pytest.approx(1, abs=1e-6)


def test_unknown_characters_are_counted_and_scored() -> None:
    evaluation = random_model().evaluate("ab☃c☂")
    assert (evaluation.characters, evaluation.unknown_characters) == (5, 2)
    assert math.isfinite(evaluation.bits_per_character)


def test_a_text_scored_in_pieces_scores_the_same() -> None:
    model = random_model()
    text = "the quick 가나다 fox ☃\n" * 30
    whole = model.evaluate(text)
    pieces = model.evaluate([text[:100], "", text[100:333], text[333:]])
    assert astuple(pieces) == pytest.approx(astuple(whole))
    assert whole.bits_per_character == pytest.approx(float(np.mean(model.surprises(text))))


def test_an_empty_text_cannot_be_scored() -> None:
    with pytest.raises(TextError):
        random_model().evaluate("")


def test_a_model_of_lower_cased_text_scores_text_lower_cased() -> None:
    model = random_model(lowercase=True)
    assert model.evaluate("HELLO") == model.evaluate("hello")
    assert model.evaluate("HELLO").unknown_characters == 0


def test_texts_written_side_by_side_are_those_of_the_stream() -> None:
    model = random_model()
    options = {"length": 300, "seed": 3, "temperature": 0.8}
    texts = model.generate_many("hello", 5, **options)
    assert texts == ["".join(model.stream("hello", text=number, **options)) for number in range(5)]
    assert len(set(texts)) == 5


def test_texts_written_side_by_side_stop_where_they_should() -> None:
    model = random_model()
    options = {"length": 5000, "seed": 3, "temperature": 1.0, "stop": ("a", "bc")}
    texts = model.generate_many("", 4, **options)
    assert texts == ["".join(model.stream("", text=number, **options)) for number in range(4)]
    assert all("a" not in text and "bc" not in text for text in texts)
    assert model.generate_many("x", 3, length=0, seed=1) == ["", "", ""]


def test_one_model_serves_many_threads() -> None:
    model = random_model()

    def write(seed: int) -> tuple[str, float]:
        text = model.generate("hello", length=30_000 if seed % 2 else 300, seed=seed, temperature=1.0)
        return text, model.bits_per_character(text)

    alone = [write(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write, range(8))) == alone


def test_a_stop_may_be_a_plain_string() -> None:
    model = random_model()
    text = model.generate("abc", length=300, seed=5, temperature=1.0)
    stop = text[20:22]
    options = {"length": 300, "seed": 5, "temperature": 1.0}
    until = text[: text.index(stop)]
    assert model.generate("abc", stop=stop, **options) == until  # type: ignore[arg-type]
    assert "".join(model.stream("abc", stop=stop, **options)) == until  # type: ignore[arg-type]
    assert model.generate_many("abc", 1, stop=stop, **options) == [until]  # type: ignore[arg-type]


def test_many_texts_have_the_bits_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_scoring, "MAX_TEXTS", 2)
    model = random_model(lowercase=True)
    texts = ["so it goes", "", "GOES it", "☃", "so"]
    expected = [model.bits_per_character(text) * len(text) if text else 0 for text in texts]
    bits = model.score_many(text for text in texts)
    assert (bits.dtype, bits.shape) == (np.float64, (5,))
    np.testing.assert_allclose(bits, expected, atol=1e-4)
    assert model.score_many([]).shape == (0,)


def test_many_texts_have_the_surprises_that_each_has_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_scoring, "MAX_TEXTS", 3)
    model = random_model(lowercase=True)
    texts = ["so IT goes", "", "나가 é☃", "so IT goes", "x" * 200]
    surprises = model.surprises_many(iter(texts))
    for text, bits in zip(texts, surprises, strict=True):
        np.testing.assert_allclose(bits, model.surprises(text) if text else np.zeros(0), atol=1e-4)
    assert surprises[0] is not surprises[3]
    assert model.surprises_many([]) == []
    scores = list(model.text_scores(texts))
    np.testing.assert_allclose([score.bits for score in scores], model.score_many(texts))
    unknown = scores[2]
    assert (unknown.surprise_column, unknown.surprise_character, unknown.odder_than) == (5, "☃", None)
    assert unknown.surprise_bits == pytest.approx(surprises[2][4])
    assert scores[1] == (0.0, None, 0, None, None, None, None)


def test_a_column_of_pandas_is_scored() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame, model = pandas.DataFrame({"text": ["so it goes", "나가"]}, index=[7, 3]), random_model()
    np.testing.assert_array_equal(frame.text.pipe(model.score_many), model.score_many(["so it goes", "나가"]))
    assert frame.assign(bits=frame.text.pipe(model.score_many)).bits[3] == pytest.approx(model.score_many(["나가"])[0])
    with pytest.raises(UsageError, match="Text 2 is not a string, but nan"):
        pandas.Series(["so", None], dtype="str").pipe(model.score_many)


@pytest.mark.parametrize("ask", [LanguageModel.score_many, LanguageModel.surprises_many, LanguageModel.text_scores])
def test_a_single_text_is_not_taken_for_its_characters(ask: Callable[[LanguageModel, str], Iterable[object]]) -> None:
    with pytest.raises(UsageError, match=r"\[text\]"):
        list(ask(random_model(), "so it goes"))


def test_one_of_many_texts_that_cannot_be_scored_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_scoring, "MAX_TEXTS", 2)
    model = random_model()
    vocabulary = Vocabulary(model.vocabulary.characters + "한", has_unknown=False)
    strict = LanguageModel(replace(model.file, vocabulary=vocabulary))
    with pytest.raises(UnknownTextError, match=r"Text 4 .*SNOWMAN") as error:
        strict.score_many(["a", "b", "c", "☃"])
    assert error.value.position == 3

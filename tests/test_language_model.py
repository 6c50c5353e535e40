"""A model that speaks text."""

import math
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import ModelFileError, TextError, UnknownCharacterError, UsageError
from nextchar.language_model import LanguageModel
from tests.networks import ALPHABET, random_model


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
def test_wrong_options_are_usage_errors(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        random_model().generate("a", **options)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="length"):
        random_model().generate("a", lenght=3)


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
    assert model.evaluate([text[:100], "", text[100:333], text[333:]]) == pytest.approx(whole)
    assert whole.bits_per_character == pytest.approx(float(np.mean(model.surprises(text))))


def test_an_empty_text_cannot_be_scored() -> None:
    with pytest.raises(TextError):
        random_model().evaluate("")


def test_a_model_of_lower_cased_text_scores_text_lower_cased() -> None:
    model = random_model(lowercase=True)
    assert model.evaluate("HELLO") == model.evaluate("hello")
    assert model.evaluate("HELLO").unknown_characters == 0


def test_models_are_loaded_from_files_and_run_folders(tmp_path: Path) -> None:
    model = random_model()
    model.save(tmp_path / "model.safetensors")
    for path in (tmp_path, tmp_path / "model.safetensors"):
        assert LanguageModel.load(path).generate("a", length=9, seed=0) == model.generate("a", length=9, seed=0)
    with pytest.raises(ModelFileError, match="holds no run"):
        LanguageModel.load(Path(__file__).parent)

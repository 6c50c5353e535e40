"""A model's place in a text: what is pushed costs what scoring says, however it branches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nextchar.errors import UnknownCharacterError
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.model.session import Session
from nextchar.networks.architecture import Architecture
from nextchar.settings import TokenKind
from nextchar.text.vocabulary import Vocabulary
from tests.small_networks import random_blend, random_model, random_parameters
from tests.token_models import KINDS, PROMPTS, model_of_kind
from tests.token_models import TEXT as TEXT_OF_KINDS

TEXT = "the old man and the sea, the old man and his dog\n"
WINDOWED = Architecture(vocabulary_size=len(set(TEXT)) + 1, embedding=None, hidden=(5,), context_length=6)
MODELS = {
    "LSTM": random_model(),
    "blend": LanguageModel(random_blend(TEXT * 3, words=True)),
    "windows": LanguageModel(
        ModelFile(WINDOWED, Vocabulary("".join(sorted(set(TEXT)))), random_parameters(WINDOWED), Provenance())
    ),
    "lower case": random_model(lowercase=True),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def bits(model: LanguageModel, text: str) -> float:
    return float(model.surprises(text).sum())


@every_model
def test_what_is_pushed_costs_what_scoring_says(model: LanguageModel) -> None:
    prompt, text = "The old man", " and the ☃"
    session = model.session(prompt).push(text[:4]).push("").push(text[4:])
    assert session.bits == pytest.approx(bits(model, prompt + text) - bits(model, prompt), abs=1e-3)
    assert session.text == text


@every_model
def test_the_probabilities_are_those_of_what_may_come_next(model: LanguageModel) -> None:
    session = model.session("the o")
    log_p = session.log_probabilities()
    assert log_p.shape == (len(session.characters),)
    assert "�" not in session.characters
    costs = {character: session.push(character).bits for character in session.characters}
    np.testing.assert_allclose(-log_p / np.log(2), list(costs.values()), atol=1e-4)
    among_unknown = model.file.characters_for("A test").unseen_log2_probability
    unknown = 2.0 ** -(session.push("☃").bits + among_unknown)
    assert np.exp(log_p).sum() == pytest.approx(1 - unknown, abs=1e-6)


@every_model
def test_a_session_stays_as_it_is(model: LanguageModel) -> None:
    session = model.session("the ")
    before = session.log_probabilities().copy()
    branches = [session.push("old"), session.push("sea")]
    assert branches[0].bits != branches[1].bits
    np.testing.assert_array_equal(session.log_probabilities(), before)
    assert (session.text, session.bits) == ("", 0.0)


@every_model
def test_many_are_pushed_as_each_alone(model: LanguageModel) -> None:
    start = model.session()
    sessions = [start, start.push("t"), start.push("the old man"), start.push("an"), start.push("the ol")]
    branches = [(session, character) for session in sessions for character in ("a", "☃", "", "sea")]
    for (session, text), pushed in zip(branches, Session.push_many(branches), strict=True):
        alone = session.push(text)
        assert pushed.text == alone.text
        assert pushed.bits == pytest.approx(alone.bits, abs=1e-3)
        np.testing.assert_allclose(pushed.log_probabilities(), alone.log_probabilities(), atol=1e-4)


def test_sessions_of_several_models_can_be_pushed_together() -> None:
    models = [random_model(seed=seed) for seed in range(2)]
    pushed = Session.push_many([(model.session("so"), "a") for model in models])
    for model, session in zip(models, pushed, strict=True):
        assert session.bits == pytest.approx(model.session("so").push("a").bits, abs=1e-4)
    assert Session.push_many([]) == []


def test_without_an_unknown_symbol_unknown_characters_are_refused() -> None:
    vocabulary = Vocabulary("\nab", has_unknown=False)
    architecture = Architecture(vocabulary_size=3, embedding=None, hidden=(4,))
    model = LanguageModel(ModelFile(architecture, vocabulary, random_parameters(architecture)))
    with pytest.raises(UnknownCharacterError, match="SNOWMAN"):
        model.session("☃")
    session = model.session("a")
    assert np.exp(session.log_probabilities()).sum() == pytest.approx(1)
    with pytest.raises(UnknownCharacterError, match="SNOWMAN"):
        session.push("☃")
    with pytest.raises(UnknownCharacterError, match="SNOWMAN"):
        Session.push_many([(session, "a"), (session, "☃")])


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_of_a_text_are_pushed_as_the_whole(kind: TokenKind) -> None:
    model, random = model_of_kind(kind), np.random.default_rng(0)
    texts = [
        TEXT_OF_KINDS[:260],
        "they don't, o'' x' 'y  \t 가'나  ",
        "the  kings'kind_2’s",
        "e\u0301 don",
        "a" * 150 + "b the",
        "\tthe \tking \t\tfox  ",
    ]
    for text in texts:
        for prompt in ("", "the ki", "don'"):
            cuts = [0, *sorted(random.integers(0, len(text) + 1, 6).tolist()), len(text)]
            whole, session = model.session(prompt).push(text), model.session(prompt)
            for first, end in pairwise(cuts):
                session = session.push(text[first:end])
            assert (session.text, session.begun) == (text, whole.begun)
            assert session.bits == pytest.approx(whole.bits, abs=1e-3)
            np.testing.assert_allclose(session.log_probabilities(), whole.log_probabilities(), atol=1e-4)
            assert whole.bits == pytest.approx(bits(model, prompt + text) - bits(model, prompt), abs=2e-3)
            np.testing.assert_allclose(
                model.session(prompt + text).log_probabilities(), whole.log_probabilities(), atol=1e-4
            )
            many = Session.push_many([(model.session(prompt), text), (session, "e"), (session, " ")])
            assert [each.bits for each in many] == pytest.approx(
                [whole.bits, session.push("e").bits, session.push(" ").bits], abs=1e-3
            )


@pytest.mark.parametrize(
    "prompt", [prompt for prompt in PROMPTS if prompt.strip("\n") == prompt != "" and "☃" not in prompt]
)
def test_what_goes_on_with_a_begun_word_is_as_probable_as_in_writing(prompt: str) -> None:
    model = model_of_kind("words")
    session = model.session("\n").push(prompt)
    assert session.begun
    shares = np.exp(session.log_probabilities())
    expected = model.next_character_distribution("\n\n" + prompt)  # a session reads the line end before a text
    assert dict(zip(session.characters, shares.tolist(), strict=True)) == pytest.approx(expected, abs=1e-6)


def test_words_that_end_are_pushed_one_after_another() -> None:
    model = model_of_kind("words")
    start = model.session("the fox")
    assert start.begun == " fox"
    word = start.push("", ends=True)
    assert (word.begun, word.text, word.bits) == ("", "", start.bits)
    for following in (" is", " king", "."):
        log_p = word.log_probabilities()[word.characters.index(following)]
        pushed = word.push(following, ends=True)
        assert pushed.bits - word.bits == pytest.approx(-log_p / np.log(2), abs=1e-4)
        (many,) = Session.push_many([(word, following)], ends=True)
        assert many.bits == pytest.approx(pushed.bits, abs=1e-4)
        word = pushed
    assert word.bits == pytest.approx(bits(model, "the fox is king.") - bits(model, "the fox"), abs=1e-3)

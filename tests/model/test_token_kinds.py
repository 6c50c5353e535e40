"""Models of each kind of tokens, in NumPy and compiled, alone and blended with counts: the same texts, scores that add
up, and nothing written that cannot be."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest

from nextchar.model.continuation import Continuation, Prompt
from nextchar.model.language_model import LanguageModel
from nextchar.model.logprobs import LogprobReader
from nextchar.model.scoring import Scorer
from nextchar.networks.architecture import Network
from nextchar.settings import SamplingSettings, TokenKind
from tests.token_models import KINDS, PROMPTS, TEXT, count_written, model_of_kind

SHAPES: list[dict[str, Any]] = [
    {"temperature": 0.3},
    {"temperature": 1.0},
    {"temperature": 1.5, "top_k": 6},
    {"temperature": 1.3, "top_p": 0.9, "min_p": 0.001},
]
CONJOINING = [*range(0x1100, 0x1200), *range(0xA960, 0xA980), *range(0xD7B0, 0xD800)]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> TokenKind:
    return request.param


@pytest.fixture(params=[False, True], ids=["lstm", "blend"])
def model(request: pytest.FixtureRequest, kind: TokenKind) -> LanguageModel:
    return model_of_kind(kind, request.param)


def written(model: LanguageModel, network: Network[Any], prompt: str, index: int = 0, **options: Any) -> str:
    """Return the text that ``network`` writes."""
    text, _ = model.vocabulary.fold(prompt)
    read = Prompt(network, model.vocabulary, text)
    return "".join(Continuation(read, SamplingSettings(**options), index))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_both_engines_write_the_same(model: LanguageModel, shape: dict[str, Any]) -> None:
    for seed, prompt in enumerate(PROMPTS):
        options = {"length": 60, "seed": seed, **shape}
        texts = [written(model, network, prompt, **options) for network in (model.network, model.compiled_network)]
        assert texts[0] == texts[1]
        assert count_written(texts[0]) == 60
        assert texts[0] == model.generate(prompt, **options)


def test_texts_side_by_side_are_those_one_by_one(model: LanguageModel) -> None:
    for prompt in PROMPTS:
        options: dict[str, Any] = {"length": 50, "seed": 3, "temperature": 1.2}
        alone = [written(model, model.compiled_network, prompt, index, **options) for index in range(3)]
        assert model.generate_many(prompt, 3, **options) == alone


def test_a_text_ends_at_its_first_stop(model: LanguageModel) -> None:
    for seed in range(5):
        whole = model.generate("the", length=80, seed=seed, temperature=1.0)
        stop = whole[40:42]
        text = model.continuation("the", length=80, seed=seed, temperature=1.0, stop=(stop,))
        assert "".join(text) == whole[: whole.index(stop)]
        assert text.finish_reason == "stop"


def test_a_begun_word_goes_on() -> None:
    model = model_of_kind("words", blend=True)
    distribution = model.next_character_distribution("and the ki")
    possible = {token for token, share in distribution.items() if share > 0}
    assert {" king", " "} <= possible
    assert all(token.startswith(" ki") or " ki".startswith(token) for token in possible)
    assert sum(distribution.values()) == pytest.approx(1)
    # What was begun is not repeated.
    assert model.generate("and the ki", length=2, temperature=0) == max(distribution, key=distribution.__getitem__)[3:]


def test_an_apostrophe_within_a_word_may_be_begun() -> None:
    model = model_of_kind("words")
    begun = {"they don'": " don'", "they don’": " don’", "they '": " '", "they don't": " don't", "fox\n'": "'"}
    assert {prompt: model.fold_prompt(prompt).begun for prompt in begun} == begun
    possible = {token for token, share in model.next_character_distribution("they don'").items() if share > 0}
    assert " don't" in possible


@pytest.mark.parametrize("shape", [{}, {"top_p": 0.999}], ids=["plain", "shaped"])
@pytest.mark.parametrize("blend", [False, True], ids=["lstm", "blend"])
def test_jamo_are_written_as_composed_syllables_alone(blend: bool, shape: dict[str, Any]) -> None:
    model = model_of_kind("jamo", blend)
    length = 2_000 if shape else 10_000
    for seed, prompt in enumerate(("", "하", "값", "abc ")):
        text = model.generate(prompt, length=length, temperature=1.5, seed=seed, **shape)
        assert len(text) == length
        assert sum("가" <= c <= "힣" for c in text) > length / 20
        # "ᄒ" stands by itself in the text that was learned; only so may it be written.
        assert {c for c in text if ord(c) in CONJOINING} <= {"ᄒ"}
        syllables = "".join(c for c in text if "가" <= c <= "힣" or c == "ᄒ")
        assert unicodedata.normalize("NFC", syllables) == syllables
    for text in model.generate_many("하", 3, length=500, temperature=1.5, seed=1):
        assert {c for c in text if ord(c) in CONJOINING} <= {"ᄒ"}


def test_the_pieces_of_a_text_are_scored_whole(model: LanguageModel) -> None:
    tokens = model.vocabulary
    reader = LogprobReader.after_start(model.network, tokens, 3)
    (pieces,) = reader.read_text(TEXT[:300])
    ids = tokens.encode(TEXT[:300])
    whole = Scorer(model.network, model.start_id).score(ids) - tokens.unknown_cost(ids)  # (T,)
    assert "".join(pieces.texts) == TEXT[:300]
    assert pieces.lengths.tolist() == [len(text) for text in pieces.texts]
    assert pieces.log_probabilities.sum() == pytest.approx(whole.sum() * np.log(2), rel=1e-5)
    bits = model.surprises(TEXT[:300])
    ends = np.cumsum([0, *pieces.lengths])
    np.testing.assert_allclose(-pieces.log_probabilities / np.log(2), np.add.reduceat(bits, ends[:-1]), rtol=1e-4)
    if tokens.kind == "words":
        assert max(pieces.lengths) > 3
    else:
        assert pieces.lengths.tolist() == [1] * 300


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_the_pieces_of_a_text_do_not_depend_on_how_it_is_cut(model: LanguageModel, size: int) -> None:
    text = TEXT[:200]
    reader = LogprobReader.after_start(model.network, model.vocabulary, 2)
    (whole,) = reader.read_text(text)
    reader = LogprobReader.after_start(model.network, model.vocabulary, 2)
    parts = [part for first in range(0, 200, size) for part in reader.read_text(text[first : first + size], ends=False)]
    parts += reader.read_text("")
    assert [text for part in parts for text in part.texts] == whole.texts
    joined = np.concatenate([part.log_probabilities for part in parts])
    np.testing.assert_allclose(joined, whole.log_probabilities, atol=1e-4)
    assert np.concatenate([part.first_ids for part in parts]).tolist() == whole.first_ids.tolist()


def test_a_syllable_with_an_unknown_jamo_is_one_unknown_character() -> None:
    model = model_of_kind("jamo")
    text = "한각글!"
    assert model.vocabulary.encode(text).tolist().count(0) == 2
    assert model.vocabulary.unknown_in(text).tolist() == [False, True, False, True]
    assert len(model.surprises(text)) == 4
    assert model.fold_prompt(text).text == "한글"


def test_bytes_that_are_no_text_are_escaped() -> None:
    model = model_of_kind("bytes")
    (pieces,) = LogprobReader.after_start(model.network, model.vocabulary, 1).read_text("a\udcff\ud800é")
    assert pieces.texts == ["a", "\\xff", "\ufffd", "é"]
    text = model.generate("\udcff", length=500, temperature=1.5, seed=1)
    assert text == text.encode("utf-8").decode("utf-8")
    assert "\\x" in text


@pytest.mark.parametrize("blend", [False, True], ids=["lstm", "blend"])
@pytest.mark.parametrize("begun", [" ki", " kings", " t", " don'", " '"])
def test_a_begun_word_weighs_its_spellings_whole(blend: bool, begun: str) -> None:
    """What comes first has the probability of all that stands for it: of the token, or of each of its characters."""
    model = model_of_kind("words", blend)
    tokens, ids = model.vocabulary, model.vocabulary.encode("the fox is")

    def probability(way: list[int]) -> float:
        scorer = Scorer(model.network, int(ids[0]))  # nothing is read before a prompt
        return float(2 ** scorer.score(np.array([*ids[1:], *way]))[len(ids) - 1 :].sum())

    ways = {tuple(map(int, tokens.encode(begun))), tuple(int(tokens.encode(c)[0]) for c in begun)}
    texts = tokens.token_texts(range(tokens.size))
    weights = {text: probability([number]) for number, text in enumerate(texts) if text.startswith(begun)}
    weights |= {texts[way[0]]: probability([*way]) for way in ways if len(way) > 1}
    shares = model.next_character_distribution("the fox is" + begun)
    total = sum(weights.values())
    assert {text for text, share in shares.items() if share > 0} == weights.keys()
    for text, weight in weights.items():
        assert shares[text] == pytest.approx(weight / total, rel=1e-3)

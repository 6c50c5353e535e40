"""Whether callers keep to the protocol: a model whose tokens are characters and pairs of characters."""

import json
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest

from nextchar.convert import keras_model
from nextchar.errors import ModelFileError
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.scoring import Scorer
from nextchar.networks.architecture import Architecture
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import Vocabulary
from nextchar.training.dataset import Dataset
from nextchar.web.prediction import score
from tests.pair_tokenizer import UNKNOWN_BITS, PairTokenizer
from tests.small_networks import random_parameters

PAIRS: Tokenizer = PairTokenizer(Vocabulary("\n abeht가"), ("th", "he", "가가"))
TEXT = "the bath\n가가 thé 가가가"
TOKENS = ["th", "e", " ", "b", "a", "th", "\n", "가가", " ", "th", "é", " ", "가가", "가"]


@pytest.fixture
def model() -> LanguageModel:
    architecture = Architecture(vocabulary_size=PAIRS.size, embedding=3, hidden=(5,))
    return LanguageModel(ModelFile(architecture, PAIRS, random_parameters(architecture, seed=3)))


def token_bits(model: LanguageModel) -> np.ndarray:
    """Return what each token of the text costs, (T,), the unknown one with its share."""
    return PAIRS.unknown_cost(PAIRS.encode(TEXT)) - Scorer(model.network, PAIRS.start_id).score(PAIRS.encode(TEXT))


@pytest.mark.parametrize("tokenizer", [PAIRS, Vocabulary("\n abeht가"), Vocabulary("\n abehté가", has_unknown=False)])
def test_the_tokens_of_a_text_are_the_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(TEXT)
    assert "".join(tokenizer.split(TEXT)) == TEXT
    known = TEXT if "é" in tokenizer.characters else TEXT.replace("é", "\ufffd")
    assert tokenizer.decode(ids) == "".join(tokenizer.token_texts(ids)) == known
    assert list(map(len, tokenizer.split(TEXT))) == tokenizer.token_lengths(ids).tolist()
    assert ids.dtype == tokenizer.dtype
    assert int((tokenizer.unknown_cost(ids) > 0).sum()) == int(tokenizer.unknown_in(TEXT).sum())


def test_a_text_is_as_long_as_asked_for_in_characters(model: LanguageModel) -> None:
    text = model.generate("the ", length=41, temperature=1.0, seed=2)
    assert len(text) == 41
    assert any(pair in text for pair in ("th", "he", "가가"))
    assert "".join(model.stream("the ", length=41, temperature=1.0, seed=2)) == text
    assert model.generate_many("the ", 2, length=41, temperature=1.0, seed=2)[0] == text


def test_scores_are_of_characters(model: LanguageModel) -> None:
    bits = token_bits(model)
    assert PAIRS.split(TEXT) == TOKENS
    scored = model.evaluate(TEXT)
    assert (scored.characters, scored.unknown_characters) == (len(TEXT), 1)
    assert scored.bits_per_character == pytest.approx(bits.sum() / len(TEXT))
    surprises = model.surprises(TEXT)
    assert surprises.shape == (len(TEXT),)
    starts = list(accumulate(map(len, TOKENS), initial=0))
    assert [surprises[a:b].sum() for a, b in pairwise(starts)] == pytest.approx(bits.tolist())


def test_a_run_is_scored_per_character(model: LanguageModel) -> None:
    ids = PAIRS.encode(TEXT)
    per_id = -Scorer(model.network, PAIRS.start_id).score(ids).mean()
    dataset = Dataset(ids, ids, PAIRS, PAIRS.start_id)
    expected = (per_id * len(ids) + UNKNOWN_BITS) / len(TEXT)
    assert dataset.bits_per_character(ids, per_id) == pytest.approx(expected)


def test_the_server_scores_tokens(model: LanguageModel) -> None:
    *_, answer = score(model, TEXT, 3)
    told = json.loads(answer)
    assert told["characters"] == TOKENS
    assert told["bits"] == pytest.approx(token_bits(model).tolist())
    assert told["bits_per_character"] == pytest.approx(model.bits_per_character(TEXT))
    assert told["unknown"] == [token == "é" for token in TOKENS]
    shown = {choice["character"] for row in told["alternatives"] for choice in row}
    assert shown <= {*PAIRS.characters, "th", "he", "가가"}
    assert any(len(text) == 2 for text in shown)


def test_keras_refuses_other_tokens(model: LanguageModel) -> None:
    with pytest.raises(ModelFileError, match="tokens are single characters; those of this model are words"):
        keras_model.write(model.file, Path("model.keras"))

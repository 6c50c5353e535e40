"""Log-probabilities of the characters of a text, and of what else could have stood in their places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nextchar.model.language_model import LanguageModel
from nextchar.model.logprobs import LogprobReader
from nextchar.text.vocabulary import Vocabulary
from tests.small_networks import ALPHABET, random_model

MODEL = random_model()


def reader(model: LanguageModel, alternatives: int) -> LogprobReader:
    """Return a reader of a text that is scored on its own."""
    return LogprobReader.after_start(model.network, model.vocabulary, alternatives)


def test_a_reader_says_the_same_however_a_text_is_cut() -> None:
    ids = MODEL.vocabulary.encode("the quick fox jumps over 가나다\n" * 3)
    whole = reader(MODEL, 4).read(ids)
    cut = reader(MODEL, 4)
    parts = [cut.read(part) for part in (ids[:1], ids[1:30], ids[30:])]
    for name in ("log_probabilities", "alternatives", "alternative_log_probabilities"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-5)


def test_all_characters_of_a_model_without_an_unknown_symbol_can_be_alternatives() -> None:
    logprobs = reader(MODEL, 1000).read(MODEL.vocabulary.encode("fox"))
    assert sorted(logprobs.alternatives[0]) == list(range(1, MODEL.vocabulary.size))
    file = MODEL.file
    known = Vocabulary("".join(sorted({*ALPHABET, "z", "ü"})), has_unknown=False)
    plain = LanguageModel(replace(file, vocabulary=known))
    logprobs = reader(plain, 1000).read(known.encode("fox"))
    assert sorted(logprobs.alternatives[2]) == list(range(known.size))
    assert np.exp(logprobs.alternative_log_probabilities[2]).sum() == pytest.approx(1)

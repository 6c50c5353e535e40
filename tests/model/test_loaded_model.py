"""A model from its file, and the networks that compute it."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import ModelFileError
from nextchar.model.language_model import LanguageModel
from nextchar.model.scoring import Scorer
from nextchar.networks.compiled_network import CompiledNetwork
from nextchar.networks.engine import can_compile
from nextchar.networks.numpy_network import NumpyNetwork
from tests.small_networks import random_model


def test_models_are_loaded_from_files_and_run_folders(tmp_path: Path) -> None:
    model = random_model()
    model.save(tmp_path / "model.safetensors")
    for path in (tmp_path, tmp_path / "model.safetensors"):
        assert LanguageModel.load(path).generate("a", length=9, seed=0) == model.generate("a", length=9, seed=0)
    with pytest.raises(ModelFileError, match="holds no run"):
        LanguageModel.load(Path(__file__).parent)


def test_long_work_is_given_to_the_compiled_network_and_the_result_is_the_same() -> None:
    model = random_model()
    assert isinstance(model.network_for(400), NumpyNetwork)
    assert isinstance(model.network_for(1_000_000), CompiledNetwork)
    long = model.generate("hello", length=60_000, seed=1, temperature=0.8)
    assert long[:400] == model.generate("hello", length=400, seed=1, temperature=0.8)
    text = long[:50_000]
    slow, fast = (
        Scorer(network, model.start_id).score(model.vocabulary.encode(text))
        for network in (model.network, model.compiled_network)
    )
    np.testing.assert_allclose(fast, slow, atol=1e-4)
    assert model.bits_per_character(text) == pytest.approx(-slow.mean(), abs=1e-6)


def test_without_numba_everything_is_done_in_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    can_compile.cache_clear()
    assert isinstance(random_model().network_for(10**9), NumpyNetwork)
    can_compile.cache_clear()


def windowed_model(carry_state: bool = False) -> LanguageModel:
    """Return a model that reads 5 characters for each prediction, unless it carries its state."""
    file = random_model().file
    windowed = replace(file, architecture=file.architecture.model_copy(update={"context_length": 5}))
    return LanguageModel(windowed, carry_state)


def test_a_windowed_model_forgets_what_is_before_its_window_and_one_that_carries_its_state_does_not() -> None:
    prompts = "abcdefgh", "zyxdefgh"
    forgetful, carrying = windowed_model(), windowed_model(carry_state=True)
    distributions = [forgetful.next_character_distribution(prompt) for prompt in prompts]
    assert distributions[0] == distributions[1]
    carried = [carrying.next_character_distribution(prompt) for prompt in prompts]
    assert carried[0] != carried[1] != distributions[1]
    assert carried[0] == random_model().next_character_distribution(prompts[0])
    assert forgetful.generate("abc", length=50, seed=1) != carrying.generate("abc", length=50, seed=1)
    assert carrying.bits_per_character("hello" * 9) == random_model().bits_per_character("hello" * 9)


def test_a_model_is_shown_in_one_line_or_a_table_and_is_itself_alone() -> None:
    model = random_model(corpus=["<b>&.txt", "x" * 300], characters_read=3, validation_bits_per_character=2.0625)
    model = replace(
        model, file=replace(model.file, provenance=model.provenance.model_copy(update={"characters": 12345}))
    )
    assert repr(model) == str(model)
    assert repr(model).startswith("LanguageModel(LSTM of 8 units, 32 characters, ")
    assert repr(model).endswith(
        " parameters, trained on <b>&.txt, " + "x" * 300 + ", 2.062 bits per character on the held-out text)"
    )
    html = model._repr_html_()
    assert "&lt;b&gt;&amp;.txt" in html
    assert "<b>" not in html
    assert "12,345" in html
    assert model == model  # noqa: PLR0124
    assert model != random_model()
    assert len({model, random_model()}) == 2

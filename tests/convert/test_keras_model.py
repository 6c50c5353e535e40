"""Models of Keras, imported and exported: what Keras predicts and nextchar does, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextchar.convert import keras_model
from nextchar.convert.characters import read_list
from nextchar.errors import ModelFileError
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.networks.architecture import Architecture
from nextchar.randomness import random_stream
from nextchar.text.vocabulary import Vocabulary
from tests.keras_models import (
    CHARACTERS,
    NUMPY_WARNING,
    TEXT,
    V,
    characters_of,
    imported,
    keras,
    one_hot,
    ours,
    probabilities,
    randomised,
    saved,
    sequential,
    windows,
)

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)


def through_a_file(file: ModelFile, folder: Path) -> LanguageModel:
    """Return the model as it comes back from a file of nextchar's."""
    LanguageModel(file).save(folder / "model.safetensors")
    return LanguageModel.load(folder / "model.safetensors")


def embedded(*between: Callable[[Any], Any], steps: int | None = 60, size: int = V) -> Any:
    layers = keras().layers
    return sequential(
        keras().Input((steps,)),
        layers.Embedding(size, 5),
        *(make(layers) for make in between),
        layers.LSTM(7),
        layers.Dense(size, activation="softmax"),
    )


def example() -> Any:
    return one_hot(V)


def two_layers() -> Any:
    layers = keras().layers
    return sequential(
        keras().Input((60, V)),
        layers.LSTM(9, return_sequences=True, dropout=0.2),
        layers.Dropout(0.3),
        layers.LSTM(6),
        layers.Dense(V),
        layers.Activation("softmax"),
    )


def every_step() -> Any:
    layers = keras().layers
    return sequential(
        keras().Input((None, V)),
        layers.LSTM(8, return_sequences=True),
        layers.TimeDistributed(layers.Dense(V, activation="softmax")),
    )


def without_bias() -> Any:
    layers = keras().layers
    return sequential(
        keras().Input((60, V)),
        layers.LSTM(8, use_bias=False),
        layers.Dense(V, use_bias=False),
        layers.Softmax(),
    )


def functional() -> Any:
    layers = keras().layers
    read = keras().Input((60, V))
    return randomised(keras().Model(read, layers.Dense(V, activation="softmax")(layers.LSTM(8)(read))))


def with_noise() -> Any:
    return embedded(
        lambda layers: layers.SpatialDropout1D(0.1), lambda layers: layers.LSTM(6, return_sequences=True), steps=None
    )


MODELS = [example, embedded, two_layers, every_step, without_bias, functional, with_noise]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_an_imported_model_predicts_what_keras_predicts(make: Callable[[], Any], suffix: str, tmp_path: Path) -> None:
    model = make()
    file = imported(saved(model, tmp_path / f"model{suffix}")).file
    assert file.architecture.context_length == model.input_shape[1]
    assert file.provenance.recipe == "keras"
    assert file.provenance.corpus == ("text.txt",)
    assert set(file.provenance.versions) == {"nextchar", "keras"}
    ids = windows(TEXT, CHARACTERS)
    np.testing.assert_allclose(
        ours(through_a_file(file, tmp_path), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("make", MODELS)
def test_weights_alone_are_enough(make: Callable[[], Any], tmp_path: Path) -> None:
    model = make()
    found = imported(saved(model, tmp_path / "model.weights.h5"), 60)
    assert "only weights" in found.notes[0]
    ids = windows(TEXT, CHARACTERS)
    np.testing.assert_allclose(
        ours(through_a_file(found.file, tmp_path), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5
    )


def test_real_text_is_predicted_as_by_keras_own_loop(corpora: Path, tmp_path: Path) -> None:
    text = (corpora / "nietzsche.txt").read_text(encoding="utf-8")[:40_000].lower()
    characters = "".join(sorted(set(text)))
    model = one_hot(len(characters), hidden=24)
    path = saved(model, tmp_path / "model.keras")
    file = keras_model.read(path, characters_of(tmp_path / "text.txt", text.upper(), lowercase=True)).file
    assert file.vocabulary == Vocabulary(characters, has_unknown=False)
    assert file.provenance.lowercase
    ids = windows(text, characters, number=20)
    expected = model.predict(np.eye(len(characters), dtype=np.float32)[ids], verbose=0)
    np.testing.assert_allclose(ours(through_a_file(file, tmp_path), ids), expected, rtol=1e-4, atol=1e-5)


def test_the_first_characters_of_a_text_are_read_as_keras_reads_what_there_is(tmp_path: Path) -> None:
    model = one_hot(V, steps=None)
    language_model = through_a_file(imported(saved(model, tmp_path / "model.keras")).file, tmp_path)
    assert language_model.file.architecture.context_length is None
    for length in (1, 7, 90):
        ids = windows(TEXT, CHARACTERS, length)
        np.testing.assert_allclose(ours(language_model, ids), probabilities(model, ids), rtol=1e-4, atol=1e-5)


def trained() -> Any:
    """The example, after a few steps of training by Keras."""
    model = one_hot(V, hidden=16)
    model.compile(loss="categorical_crossentropy", optimizer=keras().optimizers.RMSprop(learning_rate=0.01))
    ids = windows(TEXT, CHARACTERS, 61, number=64)
    vectors = np.eye(V, dtype=np.float32)[ids]
    before = model.get_weights()[0]
    for _ in range(4):
        model.train_on_batch(vectors[:, :60], vectors[:, 60])
    assert not np.array_equal(before, model.get_weights()[0])
    return model


@pytest.mark.slow
def test_the_loop_of_the_example_writes_the_same_text(tmp_path: Path) -> None:
    model, temperatures, seed = trained(), np.array([[0.2], [0.5], [1.0], [1.2]]), 11
    language_model = through_a_file(imported(saved(model, tmp_path / "model.keras")).file, tmp_path)
    prompt = TEXT[500:560]
    random = random_stream(seed, "sampling", 0)
    written = [prompt] * 4
    for _ in range(400):
        ids = np.array([[CHARACTERS.index(c) for c in text[-60:]] for text in written])
        # The four temperatures side by side, each reweighted and drawn from as in the example.
        scaled = np.log(probabilities(model, ids).astype(np.float64)) / temperatures
        reweighted = np.exp(scaled) / np.exp(scaled).sum(-1, keepdims=True)
        drawn = (np.cumsum(reweighted, -1) <= random.random()).sum(-1)
        written = [text + CHARACTERS[one] for text, one in zip(written, drawn, strict=True)]
    for text, temperature in zip(written, temperatures[:, 0], strict=True):
        assert text[60:] == language_model.generate(prompt, length=400, temperature=temperature, seed=seed)


def test_a_trained_model_keeps_its_optimizer_to_itself(tmp_path: Path) -> None:
    model = trained()
    ids = windows(TEXT, CHARACTERS)
    for suffix in (".keras", ".h5"):
        file = imported(saved(model, tmp_path / f"model{suffix}")).file
        np.testing.assert_allclose(ours(LanguageModel(file), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5)


def test_a_stateful_model_carries_its_state_on(tmp_path: Path) -> None:
    layers = keras().layers
    model = sequential(
        keras().Input(batch_shape=(1, 1, V)), layers.LSTM(8, stateful=True), layers.Dense(V, activation="softmax")
    )
    found = imported(saved(model, tmp_path / "model.keras"))
    assert found.file.architecture.context_length is None
    assert any("stateful" in note for note in found.notes)
    ids = windows(TEXT, CHARACTERS, 30, number=1)
    expected = [probabilities(model, ids[:, at : at + 1]) for at in range(30)]
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), expected[-1], rtol=1e-4, atol=1e-5)


def test_what_is_left_out_or_assumed_is_said(tmp_path: Path) -> None:
    notes = imported(saved(two_layers(), tmp_path / "two.keras")).notes
    assert [note for note in notes if "dropout" in note] == list(notes)
    assert len(notes) == 2
    layers = keras().layers
    logits = sequential(keras().Input((60, V)), layers.LSTM(4), layers.Dense(V))
    found = imported(saved(logits, tmp_path / "logits.keras"))
    assert "logits" in found.notes[0]
    ids = windows(TEXT, CHARACTERS)
    raw = np.exp(probabilities(logits, ids))
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), raw / raw.sum(-1, keepdims=True), atol=1e-5)
    assert "keeps its state" in imported(saved(example(), tmp_path / "m.weights.h5")).notes[1]
    assert imported(saved(example(), tmp_path / "m.keras")).notes == ()


def test_the_context_length_asked_for_wins(tmp_path: Path) -> None:
    path = saved(example(), tmp_path / "model.keras")
    assert imported(path, 40).file.architecture.context_length == 40
    with pytest.raises(ModelFileError, match="context_length"):
        imported(path, 100_000)


def test_a_model_padded_at_index_0_never_draws_it(tmp_path: Path) -> None:
    model = embedded(size=V + 1)
    found = imported(saved(model, tmp_path / "model.keras"))
    assert "padding" in found.notes[0]
    assert found.file.vocabulary == Vocabulary(CHARACTERS, has_unknown=True)
    ids = windows(TEXT, CHARACTERS) + 1
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5)
    assert "\ufffd" not in LanguageModel(found.file).generate("a", length=300, temperature=2, seed=1)


@pytest.mark.parametrize("make", [example, embedded])
@pytest.mark.parametrize("kind", ["list", "char_indices", "indices_char"])
def test_characters_in_any_order(make: Callable[[], Any], kind: str, tmp_path: Path) -> None:
    model = make()
    order = "".join(np.random.default_rng(3).permutation(list(CHARACTERS)))
    content = {
        "list": list(order),
        "char_indices": {c: i for i, c in enumerate(order)},
        "indices_char": dict(enumerate(order)),
    }[kind]
    (tmp_path / "characters.json").write_text(json.dumps(content))
    path = saved(model, tmp_path / "model.keras")
    model_ours = LanguageModel(keras_model.read(path, read_list(tmp_path / "characters.json")).file)
    assert model_ours.vocabulary.characters == CHARACTERS
    text = TEXT[100:160]
    expected = probabilities(model, np.array([[order.index(c) for c in text]]))[0]
    found = model_ours.next_character_distribution(text)
    np.testing.assert_allclose([found[c] for c in order], expected, rtol=1e-4, atol=1e-5)


def any_model(*, embedding: int | None, context_length: int | None, has_unknown: bool, hidden: tuple[int, ...]) -> Any:
    """Return a model of nextchar's with random weights."""
    vocabulary = Vocabulary(CHARACTERS, has_unknown)
    architecture = Architecture(
        vocabulary_size=vocabulary.size, embedding=embedding, hidden=hidden, context_length=context_length
    )
    random = np.random.default_rng(4)
    shapes = architecture.parameter_shapes().items()
    return ModelFile(
        architecture, vocabulary, {name: random.normal(0, 0.7, shape).astype(np.float32) for name, shape in shapes}
    )


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
@pytest.mark.parametrize(
    "model",
    [
        any_model(embedding=None, context_length=60, has_unknown=False, hidden=(10,)),
        any_model(embedding=6, context_length=None, has_unknown=True, hidden=(10, 7)),
        any_model(embedding=None, context_length=None, has_unknown=True, hidden=(5, 4, 3)),
    ],
)
def test_there_and_back(model: ModelFile, suffix: str, tmp_path: Path) -> None:
    target = tmp_path / f"model{suffix}"
    exported = keras_model.write(model, target)
    for path, content in exported.files.items():
        path.write_bytes(content)
    assert list(exported.files) == [tmp_path / "model.characters.json", target]
    if suffix != ".weights.h5":
        loaded = keras().saving.load_model(target, compile=False)
        ids = model.vocabulary.encode(TEXT[:60])[None]
        np.testing.assert_allclose(probabilities(loaded, ids), ours(LanguageModel(model), ids), rtol=1e-4, atol=1e-5)
    back = keras_model.read(
        target, read_list(tmp_path / "model.characters.json"), model.architecture.context_length
    ).file
    assert (back.architecture, back.vocabulary) == (model.architecture, model.vocabulary)
    assert {n: a.tobytes() for n, a in back.parameters.items()} == {n: a.tobytes() for n, a in model.parameters.items()}

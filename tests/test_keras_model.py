"""Models of Keras, imported and exported: what Keras predicts and nextchar does, side by side."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nextchar.architecture import Architecture
from nextchar.convert import keras_model
from nextchar.convert.characters import read_list
from nextchar.convert.result import Imported
from nextchar.errors import ModelFileError
from nextchar.language_model import LanguageModel
from nextchar.model_file import ModelFile
from nextchar.randomness import random_stream
from nextchar.vocabulary import Vocabulary
from tests.command import made_up_text
from tests.keras_models import (
    NUMPY_WARNING,
    characters_of,
    keras,
    one_hot,
    probabilities,
    randomised,
    sequential,
    windows,
)

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)

TEXT = made_up_text(3000).lower()
CHARACTERS = "".join(sorted(set(TEXT)))
V = len(CHARACTERS)


def saved(model: Any, path: Path) -> Path:
    """Return ``path``, where Keras has saved ``model``."""
    (model.save_weights if path.name.endswith(".weights.h5") else model.save)(path)
    return path


def imported(path: Path, context_length: int | None = None) -> Imported:
    return keras_model.read(path, characters_of(path.with_name("text.txt"), TEXT), context_length)


def through_a_file(file: ModelFile, folder: Path) -> LanguageModel:
    """Return the model as it comes back from a file of nextchar's."""
    LanguageModel(file).save(folder / "model.safetensors")
    return LanguageModel.load(folder / "model.safetensors")


def ours(model: LanguageModel, ids: np.ndarray) -> np.ndarray:
    """Return what ``model`` predicts after each of ``ids``: shape (N, V)."""
    logits, _ = model.network.forward(ids, model.network.initial_state(len(ids)))
    powers = np.exp(logits[:, -1].astype(np.float64))
    return powers / powers.sum(-1, keepdims=True)


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
    assert "weights alone" in found.notes[0]
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
    for at in range(30):
        expected = probabilities(model, ids[:, at : at + 1])
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), expected, rtol=1e-4, atol=1e-5)


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
    assert "carry its state on" in imported(saved(example(), tmp_path / "m.weights.h5")).notes[1]
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


def legacy_file(path: Path, weights: list[list[np.ndarray]], as_list: bool = False, **options: object) -> Path:
    """Write what Keras 2.2 saved of the book's example: model, weights and an optimizer with ``lr``."""
    shape, units = [None, 60, V], len(weights[0][1])
    uniform = {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"}}
    names = ("kernel:0", "recurrent_kernel:0", "bias:0")
    lstm = {
        "name": "lstm_1", "trainable": True, "batch_input_shape": shape, "dtype": "float32",
        "return_sequences": False, "return_state": False, "go_backwards": False, "stateful": False, "unroll": False,
        "units": units, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True,
        "kernel_initializer": uniform, "recurrent_initializer": {"class_name": "Orthogonal", "config": {"gain": 1.0}},
        "bias_initializer": {"class_name": "Zeros", "config": {}}, "unit_forget_bias": True,
        "kernel_regularizer": None, "recurrent_regularizer": None, "bias_regularizer": None,
        "activity_regularizer": None, "kernel_constraint": None, "recurrent_constraint": None,
        "bias_constraint": None, "dropout": 0.0, "recurrent_dropout": 0.0, "implementation": 1, **options,
    }  # fmt: skip
    dense = {
        "name": "dense_1", "trainable": True, "units": V, "activation": "softmax", "use_bias": True,
        "kernel_initializer": uniform, "bias_initializer": {"class_name": "Zeros", "config": {}},
        "kernel_regularizer": None, "bias_regularizer": None, "activity_regularizer": None,
        "kernel_constraint": None, "bias_constraint": None,
    }  # fmt: skip
    layers = [{"class_name": "LSTM", "config": lstm}, {"class_name": "Dense", "config": dense}]
    optimizer = {"class_name": "RMSprop", "config": {"lr": 0.01, "rho": 0.9, "decay": 0.0, "epsilon": 1e-07}}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"2.2.4"
        file.attrs["backend"] = b"tensorflow"
        inner = layers if as_list else {"name": "sequential_1", "layers": layers}
        config = {"class_name": "Sequential", "config": inner}
        file.attrs["model_config"] = json.dumps(config).encode()
        training = {"optimizer_config": optimizer, "loss": "categorical_crossentropy", "metrics": []}
        file.attrs["training_config"] = json.dumps(training).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"lstm_1", b"dense_1"]
        group.attrs["keras_version"] = b"2.2.4"
        for layer, arrays in zip(("lstm_1", "dense_1"), weights, strict=True):
            of_layer = names if len(arrays) == 3 else (names[0], names[2])
            group.create_group(layer).attrs["weight_names"] = [f"{layer}/{name}".encode() for name in of_layer]
            for name, array in zip(of_layer, arrays, strict=True):
                group[layer][f"{layer}/{name}"] = array
    return path


@pytest.mark.parametrize("form", [{}, {"as_list": True}, {"time_major": False}])
def test_a_file_of_keras_2(form: dict[str, Any], tmp_path: Path) -> None:
    model = example()
    weights = [layer.get_weights() for layer in model.layers]
    before = legacy_file(tmp_path / "old.h5", weights, **form).read_bytes()
    found = imported(tmp_path / "old.h5")
    assert (tmp_path / "old.h5").read_bytes() == before
    assert found.file.architecture == Architecture(vocabulary_size=V, embedding=None, hidden=(12,), context_length=60)
    assert found.file.provenance.versions["keras"] == "2.2.4"
    ids = windows(TEXT, CHARACTERS)
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5)
    with pytest.raises(ModelFileError, match=r"hard_sigmoid.*lstm_1.*|lstm_1.*hard_sigmoid"):
        imported(legacy_file(tmp_path / "older.h5", weights, recurrent_activation="hard_sigmoid", **form))


def test_a_keras_file_of_keras_2(tmp_path: Path) -> None:
    model = example()
    saved(model, tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        config = json.loads(new.read("config.json"))
        config["config"]["layers"][0]["config"]["batch_input_shape"] = config["config"]["layers"][0]["config"].pop(
            "batch_shape"
        )
        config["config"]["layers"][1]["config"] |= {"time_major": False, "batch_input_shape": [None, 60, V]}
        old.writestr("config.json", json.dumps(config))
        old.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        old.writestr("model.weights.h5", new.read("model.weights.h5"))
    found = imported(tmp_path / "old.keras")
    assert found.file.provenance.versions["keras"] == "2.15.0"
    ids = windows(TEXT, CHARACTERS)
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5)


def test_weights_of_keras_2(tmp_path: Path) -> None:
    model = example()
    legacy_file(tmp_path / "old.h5", [layer.get_weights() for layer in model.layers])
    with h5py.File(tmp_path / "old.h5") as whole, h5py.File(tmp_path / "weights.h5", "w") as alone:
        for name, group in whole["model_weights"].items():
            whole["model_weights"].copy(group, alone, name)
        alone.attrs["layer_names"] = whole["model_weights"].attrs["layer_names"]
    found = imported(tmp_path / "weights.h5", 60)
    ids = windows(TEXT, CHARACTERS)
    np.testing.assert_allclose(ours(LanguageModel(found.file), ids), probabilities(model, ids), rtol=1e-4, atol=1e-5)

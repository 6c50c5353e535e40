"""What of Keras is refused, and how that is said."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextchar.convert.keras_reading import read_model
from nextchar.convert.keras_weights import read_weights
from nextchar.errors import ModelFileError
from tests.keras_models import NUMPY_WARNING, SMALL, around, keras, last, one_hot

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNING)

V = SMALL


def custom(layers: Any) -> Any:
    class Twice(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs * 2

    return Twice()


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: around(lambda k: k.GRU(4, name="my_gru"), last), r"GRU is not supported.*gates.*'my_gru', GRU"),
    (lambda: around(lambda k: k.SimpleRNN(4), last), "SimpleRNN is not supported"),
    (lambda: around(lambda k: k.Bidirectional(k.LSTM(4)), last), "Bidirectional is not supported.*after"),
    (lambda: around(lambda k: k.LSTM(4), lambda k: k.LayerNormalization(), last), "LayerNormalization is not"),
    (lambda: around(lambda k: k.LSTM(4), lambda k: k.BatchNormalization(), last), "BatchNormalization is not"),
    (lambda: around(lambda k: k.LSTM(4), custom, last), "Twice is not supported"),
    (
        lambda: around(lambda k: k.LSTM(4), lambda k: k.Lambda(lambda x: x, output_shape=(4,)), last),
        "Lambda is not.*code",
    ),
    (lambda: around(lambda k: k.LSTM(4, activation="relu", name="mine"), last), r"activation='relu'.*'mine', LSTM"),
    (
        lambda: around(lambda k: k.LSTM(4, recurrent_activation="hard_sigmoid"), last),
        r"recurrent_activation='hard_sigmoid'.*'sigmoid'",
    ),
    (lambda: around(lambda k: k.LSTM(4, go_backwards=True), last), "go_backwards"),
    (lambda: around(lambda k: k.LSTM(4), lambda k: k.Dense(5, name="hidden"), last), r"Dense.*'hidden', Dense"),
    (lambda: around(lambda k: k.LSTM(4), lambda k: k.Dense(V, activation="sigmoid")), "activation='sigmoid'"),
    (
        lambda: around(lambda k: k.LSTM(4), lambda k: k.Dense(V), lambda k: k.Activation("relu")),
        r"activation='relu'.*Activation",
    ),
    (lambda: around(lambda k: k.LSTM(4), last, lambda k: k.Softmax()), "softmax of a softmax"),
    (
        lambda: around(lambda k: k.LSTM(4, return_sequences=True), lambda k: k.Dense(V), lambda k: k.Softmax(axis=1)),
        "axis=1",
    ),
    (
        lambda: around(lambda k: k.Embedding(V, 3, mask_zero=True), lambda k: k.LSTM(4), last, embedding=True),
        "mask_zero=True",
    ),
    (
        lambda: around(lambda k: k.Embedding(V + 1, 3), lambda k: k.LSTM(4), last, embedding=True),
        r"reads 8 different characters and predicts 7",
    ),
    (lambda: around(lambda k: k.LSTM(4), lambda k: k.Dense(5, activation="softmax")), "reads 7 .* predicts 5"),
    (lambda: around(lambda k: k.Flatten(), last), "Flatten is not supported"),
    (lambda: around(lambda k: k.LSTM(4)), "its layers are LSTM"),
    (
        lambda: around(lambda k: k.TimeDistributed(k.LayerNormalization()), lambda k: k.LSTM(4), last),
        r"TimeDistributed\(LayerNormalization\) is not",
    ),
]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(("make", "reason"), REFUSED)
def test_what_is_refused_is_named(make: Callable[[], Any], reason: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    make().save(path)
    with pytest.raises(ModelFileError, match=reason) as refused:
        read_model(path)
    assert str(path) in str(refused.value)
    assert len(str(refused.value)) - len(str(path)) < 400
    assert "\n" not in str(refused.value)


def two_inputs() -> Any:
    layers = keras().layers
    one, other = keras().Input((20, V)), keras().Input((4,))
    return keras().Model([one, other], last(layers)(layers.LSTM(4)(one, initial_state=[other, other])))


def two_outputs() -> Any:
    layers = keras().layers
    read = keras().Input((20, V))
    hidden = layers.LSTM(4)(read)
    return keras().Model(read, [last(layers)(hidden), last(layers)(hidden)])


def used_twice() -> Any:
    layers = keras().layers
    read, lstm = keras().Input((20, V)), layers.LSTM(V, return_sequences=True)
    return keras().Model(read, last(layers)(lstm(lstm(read))))


def state_handed_on() -> Any:
    layers = keras().layers
    read = keras().Input((20, V))
    outputs, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(read)
    return keras().Model(read, last(layers)(layers.LSTM(4)(outputs, initial_state=[h, c])))


def a_model_inside() -> Any:
    layers = keras().layers
    return keras().Sequential([keras().Input((20, V)), keras().Sequential([layers.LSTM(4)]), last(layers)])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (two_inputs, "2 inputs"),
        (two_outputs, "2 outputs"),
        (used_twice, "one layer after another"),
        (state_handed_on, "one layer after another"),
        (a_model_inside, "a model inside the model"),
    ],
)
def test_models_of_other_forms_are_refused(make: Callable[[], Any], reason: str, tmp_path: Path) -> None:
    make().save(tmp_path / "model.keras")
    with pytest.raises(ModelFileError, match=reason):
        read_model(tmp_path / "model.keras")


def test_a_class_of_its_makers_own_is_refused(tmp_path: Path) -> None:
    class Mine(keras().Model):
        def call(self, inputs: Any) -> Any:
            return inputs

    model = Mine()
    model(np.zeros((1, 2), np.float32))
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelFileError, match="Mine"):
        read_model(tmp_path / "model.keras")


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_model_without_weights_is_refused(tmp_path: Path) -> None:
    layers = keras().layers
    keras().Sequential([layers.LSTM(4), last(layers)]).save(tmp_path / "model.keras")
    with pytest.raises(ModelFileError, match="before the model had weights"):
        read_model(tmp_path / "model.keras")


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = one_hot(V, hidden=3)
    arrays = model.get_weights()
    arrays[0][1, 2] = np.nan
    model.set_weights(arrays)
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelFileError, match="not finite"):
        read_model(tmp_path / "model.keras")


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_other_precisions_are_said_and_quantised_weights_refused(tmp_path: Path) -> None:
    model = one_hot(V, hidden=3, dtype="mixed_float16")
    model.save(tmp_path / "mixed.keras")
    assert "mixed_float16" in read_model(tmp_path / "mixed.keras").notes[0]
    model = one_hot(V, hidden=4)
    model.quantize("int8")
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelFileError, match="int8"):
        read_model(tmp_path / "model.keras")


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.99])
def test_a_file_cut_short_is_refused(suffix: str, part: float, tmp_path: Path) -> None:
    path, model = tmp_path / f"model{suffix}", one_hot(V, hidden=3)
    (model.save_weights if suffix == ".weights.h5" else model.save)(path)
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(ModelFileError, match="is not a model that Keras can read, or is damaged"):
        read_weights(path) if suffix == ".weights.h5" else read_model(path)


@pytest.mark.parametrize(
    "config", ["{}", "[]", "7", "no JSON", '{"class_name": "Sequential", "config": {"layers": [{}]}}']
)
def test_a_strange_archive_is_refused(config: str, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("metadata.json", "{}")
    with pytest.raises(ModelFileError, match=r"model\.keras"):
        read_model(path)


def test_nothing_in_a_file_is_imported(tmp_path: Path) -> None:
    one_hot(V, hidden=3).save(tmp_path / "good.keras")
    with (
        zipfile.ZipFile(tmp_path / "good.keras") as good,
        zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad,
    ):
        config = json.loads(good.read("config.json"))
        config["config"]["layers"][1]["config"]["kernel_initializer"] = {
            "module": "os",
            "class_name": "function",
            "config": "system",
            "registered_name": "function",
        }
        for name in good.namelist():
            bad.writestr(name, json.dumps(config) if name == "config.json" else good.read(name))
    with pytest.raises(ModelFileError, match="damaged"):
        read_model(tmp_path / "bad.keras")

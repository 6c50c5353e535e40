"""Models of Keras for tests, made by Keras itself."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nextchar.convert import keras_model
from nextchar.convert.characters import TextCharacters
from nextchar.convert.result import Imported
from nextchar.model.language_model import LanguageModel
from nextchar.networks.architecture import Parameters
from nextchar.text.files import open_text
from tests.command import made_up_text

NUMPY_WARNING = "ignore:__array__ implementation:DeprecationWarning"
"""What NumPy says of the tensors of torch, which Keras takes the weights from."""

TEXT = made_up_text(3000).lower()
CHARACTERS = "".join(sorted(set(TEXT)))
V = len(CHARACTERS)
"""Size of the vocabulary of most models here."""

SMALL = 7
"""Size of the vocabulary of models whose text does not matter."""

ONE_LAYER = ("layer0.input_weight", "layer0.hidden_weight", "layer0.bias", "output.weight", "output.bias")
"""Names of the weights of one one-hot layer, in the order of Keras."""


@cache
def keras() -> Any:
    """Return Keras, which computes with torch."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return importlib.import_module("keras")


def sequential(*layers: Any, seed: int = 0) -> Any:
    """Return a model of ``layers`` with random weights, large enough that no two characters are equally probable."""
    model = keras().Sequential(list(layers))
    return randomised(model, seed)


def randomised(model: Any, seed: int = 0) -> Any:
    """Return ``model`` with random weights."""
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(0, 0.7, weight.shape).astype(np.float32) for weight in model.get_weights()])
    return model


def one_hot(size: int, hidden: int = 12, steps: int | None = 60, seed: int = 0, **options: Any) -> Any:
    """Return the model of Keras's example."""
    layers = keras().layers
    return sequential(
        keras().Input((steps, size)),
        layers.LSTM(hidden, **options),
        layers.Dense(size, activation="softmax"),
        seed=seed,
    )


def probabilities(model: Any, ids: np.ndarray) -> np.ndarray:
    """Return what Keras predicts after each of ``ids`` (N, T), read as the model wants them: shape (N, V)."""
    size = model.layers[-1].output.shape[-1]
    inputs = ids if len(model.input_shape) == 2 else np.eye(size, dtype=np.float32)[ids]
    predicted = keras().ops.convert_to_numpy(model(inputs, training=False))
    return predicted[:, -1] if predicted.ndim == 3 else predicted


def characters_of(path: Path, text: str, lowercase: bool = False) -> TextCharacters:
    """Return the characters of ``text``, which is written to ``path``."""
    path.write_text(text, encoding="utf-8")
    return TextCharacters((open_text(path),), lowercase)


def windows(text: str, characters: str, length: int = 60, number: int = 6) -> np.ndarray:
    """Return ids (N, T) of ``number`` windows spread over ``text``, numbered as ``characters`` are ordered."""
    starts = np.linspace(0, len(text) - length, number).astype(int)
    return np.array([[characters.index(c) for c in text[start : start + length]] for start in starts])


def keras_example(window: int, vocabulary_size: int, hidden: int, rate: float = 0.01) -> Any:
    """Return the model of the example, compiled."""
    layers = keras().layers
    model = keras().Sequential(
        [
            keras().Input((window, vocabulary_size)),
            layers.LSTM(hidden),
            layers.Dense(vocabulary_size, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer=keras().optimizers.RMSprop(learning_rate=rate))
    return model


def set_parameters(model: Any, parameters: Parameters) -> None:
    """Give ``model`` the weights of an architecture of one one-hot layer."""
    model.set_weights([parameters[name].T for name in ONE_LAYER])


def get_parameters(model: Any) -> Parameters:
    """Return the weights of ``model`` under the names of an architecture of one one-hot layer."""
    return {name: np.asarray(weight.T) for name, weight in zip(ONE_LAYER, model.get_weights(), strict=True)}


def saved(model: Any, path: Path) -> Path:
    """Return ``path``, where Keras has saved ``model``."""
    (model.save_weights if path.name.endswith(".weights.h5") else model.save)(path)
    return path


def imported(path: Path, context_length: int | None = None) -> Imported:
    return keras_model.read(path, characters_of(path.with_name("text.txt"), TEXT), context_length)


def ours(model: LanguageModel, ids: np.ndarray) -> np.ndarray:
    """Return what ``model`` predicts after each of ``ids``: shape (N, V)."""
    logits, _ = model.network.forward(ids, model.network.initial_state(len(ids)))
    powers = np.exp(logits[:, -1].astype(np.float64))
    return powers / powers.sum(-1, keepdims=True)


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
            of_group = group.create_group(layer)
            of_group.attrs["weight_names"] = [f"{layer}/{name}".encode() for name in of_layer]
            for name, array in zip(of_layer, arrays, strict=True):
                of_group[f"{layer}/{name}"] = array
    return path


def around(*make: Callable[[Any], Any], embedding: bool = False) -> Any:
    """Return a model of these layers, from the first to read to the last."""
    layers = keras().layers
    first = keras().Input((20,)) if embedding else keras().Input((20, SMALL))
    return sequential(first, *(layer(layers) for layer in make))


def last(layers: Any) -> Any:
    return layers.Dense(SMALL, activation="softmax")

"""Models of Keras for tests, made by Keras itself."""

from __future__ import annotations

import importlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from nextchar.convert.characters import TextCharacters
from nextchar.networks.architecture import Parameters
from nextchar.text.files import open_text

NUMPY_WARNING = "ignore:__array__ implementation:DeprecationWarning"
"""What NumPy says of the tensors of torch, which Keras takes the weights from."""

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

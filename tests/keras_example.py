"""The classic program in Keras, with torch below it: the oracle of the classic recipe."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from nextchar.architecture import Parameters

os.environ["KERAS_BACKEND"] = "torch"


def keras_example(window: int, vocabulary_size: int, hidden: int, rate: float = 0.01) -> Any:
    """Return the model of the example, compiled."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((window, vocabulary_size)),
            keras.layers.LSTM(hidden),
            keras.layers.Dense(vocabulary_size, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(learning_rate=rate))
    return model


def set_parameters(model: Any, parameters: Parameters) -> None:
    """Give ``model`` the weights of an architecture of one one-hot layer."""
    names = ("layer0.input_weight", "layer0.hidden_weight", "layer0.bias", "output.weight", "output.bias")
    model.set_weights([parameters[name].T for name in names])


def get_parameters(model: Any) -> Parameters:
    """Return the weights of ``model`` under the names of an architecture of one one-hot layer."""
    names = ("layer0.input_weight", "layer0.hidden_weight", "layer0.bias", "output.weight", "output.bias")
    return {name: np.asarray(weight.T) for name, weight in zip(names, model.get_weights(), strict=True)}
